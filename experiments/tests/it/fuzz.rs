//! Scenarios, manifests and traces with their tokens deleted, doubled, swapped and driven to
//! extremes, resolved and played in this process: none panics or hangs, and each ends with a
//! diagnostic or with a record whose requests add up.
//!
//! `FUZZ_CASES=20000 FUZZ_SEED=7 cargo test --release -p flashcrowd --test it fuzz` plays more.

#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a watchdog needs a clock and a thread")]
#![expect(clippy::print_stderr, reason = "says what long runs found")]

use flashcrowd::scenario::Resolved;
use flashcrowd::scenario::load::Text;
use flashcrowd_core::Simulation;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Something of everything that a scenario can say.
const RICH: &str = include_str!("fuzz/rich.ron");
/// A service of tokens, for manifests that ask for their metrics.
const LLM: &str = include_str!("fuzz/llm.ron");
/// Regions, markets, faults, buyers.
const REGIONS: &str = include_str!("fuzz/regions.ron");
const MANIFEST: &str = include_str!("fuzz/hpa.yaml");
const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n\
    2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,55\n2023-11-16 18:15:58.5,91,16\n";

/// What stands in place of a number.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "64",
    "65",
    "100",
    "1000",
    "65536",
    "100000",
    "1000000",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "-1",
    "0.5",
    "0.001",
    "0.999999999",
    "1e308",
    "1e-308",
    "5e-324",
    "1e12",
    "1e18",
    "NaN",
    "inf",
    "-inf",
    "-0.0",
    "1e400",
];
/// What stands in place of a quoted quantity.
const QUANTITIES: &[&str] = &[
    "0s",
    "1ps",
    "1ns",
    "1us",
    "1ms",
    "10ms",
    "100ms",
    "1s",
    "3s",
    "59s",
    "1h",
    "100d",
    "213d",
    "18446744s",
    "99999d",
    "0/s",
    "1e-9/s",
    "5/s",
    "1000/s",
    "100000/s",
    "1e12/s",
    "0B",
    "1B",
    "1GiB",
    "16EiB",
    "0/h",
    "0.000000000001/h",
    "18446744/h",
    "1B/s",
    "1TB/s",
    "1m",
    "0.5",
    "500m",
    "1k",
    "9223372036854775807",
    "1e400",
    "",
];
/// Overrides that the given scenario understands, at least in their form.
const SETS: &[&str] = &[
    "services.a.serving=Slots(concurrency: ?)",
    "services.a.serving=Sharing(processors: ?, limit: ?)",
    "services.a.serving=DynamicBatch(max_batch: ?, fixed: \"$\", per_item: \"$\")",
    "services.a.serving=DynamicBatch(max_batch: ?, instances: ?, max_delay: \"$\", fixed: \"$\", per_item: \"$\", host_per_item: \"$\")",
    "services.a.serving=DynamicBatch(profile: \"bert-large-a100-80gb-tensorrt-fp16\", preferred: [?], queue_delay: \"$\")",
    "services.a.serving=DynamicBatch(profile: \"tft-a30-tensorrt-fp16-traffic\", items_per_request: ?, max_batch: ?)",
    "services.a.serving=DynamicBatch(max_batch: 4, fixed: \"1s\", per_item: \"$\", sharing: ?, formed_ahead: ?, overhead: \"$\")",
    "services.a.service_time=\"$\"",
    "services.a.service_time=LogNormal(p50: \"$\", p99: \"$\")",
    "services.a.service_time=LogNormal(mean: \"$\", cv: ?)",
    "services.a.service_time=Gamma(mean: \"$\", cv: ?)",
    "services.a.service_time=Weibull(shape: ?, scale: \"$\")",
    "services.a.service_time=Hyperexponential(mean: \"$\", cv: ?)",
    "services.a.queue=Shared(capacity: ?)",
    "services.a.queue=PerReplica(capacity: ?, gateway: ?)",
    "services.a.router=PowerOfChoices(d: ?)",
    "services.a.network=Exponential(mean: \"$\")",
    "services.a.replicas=?",
    "services.a.gpus=?",
    "services.a.groups=?",
    "services.a.gpu_memory=\"$\"",
    "services.a.drain_timeout=\"$\"",
    "services.a.kernel_share=?",
    "services.a.autoscaler=Fixed(replicas: ?)",
    "services.a.autoscaler.sync_period=\"$\"",
    "services.a.autoscaler.phase=\"$\"",
    "services.a.autoscaler.tolerance=?",
    "services.a.autoscaler.downscale_stabilization=\"$\"",
    "services.a.autoscaler.cpu_initialization_period=\"$\"",
    "services.a.startup.probe=(initial_delay: \"$\", period: \"$\", success_threshold: ?)",
    "services.a.startup.weights.cold=Transfer(size: \"$\", from: Rate(\"$\"), streams: ?, cv: ?)",
    "services.a.cpu.idle_cores=?",
    "services.a.cpu.request_cores=?",
    "services.a.bind.m1=Signal(source: \"GpuUtilization\", scrape_period: \"$\", collect_period: \"$\", scale: ?)",
    "services.a.bind.m1=Signal(source: \"LatencyP99\", scrape_period: \"$\", quantile_over: \"$\", rule_period: \"$\")",
    "services.a.bind.m1=Signal(source: \"CpuCores\", average_over: \"$\", relist_period: \"$\", scrape_failure: ?)",
    "services.a.bind.m1=Signal(source: \"RequestsPerSecond\", rate_over: \"$\", scrape_period: \"$\", missing_as_zero: true)",
    "pools.p.max_nodes=?",
    "pools.p.min_nodes=?",
    "pools.p.gpus_per_node=?",
    "pools.p.provisioning=LogNormal(median: \"$\", sigma: ?)",
    "pools.p.idle_timeout=\"$\"",
    "pools.p.minimum_charge=\"$\"",
    "pools.p.gpu_price=\"$\"",
    "traffic.t.rate=?",
    "traffic.t.client=(timeout: \"$\", attempt_timeout: \"$\", retries: (max: ?, backoff: \"$\", factor: ?, cap: \"$\"))",
    "traffic.t.client=(attempt_timeout: \"$\", cancel_on_timeout: false, retries: (max: ?, budget: (ratio: ?, per_s: ?, bucket: ?)))",
    "traffic.t=Users(users: ?, think: \"$\", service: \"a\")",
    "traffic.t=Users(users: ?, think: Exponential(mean: \"$\"), service: \"b\")",
    "traffic.t=Mmpp(states: [(rate: ?, mean: \"$\"), (rate: ?, mean: \"$\")], service: \"a\")",
    "traffic.t=Schedule(steps: [(at: \"0s\", rate: ?), (at: \"$\", rate: ?)], ramp: true, repeat_every: \"$\", service: \"a\")",
    "traffic.t=Trace(path: \"t.csv\", time_scale: ?, rate_scale: ?, repeat: ?, service: \"a\")",
    "traffic.t=Trace(path: \"t.csv\", window: (from: \"$\", to: \"$\"), service: \"b\")",
    "node_scan_period=\"$\"",
    "series_period=\"$\"",
    "warmup=\"$\"",
    "request_samples=?",
    "seed=?",
];

/// A file of each controller, with something of everything that it can say.
const FILES: &[(&str, &str)] = &[
    ("knative.yaml", include_str!("fuzz/knative.yaml")),
    ("keda.yaml", include_str!("fuzz/keda.yaml")),
    ("job.yaml", include_str!("fuzz/job.yaml")),
    ("ray.yaml", include_str!("fuzz/ray.yaml")),
    ("skyserve.yaml", include_str!("fuzz/skyserve.yaml")),
    ("aibrix.yaml", include_str!("fuzz/aibrix.yaml")),
    ("wva.yaml", include_str!("fuzz/wva.yaml")),
    ("dynamo.yaml", include_str!("fuzz/dynamo.yaml")),
    ("aws.json", include_str!("fuzz/aws.json")),
];
/// Policies that stand inline, and what a scenario may add to a manifest.
const POLICIES: &[&str] = &[
    "services.chat.autoscaler=QueueDepth(waiting_per_replica: ?, min: ?, max: ?)",
    "services.chat.autoscaler=ConcurrencyTarget(in_flight_per_replica: ?, max: ?)",
    "services.chat.autoscaler=LatencyTarget(metric: TimeToFirstToken, target: \"$\", min: ?, max: ?)",
    "services.chat.autoscaler=Timetable(steps: [(at: \"0h\", replicas: ?), (at: \"$\", replicas: ?)])",
    "services.chat.autoscaler=Predictive(rate_per_replica: ?, max: ?)",
    "services.chat.autoscaler=Predictive(rate_per_replica: ?, season: \"$\", max: ?)",
    "services.chat.autoscaler=Clairvoyant(rate_per_replica: ?, min: ?, max: ?)",
    "services.chat.autoscaler.faithful=false",
    "services.chat.at_zero=Hold(?)",
    "services.chat.at_zero=Activator",
    "services.chat.at_zero=Refused",
    "services.chat.replicas=?",
    "services.chat.serving.max_num_seqs=?",
    "traffic.t.rate_scale=?",
];

/// A small generator, so that a case is told by its number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// Cuts a text into words, numbers, quoted strings and single marks.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        let mut token = String::from(first);
        if first == '"' {
            for c in chars.by_ref() {
                token.push(c);
                if c == '"' {
                    break;
                }
            }
        } else if first.is_alphanumeric() {
            while let Some(&c) = chars.peek()
                && (c.is_alphanumeric() || c == '.' || c == '_')
            {
                token.push(c);
                chars.next();
            }
        }
        tokens.push(token);
    }
    tokens
}

fn is_number(token: &str) -> bool {
    token.trim_matches('"').starts_with(|c: char| c.is_ascii_digit())
}

/// Mostly drives quantities to extremes; now and then breaks the form.
fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut tokens = tokens(text);
    for _ in 0..=dice.below(4) {
        let numbers: Vec<usize> = (0..tokens.len()).filter(|&i| is_number(&tokens[i])).collect();
        let (a, b) = (dice.below(tokens.len()), dice.below(tokens.len()));
        match dice.below(16) {
            0 => drop(tokens.remove(a)),
            1 => tokens.insert(a, tokens[b].clone()),
            2 => tokens.swap(a, b),
            3 => {
                let numbers = [numbers[dice.below(numbers.len())], numbers[dice.below(numbers.len())]];
                tokens.swap(numbers[0], numbers[1]);
            }
            _ => {
                let at = numbers[dice.below(numbers.len())];
                let quoted = tokens[at].starts_with('"');
                tokens[at] =
                    if quoted { format!("\"{}\"", dice.pick(QUANTITIES)) } else { dice.pick(NUMBERS).to_owned() };
            }
        }
    }
    tokens.concat()
}

/// An override with its holes filled.
fn fill(template: &str, dice: &mut Dice) -> String {
    let mut filled = String::new();
    for c in template.chars() {
        match c {
            '?' => filled.push_str(dice.pick(NUMBERS)),
            '$' => filled.push_str(dice.pick(QUANTITIES)),
            c => filled.push(c),
        }
    }
    filled
}

/// Resolves and plays `s.ron` of a folder. The cap on what is played is the test's, not the user's.
fn play(folder: &Path, sets: &[String]) -> Result<(), String> {
    let text = Text::read(&folder.join("s.ron").to_string_lossy()).map_err(|error| error.to_string())?;
    let text = text.with(sets).map_err(|error| error.to_string())?;
    let loaded = text.resolve().map_err(|error| error.to_string())?;
    loaded.variants.iter().try_for_each(play_one)
}

fn play_one(resolved: &Resolved) -> Result<(), String> {
    let mut world = resolved.world(0).map_err(|error| error.to_string())?;
    world.limits.events = 100_000;
    world.limits.live_requests = 20_000;
    let record = Simulation::new(world).run().map_err(|error| error.to_string())?;
    for client in &record.clients {
        let ended = client.requests.completed
            + client.requests.rejected
            + client.requests.expired
            + client.requests.failed
            + client.requests.live_at_end;
        assert_eq!(client.requests.arrived, ended, "requests of `{}` do not add up", client.name);
        assert!(client.attempts >= client.requests.completed);
    }
    let usd = record.bill.usd(|_| true);
    assert!(usd.is_finite() && usd >= 0.0, "a bill of {usd}");
    for decision in &record.decisions {
        assert!(decision.signals.iter().all(|signal| signal.mean.is_finite()), "a signal shows {:?}", decision.signals);
    }
    for row in &record.series {
        assert!((0.0..=1.0).contains(&row.utilization), "utilization {}", row.utilization);
    }
    Ok(())
}

/// Plays on a thread of its own, to see what never ends.
fn watched(folder: PathBuf, sets: Vec<String>, case: &str) -> Result<(), String> {
    let (tell, hear) = mpsc::channel();
    let began = Instant::now();
    let thread = std::thread::spawn(move || tell.send(play(&folder, &sets)));
    let patience = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 6 });
    match hear.recv_timeout(patience) {
        Ok(result) => {
            if began.elapsed() > Duration::from_secs(1) {
                eprintln!("slow, {:?}: {case}", began.elapsed());
            }
            result
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("never ends: {case}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            drop(thread.join());
            panic!("panics: {case}")
        }
    }
}

fn number_of(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_mutant_panics_or_hangs() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let (seed, cases) = (number_of("FUZZ_SEED", 1), number_of("FUZZ_CASES", 500));
    let (mut played, mut failures) = (0, 0);
    let mut refused = std::collections::BTreeMap::<String, u32>::new();
    for case in 0..cases {
        let mut dice = Dice(seed << 32 | case);
        let kind = dice.below(8);
        let scenario = if kind < 3 { mutate(RICH, &mut dice) } else { RICH.to_owned() };
        let manifest = if kind == 3 { mutate(MANIFEST, &mut dice) } else { MANIFEST.to_owned() };
        let trace = if kind == 4 { mutate(TRACE, &mut dice) } else { TRACE.to_owned() };
        let mut sets: Vec<String> = Vec::new();
        if kind == 4 {
            sets.push("traffic.t=Trace(path: \"t.csv\", service: \"a\", on_bad_row: Drop)".to_owned());
        }
        for _ in 0..if kind > 3 { 1 + dice.below(4) } else { 0 } {
            let template = dice.pick(SETS);
            sets.push(fill(template, &mut dice));
        }
        // What is set counts from the working directory.
        let place = folder.path().join("t.csv").to_string_lossy().into_owned();
        for set in &mut sets {
            *set = set.replace("t.csv", &place);
        }
        write("s.ron", &scenario);
        write("h.yaml", &manifest);
        write("t.csv", &trace);
        let about = if kind < 3 { difference(RICH, &scenario) } else { format!("{sets:?}") };
        let about = format!("seed {seed} case {case}: {about}{}", if kind == 3 { &manifest } else { "" });
        let base = folder.path().to_owned();
        let result = std::panic::catch_unwind(|| watched(base, sets, &about));
        match result {
            Ok(Ok(())) => played += 1,
            Ok(Err(error)) => {
                let line = error.lines().next().unwrap_or("").chars().take(90).collect();
                *refused.entry(line).or_default() += 1;
            }
            Err(_) => failures += 1,
        }
    }
    if cases > 1_000 {
        eprintln!("{played} of {cases} were played; refusals: {refused:#?}");
    }
    assert_eq!(failures, 0, "{failures} of {cases} mutants failed");
    // About one in nine is; far fewer would mean that mutations only break the syntax.
    assert!(played > cases / 20, "only {played} of {cases} mutants were valid");
}

/// The same of the files of all controllers and of the policies that stand inline.
#[test]
fn no_mutant_of_a_policy_panics_or_hangs() {
    let folder = TempDir::new().unwrap();
    let (seed, cases) = (number_of("FUZZ_SEED", 1), number_of("FUZZ_CASES", 300));
    let (mut played, mut failures) = (0, 0);
    for case in 0..cases {
        let mut dice = Dice(seed << 32 | case | 1 << 24);
        let (name, text) = FILES[dice.below(FILES.len())];
        let manifest = if dice.below(4) > 0 { mutate(text, &mut dice) } else { text.to_owned() };
        let sets: Vec<String> = (0..dice.below(3)).map(|_| fill(dice.pick(POLICIES), &mut dice)).collect();
        fs::write(folder.path().join("s.ron"), LLM.replace("h.yaml", name)).unwrap();
        fs::write(folder.path().join(name), &manifest).unwrap();
        let about = format!("seed {seed} case {case}, {name}: {sets:?} {}", difference(text, &manifest));
        let base = folder.path().to_owned();
        match std::panic::catch_unwind(|| watched(base, sets, &about)) {
            Ok(result) => played += u64::from(result.is_ok()),
            Err(_) => failures += 1,
        }
    }
    if cases > 1_000 {
        eprintln!("{played} of {cases} were played");
    }
    assert_eq!(failures, 0, "{failures} of {cases} mutants failed");
    assert!(played > cases / 10, "only {played} of {cases} mutants were valid");
}

/// Overrides of the world of regions.
const PLACES: &[&str] = &[
    "node_autoscaler=ClusterAutoscaler()",
    "node_autoscaler=Plain",
    "drains_on_notice=false",
    "services.s.routing=LatencyAware(per_outstanding: \"$\")",
    "services.s.routing=PrefixAffinity(at: ?)",
    "services.s.routing=LeastLoaded",
    "services.s.routing=Weighted(weights: {\"moon\": ?})",
    "services.s.capacity=Foresight(lead: \"$\", look_every: \"$\")",
    "services.s.capacity=OnDemandOnly(look_every: \"$\")",
    "services.s.capacity.overprovision=?",
    "services.s.health.time_to_live=$",
    "services.s.replicas=?",
    "services.s.requeue_lost=?",
    "markets.aws.nodes=?",
    "markets.aws.up_scale=?",
    "markets.lives.lifetime=Bathtub",
    "pools.us-spot.notice=$",
    "pools.eu.committed_nodes=?",
    "faults.one.lasts=$",
    "faults.three.every=$",
    "traffic.us.client.round_trips=?",
    "geography.egress_per_gb=?",
];

/// The same of regions, spot markets, faults and who buys where.
#[test]
fn no_mutant_of_the_world_panics_or_hangs() {
    let folder = TempDir::new().unwrap();
    let (seed, cases) = (number_of("FUZZ_SEED", 1), number_of("FUZZ_CASES", 300));
    let (mut played, mut failures) = (0, 0);
    for case in 0..cases {
        let mut dice = Dice(seed << 32 | case | 1 << 25);
        let scenario = if dice.below(4) > 0 { mutate(REGIONS, &mut dice) } else { REGIONS.to_owned() };
        let sets: Vec<String> = (0..dice.below(3)).map(|_| fill(dice.pick(PLACES), &mut dice)).collect();
        fs::write(folder.path().join("s.ron"), &scenario).unwrap();
        let about = format!("seed {seed} case {case}: {sets:?} {}", difference(REGIONS, &scenario));
        let base = folder.path().to_owned();
        match std::panic::catch_unwind(|| watched(base, sets, &about)) {
            Ok(result) => played += u64::from(result.is_ok()),
            Err(_) => failures += 1,
        }
    }
    if cases > 1_000 {
        eprintln!("{played} of {cases} were played");
    }
    assert_eq!(failures, 0, "{failures} of {cases} mutants failed");
    assert!(played > cases / 10, "only {played} of {cases} mutants were valid");
}

/// What fuzzing found, and what was looked for by hand: played or refused, and at once.
#[test]
fn nasty_cases_end_at_once() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), RICH).unwrap();
    fs::write(folder.path().join("h.yaml"), MANIFEST).unwrap();
    fs::write(folder.path().join("t.csv"), TRACE).unwrap();
    let trace = folder.path().join("t.csv");
    let thin = format!(
        "traffic.t=Trace(path: {:?}, rate_scale: 1e-300, repeat: 4294967295, service: \"a\")",
        trace.to_string_lossy()
    );
    let nasty: &[(&str, Option<&str>)] = &[
        ("services.a.replicas=10000", None),
        ("services.a.autoscaler=Fixed(replicas: 10000)", None),
        ("services.a.cpu.idle_cores=1e308", Some("expected at most 1000000")),
        ("services.a.bind.m1=Signal(source: \"GpuUtilization\", scale: 1e308)", Some("expected 1e-12 to 1e12")),
        ("replicates=100001", Some("expected 1 to 100000")),
        (&thin, Some("rows are to be read")),
    ];
    for (set, refusal) in nasty {
        let result = watched(folder.path().to_owned(), vec![(*set).to_owned()], set);
        match refusal {
            None => assert_eq!(result, Ok(()), "{set}"),
            Some(words) => assert!(result.as_ref().is_err_and(|error| error.contains(words)), "{set}: {result:?}"),
        }
    }
}

/// The lines that changed.
fn difference(before: &str, after: &str) -> String {
    let before: Vec<&str> = before.lines().collect();
    after.lines().filter(|line| !before.contains(line)).collect::<Vec<_>>().join("\n")
}

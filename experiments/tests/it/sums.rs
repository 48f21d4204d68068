//! Whatever is played, the figures of one result add up: in the summary to the last bit of a dollar's
//! trillionth, in the printed report by pocket calculator.

use flashcrowd::registry::Registry;
use flashcrowd::report;
use flashcrowd::results::summary::{Counts, Summary, summary};
use flashcrowd::results::{Figures, Part, ScopeKind, Verdict, verdicts};
use flashcrowd::run::{Played, Progress, play_whole};
use flashcrowd::scenario::load::Text;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A small world: services with queues, autoscalers, SLOs and time-outs of all kinds, two pools of
/// different markets, perhaps regions with an outage, perhaps variants.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is drawn for itself")]
struct Small {
    services: Vec<(u32, u32, bool, u32)>,
    rates: Vec<u32>,
    regions: bool,
    warmup: bool,
    variants: bool,
    spot: bool,
    replicates: u32,
}

fn small() -> impl Strategy<Value = Small> {
    let service = (0_u32..4, 1_u32..5, any::<bool>(), 0_u32..4);
    let services = prop::collection::vec(service, 1..4);
    let rates = prop::collection::vec(1_u32..60, 3);
    (services, rates, any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 1_u32..4).prop_map(
        |(services, rates, regions, warmup, variants, spot, replicates)| Small {
            services,
            rates,
            regions,
            warmup,
            variants,
            spot,
            replicates,
        },
    )
}

impl Small {
    fn text(&self) -> String {
        let mut text = String::from("(horizon: \"4m\", series_period: \"5s\", node_scan_period: \"5s\",\n");
        let _ = writeln!(text, "replicates: {},", self.replicates);
        if self.warmup {
            text.push_str("warmup: \"47s\",\n");
        }
        let market = if self.spot { "market: Spot, supply: \"m\"," } else { "minimum_charge: \"90s\"," };
        if self.spot {
            text.push_str("markets: {\"m\": Lifetimes(nodes: 4, lifetime: Exponential(\"70s\"), away: \"9s\")},\n");
        }
        if self.regions {
            text.push_str("regions: {\"a\": (zones: [\"x\"]), \"b\": (zones: [\"y\", \"z\"])},\n");
            text.push_str(
                "geography: (round_trips: [(from: \"a\", to: \"b\", takes: \"80ms\")], egress_per_gb: 0.05),\n",
            );
            text.push_str("faults: {\"gone\": Outage(region: \"a\", at: \"80s\", lasts: \"40s\")},\n");
        }
        let region = |name: &str| if self.regions { format!("region: \"{name}\",") } else { String::new() };
        let _ = writeln!(
            text,
            "pools: {{\"p\": (gpu: \"L4\", gpus_per_node: 2, gpu_price: \"0.83/h\", min_nodes: 1, max_nodes: 3, {}
                provisioning: \"13s\", idle_timeout: \"20s\"),
             \"q\": (gpu: \"T4\", gpus_per_node: 1, gpu_price: \"0.37/h\", min_nodes: 0, max_nodes: 4, {market} {}
                provisioning: \"7s\", idle_timeout: \"11s\")}},\nservices: {{",
            region("a"),
            region("b")
        );
        for (i, (kind, replicas, scaled, slo)) in self.services.iter().enumerate() {
            let serving = [
                "Slots(concurrency: 2)",
                "Sharing(processors: 1)",
                "DynamicBatch(max_batch: 4, fixed: \"300ms\", per_item: \"90ms\")",
                "Slots(concurrency: 1)",
            ];
            let time = if *kind == 2 { "" } else { "service_time: Exponential(mean: \"700ms\")," };
            let _ = write!(
                text,
                "\"s{i}\": (serving: {}, {time} replicas: {replicas}, drain_timeout: \"300ms\",",
                serving[*kind as usize]
            );
            text.push_str("startup: (image: (cold: \"2s\"), weights: (cold: \"5s\"), engine: (cold: \"3s\")),");
            if self.regions {
                text.push_str("regions: {\"a\": [], \"b\": []}, requeue_lost: 1,");
            }
            if *scaled {
                text.push_str("autoscaler: ConcurrencyTarget(in_flight_per_replica: 2, max: 5, period: \"5s\"),");
            }
            text.push_str(match slo {
                0 => "",
                1 => "slo: [(quantile: 0.9, limit: \"2s\")],",
                2 => "slo: [(quantile: 0.99, limit: \"3s\"), (metric: Queue, quantile: 0.5, limit: \"100ms\")],",
                _ => "slo: [(quantile: 0.5, limit: \"900ms\")],",
            });
            text.push_str("),\n");
        }
        text.push_str("},\ntraffic: {\n");
        for (i, rate) in self.rates.iter().enumerate() {
            let service = i % self.services.len();
            let origin = if self.regions { ", origin: \"a\"" } else { "" };
            let client = [
                "timeout: \"20s\"",
                "timeout: \"9s\", retries: (max: 2)",
                "attempt_timeout: \"2s\", retries: (max: 1)",
            ][i];
            let rate = f64::from(*rate) / 10.0;
            let _ =
                writeln!(text, "\"t{i}\": Poisson(service: \"s{service}\", rate: {rate}, client: ({client}{origin})),");
        }
        text.push_str("},\n");
        if self.variants {
            text.push_str("variants: {\"as it is\": [], \"twice\": [\"pools.p.max_nodes=6\"]},\n");
        }
        text + ")"
    }

    fn play(&self) -> Played {
        let text = self.text();
        let loaded = Text::parse("small", &text, &Registry::new()).and_then(|parsed| parsed.resolve());
        let loaded = loaded.unwrap_or_else(|error| panic!("{error}\n{text}"));
        play_whole(loaded, &Progress::new(false)).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

/// Pico-dollars of each scope of a kind, exactly.
fn pico(figures: &Figures, kind: ScopeKind) -> i128 {
    let own = figures.scopes.iter().filter(|own| own.scope.kind == kind);
    let amounts = own.flat_map(|own| &own.parts).filter(|(figure, _)| figure.0.id == "cost_usd");
    amounts.map(|(_, part)| if let Part::Sum(usd) = part { usd.0 } else { panic!("no sum") }).sum()
}

fn counts_add_up(counts: &Counts) {
    let Counts { arrived, completed, rejected, expired, failed, live_at_end, .. } = *counts;
    assert_eq!(arrived, completed + rejected + expired + failed + live_at_end);
}

fn summary_adds_up(summary: &Summary) {
    counts_add_up(&summary.requests);
    let services = summary.services.values().map(|service| service.requests.arrived).sum::<u64>();
    let routes = summary.routes.values().map(|route| route.requests.arrived).sum::<u64>();
    assert_eq!(services + routes, summary.requests.arrived);
    for of in summary.services.values() {
        counts_add_up(&of.requests);
        for slo in &of.slo {
            let share = slo.attainment.map(|share| (share * (slo.kept + slo.broken) as f64).round());
            assert_eq!(share.map(|kept| kept as u64), (slo.kept + slo.broken > 0).then_some(slo.kept));
            // The quantile lies on the side of its limit that the verdict is on, to a histogram's three digits.
            if slo.kept + slo.broken > 0 {
                let seen = slo.observed_s.unwrap_or(f64::INFINITY);
                assert!(if slo.met { seen <= slo.limit_s * 1.001 } else { seen >= slo.limit_s * 0.999 }, "{slo:?}");
            }
        }
        for quantiles in of.latency_s.values() {
            let all = [quantiles.p50, quantiles.p90, quantiles.p95, quantiles.p99, quantiles.p999, quantiles.max];
            assert!(all.windows(2).all(|pair| pair[0] <= pair[1]), "{quantiles:?}");
            assert_eq!(quantiles.count > 0, quantiles.max.is_some());
        }
        let mean = |name: &str| of.latency_s[name].mean.unwrap_or(0.0);
        let parts =
            ["queue", "cold_start", "no_capacity", "retries", "network", "service"].map(mean).iter().sum::<f64>();
        let counts: Vec<u64> = of.latency_s.values().map(|quantiles| quantiles.count).collect();
        // A part that never occurred has no distribution; its mean is nothing.
        assert!(
            counts.iter().all(|count| *count == 0) || (parts - mean("e2e")).abs() < 1e-9 * (1.0 + mean("e2e")),
            "{of:?}"
        );
    }
    let cost = &summary.cost;
    for table in [&cost.by_pool, &cost.by_region, &cost.by_market, &cost.by_state, &cost.by_use, &cost.by_service] {
        assert!((table.values().sum::<f64>() - cost.total_usd).abs() < 1e-9, "{cost:?}");
    }
    assert!(cost.measured_usd <= cost.total_usd + 1e-12);
    if let Some(per_1k) = cost.usd_per_1k_requests {
        assert!((per_1k * summary.requests.completed as f64 / 1e3 - cost.total_usd).abs() < 1e-9);
    }
    assert_eq!(cost.usd_per_1k_requests.is_none(), summary.requests.completed == 0);
    if let Some(per_1k) = cost.usd_per_1k_good {
        assert!((per_1k * summary.measured.good as f64 / 1e3 - cost.measured_usd).abs() < 1e-9);
    }
}

/// `1,234` or `$1,234.50` as a number.
fn number(text: &str) -> f64 {
    text.trim_matches(|c: char| !c.is_ascii_digit() && c != '.')
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{text}"))
}

/// The amounts of `12 a + 3 b`, each the first or last word of its part.
fn amounts(text: &str) -> Vec<f64> {
    text.split(" + ")
        .map(|part| number(part.split_whitespace().find(|word| word.contains(|c: char| c.is_ascii_digit())).unwrap()))
        .collect()
}

fn report_adds_up(text: &str) {
    for line in text.lines() {
        if let Some((whole, parts)) =
            line.strip_prefix("requests").and_then(|line| line.split(';').next()?.split_once('='))
        {
            // In hundredths, as they are printed.
            let hundredths = |amount: f64| (amount * 100.0).round() as u64;
            let sum: u64 = amounts(parts).into_iter().map(hundredths).sum();
            assert_eq!(sum, hundredths(number(whole)), "{line}");
        }
        if let Some((_, shares)) = line.strip_prefix("money").and_then(|line| line.split_once("/month)")) {
            let percent = shares
                .split("  ")
                .filter_map(|part| part.trim().strip_suffix(" %"))
                .map(|part| number(part.rsplit(' ').next().unwrap()));
            let tenths: u64 = percent.map(|percent| (percent * 10.0).round() as u64).sum();
            assert_eq!(tenths, 1_000, "{line}");
        }
        let total =
            || number(text.lines().find(|line| line.starts_with("money")).unwrap().split_whitespace().nth(1).unwrap());
        for label in ["markets: ", "regions: "] {
            if let Some(parts) = line.split("   ").find_map(|part| part.trim().strip_prefix(label)) {
                assert!((amounts_last(parts).iter().sum::<f64>() - total()).abs() < 1e-9, "{text}");
            }
        }
    }
}

/// The amounts of `a $12 + b $3`.
fn amounts_last(text: &str) -> Vec<f64> {
    text.split(" + ").map(|part| number(part.rsplit(' ').next().unwrap())).collect()
}

/// A row of the SLOs says MISS where a replicate missed, and nowhere else.
fn rows_are_marked(played: &Played, text: &str) {
    let results = played.results();
    for variant in 0..results.variants.len() {
        for verdict in verdicts(&results, variant) {
            let (held, of) = verdict.held();
            let missed = played.of_variant(variant).filter(|run| {
                let summary = summary(&played.loaded, run);
                let slos = summary.routes.get(&verdict.group.name).map(|route| &route.slo);
                let slos = slos.unwrap_or_else(|| &summary.services[&verdict.group.name].slo);
                slos.iter().any(|slo| {
                    !slo.met && slo.limit_s == verdict.slo.limit.as_s_f64() && slo.quantile == verdict.slo.quantile
                })
            });
            assert_eq!(missed.count() as u32, of - held);
            if played.loaded.variants.len() == 1 {
                let row =
                    text.lines().find(|line| line.contains(&verdict.words) && line.contains(&format!(" {held}/{of}")));
                let row = row.unwrap_or_else(|| panic!("{} in\n{text}", verdict.words));
                assert_eq!(row.contains("MISS"), !Verdict::holds(&verdict), "{row}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("SUMS_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(24), ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_adds_up(world in small()) {
        let played = world.play();
        for run in &played.runs {
            let resolved = &played.loaded.variants[run.variant];
            let figures = Figures::of(resolved, run);
            let total = pico(&figures, ScopeKind::All);
            for kind in [ScopeKind::Pool, ScopeKind::Market, ScopeKind::State, ScopeKind::Use, ScopeKind::Region] {
                prop_assert_eq!(pico(&figures, kind), total, "{:?}", kind);
            }
            summary_adds_up(&summary(&played.loaded, run));
        }
        let text = report::text(&played.results());
        report_adds_up(&text);
        rows_are_marked(&played, &text);
        prop_assert!(text.lines().count() <= 30, "{}", text);
        pooled_is_what_the_trials_add_up_to(&played);
    }
}

/// Amounts are means of the trials, shares are sums over sums, and a trial read from text is the trial.
fn pooled_is_what_the_trials_add_up_to(played: &Played) {
    let results = played.results();
    let all = flashcrowd::results::Scope::all();
    let mut by_variant: BTreeMap<usize, Vec<Figures>> = BTreeMap::new();
    for run in &played.runs {
        let figures = Figures::of(&played.loaded.variants[run.variant], run);
        let text = serde_json::to_string(&figures).unwrap();
        let read: Figures = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        by_variant.entry(run.variant).or_default().push(figures);
    }
    for (variant, trials) in by_variant {
        let values =
            |id: &str| trials.iter().map(|figures| figures.value(&all, id).unwrap_or(0.0)).collect::<Vec<f64>>();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let cost = results.estimate(variant, &all, "cost_usd");
        assert!((cost.got.unwrap() - mean(&values("cost_usd"))).abs() < 1e-9);
        let per_1k = results.got(variant, &all, "usd_per_1k_requests");
        let completed: f64 = values("completed").iter().sum();
        let expected = (completed > 0.0).then(|| values("cost_usd").iter().sum::<f64>() / completed * 1e3);
        assert!(per_1k == expected || (per_1k.unwrap() - expected.unwrap()).abs() < 1e-9);
    }
}

/// The calculator notices a report whose parts do not add up.
#[test]
fn the_calculator_finds_what_is_wrong() {
    for wrong in [
        "requests    5 = 2 completed + 2 failed",
        "money       $1.00 in 4m ($2/month)   requests 30 %  idle pods 69.9 %",
    ] {
        assert!(std::panic::catch_unwind(|| report_adds_up(wrong)).is_err(), "{wrong}");
    }
    report_adds_up("requests    5 = 2 completed + 3 failed; 1.20 attempts a request");
}

//! Whole commands on services that serve tokens: what the report and the summary say of them, and
//! what is refused.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const SCENARIO: &str = r#"(
    horizon: "2m",
    pools: {"p": (gpu: "H100", max_nodes: 1)},
    services: {
        "s": (
            model: "Llama-3.1-8B",
            serving: ContinuousBatch(),
            //MORE
        ),
    },
    traffic: {"t": Poisson(rate: 4.0, prompt_tokens: 700, output_tokens: Uniform(low: 100, high: 300))},
)
"#;

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

fn folder_with(scenario: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.ron"), scenario).unwrap();
    folder
}

fn report(scenario: &str, more: &[&str]) -> String {
    let folder = folder_with(scenario);
    let output = flashcrowd(folder.path(), &[&["run", "s.ron", "--no-out"], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn summary(scenario: &str) -> Value {
    serde_json::from_str(&report(scenario, &["--format", "json"])).unwrap()
}

const SLOS: &str = r#"slo: [
    (metric: TimeToFirstToken, quantile: 0.99, limit: "1s"),
    (metric: InterTokenLatency, quantile: 0.99, limit: "1ms"),
    (metric: TimePerOutputToken, quantile: 0.9, limit: "50ms"),
    (metric: EndToEnd, quantile: 0.5, limit: "20s"),
],"#;

#[test]
fn each_slo_is_named_by_its_part() {
    let text = report(&SCENARIO.replace("//MORE", SLOS), &[]);
    let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}\n{text}"));
    for (slo, held) in
        [("ttft p99 < 1s", "1/1"), ("itl p99 < 1ms", "0/1 MISS"), ("tpot p90 < 50ms", "1/1"), ("e2e p50 < 20s", "1/1")]
    {
        assert!(row(slo).contains(held), "{text}");
    }
    assert!(row("engine ").contains("KV cache at most") && !row("engine ").contains("preemptions"), "{text}");
    assert!(row("per 1k requests").contains("per 1M tokens"), "{text}");
    // No request was late as a whole: gaps were.
    let because = row("itl p99 < 1ms");
    assert!(!because.contains("queue") && !because.contains("service"), "{text}");
    assert!(text.lines().count() <= 30, "{text}");
}

#[test]
fn two_services_fit_on_a_screen() {
    let second = r#"
        "large": (
            model: "Llama-3.1-70B",
            serving: ContinuousBatch(),
            gpus: 4,
            slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: "1ms")],
        ),
    },
    traffic: {
        "u": Poisson(rate: 1.0, service: "large", prompt_tokens: 700, output_tokens: 100),
        "t": Poisson(rate: 4.0, service: "s","#;
    let scenario =
        SCENARIO.replace("//MORE", SLOS).replace("\n    },\n    traffic: {\"t\": Poisson(rate: 4.0,", second);
    let text = report(&scenario, &["--replicates", "2"]);
    assert!(text.lines().count() <= 30, "{}\n{text}", text.lines().count());
    let row = |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name}\n{text}"));
    assert!(row("ttft p99 < 1ms").starts_with("large ") && row("ttft p99 < 1ms").contains("0/2 MISS"), "{text}");
    assert!(row("e2e p50 < 20s").contains("2/2"), "{text}");
    // A row of SLOs and one of latencies for each of the two.
    assert_eq!(text.lines().filter(|line| line.contains(" ttft ")).count(), 4, "{text}");
    // What was computed and not measured is the first assumption.
    assert!(text.contains("trust       assumed services.large.serving.times = Llama-3.1-70B/H100/tp4/bf16 (computed"));
    let summary = summary(&scenario);
    let assumed = summary["trust"]["assumed"].as_array().unwrap();
    let times = assumed.iter().filter_map(Value::as_str).find(|text| text.contains("services.large.serving.times"));
    assert!(times.unwrap().contains("not measured") && times.unwrap().contains("7 % in the median"), "{times:?}");
}

#[test]
fn the_summary_has_token_latencies_and_the_work_of_the_engine() {
    let summary = summary(SCENARIO);
    let service = &summary["services"]["s"];
    for part in ["e2e", "ttft", "itl", "tpot", "queue", "cold_start"] {
        for figure in ["count", "mean", "p50", "p90", "p95", "p99", "p999", "max"] {
            assert!(service["latency_s"][part][figure].is_number(), "{part} {figure}");
        }
    }
    let [e2e, ttft, itl] = ["e2e", "ttft", "itl"].map(|part| &service["latency_s"][part]);
    let completed = service["requests"]["completed"].as_u64().unwrap();
    assert_eq!((e2e["count"].as_u64(), ttft["count"].as_u64()), (Some(completed), Some(completed)));
    assert!(ttft["p99"].as_f64() < e2e["p50"].as_f64() && itl["p50"].as_f64() < Some(0.02));
    let output = service["tokens"]["output"].as_u64().unwrap();
    // A request has one gap less than it has tokens; some have not ended.
    let gaps = itl["count"].as_u64().unwrap();
    assert!(gaps >= output - completed && gaps < output + output / 10, "{gaps} gaps, {output} tokens");
    let engine = &service["engine"];
    assert!(engine["kv_cache_peak_use"].as_f64().is_some_and(|share| share > 0.0 && share < 0.2), "{engine}");
    assert_eq!(engine["preemptions"].as_u64(), Some(0));
    assert!(summary["cost"]["usd_per_1m_tokens"].as_f64() > Some(0.0));
    assert_eq!(summary["trust"]["late_requests_outside_validated_band"].as_u64(), Some(0));
}

#[test]
fn late_requests_beyond_the_measured_band_are_counted() {
    let slo = r#"slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: "200ms")],"#;
    let crowd = SCENARIO.replace("//MORE", slo).replace("rate: 4.0", "rate: 60.0");
    let late = |summary: &Value| {
        let count = summary["requests"]["arrived"].as_f64().unwrap();
        count * (1.0 - summary["services"]["s"]["slo"][0]["attainment"].as_f64().unwrap())
    };
    let summary = summary(&crowd);
    let beyond = summary["trust"]["late_requests_outside_validated_band"].as_f64().unwrap();
    // Twice what one GPU can do: nearly all that is late is so beyond the 123 sequences of the sweep.
    assert!(beyond > 0.8 * late(&summary) && beyond <= late(&summary) + 1.0, "{beyond} of {}", late(&summary));
    let text = report(&crowd, &[]);
    assert!(
        text.contains("of late requests beyond the band in which its engine was measured (123 sequences"),
        "{text}"
    );
    // A computed profile has no band.
    let computed = summary_of_computed(&crowd);
    assert!(computed["trust"]["late_requests_outside_validated_band"].is_null());
}

fn summary_of_computed(scenario: &str) -> Value {
    summary(&scenario.replace("gpu: \"H100\"", "gpu: \"A100-80GB\"").replace("Llama-3.1-8B", "Qwen2.5-7B"))
}

#[test]
fn a_cold_start_loads_the_weights_of_the_profile() {
    let check = |scenario: &str| {
        let folder = folder_with(scenario);
        let output = flashcrowd(folder.path(), &["check", "s.ron", "--print-resolved"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = text.lines().find(|line| line.contains(" from gp3 (")).map(str::to_owned);
        found.unwrap_or_else(|| panic!("{text}"))
    };
    assert!(check(SCENARIO).contains("16.06 GB from gp3 (15 s), 2.7 s"), "{}", check(SCENARIO));
    let large = SCENARIO.replace("Llama-3.1-8B", "Llama-3.1-70B").replace("//MORE", "gpus: 4,");
    assert!(check(&large).contains("141.11 GB from gp3 (134 s), 24.1 s"), "{}", check(&large));
    let half = large.replace("ContinuousBatch()", "ContinuousBatch(precision: Fp8)");
    assert!(check(&half).contains("72.6"), "{}", check(&half));
}

/// What a service that serves tokens cannot be: the change to a scenario that plays, and what the
/// message says.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "Llama-3.1-8B",
        "Llama-3.1-8C",
        &["s.ron:6:20", "there is no model `Llama-3.1-8C`", "did you mean `Llama-3.1-8B`?"],
    ),
    ("model: \"Llama-3.1-8B\",", "", &["s.ron:7:22", "`model` is not given", "give the service `model: "]),
    ("Llama-3.1-8B", "Llama-3.1-70B", &["s.ron:7:22", "does not fit", "131.4 GiB", "72.0 GiB", "`gpus: 2`"]),
    ("Llama-3.1-8B", "Llama-3.1-405B", &["does not fit", "no node of the pool `p` has GPUs enough"]),
    ("H100", "T4", &["does not fit", "`gpus: 2`"]),
    ("ContinuousBatch()", "ContinousBatch()", &["s.ron:7:22", "did you mean `ContinuousBatch`?"]),
    ("Batch()", "Batch(max_num_sequences: 4)", &["s.ron:7:38", "did you mean `max_num_seqs`?"]),
    ("Batch()", "Batch(profile: \"mine.ron\")", &["s.ron:7:47", "mine.ron", "No such file"]),
    ("Batch()", "Batch(precision: Int4)", &["s.ron:7:49", "`Bf16`, `Fp8`, `Fp4`"]),
    ("Batch()", "Batch(max_num_seqs: 0)", &["s.ron:7:52", "expected 1 to 65536"]),
    ("Batch()", "Batch(max_num_seqs: -1)", &["s.ron:7:52"]),
    ("Batch()", "Batch(max_num_batched_tokens: 10)", &["s.ron:7:62", "expected 1024 to 1048576"]),
    ("Batch()", "Batch(max_model_len: 0)", &["s.ron:7:53", "expected 2 to"]),
    ("Batch()", "Batch(block_size: 17)", &["s.ron:7:50", "a power of two up to 4096"]),
    ("Batch()", "Batch(gpu_memory_utilization: 1.5)", &["s.ron:7:62", "from 0 to 1"]),
    ("Batch()", "Batch(gpu_memory_utilization: 0.1)", &["does not fit", "8.0 GiB that an engine may take"]),
    ("Batch()", "Batch(kv_cache_tokens: 10)", &["s.ron:7:55", "expected 16 to"]),
    ("Batch()", "Batch(kv_cache_tokens: 100000000000)", &["the longest iteration", "expected at most 100 s"]),
    ("//MORE", "gpus: 3,", &["32 query heads, which 3 GPUs cannot share evenly"]),
    ("//MORE", "groups: 2,", &["s.ron:8:21", "an engine works on one group"]),
    ("//MORE", "gpu_memory: \"60GiB\",", &["s.ron:8:25", "the engine takes 72GiB of each GPU", "leave it out"]),
    ("//MORE", "service_time: \"1s\",", &["s.ron:8:27", "a token-level engine has no `service_time`"]),
    (
        "//MORE",
        "slo: [(metric: TimeToFirstTokens, quantile: 0.99, limit: \"1s\")],",
        &["did you mean `TimeToFirstToken`?"],
    ),
    (
        "ContinuousBatch(),",
        "Slots(concurrency: 1), service_time: \"1s\",
            slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: \"1s\")],",
        &["s.ron:8:28", "only a token-level engine has an SLO of tokens", "ContinuousBatch()"],
    ),
    ("Batch()", "Batch(parallelism: (tp: 2))", &["s.ron:7:51", "tp 2 times dp 1 are 2 GPUs", "`gpus: 2`"]),
    ("Batch()", "Batch(parallelism: (ep: 2))", &["ep 2 does not divide the 1 ranks"]),
    (
        "ContinuousBatch(),\n            //MORE\n        ),",
        "ContinuousBatch(), gpus: 2 ),\n        \"r\": (model: \"Llama-3.1-8B\", resident_on: \"s\",
            serving: ContinuousBatch(parallelism: (dp: 2))),",
        &["s.ron:9:51", "cannot share its GPUs with other engines", "leave `dp` out"],
    ),
    ("Batch()", "Batch(parallelism: (pp: 2))", &["s.ron:7:52", "`tp`, `dp`, `ep`"]),
    ("Batch()", "Batch(scheduler_recv_interval: 10)", &["s.ron:7:63", "a setting of SGLang", "`engine: Sglang`"]),
    ("Batch()", "Batch(engine: Sglang, scheduler_recv_interval: 0)", &["expected 1 to 4096"]),
    (
        "Batch()",
        "Batch(engine: TrtLlm, attention_dp_timeout_iters: 10)",
        &["a setting of TensorRT-LLM with attention data parallelism"],
    ),
    ("Batch()", "Batch(engine: Sglang, profile: \"mine.ron\")", &["a profile has the times of one engine"]),
    ("Batch()", "Batch(engine: Sglan)", &["did you mean `Sglang`?"]),
    ("Batch()", "Batch(kv_cache_dtype: Fp16)", &["`Bf16`, `Fp8`"]),
    (
        "Batch()",
        "Batch(warm_up: [(after: \"5s\", takes: \"1s\"), (after: \"0s\", takes: \"1s\")])",
        &["in the order of `after`"],
    ),
    ("Batch()", "Batch(warm_up: [(after: \"0s\", takes: \"2m\")])", &["a stall of 120s in `warm_up`"]),
    ("Poisson(", "Poisson(client: (max_in_flight: 0), ", &["`max_in_flight` is 0; expected 1 to"]),
    (", prompt_tokens: 700", "", &["s.ron:11:20", "`s` serves tokens, and this traffic has no `prompt_tokens`"]),
    (", output_tokens: Uniform(low: 100, high: 300)", "", &["s.ron:11:20", "no `output_tokens`", "for example"]),
];

#[test]
fn bad_settings_of_an_engine_are_named_with_their_place() {
    for (from, to, words) in REFUSED {
        assert!(SCENARIO.contains(from), "{from}");
        let folder = folder_with(&SCENARIO.replacen(from, to, 1));
        let output = flashcrowd(folder.path(), &["run", "s.ron"]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{from} -> {to}: {message}");
        for word in *words {
            assert!(message.contains(word), "{from} -> {to}: expected `{word}` in\n{message}");
        }
        assert!(output.stdout.is_empty() && !folder.path().join("out").exists(), "{from} -> {to}");
    }
}

/// Engines have their own rules: prompts of `SGLang` stop the decodes, those of TensorRT-LLM are not cut.
#[test]
fn engines_differ_by_name() {
    let of =
        |setting: &str| report(&SCENARIO.replace("ContinuousBatch()", &format!("ContinuousBatch({setting})")), &[]);
    let texts = ["engine: Vllm, kv_cache_dtype: Fp8", "engine: Sglang", "engine: TrtLlm"].map(of);
    let gaps = texts.each_ref().map(|text| text.lines().find(|line| line.contains(" itl ")).expect("gaps").to_owned());
    assert!(gaps[0] != gaps[1] && gaps[1] != gaps[2] && gaps[0] != gaps[2], "{gaps:?}");
    for text in &texts {
        assert!(text.contains("computed, not measured"), "{text}");
    }
}

/// What the engine works with where its rules are written out.
#[test]
fn parallelism_and_cache_decide_the_memory() {
    let tokens = |scenario: &str| -> u64 {
        let folder = folder_with(scenario);
        let output = flashcrowd(folder.path(), &["check", "s.ron", "--print-resolved"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = text.lines().find_map(|line| line.trim().strip_prefix("kv_cache_tokens: ")).expect("tokens");
        found.split(',').next().and_then(|tokens| tokens.parse().ok()).unwrap_or_else(|| panic!("{text}"))
    };
    let model = SCENARIO.replace("Llama-3.1-8B", "Qwen3-30B-A3B");
    let with = |setting: &str, gpus: u32| {
        let more = format!("gpus: {gpus},");
        tokens(&model.replace("ContinuousBatch()", &format!("ContinuousBatch({setting})")).replace("//MORE", &more))
    };
    let (wide, narrow) = (with("", 2), with("kv_cache_dtype: Fp8", 2));
    assert!((narrow as f64 / wide as f64 - 2.0).abs() < 0.01, "{wide} {narrow}");
    // Each replica of the attention has its own cache, and half of the experts.
    let dealt = with("parallelism: (tp: 1, dp: 2, ep: 2)", 2);
    assert!(dealt > 0 && dealt != wide, "{dealt}");
    let nodes = "gpus: 2, groups: 2,";
    let four = model.replace("ContinuousBatch()", "ContinuousBatch(parallelism: (tp: 2, dp: 2, ep: 4))");
    assert!(tokens(&four.replace("//MORE", nodes).replace("max_nodes: 1", "max_nodes: 2")) > dealt);
}

/// Most layers of gemma-3 keep a window of 1,024 tokens: contexts fit that are longer than the logged number of tokens,
/// and more of them at once.
#[test]
fn windows_leave_room_for_long_contexts() {
    let model = SCENARIO.replace("Llama-3.1-8B", "gemma-3-27b");
    let long = model.replace("Poisson(rate: 4.0, prompt_tokens: 700", "Poisson(rate: 0.1, prompt_tokens: 40000");
    let played = summary(&long);
    let engine = &played["services"]["s"]["engine"];
    let tokens = engine["kv_cache_tokens"].as_u64().unwrap();
    assert!(tokens < 40_000, "{tokens}");
    assert!(played["requests"]["completed"].as_u64().unwrap() >= 5, "{}", played["requests"]);
    // A smaller cache, set by hand, cuts what it does not hold.
    let cut = long.replace("ContinuousBatch()", "ContinuousBatch(kv_cache_tokens: 3200)");
    let cut = report(&cut, &[]);
    assert!(cut.contains("longest context"), "{cut}");
    // Windowed groups need a second block.
    let tiny = folder_with(&model.replace("ContinuousBatch()", "ContinuousBatch(kv_cache_tokens: 16)"));
    let refused = flashcrowd(tiny.path(), &["check", "s.ron"]);
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && text.contains("expected 32 to"), "{text}");
}

/// A pod that starts in the run stalls on its first prompts.
#[test]
fn a_new_pod_stalls_on_its_first_prompts() {
    let cold = SCENARIO
        .replace("2m", "12m")
        .replace("//MORE", "starts_cold: true, slo: [(metric: TimeToFirstToken, quantile: 0.99, limit: \"1s\")],");
    let ttft = |scenario: &str| {
        let text = report(scenario, &[]);
        text.lines().find(|line| line.contains(" ttft ") && !line.contains('<')).expect("a line").to_owned()
    };
    let written = cold.replace("ContinuousBatch()", "ContinuousBatch(warm_up: [])");
    assert_ne!(ttft(&cold), ttft(&written));
    // Replicas that ran before do not.
    assert_eq!(ttft(SCENARIO), ttft(&SCENARIO.replace("ContinuousBatch()", "ContinuousBatch(warm_up: [])")));
}

/// Gaps that a full token budget alone makes too long are said to be that.
#[test]
fn a_budget_that_is_too_large_is_named() {
    let slo = "slo: [(metric: InterTokenLatency, quantile: 0.99, limit: \"20ms\")],";
    let busy = SCENARIO.replace("//MORE", slo).replace("rate: 4.0", "rate: 20.0");
    let text = report(&busy, &[]);
    assert!(text.contains("s: an iteration of max_num_batched_tokens, 8192, takes"), "{text}");
    assert!(text.lines().count() <= 30, "{text}");
    let small = busy.replace("ContinuousBatch()", "ContinuousBatch(max_num_seqs: 128, max_num_batched_tokens: 256)");
    assert!(!report(&small, &[]).contains("max_num_batched_tokens,"));
}

#[test]
fn what_is_odd_and_possible_is_warned_about() {
    let short = report(&SCENARIO.replace("ContinuousBatch()", "ContinuousBatch(max_model_len: 500)"), &[]);
    assert!(short.contains("every request was refused; prompts may be longer than the 500 tokens"), "{short}");
    let users = "Users(users: 3, think: \"1s\", client: (max_in_flight: 2), ";
    let closed = report(&SCENARIO.replace("Poisson(rate: 4.0, ", users), &[]);
    assert!(closed.contains("`max_in_flight` has no effect on users: 3 send one request each"), "{closed}");
    let wide = report(&SCENARIO.replace("ContinuousBatch()", "ContinuousBatch(kv_cache_tokens: 1000000)"), &[]);
    assert!(wide.contains("`kv_cache_tokens` is 1000000, its GPUs hold"), "{wide}");
}

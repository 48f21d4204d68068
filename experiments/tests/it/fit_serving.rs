//! `flashcrowd fit serving` as a user meets it, the shipped profiles, and the datasheet law against
//! reference data. The data are not part of the repository: set `FLASHCROWD_REFERENCE` to their folder.

use flashcrowd_profiles::fit::report::{About, fit_each};
use flashcrowd_profiles::fit::{Arrival, Length, Load, Lookahead, Row, closed_loop_itl_ms, input};
use flashcrowd_profiles::{EngineLimits, GPUS, Library, MODELS, Precision, Profile, lookup, read};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const SWEEP: &str = "\
model,gpu,arrival,in_lo,in_hi,out_lo,out_hi,achieved_rps,itl_ms_mean,ttft_ms_mean,ttft_ms_p50,n_ok,n_incomplete
Qwen/Qwen2.5-7B,H100,synchronous,128,384,128,384,0.6,6.1,17,17,200,0
Qwen/Qwen2.5-7B,H100,constant,128,384,128,384,10,7.2,22,21,3000,20
Qwen/Qwen2.5-7B,H100,constant,128,384,128,384,20,8.9,-1e8,24,6000,30
";

fn flashcrowd(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).current_dir(folder).args(args).output().unwrap()
}

fn reference(file: &str) -> Option<PathBuf> {
    std::env::var_os("FLASHCROWD_REFERENCE").map(|folder| PathBuf::from(folder).join("serving").join(file))
}

/// The reference file, or the end of the test.
macro_rules! reference {
    ($file:literal) => {
        match reference($file) {
            Some(file) => file,
            None => {
                println!("skipped: FLASHCROWD_REFERENCE is not set");
                return;
            }
        }
    };
}

/// Plays the arguments in a folder with `s.csv` and expects a refusal that says all of `words`.
fn refused(content: &[u8], args: &[&str], words: &[&str]) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.csv"), content).unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let output = flashcrowd(folder.path(), &[&["fit", "serving", "s.csv"], args].concat());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    for word in words {
        assert!(message.contains(word), "expected `{word}` in\n{message}");
    }
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something was written");
    assert_eq!(fs::read(folder.path().join("notes.txt")).unwrap(), b"mine");
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let change = |from: &str, to: &str| SWEEP.replacen(from, to, 1).into_bytes();
    let out = &["--out", "p.ron"][..];
    refused(b"", out, &["s.csv", "empty"]);
    refused(b"\x1f\x8b\x08", out, &["gzip"]);
    refused(b"a,b\n1,\xff\n", out, &["UTF-8", "line 2"]);
    refused(b"a,b\n1,2\n", out, &["s.csv:1:1", "no load sweep", "itl_ms_mean"]);
    refused(&change("10,7.2", "10,fast"), out, &["s.csv:3:", "expected a number, found \"fast\"", "^^^^"]);
    refused(&change("10,7.2", "10,-7.2"), out, &["s.csv:3:", "above 0"]);
    refused(&change("10,7.2", "10,"), out, &["s.csv:3:", "`itl_ms_mean` has no value"]);
    refused(&change("achieved_rps", "achieved_rsp"), out, &["s.csv:1:", "there is no `achieved_rps`", "achieved_rsp"]);
    refused(&change(",3000,20", ",3000"), out, &["s.csv:3:", "12 cells, the header 13"]);
    refused(&change("constant", "konstant"), out, &["s.csv:3:", "did you mean `constant`?"]);
    refused(&change("H100,constant", "\"H100,constant"), out, &["s.csv:3:", "never closed"]);
    refused(b"{\"mean_itl_ms\": 3,\n \"mean_ttft_ms\": }", out, &["s.csv:2:", "not JSON"]);
    refused(b"[1, 2]", out, &["no run"]);
    refused(b"{\"mean_itl_ms\": 3}", out, &["there is no"]);
    refused(&change("Qwen/Qwen2.5-7B", ""), out, &["does not say which model", "--model"]);
    refused(SWEEP.replace("H100", "").as_bytes(), out, &["on which GPU", "--gpu"]);
    refused(&change("10,7.2", "1e300,7.2"), out, &["s.csv:3:", "below 1e12"]);
    refused(SWEEP.as_bytes(), &["--model", "Qwen/Qwen2.5-8B"], &["no model", "did you mean `Qwen/Qwen2.5-7B`?"]);
    refused(SWEEP.as_bytes(), &["--shapes", "256x255"], &["no shape", "did you mean `256x256`?"]);
    refused(SWEEP.as_bytes(), &["--precision", "fp9"], &["no precision", "did you mean"]);
    refused(SWEEP.as_bytes(), &["--out", "notes.txt"], &["not a profile file"]);
    refused(SWEEP.as_bytes(), &["--out", "no/such/p.ron"], &["cannot write"]);
    let unknown = SWEEP.replace("Qwen/Qwen2.5-7B", "mine");
    refused(unknown.as_bytes(), out, &["mine/H100/tp1/bf16 cannot be fitted: 3 runs can be used and 7 are needed"]);
}

#[test]
fn a_profile_file_is_written_and_read_back() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("s.csv"), SWEEP).unwrap();
    for _ in 0..2 {
        let output = flashcrowd(folder.path(), &["fit", "serving", "s.csv", "--out", "p.ron", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let profiles = read("p.ron", &fs::read(folder.path().join("p.ron")).unwrap()).unwrap();
        assert_eq!(serde_json::to_value(&profiles[0]).unwrap(), told["fits"][0]["profile"]);
        assert_eq!((profiles[0].model.as_str(), profiles[0].origin.name()), ("Qwen2.5-7B", "fitted"));
    }
    let mine = Library::shipped().preferring(read("p.ron", &fs::read(folder.path().join("p.ron")).unwrap()).unwrap());
    assert_eq!(mine.find("Qwen/Qwen2.5-7B-Instruct", "H100", 1, Precision::Bf16).unwrap().origin.name(), "fitted");
}

#[test]
fn a_broken_mean_gives_way_to_the_median() {
    let rows = input::parse("s.csv", SWEEP.as_bytes()).unwrap();
    assert_eq!(rows[2].ttft_ms, Some(24.0));
}

#[test]
fn reports_of_benchmarks_are_read_as_they_are() {
    let vllm = r#"{"model_id": "m", "request_rate": 4.0, "max_concurrency": null, "completed": 100, "duration": 25,
        "total_input_tokens": 51200, "total_output_tokens": 12800, "request_throughput": 3.9, "mean_ttft_ms": 30,
        "mean_tpot_ms": 8, "mean_itl_ms": 8.1, "input_lens": [500, 524]}
        {"model_id": "m", "request_rate": "inf", "max_concurrency": 64, "completed": 100, "total_input_tokens": 51200,
        "total_output_tokens": 12800, "request_throughput": 20, "mean_ttft_ms": 300, "mean_itl_ms": 16}"#;
    let rows = input::parse("v.json", vllm.as_bytes()).unwrap();
    assert_eq!((rows[0].input, rows[0].output.mean), (Length { mean: 512.0, deviation: 12.0 }, 128.0));
    assert_eq!((rows[0].arrival, rows[1].arrival, rows[0].itl_ms), (Arrival::Poisson, Arrival::Closed(64.0), 8.1));

    let guidellm = r#"{"benchmarks": [{"args": {"strategy": {"type_": "constant", "rate": 2.0}},
        "worker": {"backend_model": "m"}, "run_stats": {"requests_made": {"successful": 10, "incomplete": 2}},
        "metrics": {"requests_per_second": {"successful": {"mean": 1.9}},
        "prompt_token_count": {"successful": {"mean": 500.0, "std_dev": 250.0}},
        "output_token_count": {"successful": {"mean": 400.0, "std_dev": 100.0}},
        "time_to_first_token_ms": {"successful": {"mean": -1e8, "median": 20.0}},
        "inter_token_latency_ms": {"successful": {"mean": 7.5}}}}]}"#;
    let row = &input::parse("g.json", guidellm.as_bytes()).unwrap()[0];
    assert_eq!((row.arrival, row.ttft_ms, row.truncated), (Arrival::Constant, Some(20.0), true));
    assert_eq!((row.input.deviation, row.rate, row.model.as_str()), (250.0, 1.9, "m"));

    let flat = "Name,Successful Requests,Incomplete Requests,Successful Requests per second mean,\
        Successful Prompt token count mean,Successful Output token count mean,Successful Time to first token ms mean,\
        Successful Inter token latency ms mean,\"Successful Tokens [min, max]\"\n\
        constant@1.50,540,3,1.49,256,1024,18.2,6.75,\"[0.0, 1.0]\"\n";
    let row = &input::parse("g.csv", flat.as_bytes()).unwrap()[0];
    assert_eq!((row.arrival, row.output.mean, row.truncated), (Arrival::Constant, 1024.0, false));

    let three = "Run Info,Benchmark,Request Counts,Server Throughput,Token Metrics,Token Metrics,Inter Token Latency\n\
        Run ID,Strategy,Successful,Successful Requests/Sec,Successful Input Tokens,Successful Output Tokens,Successful ms\n\
        ,,,Mean,Mean,Mean,Mean\nx,synchronous,20,0.5,256,1024,6.75\n";
    let row = &input::parse("g.csv", three.as_bytes()).unwrap()[0];
    assert_eq!((row.arrival, row.input.mean, row.itl_ms), (Arrival::Synchronous, 256.0, 6.75));
    let shifted = format!("{three}y,constant,20,0.5,256,1024,6.75,9\n");
    assert!(input::parse("g.csv", shifted.as_bytes()).unwrap_err().to_string().contains("give its JSON"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn no_text_makes_it_panic(text in "[\\[{}\\],:\"0-9a-z_.\\n-]{0,200}", cut in 0usize..500, at in 0usize..500, byte: u8) {
        let _ = input::parse("s.csv", text.as_bytes());
        let mut damaged = SWEEP.as_bytes().to_vec();
        damaged[at % SWEEP.len()] = byte;
        damaged.truncate(cut);
        let _ = input::parse("s.csv", &damaged);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 6, ..ProptestConfig::default() })]
    #[test]
    #[cfg_attr(debug_assertions, ignore = "long")]
    fn any_numbers_give_a_finite_profile(
        figures in prop::collection::vec((1e-3..1e5f64, 1e-3..1e5f64, 1e-2..1e6f64, 1.0..1e5f64, 1.0..1e5f64), 1..6),
    ) {
        let header = SWEEP.lines().next().unwrap();
        let line = |(rate, itl, ttft, input, output): &(f64, f64, f64, f64, f64)| {
            format!("Llama-3.1-8B,H100,poisson,{input},{input},{output},{output},{rate},{itl},{ttft},,100,0\n")
        };
        let text: String = std::iter::once(format!("{header}\n")).chain(figures.iter().map(line)).collect();
        let fitted = fit_each(&input::parse("s.csv", text.as_bytes()).unwrap(), &about()).unwrap();
        let values = fitted[0].profile.coefficients.values();
        prop_assert!(values.iter().all(|value| value.is_finite() && *value >= 0.0), "{values:?}");
    }
}

fn about() -> About {
    About {
        gpu: None,
        tensor_parallel: None,
        precision: None,
        data: String::new(),
        on: String::new(),
        batched_tokens: 8192,
        lookahead: Lookahead::Better,
    }
}

/// The shapes that the shipped profiles are fitted to: every input length, with outputs of 256 and
/// 1024 tokens; those of 64 and 4096 are kept to judge them.
const FITTED: [f64; 2] = [256.0, 1024.0];

#[test]
fn the_shipped_profiles_are_those_of_the_reference_sweeps() {
    let file = reference!("llm_guidellm_sweeps.csv");
    let mut rows = input::read(&file).unwrap();
    rows.retain(|row| FITTED.contains(&row.output.mean));
    let fitted = fit_each(&rows, &about()).unwrap();
    for (fitted, shipped) in fitted.iter().zip(Library::shipped().profiles()) {
        assert_eq!(fitted.profile.name, shipped.name);
        assert_eq!(fitted.profile.coefficients, shipped.coefficients, "{}", shipped.name);
        assert_eq!(fitted.profile.lookahead_steps, shipped.lookahead_steps, "{}", shipped.name);
    }
    assert_eq!(fitted.len(), Library::shipped().profiles().len());
}

/// A closed-loop point: where it belongs, and the relative error of the datasheet law.
struct Point {
    groups: [String; 5],
    error: f64,
}

/// FNV-1a of the id: even hashes chose the constants of the law, odd ones judge them.
fn half(id: &str) -> &'static str {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    if hash.is_multiple_of(2) { "chosen on" } else { "held out" }
}

/// The mean time per output token of so many clients, with no more sequences running than the cache
/// holds.
fn predicted(profile: &Profile, input: f64, output: f64, clients: f64) -> f64 {
    let length = |mean| Length { mean, deviation: 0.0 };
    let load = Load {
        input: length(input),
        output: length(output),
        rate_per_ms: 0.0,
        random: true,
        batched_tokens: 8192.0,
        lookahead: 1.0,
    };
    let limits = EngineLimits { batched_tokens: 8192, ..EngineLimits::default() };
    let gpu = lookup(&GPUS, &profile.gpu).unwrap();
    let cache = profile.memory.unwrap().kv_tokens_on(gpu, limits) as f64;
    let running = clients.min(cache / (input + output / 2.0)).max(1.0);
    closed_loop_itl_ms(&profile.coefficients, &load, running)
}

fn dense_points(file: &Path) -> Vec<Point> {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    let wanted = ["Llama-3.1-70B", "Qwen3-32B", "Llama-3.1-8B"];
    let mut points = Vec::new();
    for row in rows.iter().filter(|row| row["mode"] == "agg" && !row["conc"].is_empty()) {
        let number = |key: &str| row[key].parse::<f64>().unwrap();
        let (Ok(model), Ok(gpu)) = (lookup(&MODELS, &row["model_path"]), lookup(&GPUS, &row["system"])) else {
            continue;
        };
        if !wanted.contains(&model.name.as_str()) {
            continue;
        }
        let precision = Precision::from_name(&row["precision"]).unwrap_or(model.precision);
        let profile = Profile::computed(model, gpu, number("tp_size") as u32, precision);
        let itl = predicted(&profile, number("isl"), number("osl"), number("conc"));
        let names = [half(&row["id"]), &model.name, &gpu.name, &row["backend"], precision.name()];
        points.push(Point { groups: names.map(str::to_owned), error: itl / number("silicon_tpot_ms") - 1.0 });
    }
    points
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn the_datasheet_law_on_closed_loop_points() {
    let file = reference!("llm_aiconfigurator_silicon.csv");
    let points = dense_points(&file);
    assert!(points.len() > 450, "{}", points.len());
    println!("{:<16} {:<14} {:>6} {:>8} {:>8} {:>8}", "by", "", "points", "median", "mean", "bias");
    for (kind, by) in ["half", "model", "GPU", "engine", "precision"].into_iter().enumerate() {
        let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for point in &points {
            groups.entry(&point.groups[kind]).or_default().push(100.0 * point.error);
        }
        for (name, errors) in groups {
            let sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
            let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
            let (middle, bias) = (median(sizes), median(errors.clone()));
            println!("{by:<16} {name:<14} {:>6} {middle:>6.1} % {mean:>6.1} % {bias:>+6.1} %", errors.len());
            assert!(kind > 0 || middle <= 10.0, "{name}: {middle}");
        }
    }
}

#[test]
fn the_datasheet_law_on_light_loads() {
    let file = reference!("llm_guidellm_sweeps.csv");
    let rows: Vec<Row> = input::read(&file).unwrap();
    for model in ["Llama-3.1-8B", "Qwen2.5-14B"] {
        let card = lookup(&MODELS, model).unwrap();
        let law = Profile::computed(card, lookup(&GPUS, "H100").unwrap(), 1, Precision::Bf16).coefficients;
        let lookahead = if model == "Llama-3.1-8B" { 0.0 } else { 1.0 };
        let mine = rows.iter().filter(|row| lookup(&MODELS, &row.model) == Ok(card) && !row.truncated);
        let light = mine.filter(|row| {
            let same = rows.iter().filter(|other| other.model == row.model && other.input == row.input);
            let highest = same.filter(|other| other.output == row.output).map(|other| other.rate).fold(0.0, f64::max);
            row.arrival == Arrival::Constant && row.rate <= 0.82 * highest
        });
        let errors: Vec<f64> = light
            .map(|row| {
                let load = Load::of(row, 8192.0, lookahead);
                let mut running = 1.0;
                for _ in 0..100 {
                    running = load.rate_per_ms
                        * (row.output.mean - 1.0)
                        * flashcrowd_profiles::fit::steady(&law, &load, running).itl_ms.min(1e3);
                }
                100.0 * (flashcrowd_profiles::fit::steady(&law, &load, running).itl_ms / row.itl_ms - 1.0).abs()
            })
            .collect();
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        println!("{model}: ITL up to 82 % load: mean error {mean:.1} % over {} runs", errors.len());
        assert!(mean < 10.0, "{model}: {mean}");
    }
}

//! `flashcrowd model`: sizes and times of worked examples, the cache that vLLM logs, and what is refused.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn flashcrowd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flashcrowd")).arg("model").args(args).output().unwrap()
}

fn answer(args: &[&str]) -> Value {
    let output = flashcrowd(&[args, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The catalogue's name of the model of an example, and its weights where they are not those of its file.
const EXAMPLES: [(&str, &str, &str); 18] = [
    ("Llama-3.1-8B", "Llama-3.1-8B", ""),
    ("Llama-3.1-70B-FP8", "Llama-3.1-70B", "fp8"),
    ("Llama-3.1-8B-AWQ", "Llama-3.1-8B", "int4"),
    ("Qwen3-32B", "Qwen3-32B", ""),
    ("Qwen3-30B-A3B", "Qwen3-30B-A3B", ""),
    ("Qwen3-235B-A22B-FP8", "Qwen3-235B-A22B-FP8", ""),
    ("Mixtral-8x7B", "Mixtral-8x7B", ""),
    ("DeepSeek-V3", "DeepSeek-V3", ""),
    ("DeepSeek-V3 attention DP", "DeepSeek-V3", ""),
    ("Kimi-K2.5-NVFP4", "Kimi-K2.5-NVFP4", ""),
    ("GLM-5-FP8", "GLM-5-FP8", ""),
    ("gpt-oss-120b", "gpt-oss-120b", ""),
    ("gpt-oss-20b", "gpt-oss-20b", ""),
    ("Qwen3.5-397B-A17B-FP8", "Qwen3.5-397B-A17B", "fp8-block"),
    ("MiniMax-M2.5", "MiniMax-M2.5", ""),
    ("Llama-4-Scout-FP8", "Llama-4-Scout", "fp8"),
    ("gemma-3-27b-it", "gemma-3-27b", ""),
    ("granite-4.0-h-small", "granite-4.0-h-small", ""),
];

/// Worked examples of the law's prototype: counts and bytes are equal, the cache and times nearly so.
#[test]
fn worked_examples_come_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models");
    let text = fs::read_to_string(folder.join("examples.jsonl")).unwrap();
    let examples: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(examples.len(), EXAMPLES.len());
    for example in &examples {
        let (name, model, weights) = EXAMPLES.iter().find(|known| example["model"] == known.0).unwrap();
        let number = |field: &str| example[field].to_string();
        let (tp, dp, ep) = (number("tp"), number("attention_dp"), number("ep"));
        let cache = if example["kv_bytes_per_element"] == 1 { "fp8" } else { "bf16" };
        let (gpu, engine) = (example["gpu"].as_str().unwrap(), example["backend"].as_str().unwrap());
        let mut args = vec![*model, "--gpu", gpu, "--tp", &tp, "--dp", &dp, "--ep", &ep, "--engine", engine];
        args.extend(["--kv", cache]);
        if !weights.is_empty() {
            args.extend(["--weights", weights]);
        }
        let found = answer(&args);
        let of = |field: &str, named: &str, tolerance: f64| {
            let (found, wanted) = (found[named].as_f64().unwrap(), example[field].as_f64().unwrap());
            let is_near = (found - wanted).abs() <= tolerance * wanted.abs() + 1.0;
            assert!(is_near, "{name} {field}: {found}, expected {wanted}");
        };
        for field in ["params_total", "params_active", "weight_bytes_per_rank", "weight_bytes_loaded"] {
            of(field, field, 0.0);
        }
        for field in ["kv_bytes_per_token_full", "kv_bytes_per_token_windowed", "state_bytes_per_sequence"] {
            of(field, field, 0.0);
        }
        for field in ["kv_bytes_per_token_per_rank_full", "kv_bytes_of_8192_tokens", "activation_bytes"] {
            of(field, field, 0.0);
        }
        of("kv_tokens", "kv_tokens", 1e-3);
        for batch in ["decode_ms_b1", "decode_ms_b32", "decode_ms_b256"] {
            let (found, wanted) = (found[batch].as_f64().unwrap(), example[batch].as_f64().unwrap());
            assert!((found / wanted - 1.0).abs() < 1e-3, "{name} {batch}: {found}, expected {wanted}");
        }
        let (found, wanted) = (found["prefill_1k_ms"].as_f64().unwrap(), example["prefill_1k_ms"].as_f64().unwrap());
        assert!((found / wanted - 1.0).abs() < 1e-3, "{name}: {found}, expected {wanted}");
    }
}

/// The highest rate is what its own batch allows: no more than if prompts cost nothing, less for longer outputs, and
/// none for a model that does not fit.
#[test]
fn the_highest_rate_is_what_batches_allow() {
    for (name, tp) in [("Qwen3-14B", "1"), ("gpt-oss-20b", "2"), ("gemma-3-27b", "2"), ("DeepSeek-V3", "16")] {
        let of = |prompt: &str, output: &str| {
            let found = answer(&[name, "--tp", tp, "--gpu", "H200", "--prompt", prompt, "--output", output]);
            let number = |field: &str| found[field].as_f64().unwrap();
            let held =
                (number("kv_tokens") / (prompt.parse::<f64>().unwrap() + output.parse::<f64>().unwrap())).floor();
            // At most 256 at once, each of which takes so many iterations.
            let most = held.min(256.0) / output.parse::<f64>().unwrap() / number("decode_ms_b1") * 1e3;
            let rate = number("highest_requests_per_s");
            assert!(rate > 0.0 && rate < most, "{name} {prompt} {output}: {rate} of {most}");
            rate
        };
        let (short, long, longer) = (of("1024", "256"), of("1024", "1024"), of("8192", "1024"));
        assert!(short > long && long > longer, "{name}: {short} {long} {longer}");
    }
    assert_eq!(answer(&["Llama-3.1-405B"])["highest_requests_per_s"], Value::Null);
}

/// Models of the logs, as the catalogue calls them, and their weights where those are another's.
const LOGGED: [(&str, &str, &str); 22] = [
    ("codellama/CodeLlama-7b-hf", "CodeLlama-7B", ""),
    ("RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic", "Llama-3.3-70B", "fp8"),
    ("RedHatAI/Qwen2.5-7B-Instruct-fp8-dynamic", "Qwen2.5-7B", "fp8"),
    ("google/gemma-2-27b-it", "gemma-2-27b", ""),
    ("google/gemma-2-2b-it", "gemma-2-2b", ""),
    ("google/gemma-2-9b-it", "gemma-2-9b", ""),
    ("google/gemma-3-12b-it", "gemma-3-12b", ""),
    ("google/gemma-3-27b-it", "gemma-3-27b", ""),
    ("google/gemma-3-4b-it", "gemma-3-4b", ""),
    ("google/gemma-7b", "gemma-7b", ""),
    ("ibm-granite/granite-3.1-8b-instruct", "granite-3.1-8b", ""),
    ("meta-llama/Llama-3.1-8B-Instruct", "Llama-3.1-8B", ""),
    ("microsoft/phi-2", "phi-2", ""),
    ("microsoft/phi-4", "phi-4", ""),
    ("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mixtral-8x7B", ""),
    ("moonshotai/Kimi-VL-A3B-Instruct", "Kimi-VL-A3B", ""),
    ("openai/gpt-oss-20b", "gpt-oss-20b", ""),
    ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5-7B", ""),
    ("Qwen/Qwen3-8B", "Qwen3-8B", ""),
    ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "Llama-3.1-8B", "int4"),
    ("RedHatAI/Mistral-Small-3.1-24B-Instruct-2503-quantized.w8a8", "Mistral-Small-24B", "int8"),
    ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "Qwen2.5-7B", "int8"),
];

/// What vLLM 0.19 logged on H100 as the size of its cache.
#[test]
fn the_cache_is_as_large_as_vllm_logs_it() {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE").map(PathBuf::from) else {
        eprintln!("skipped: FLASHCROWD_REFERENCE is not set");
        return;
    };
    let text = fs::read_to_string(folder.join("mechanisms/vllm019_h100_memory.csv")).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
    let mut compared = 0;
    for line in lines {
        let row: Vec<&str> = line.split(',').collect();
        let is_whole = row[column("status")] == "ok" && row[column("pp")] == "1";
        let Some((_, model, weights)) =
            LOGGED.iter().find(|known| known.0 == row[column("model")]).filter(|_| is_whole)
        else {
            continue;
        };
        let cache = if row[column("kv_cache_dtype")] == "fp8" { "fp8" } else { "bf16" };
        let (tp, share) = (row[column("tp")], row[column("gpu_memory_utilization")]);
        let mut args =
            vec![*model, "--tp", tp, "--utilization", share, "--kv", cache, "--sequences", "1024", "--images"];
        if !weights.is_empty() {
            args.extend(["--weights", weights]);
        }
        let (found, wanted) =
            (answer(&args)["kv_tokens"].as_f64().unwrap(), row[column("kv_cache_tokens")].parse::<f64>().unwrap());
        println!("{} {model} tp{tp}: {found} of {wanted}, {:+.2} %", row[0], 100.0 * (found / wanted - 1.0));
        assert!((found / wanted - 1.0).abs() < 0.015, "{}: {found} of {wanted}", row[0]);
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");
}

/// A copy of the shipped scenario with this model.
fn scenario(folder: &Path, model: &str) -> PathBuf {
    let text = include_str!("../../../scenarios/moe.ron").replace("\"Qwen3-30B-A3B\"", model);
    let path = folder.join("s.ron");
    fs::write(&path, text.replace("horizon: \"2h\"", "horizon: \"5m\"")).unwrap();
    path
}

fn played(path: &Path) -> Output {
    let mut run = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    run.args(["run", "--no-out", "--quiet"]).arg(path).output().unwrap()
}

/// The same shape by name and by file is the same model.
#[test]
fn a_model_of_ones_own_plays_as_one_of_the_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    let config = include_str!("../../../profiles/configs/Qwen--Qwen3-30B-A3B.json");
    fs::write(folder.path().join("mine/config.json"), config).unwrap();
    let text = |model: &str| {
        let output = played(&scenario(folder.path(), model));
        assert_eq!(output.status.code(), Some(0), "{model}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let (named, own) = (text("\"Qwen3-30B-A3B\""), text("Config(\"mine/config.json\")"));
    assert!(own.contains(", mine, H100"), "{own}");
    let latencies = |text: &str| text.lines().filter(|line| line.contains("ttft") || line.contains("itl")).count();
    assert!(latencies(&own) >= 4);
    assert_eq!(named.replace("Qwen3-30B-A3B", "mine"), own);
}

/// `check --print-resolved` of a scenario.
fn resolved(path: &Path) -> String {
    let mut check = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = check.args(["check", "--print-resolved"]).arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn digest(path: &Path) -> Value {
    let mut run = Command::new(env!("CARGO_BIN_EXE_flashcrowd"));
    let output = run.args(["run", "--no-out", "--quiet", "--format", "json"]).arg(path).output().unwrap();
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = summary.pointer("/runs/0/digest").or(summary.pointer("/0/digest")).or(summary.get("digest"));
    found.cloned().unwrap_or_else(|| panic!("no digest in {summary}"))
}

/// What is written out is elsewhere, and names the file from there; a start takes the model's own weights.
#[test]
fn a_model_of_ones_own_is_written_out_and_starts_with_its_weights() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let config = include_str!("../../../profiles/configs/Qwen--Qwen3-30B-A3B.json");
    fs::write(folder.path().join("own.json"), config).unwrap();
    let path = scenario(folder.path(), "Config(\"own.json\")");
    let text = fs::read_to_string(&path).unwrap();
    let start = "            startup: (weights: (cold: \"60s\"), engine: (cold: \"45s\")),\n";
    assert!(text.contains(start));
    fs::write(&path, text.replace(start, "")).unwrap();
    let written = resolved(&path);
    assert!(written.contains("61.06 GB from gp3") && written.contains("the weights of its profile"), "{written}");
    let again = other.path().join("r.ron");
    fs::write(&again, written).unwrap();
    assert_eq!(digest(&again), digest(&path));
}

/// A file that was quantised for a cache in 8 bits has room for twice the tokens.
#[test]
fn the_cache_is_in_the_format_that_the_file_says() {
    let of = |args: &[&str]| answer(&[&["GLM-5-NVFP4", "--gpu", "B300", "--tp", "8"], args].concat());
    let (own, wide) = (of(&[]), of(&["--kv", "bf16"]));
    assert_eq!((&own["kv_bytes_per_element"], &wide["kv_bytes_per_element"]), (&Value::from(1), &Value::from(2)));
    assert!(own["kv_tokens"].as_u64() > wide["kv_tokens"].as_u64());
}

/// The answers in words: of a measured model, of one with windows, of one that does not fit.
#[test]
fn answers_in_words() {
    let mut said = String::new();
    for args in [
        &["Llama-3.1-8B"][..],
        &["gemma-3-27b", "--tp", "2", "--images"],
        &["Qwen3-30B-A3B-FP8", "--gpu", "A10G"],
        &["DeepSeek-V3", "--gpu", "GB200", "--dp", "32", "--ep", "32", "--engine", "sglang", "--kv", "fp8"],
    ] {
        let output = flashcrowd(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let shown = String::from_utf8_lossy(&output.stdout);
        said = format!("{said}$ flashcrowd model {}\n{shown}\n", args.join(" "));
    }
    insta::assert_snapshot!("answers", said);
}

#[test]
fn the_readme_counts_the_models() {
    let count = flashcrowd_profiles::architecture::KNOWN_MODELS.len();
    for text in [include_str!("../../../README.md"), include_str!("../../../docs/any-model.md")] {
        assert!(text.contains(&format!("{count} ")), "{count} models");
    }
    let listed = String::from_utf8(flashcrowd(&[]).stdout).unwrap();
    assert_eq!(listed.lines().count(), count + 1, "{listed}");
}

#[test]
fn a_model_that_cannot_be_played_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("broken.json"), "{\n \"model_type\": \"llama\",\n \"hidden_size\": \"wide\"\n}")
        .unwrap();
    for (model, words) in [
        ("\"Qwen3-30B-A3A\"", &["there is no model", "did you mean `Qwen3-30B-A3B`?", "Config(\"config.json\")"][..]),
        ("Config(\"broken.json\")", &["broken.json:3", "`hidden_size`", "whole number"]),
        ("Config(\"none.json\")", &["cannot read", "s.ron:17"]),
        ("\"DeepSeek-V3\"", &["does not fit", "GiB"]),
    ] {
        let output = played(&scenario(folder.path(), model));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{model}: {message}");
        assert!(words.iter().all(|word| message.contains(word)), "{model}: {words:?} in\n{message}");
        assert!(output.stdout.is_empty());
    }
    for (args, words) in [
        (&["Qwen3-32B", "--dp", "4294967295"][..], "`dp` is 4294967295"),
        (&["Qwen3-32B", "--kv", "fp9"], "did you mean `fp8`?"),
        (&["Qwen3-32B", "--tp", "5"], "cannot be split among tp 5"),
        (&["Qwen3-32B", "--ep", "2", "--tp", "2"], "no experts"),
        (&["Qwen3-32B", "--gpu", "H1000"], "did you mean `H100`?"),
        (&["Qwen3-32B", "--weights", "fp9"], "did you mean `fp8`?"),
        (&["Qwen3-32B", "--engine", "vlm"], "did you mean `vllm`?"),
        (&["Qwen3-32B", "--utilization", "1.5"], "no share"),
        (&["Qwen3-33B"], "did you mean `Qwen3-32B`?"),
    ] {
        let output = flashcrowd(args);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(words), "{args:?}: {words} in\n{message}");
    }
}

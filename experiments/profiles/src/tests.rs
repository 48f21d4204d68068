//! Laws of the catalogues and of profiles.

use super::*;
use std::collections::BTreeSet;

fn model(name: &str) -> &'static Model {
    lookup(&MODELS, name).unwrap()
}

fn gpu(name: &str) -> &'static Gpu {
    lookup(&GPUS, name).unwrap()
}

#[test]
fn parameters_follow_from_the_shapes() {
    for model in MODELS.iter() {
        let wide = |heads: u32| f64::from(heads) * f64::from(model.head_dim);
        let hidden = f64::from(model.hidden);
        let attention = 2.0 * hidden * (wide(model.query_heads) + wide(model.kv_heads));
        let experts = model.experts.map_or(1.0, |experts| f64::from(experts.total));
        let mlp = 3.0 * hidden * f64::from(model.ffn) * experts;
        let sum = f64::from(model.layers) * (attention + mlp) + 2.0 * model.vocabulary_params();
        // Norms, biases and the experts' router are left out.
        assert!((sum / model.params as f64 - 1.0).abs() < 1e-4, "{}: {sum}", model.name);
        assert!(model.active_params.is_some() == model.experts.is_some(), "{}", model.name);
    }
}

#[test]
fn names_and_aliases_are_unique() {
    fn all<T: Named>(entries: &[T]) {
        let mut seen = BTreeSet::new();
        for entry in entries {
            for name in entry.aliases().iter().map(String::as_str).chain([entry.name()]) {
                assert!(seen.insert(name.to_lowercase()), "{name} stands twice");
            }
        }
    }
    all(&MODELS);
    all(&GPUS);
}

#[test]
fn every_computed_coefficient_is_positive() {
    for (model, gpu) in MODELS.iter().flat_map(|model| GPUS.iter().map(move |gpu| (model, gpu))) {
        for precision in Precision::ALL {
            let profile = Profile::computed(model, gpu, 2, precision);
            for (symbol, value) in Coefficients::SYMBOLS.iter().zip(profile.coefficients.values()) {
                assert!(value > 0.0 && value.is_finite(), "{}: {symbol} = {value}", profile.name);
            }
        }
    }
}

#[test]
fn twice_the_bandwidth_halves_reading() {
    let from = Library::shipped().find("Llama-3.1-8B", "H100", 1, Precision::Bf16).unwrap();
    let slow = gpu("H100");
    let fast = Gpu { bandwidth_gb_s: 2.0 * slow.bandwidth_gb_s, ..slow.clone() };
    let law = |gpu: &Gpu| Profile::computed(model("Llama-3.1-8B"), gpu, 1, Precision::Bf16).coefficients;
    let scaled = from.coefficients.scaled(&law(slow), &law(&fast));
    assert!((scaled.weights_ms * 2.0 - from.coefficients.weights_ms).abs() < 1e-9);
    assert!((scaled.context_ms * 2.0 - from.coefficients.context_ms).abs() < 1e-12);
    assert_eq!(scaled.overhead_ms, from.coefficients.overhead_ms);
    assert_eq!(scaled.token_ms, from.coefficients.token_ms);
}

#[test]
fn the_cache_of_an_8b_model_on_24_gb() {
    // vLLM 0.19 on an RTX 4090 reported 2,588 blocks of 16 tokens.
    let memory = Memory::of(model("Llama-3.1-8B"), 1, Precision::Bf16, Precision::Bf16);
    let tokens = memory.kv_tokens(25_250_627_584, EngineLimits::default());
    assert!((tokens as f64 / 41_408.0 - 1.0).abs() < 0.005, "{tokens}");
    let fixed = Memory { fixed_bytes: 1.237e9, bytes_per_batched_token: 0.0, bytes_per_sequence: 0.0, ..memory };
    assert_eq!(fixed.kv_tokens(25_250_627_584, EngineLimits::default()), 41_408);
    assert_eq!(memory.kv_tokens(16 << 30, EngineLimits::default()), 0, "it does not fit at all");
}

#[test]
fn origins_are_told() {
    let origin = |gpu, precision| find("meta-llama/Llama-3.1-8B-Instruct", gpu, 1, precision).unwrap().origin;
    assert_eq!(origin("H100", Precision::Bf16).name(), "fitted");
    assert_eq!(origin("A100-80GB", Precision::Bf16).name(), "scaled");
    assert_eq!(origin("H100", Precision::Fp8).name(), "computed");
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    let error = find("Llama-3.1-8", "H100", 1, Precision::Bf16).unwrap_err();
    assert_eq!(error.nearest(), Some("Llama-3.1-8B"));
    let error = find("Llama-3.1-8B", "H10", 1, Precision::Bf16).unwrap_err();
    assert!(error.to_string().contains("did you mean `H100`?"), "{error}");
    let error = find("Llama-3.1-8B", "H200", 3, Precision::Bf16).unwrap_err();
    assert!(error.to_string().contains("32 query heads"), "{error}");
}

#[test]
fn files_read_back_as_written() {
    let mut profiles = Library::shipped().profiles().to_vec();
    profiles.push(Profile::computed(model("Mixtral-8x7B"), gpu("H200"), 2, Precision::Fp8));
    profiles.push(find("Qwen2.5-14B", "A100-80GB", 2, Precision::Bf16).unwrap());
    assert_eq!(read("p.ron", write(&profiles).as_bytes()).unwrap(), profiles);
}

#[test]
fn mistakes_in_files_have_a_place() {
    let good = write(&Library::shipped().profiles()[..1]);
    for (from, to, line, words) in [
        ("overhead_ms: ", "overhead_ms: -", 6, "a number from 0 on"),
        ("token_ms:", "tokn_ms:", 6, "did you mean `token_ms`?"),
        ("tensor_parallel: 1", "tensor_parallel: 0", 4, "at least one GPU"),
        ("precision: Bf16", "precision: Bf15", 4, "did you mean `Bf16`?"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let error = read("p.ron", bad.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.line, line, "{error}");
    }
}

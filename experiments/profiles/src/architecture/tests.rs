//! What is read of configurations, what is refused, and that no text is fatal.

use super::*;
use crate::rank::{BLOCK_TOKENS, Budget, Cache, Parallelism, Settings, weights};
use proptest::prelude::*;

const LLAMA: &str = r#"{
  "model_type": "llama",
  "hidden_size": 4096,
  "num_hidden_layers": 32,
  "num_attention_heads": 32,
  "num_key_value_heads": 8,
  "intermediate_size": 14336,
  "vocab_size": 128256
}"#;

fn refused(config: &str, words: &[&str]) {
    let error = read(config, None).unwrap_err();
    let shown = error.diagnostic("config.json", config, None).to_string();
    assert!(words.iter().all(|word| shown.contains(word)), "{words:?} in\n{shown}");
}

#[test]
fn every_model_of_the_catalogue_is_read() {
    assert!(KNOWN_MODELS.len() >= 100);
    for known in KNOWN_MODELS.iter() {
        let model = known.read().unwrap_or_else(|error| panic!("{}: {error}", known.file));
        assert!(model.params() >= model.active_params(), "{}", known.name);
        assert!(model.params() > 100_000_000, "{}", known.name);
        assert_eq!(KnownModel::find(&known.name).unwrap().file, known.file);
    }
}

/// As published, within the digits that were published.
#[test]
fn parameters_are_as_published() {
    for (name, billions, digit) in [
        ("gpt-oss-120b", 116.83, 0.01),
        ("gpt-oss-20b", 20.91, 0.01),
        ("Mixtral-8x22B", 140.62, 0.01),
        ("Qwen3-Coder-480B-A35B", 480.16, 0.01),
        ("Llama-4-Maverick", 400.71, 0.01),
        ("Nemotron-3-Nano-30B-A3B", 31.58, 0.01),
        ("GLM-5", 744.0, 1.0),
        ("GLM-4.5-Air", 106.85, 0.01),
        ("Qwen3.5-122B-A10B", 122.1, 0.1),
        ("MiMo-V2-Flash", 309.0, 1.0),
        ("Qwen3-Next-80B-A3B", 80.0, 1.0),
        ("granite-4.0-h-small", 32.2, 0.1),
        ("Nemotron-3-Super-120B-A12B", 120.7, 0.1),
        ("phi-2", 2.78, 0.01),
        ("Qwen2.5-7B", 7.62, 0.01),
        ("Kimi-K2", 1_026.0, 1.0),
        ("ERNIE-4.5-21B-A3B", 21.8, 0.1),
        ("Nemotron-3-Ultra-550B-A55B", 550.0, 1.0),
    ] {
        let found = KnownModel::find(name).unwrap().architecture().params() as f64 / 1e9;
        assert!((found - billions).abs() <= digit, "{name}: {found}");
    }
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let with = |from: &str, to: &str| {
        assert!(LLAMA.contains(from));
        LLAMA.replacen(from, to, 1)
    };
    refused("", &["no JSON"]);
    refused("[1]", &["expected an object"]);
    refused("{\n \"model_type\": \"llama\",\n", &["config.json:", "no JSON"]);
    refused(&with("\"llama\"", "null"), &["`model_type`", "is missing"]);
    refused(&with("  \"hidden_size\": 4096,\n", ""), &["`hidden_size`", "is missing"]);
    refused(&with("4096", "\"wide\""), &["config.json:3", "`hidden_size`", "whole number", "wide"]);
    refused(&with("4096", "40.5"), &["`hidden_size`", "whole number"]);
    refused(&with("4096", "0"), &["`hidden_size`", "above 0"]);
    refused(&with("4096", "1e300"), &["`hidden_size`", "at most"]);
    refused(&with(": 8,", ": 7,"), &["`num_key_value_heads`", "evenly"]);
    refused(&with(": 32,\n  \"num_k", ": 33,\n  \"num_k"), &["`head_dim`", "evenly"]);
    refused(&with("\"llama\"", "\"nextgen\", \"flow_size\": 3"), &["`flow_size`", "nextgen", "config.json:2"]);
    for field in ["sparse_attn_config", "ffn_dim_multiplier"] {
        refused(&with("\"llama\"", &format!("\"nextgen\", \"{field}\": 3")), &[field, "is not known"]);
    }
    let types = |kinds: &str| with("\"vocab_size\"", &format!("\"layer_types\": {kinds}, \"vocab_size\""));
    refused(&types("[\"full_attention\"]"), &["`layer_types`", "expected 32 entries"]);
    let one = format!("[{}\"ring_attention\"]", "\"full_attention\",".repeat(31));
    refused(&types(&one), &["`layer_types[31]`", "ring_attention", "known: full_attention"]);
    let experts = |fields: &str| with("\"vocab_size\"", &format!("{fields}, \"vocab_size\""));
    refused(&experts("\"num_experts\": 8"), &["`num_experts_per_tok`", "is missing"]);
    refused(&experts("\"num_experts\": 8, \"num_experts_per_tok\": 9"), &["cannot choose 9 of 8"]);
    let quantised = |of: &str| experts(&format!("\"quantization_config\": {of}"));
    refused(&quantised("{\"quant_method\": \"hqq\"}"), &["quantization_config.quant_method", "hqq", "known: fp8"]);
    refused(&quantised("{}"), &["quant_method", "is missing"]);
    refused(&quantised("{\"quant_method\": \"awq\", \"bits\": 3}"), &["3 bits"]);
    refused(&quantised("{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP2\"}"), &["NVFP2"]);
    let ignored = quantised("{\"quant_method\": \"fp8\", \"ignored_layers\": [\"re:(\"]}");
    refused(&ignored, &["ignored_layers", "re:("]);
}

/// A separate file of the quantisation goes before the field.
#[test]
fn a_separate_file_of_the_quantisation_wins() {
    let separate =
        r#"{"quantization": {"quant_algo": "FP8", "exclude_modules": ["lm_head", "model.layers.*.self_attn*"]}}"#;
    let model = read(LLAMA, Some(separate)).unwrap();
    let of = |part| model.formats.of(part);
    assert_eq!((of(Part::Mlp), of(Part::Attention), of(Part::Output)), (Format::Fp8, Format::Bf16, Format::Bf16));
    assert_eq!(model.formats.cache, CacheFormat::Bf16);
    // The file's own field is not read then.
    let other = LLAMA.replacen("\"vocab", "\"quantization_config\": {\"quant_method\": \"hqq\"}, \"vocab", 1);
    assert_eq!(read(&other, Some(separate)).unwrap().formats, model.formats);
    let eight = separate.replacen("\"FP8\",", "\"FP8\", \"kv_cache_quant_algo\": \"FP8\",", 1);
    assert_eq!(read(LLAMA, Some(&eight)).unwrap().formats.cache, CacheFormat::Fp8);
    for (separate, words) in [
        ("{}", "`quantization`: is missing"),
        ("{\"quantization\": 3}", "`quantization`: expected an object"),
        ("{\n\"quantization\": {\"quant_algo\": \"X2\"}}", "hf_quant_config.json:2"),
        ("{\"quantization\": {\"quant_algo\": \"FP8\", \"kv_cache_quant_algo\": \"FP3\"}}", "`FP3` is no format"),
        ("", "no JSON"),
    ] {
        let shown =
            read(LLAMA, Some(separate)).unwrap_err().diagnostic("a/config.json", LLAMA, Some(separate)).to_string();
        assert!(shown.contains(words) && shown.contains("a/hf_quant_config.json"), "{words} in\n{shown}");
    }
    // A few layers alone are not all.
    let few = separate.replace('*', "3");
    assert_eq!(read(LLAMA, Some(&few)).unwrap().formats.of(Part::Attention), Format::Fp8);
}

/// Sizes that no model has end in a message, before any product of them overflows.
#[test]
fn sizes_beyond_all_models_are_refused() {
    let most = 1 << 20;
    let with = |fields: &str| format!("{{\"vocab_size\": 100, \"intermediate_size\": 8, {fields}}}");
    let grouped = |layers: u32, hidden: u64, heads: u64| {
        with(&format!(
            "\"model_type\": \"llama\", \"hidden_size\": {hidden}, \"num_hidden_layers\": {layers}, \
             \"num_attention_heads\": {heads}, \"num_key_value_heads\": {heads}, \"head_dim\": {most}"
        ))
    };
    refused(&grouped(1, most, most), &["more than 1e13"]);
    refused(&grouped(4_096, 1, 1_024), &["more than 1e13"]);
    let linear = |heads: u64| {
        with(&format!(
            "\"model_type\": \"qwen3_next\", \"hidden_size\": 1, \"num_hidden_layers\": 8, \
             \"layer_types\": [{}\"linear_attention\"], \"linear_num_key_heads\": 1, \
             \"linear_num_value_heads\": {heads}, \"linear_key_head_dim\": {most}, \
             \"linear_value_head_dim\": {most}, \"linear_conv_kernel_dim\": 4",
            "\"linear_attention\",".repeat(7)
        ))
    };
    refused(&linear(most), &["more than 1e13"]);
    refused(&linear(16), &["more than 1e13"]);
    // What is just within is counted, not lost.
    let model = read(&grouped(1_024, 1, 512), None).unwrap();
    let settings = Settings::default();
    let budget = Budget::of(&model, Parallelism::tensor(1), 80 << 30, settings);
    assert_eq!(budget.cache.sequence_bytes(8_192), 8_192 * 1_024 * 2 * 512 * most * 2);
    assert!(budget.checked().is_err());
}

#[test]
fn ranks_that_cannot_share_a_model_are_refused() {
    let dense = read(LLAMA, None).unwrap();
    let check =
        |tensor, data, expert| Parallelism { tensor, data, expert }.check(&dense).map_err(|error| error.to_string());
    assert_eq!(check(8, 2, 1), Ok(()));
    for (ranks, words) in [
        ((0, 1, 1), "`tp` is 0: expected 1 to 4096"),
        ((1, u32::MAX, 1), "`dp` is 4294967295"),
        ((3, 1, 1), "32 heads cannot be split among tp 3"),
        ((2, 1, 2), "no experts"),
        ((2, 1, 4), "ep 4 does not divide the 2 ranks"),
    ] {
        let error = check(ranks.0, ranks.1, ranks.2).unwrap_err();
        assert!(error.contains(words), "{words} in {error}");
    }
}

/// What stands in a wrapper is not taken for the language model's own, but for three fields.
#[test]
fn a_wrapper_lends_no_shape() {
    let inner = LLAMA.replacen("  \"vocab_size\": 128256\n", "  \"head_dim\": 128\n", 1);
    let wrapped = format!(
        "{{\"model_type\": \"llava\", \"sliding_window\": 9, \"vocab_size\": 128256, \"text_config\": {inner}}}"
    );
    assert_eq!(read(&wrapped, None).unwrap().params(), read(LLAMA, None).unwrap().params());
    let lacking =
        wrapped.replacen("\"hidden_size\": 4096,", "", 1).replacen("\"sliding_window\": 9", "\"hidden_size\": 4096", 1);
    refused(&lacking, &["`text_config.hidden_size`", "is missing"]);
}

/// Ten full and 52 windowed layers are seven groups of ten (vLLM's own count for gemma-3-27b).
#[test]
fn windowed_layers_form_groups() {
    let model = KnownModel::find("gemma-3-27b").unwrap().architecture();
    let cache = Cache::of(&model, Parallelism::tensor(1), CacheFormat::Bf16);
    assert_eq!(cache.pages(), (10, 7));
    let block = 16.0 * 8_192.0 * 10.0;
    assert_eq!(cache.tokens(block * 70.0), 10 * BLOCK_TOKENS);
    assert_eq!(cache.tokens(block * 69.0), 9 * BLOCK_TOKENS);
    assert_eq!(cache.tokens(-1.0), 0);
}

/// All ranks together hold all weights: what is whole on each comes on top.
#[test]
fn ranks_hold_all_weights_together() {
    for known in KNOWN_MODELS.iter() {
        let model = known.architecture();
        let one = weights(&model, Parallelism::tensor(1)).model_bytes;
        for tensor in [2, 4, 8] {
            let ranks = Parallelism::tensor(tensor);
            if ranks.check(&model).is_ok() {
                let all = weights(&model, ranks).model_bytes * f64::from(tensor);
                assert!(all >= one * 0.999_999 && all < one * 1.35, "{} {tensor}: {one} {all}", known.name);
            }
        }
    }
}

proptest! {
    /// Whatever is changed in a file, the answer is a model or a message.
    #[test]
    fn no_file_is_fatal(which in 0_usize..1000, at in 0.0..1.0_f64, text in "[0-9a-z\"\\[\\]{}:,.*-]{0,8}", cut in 0_usize..40) {
        let known = &KNOWN_MODELS[which % KNOWN_MODELS.len()];
        let mut config = known.config().to_owned();
        let mut from = (config.len() as f64 * at) as usize;
        while !config.is_char_boundary(from) { from -= 1; }
        let mut to = (from + cut).min(config.len());
        while !config.is_char_boundary(to) { to -= 1; }
        config.replace_range(from..to.max(from), &text);
        match read(&config, None) {
            Err(error) => prop_assert!(!error.diagnostic("c", &config, None).to_string().is_empty()),
            Ok(model) => {
                prop_assert!(model.params() >= model.active_params());
                let ranks = Parallelism { tensor: 2, data: 2, expert: 4 };
                if ranks.check(&model).is_ok() {
                    prop_assert!(weights(&model, ranks).loaded_bytes().is_finite());
                }
            }
        }
    }
}

//! Which number format the weights have: `quantization_config`, and `hf_quant_config.json` where it lies beside.

use super::super::error::ConfigError;
use super::super::format::{CacheFormat, Format, Formats};
use super::super::piece::Part;
use super::fields::{Fields, shown};
use regex::Regex;
use serde_json::{Map, Value};

/// The formats that an `hf_quant_config.json` names.
pub(super) fn separate(file: &Map<String, Value>, layers: u64) -> Result<Formats, ConfigError> {
    match file.get("quantization") {
        Some(Value::Object(object)) => modelopt(Fields::new(object, "quantization."), layers),
        Some(other) => Err(ConfigError::of("quantization", format!("expected an object, found {}", shown(other)))),
        None => Err(ConfigError::of("quantization", "is missing: without it the bytes of weights are not known")),
    }
}

/// The formats that a configuration names; 16 bits where it names none.
pub(super) fn read(given: Option<&Value>, layers: u64) -> Result<Formats, ConfigError> {
    let Some(given) = given else { return Ok(Formats::all(Format::Bf16)) };
    let Value::Object(object) = given else {
        return Err(ConfigError::of("quantization_config", format!("expected an object, found {}", shown(given))));
    };
    let fields = Fields::new(object, "quantization_config.");
    let format = match fields.text("quant_method") {
        Some("fp8") if fields.has("weight_block_size") => block(fields)?,
        Some("fp8" | "fbgemm_fp8") => Format::Fp8,
        Some("mxfp4") => return Ok(experts_alone(Format::Mxfp4)),
        Some("awq" | "gptq" | "gptq_marlin" | "awq_marlin" | "auto-round") => bits(fields)?,
        Some("compressed-tensors") => groups(fields)?,
        Some("modelopt" | "modelopt_fp4") => return modelopt(fields, layers),
        Some(other) => {
            let hint = "known: fp8, fbgemm_fp8, mxfp4, awq, gptq, compressed-tensors, modelopt";
            return Err(fields.error("quant_method", format!("`{other}` is no method that is known")).with_hint(hint));
        }
        None if fields.has("quant_algo") => return modelopt(fields, layers),
        None => return Err(fields.error("quant_method", "is missing: without it the bytes of weights are not known")),
    };
    Ok(Formats { quantised: format, kept: kept(fields, layers)?, cache: cache(fields)? })
}

/// The formats of a model whose files are not at hand, as its family is usually quantised.
pub(super) fn usual(format: Format, kind: &str, cache: CacheFormat) -> Formats {
    let kept: &[Part] = match (format, kind) {
        (Format::Mxfp4, _) => return Formats { cache, ..experts_alone(format) },
        (Format::Nvfp4, kind) if kind.starts_with("kimi") || kind.starts_with("minimax") => &ATTENTION,
        // Kimi's inner type is DeepSeek's; both keep all but the output matrix.
        (Format::Nvfp4, kind) if kind.starts_with("deepseek") => &[Part::Attention, Part::KeyValueUp],
        (Format::Nvfp4, kind) if kind.starts_with("qwen3_5") => {
            &[Part::Attention, Part::KeyValueUp, Part::Output, Part::Linear, Part::Shared]
        }
        _ => &[],
    };
    Formats { quantised: format, kept: kept.to_vec(), cache }
}

const ATTENTION: [Part; 3] = [Part::Attention, Part::KeyValueUp, Part::Output];

fn experts_alone(format: Format) -> Formats {
    let kept = [Part::Attention, Part::KeyValueUp, Part::Output, Part::Linear, Part::Mlp, Part::Shared];
    Formats { kept: kept.to_vec(), ..Formats::all(format) }
}

/// The format of the cache that a model was quantised for: of modelopt by its name, of compressed-tensors by its bits.
fn cache(fields: Fields<'_>) -> Result<CacheFormat, ConfigError> {
    let bits = fields.get("kv_cache_scheme").and_then(|scheme| scheme.get("num_bits")).and_then(Value::as_u64);
    match (fields.text("kv_cache_quant_algo").map(str::to_ascii_uppercase).as_deref(), bits) {
        (None, None) => Ok(CacheFormat::Bf16),
        (Some("FP8"), _) | (None, Some(8)) => Ok(CacheFormat::Fp8),
        (Some(other), _) => Err(fields
            .error("kv_cache_quant_algo", format!("`{other}` is no format of a cache that is known: expected FP8"))),
        (None, Some(bits)) => {
            Err(fields.error("kv_cache_scheme", format!("a cache of {bits} bits is not known: expected 8")))
        }
    }
}

fn block(fields: Fields<'_>) -> Result<Format, ConfigError> {
    let size = fields.list("weight_block_size")?.unwrap_or_default();
    if size.iter().all(|side| *side == 128) && size.len() == 2 {
        return Ok(Format::Fp8Block);
    }
    Err(fields.error("weight_block_size", "blocks other than of [128, 128] are not known"))
}

fn group(fields: Fields<'_>) -> u32 {
    // -1 stands for one scale a column.
    let given = fields.get("group_size").and_then(Value::as_i64).unwrap_or(128);
    if given <= 0 { 1 << 20 } else { given.min(1 << 20) as u32 }
}

fn bits(fields: Fields<'_>) -> Result<Format, ConfigError> {
    let name = if fields.has("w_bit") { "w_bit" } else { "bits" };
    match fields.count(name)? {
        Some(4) => Ok(Format::Int4(group(fields))),
        Some(8) => Ok(Format::Int8WeightsOnly),
        Some(other) => Err(fields.error(name, format!("{other} bits are not known: expected 4 or 8"))),
        None => Err(fields.error(name, "is missing: without it the bytes of weights are not known")),
    }
}

/// The one group of compressed-tensors.
fn groups(fields: Fields<'_>) -> Result<Format, ConfigError> {
    let name = "config_groups";
    let groups = fields.get(name).and_then(Value::as_object);
    let weights: Vec<&Map<String, Value>> = groups
        .into_iter()
        .flat_map(Map::values)
        .filter_map(|group| group.get("weights").and_then(Value::as_object))
        .collect();
    let Some(first) = weights.first() else {
        return Err(fields.error(name, "names no weights: without them their bytes are not known"));
    };
    if weights.iter().any(|other| ["num_bits", "type"].iter().any(|field| other.get(*field) != first.get(*field))) {
        return Err(fields.error(name, "several groups with different formats are not known"));
    }
    let has_activations = groups.is_some_and(|groups| {
        groups.values().any(|group| group.get("input_activations").is_some_and(|given| !given.is_null()))
    });
    let inner = Fields::new(first, "quantization_config.config_groups.group_0.weights.");
    let is_symmetric = first.get("symmetric") != Some(&Value::Bool(false));
    match (inner.text("type").unwrap_or("int"), inner.count("num_bits")?) {
        ("float", Some(8)) if fields.text("format") == Some("mxfp8-quantized") => {
            Err(inner.error("type", "8-bit floats with scales for each 32 are not known"))
        }
        ("float", Some(8)) if inner.text("strategy") == Some("block") => Ok(Format::Fp8Block),
        ("float", Some(8)) => Ok(Format::Fp8),
        ("float", Some(4)) => Ok(if group(inner) == 32 { Format::Mxfp4 } else { Format::Nvfp4 }),
        ("int", Some(4)) if is_symmetric => Ok(Format::Int4Symmetric(group(inner))),
        ("int", Some(4)) => Ok(Format::Int4(group(inner))),
        ("int", Some(8)) => Ok(if has_activations { Format::Int8 } else { Format::Int8WeightsOnly }),
        (kind, bits) => {
            let bits = bits.map_or_else(|| "unknown".to_owned(), |bits| bits.to_string());
            Err(inner.error("num_bits", format!("{bits} bits of type {kind} are not known: expected 4 or 8")))
        }
    }
}

fn modelopt(fields: Fields<'_>, layers: u64) -> Result<Formats, ConfigError> {
    let algorithm = fields.text("quant_algo").unwrap_or_default().to_ascii_uppercase();
    let quantised = match algorithm.as_str() {
        "NVFP4" => Format::Nvfp4,
        "FP8" => Format::Fp8,
        "FP8_PB_WO" | "FP8_BLOCK_SCALES" => Format::Fp8Block,
        "W4A16_AWQ" | "INT4_AWQ" => Format::Int4(128),
        "" => return Err(fields.error("quant_algo", "is missing: without it the bytes of weights are not known")),
        other => {
            let message = format!("`{other}` is no algorithm that is known");
            return Err(fields.error("quant_algo", message).with_hint("known: NVFP4, FP8, FP8_PB_WO, W4A16_AWQ"));
        }
    };
    Ok(Formats { quantised, kept: kept(fields, layers)?, cache: cache(fields)? })
}

/// A module of each part, as checkpoints name it in layer `{}`.
const MODULES: [(Part, &[&str]); 8] = [
    (Part::Attention, &["self_attn.q_proj", "self_attn.q_a_proj", "self_attn.qkv_proj", "mixer.q_proj"]),
    (Part::KeyValueUp, &["self_attn.kv_b_proj"]),
    (Part::Output, &["self_attn.o_proj", "mixer.o_proj"]),
    (Part::Linear, &["linear_attn.in_proj_qkvz", "linear_attn.in_proj_qkv", "mamba.in_proj", "mixer.in_proj"]),
    (Part::Mlp, &["mlp.gate_proj", "mlp.gate_up_proj", "feed_forward.gate_proj"]),
    (
        Part::Shared,
        &["mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj", "feed_forward.shared_expert.gate_proj"],
    ),
    (Part::Expert, &["mlp.experts.0.gate_proj", "block_sparse_moe.experts.0.w1", "feed_forward.experts.0.gate_proj"]),
    (Part::Expert, &["mlp.experts", "block_sparse_moe.experts"]),
];
const PREFIXES: [&str; 4] =
    ["model.layers.", "backbone.layers.", "language_model.model.layers.", "model.language_model.layers."];

/// Parts that a list of exceptions names, for more than a tenth of the layers: some files name a few layers
/// alone, whose bytes are little.
fn kept(fields: Fields<'_>, layers: u64) -> Result<Vec<Part>, ConfigError> {
    let lists = ["ignore", "modules_to_not_convert", "exclude_modules", "ignored_layers"];
    let Some(name) = lists.into_iter().find(|name| fields.has(name)) else { return Ok(Vec::new()) };
    let mut patterns = Vec::new();
    for item in fields.list(name)?.unwrap_or_default() {
        let text = item.as_str().ok_or_else(|| fields.error(name, format!("expected names, found {}", shown(item))))?;
        patterns.push(Pattern::of(text).map_err(|error| fields.error(name, format!("`{text}`: {error}")))?);
    }
    let is_named = |module: &str, layer: u64| {
        PREFIXES.iter().any(|prefix| {
            let path = format!("{prefix}{layer}.{module}");
            patterns.iter().any(|pattern| pattern.is_match(&path))
        })
    };
    let mut kept = Vec::new();
    for (part, modules) in MODULES {
        let most = modules.iter().map(|module| (0..layers).filter(|layer| is_named(module, *layer)).count()).max();
        if most.unwrap_or(0) as u64 * 10 > layers && !kept.contains(&part) {
            kept.push(part);
        }
    }
    Ok(kept)
}

/// Names of modules.
enum Pattern {
    /// A path, of a module or of what holds it.
    Path(String),
    /// A name within a path.
    Name(String),
    /// An expression, or a path with `*` for anything.
    Expression(Regex),
}

impl Pattern {
    fn of(text: &str) -> Result<Self, regex::Error> {
        if let Some(expression) = text.strip_prefix("re:") {
            return Regex::new(&format!("^(?:{expression})")).map(Pattern::Expression);
        }
        if text.contains('*') {
            let plain = regex::escape(text).replace("\\*", ".*");
            return Regex::new(&format!(r"^{plain}(?:\.|$)")).map(Pattern::Expression);
        }
        let of = if text.contains('.') { Pattern::Path } else { Pattern::Name };
        Ok(of(text.to_owned()))
    }

    fn is_match(&self, path: &str) -> bool {
        match self {
            Pattern::Path(text) => {
                path.strip_prefix(text.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
            Pattern::Name(text) => path.split('.').any(|step| step == text),
            Pattern::Expression(expression) => expression.is_match(path),
        }
    }
}

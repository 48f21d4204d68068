//! Reads Hugging Face's `config.json`.
//!
//! Which field says what was read in the files themselves and in `transformers` (`models/*/configuration_*.py`);
//! sizes were compared with published files (`docs/any-model.md`).

mod attention;
mod family;
mod feed_forward;
mod fields;
mod given;
mod quantization;

use super::attention::Attention;
use super::error::{ConfigError, Doubt};
use super::format::{Format, Formats};
use super::{Architecture, Layer};
use family::Family;
use fields::{Fields, shown};
use given::Given;
use serde_json::{Map, Value};

/// Objects that hold the language model of a wrapper.
const INNER: [&str; 3] = ["text_config", "language_config", "llm_config"];
/// Most layers.
const MOST_LAYERS: u64 = 4_096;
/// Most parameters, and numbers of a sequence's state: more than any model has.
const MOST: f64 = 1e13;

/// Reads a `config.json`, and an `hf_quant_config.json` where one lies beside it.
///
/// ```
/// use flashcrowd_profiles::architecture;
/// let config = r#"{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
///     "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": false}"#;
/// assert_eq!(architecture::read(config, None)?.params(), 8_030_261_248);
/// # Ok::<(), flashcrowd_profiles::architecture::ConfigError>(())
/// ```
///
/// # Errors
/// The first field that is missing, of the wrong type, or of a kind that is not known, with its line.
pub fn read(config: &str, quantization: Option<&str>) -> Result<Architecture, ConfigError> {
    let placed = |text: &str, error: ConfigError| {
        let place = error.field.as_deref().and_then(|field| place_of(text, field));
        ConfigError { place: place.or(error.place), ..error }
    };
    let file = object(config)?;
    let model = of(&file, quantization.is_some()).map_err(|error| placed(config, error))?;
    let Some(text) = quantization else { return Ok(model) };
    let beside = |error| ConfigError { is_beside: true, ..placed(text, error) };
    let formats = object(text).and_then(|file| quantization::separate(&file, model.layers.len() as u64));
    Ok(model.with_formats(formats.map_err(beside)?))
}

impl Architecture {
    /// The same model with its weights in another format, as its family is usually quantised.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        let formats = quantization::usual(format, &self.kind, self.formats.cache);
        self.with_formats(formats)
    }

    fn with_formats(mut self, formats: Formats) -> Self {
        self.formats = formats;
        self.doubts.retain(|doubt| *doubt != Doubt::Int4Experts);
        self.doubts.extend(int4_experts(&self));
        self
    }
}

fn object(text: &str) -> Result<Map<String, Value>, ConfigError> {
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(ConfigError::general(format!("expected an object, found {}", shown(&other)))),
        Err(error) => {
            let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let at = (before + error.column().saturating_sub(1)).min(text.len());
            let words = error.to_string();
            let words = words.split(" at line").next().unwrap_or_default();
            Err(ConfigError { place: Some((at, at)), ..ConfigError::general(format!("this is no JSON: {words}")) })
        }
    }
}

fn of(file: &Map<String, Value>, is_quantised_beside: bool) -> Result<Architecture, ConfigError> {
    let inner = INNER.into_iter().find_map(|name| Some((name, file.get(name)?.as_object()?)));
    let fields = match inner {
        Some(("text_config", object)) => Fields::new(object, "text_config.").within(file),
        Some(("language_config", object)) => Fields::new(object, "language_config.").within(file),
        Some((_, object)) => Fields::new(object, "llm_config.").within(file),
        None => Fields::new(file, ""),
    };
    let outer_kind = file.get("model_type").and_then(Value::as_str);
    let Some(kind) = fields.get("model_type").and_then(Value::as_str).or(outer_kind) else {
        return Err(fields.error("model_type", "is missing: without it the model's layers are not known"));
    };
    // The wrapper's name tells families apart whose inner types are the same.
    let family_kind = outer_kind.filter(|outer| outer.starts_with("kimi")).unwrap_or(kind);
    let family = family::of(kind);
    if !family.is_known {
        refuse_unknown(fields, kind)?;
    }
    let hidden = fields.required(&["hidden_size", "n_embd"])?;
    let letters = letters(fields)?;
    let count = match &letters {
        Some(letters) if !fields.has("num_hidden_layers") => letters.chars().count() as u64,
        _ => fields.required(&["num_hidden_layers", "n_layer"])?,
    };
    if count > MOST_LAYERS {
        return Err(fields.error("num_hidden_layers", format!("expected at most {MOST_LAYERS}, found {count}")));
    }
    let given = Given { fields, family, kind, layers: count, letters: letters.as_deref() };
    let attention = attention::read(given)?;
    let feed_forward = feed_forward::read(given)?;
    let layers: Vec<Layer> = attention
        .into_iter()
        .zip(feed_forward)
        .map(|(attention, feed_forward)| Layer { hidden, attention, feed_forward, norm_params: family.norms * hidden })
        .collect();
    check_sizes(&layers)?;
    let vocab = fields.required(&["vocab_size"])?;
    let is_tied =
        if fields.get("tie_word_embeddings").is_some() { fields.flag("tie_word_embeddings")? } else { family.is_tied };
    let formats = quantization::read(fields.get("quantization_config").filter(|_| !is_quantised_beside), count)?;
    let rope_bytes = rope_bytes(fields, kind, layers.iter().find_map(|layer| rope_width(layer.attention.as_ref()?)))?;
    let mut model = Architecture {
        kind: family_kind.to_owned(),
        hidden,
        vocab,
        is_tied,
        layers,
        other_params: other_params(family, kind, hidden, vocab),
        positions: positions(fields)?,
        rope_bytes,
        vision_params: vision_params(file, hidden)?,
        formats,
        doubts: Vec::new(),
    };
    model.doubts = doubts(family, &model);
    Ok(model)
}

/// What each layer of Nemotron-H is, a letter each: from its pattern, or its list of words.
fn letters(fields: Fields<'_>) -> Result<Option<String>, ConfigError> {
    let name = "layers_block_type";
    let Some(words) = fields.list(name)? else {
        return Ok(fields.text("hybrid_override_pattern").map(str::to_owned));
    };
    let of = |word: &Value| match word.as_str() {
        Some("mamba") => Ok('M'),
        Some("attention") => Ok('*'),
        Some("mlp") => Ok('-'),
        Some("moe") => Ok('E'),
        _ => Err(fields.error(name, format!("{} is no kind of layer that is known", shown(word)))),
    };
    words.iter().map(of).collect::<Result<String, _>>().map(Some)
}

/// A kind that was never seen may have no field whose meaning is not known: it may change the layers.
fn refuse_unknown(fields: Fields<'_>, kind: &str) -> Result<(), ConfigError> {
    let is_known = |name: &str| family::KNOWN.contains(&name) || family::is_plain(name);
    match fields.names().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(name) => {
            let message =
                format!("is not known, and neither is the `model_type` {kind}: its layers may be of another shape");
            let hint = "if it says nothing of the shape, remove it from a copy of the file";
            Err(fields.error(name, message).with_hint(hint))
        }
    }
}

/// Sizes of which no product overflows, and that some model might have.
fn check_sizes(layers: &[Layer]) -> Result<(), ConfigError> {
    let mut all = 0.0;
    for (at, layer) in layers.iter().enumerate() {
        all += size(layer);
        if all > MOST {
            let message =
                format!("up to the layer {at} there are more than {MOST:e} parameters, or numbers of a state");
            return Err(ConfigError::general(message));
        }
    }
    Ok(())
}

/// Parameters of a layer, and numbers of its state. Experts alone are a product of four.
fn size(layer: &Layer) -> f64 {
    let experts = layer.feed_forward.as_ref().and_then(|part| part.experts());
    let of_experts = experts.map_or(0.0, |experts| {
        let width = (experts.mlp.width + experts.shared_width) as f64;
        experts.total as f64 * experts.hidden(layer.hidden) as f64 * width * 3.0
    });
    if of_experts > MOST {
        return of_experts;
    }
    let (state, convolution) = layer.attention.as_ref().map_or((0, 0), Attention::state_numbers);
    layer.params() as f64 + state as f64 + convolution as f64
}

fn doubts(family: Family, model: &Architecture) -> Vec<Doubt> {
    let unknown = (!family.is_known).then_some(Doubt::UnknownKind);
    [unknown, family.doubt, int4_experts(model)].into_iter().flatten().collect()
}

fn int4_experts(model: &Architecture) -> Option<Doubt> {
    let is_int4 = matches!(model.formats.of(super::Part::Expert), Format::Int4(_) | Format::Int4Symmetric(_));
    (is_int4 && model.experts().next().is_some()).then_some(Doubt::Int4Experts)
}

/// The last norm, and where all matrices have biases, that of the output layer.
fn other_params(family: Family, kind: &str, hidden: u64, vocab: u64) -> u64 {
    match kind {
        "phi" => 2 * hidden + vocab,
        _ if family.norms == 4 && family.is_biased => 2 * hidden,
        _ => hidden,
    }
}

/// Models whose file says no length have no bound.
fn positions(fields: Fields<'_>) -> Result<Option<u64>, ConfigError> {
    for name in ["max_position_embeddings", "n_positions", "max_sequence_length", "model_max_length"] {
        if let Some(tokens) = fields.size(name)?.filter(|tokens| *tokens > 0) {
            return Ok(Some(tokens));
        }
    }
    Ok(None)
}

fn rope_width(attention: &Attention) -> Option<u64> {
    match attention {
        Attention::Grouped(grouped) => Some(grouped.head),
        Attention::Latent(latent) => Some(latent.rope),
        Attention::DeltaNet(_) | Attention::Mamba(_) => None,
    }
}

/// vLLM keeps a table of sines and cosines for each position, in 16 bits; with linear scaling, for each position
/// times its factor. Gemma 3 has a second one for its windows.
fn rope_bytes(fields: Fields<'_>, kind: &str, width: Option<u64>) -> Result<u64, ConfigError> {
    let is_gemma3 = kind.starts_with("gemma3");
    let usual = if is_gemma3 { 131_072 } else { 8_192 };
    let positions = fields.size("max_position_embeddings")?.unwrap_or(usual);
    let scaling = fields.get("rope_scaling").and_then(Value::as_object);
    let is_linear = scaling.is_some_and(|scaling| {
        ["rope_type", "type"].iter().any(|name| scaling.get(*name).and_then(Value::as_str) == Some("linear"))
    });
    let factor = scaling.filter(|_| is_linear).and_then(|scaling| scaling.get("factor")?.as_f64());
    // Gemma 3 leaves its factor to its family's default.
    let factor = factor.or((is_gemma3 && scaling.is_none() && positions > 32_768).then_some(8.0)).unwrap_or(1.0);
    let tables = factor.clamp(1.0, 1e3) + if is_gemma3 { 1.0 } else { 0.0 };
    // That of gpt-oss is kept in 32 bits.
    let number = if kind == "gpt_oss" { 4.0 } else { 2.0 };
    Ok((positions as f64 * width.unwrap_or(0) as f64 * number * tables) as u64)
}

/// The tower that reads images, and what fits it to the residual stream.
fn vision_params(file: &Map<String, Value>, hidden: u64) -> Result<u64, ConfigError> {
    let Some(object) = file.get("vision_config").and_then(Value::as_object) else { return Ok(0) };
    let fields = Fields::new(object, "vision_config.");
    let (Some(h), Some(layers)) =
        (fields.first(&["hidden_size", "embed_dim"])?, fields.first(&["num_hidden_layers", "depth"])?)
    else {
        return Ok(0);
    };
    let width = fields.size("intermediate_size")?.unwrap_or(4 * h);
    let patch = fields.size("patch_size")?.unwrap_or(14);
    let is_gated = fields.text("model_type") == Some("pixtral");
    let layer = if is_gated { 4 * h * h + 3 * h * width + 2 * h } else { 4 * h * h + 2 * h * width + 9 * h + width };
    let side = fields.size("image_size")?.map_or(0, |side| side / patch);
    let ends = 3 * patch * patch * h + h + side * side * h + 2 * h + h * hidden + h;
    Ok(layers.min(MOST_LAYERS) * layer + ends)
}

/// Where a field stands: after what holds it. That of the last step that is there, if it is missing itself.
fn place_of(text: &str, field: &str) -> Option<(usize, usize)> {
    let (mut from, mut place) = (0, None);
    for step in field.split('.') {
        let name = format!("\"{}\"", step.split('[').next().unwrap_or(step));
        let Some(found) = text[from..].find(&name) else { break };
        place = Some((from + found, from + found + name.len()));
        from += found;
    }
    place
}

//! The attention part of each layer.

use super::super::attention::{Attention, DeltaNet, Grouped, Index, Latent, Mamba, QkNorm, Reach};
use super::super::error::ConfigError;
use super::family::Family;
use super::fields::{Fields, shown};
use super::given::Given;
use serde_json::Value;

/// What kind of attention a layer has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Full,
    Window(u64),
    DeltaNet,
    Mamba,
    None,
}

/// The attention of every layer; `None` where a layer has none.
pub(super) fn read(given: Given<'_>) -> Result<Vec<Option<Attention>>, ConfigError> {
    let Given { fields, family, kind, layers, letters } = given;
    if fields.has("kv_lora_rank") {
        return latent(fields, layers);
    }
    let kinds = match letters {
        Some(letters) => by_letters(fields, letters, layers)?,
        None => kinds(fields, kind, layers)?,
    };
    let grouped = if kinds.iter().any(|kind| matches!(kind, Kind::Full | Kind::Window(_))) {
        Some(grouped(fields, family)?)
    } else {
        None
    };
    let in_windows = in_windows(fields, grouped.as_ref())?;
    let net = if kinds.contains(&Kind::DeltaNet) { Some(delta_net(fields)?) } else { None };
    let mamba = if kinds.contains(&Kind::Mamba) { Some(mamba(fields)?) } else { None };
    let of = |kind: &Kind| match kind {
        Kind::Full => grouped.clone().map(Attention::Grouped),
        Kind::Window(tokens) => {
            in_windows.clone().map(|base| Attention::Grouped(Grouped { reach: Reach::Window(*tokens), ..base }))
        }
        Kind::DeltaNet => net.clone().map(Attention::DeltaNet),
        Kind::Mamba => mamba.clone().map(Attention::Mamba),
        Kind::None => None,
    };
    Ok(kinds.iter().map(of).collect())
}

fn kinds(fields: Fields<'_>, model: &str, layers: u64) -> Result<Vec<Kind>, ConfigError> {
    if let Some(types) = fields.by_layer("layer_types", layers)? {
        return types.iter().enumerate().map(|(at, value)| named(fields, at, value)).collect();
    }
    let by_number = |name, linear: u64, other: Kind| {
        let of = |items: &[Value]| {
            items.iter().map(|item| if item.as_u64() == Some(linear) { other } else { Kind::Full }).collect()
        };
        Ok::<_, ConfigError>(fields.by_layer(name, layers)?.map(of))
    };
    let window = window(fields, model)?;
    if let Some(kinds) = by_number("attn_type_list", 0, Kind::DeltaNet)? {
        return Ok(kinds);
    }
    if let Some(tokens) = window
        && let Some(kinds) = by_number("hybrid_layer_pattern", 1, Kind::Window(tokens))?
    {
        return Ok(kinds);
    }
    let interval = fields.size("full_attention_interval")?;
    let chunk = fields.size("attention_chunk_size")?;
    let without_rope = fields.by_layer("no_rope_layers", layers)?;
    let pattern = fields.size("sliding_window_pattern")?.unwrap_or(6);
    let of = |i: u64| match (model.trim_end_matches("_text"), window) {
        ("llama4", _) => match chunk {
            Some(tokens) if without_rope.map_or(!(i + 1).is_multiple_of(4), |list| list[i as usize] != 0) => {
                Kind::Window(tokens)
            }
            _ => Kind::Full,
        },
        ("gemma3", Some(tokens)) if !(i + 1).is_multiple_of(pattern) => Kind::Window(tokens),
        ("gemma2", Some(tokens)) if i.is_multiple_of(2) => Kind::Window(tokens),
        ("gemma3" | "gemma2", _) => Kind::Full,
        (_, Some(tokens)) => Kind::Window(tokens),
        (_, None) if interval.is_some_and(|interval| !(i + 1).is_multiple_of(interval)) => Kind::DeltaNet,
        _ => Kind::Full,
    };
    Ok((0..layers).map(of).collect())
}

/// The window of the layers that have one. Files of families that can do without keep a number that is not used.
fn window(fields: Fields<'_>, model: &str) -> Result<Option<u64>, ConfigError> {
    let Some(tokens) = fields.size("sliding_window")? else { return Ok(None) };
    let is_off = fields.get("use_sliding_window").is_some_and(|value| *value == false);
    // Qwen's default is off.
    let is_off = is_off || (model.starts_with("qwen") && !fields.has("use_sliding_window"));
    let reaches_all = fields.size("max_position_embeddings")?.is_some_and(|positions| tokens >= positions);
    Ok(Some(tokens).filter(|_| !is_off && !reaches_all))
}

fn named(fields: Fields<'_>, at: usize, value: &Value) -> Result<Kind, ConfigError> {
    let name = format!("layer_types[{at}]");
    let needs_window = || {
        let missing = || fields.error("sliding_window", format!("is missing, and `{name}` is `sliding_attention`"));
        fields.size("sliding_window")?.ok_or_else(missing)
    };
    match value.as_str() {
        Some("full_attention" | "attention") => Ok(Kind::Full),
        Some("sliding_attention") => needs_window().map(Kind::Window),
        Some("chunked_attention") => match fields.size("attention_chunk_size")? {
            Some(tokens) => Ok(Kind::Window(tokens)),
            None => {
                Err(fields.error("attention_chunk_size", format!("is missing, and `{name}` is `chunked_attention`")))
            }
        },
        Some("linear_attention") => Ok(Kind::DeltaNet),
        Some("mamba") => Ok(Kind::Mamba),
        _ => {
            let message = format!("{} is no kind of layer that is known", shown(value));
            let hint =
                "known: full_attention, sliding_attention, chunked_attention, linear_attention, mamba, attention";
            Err(fields.error(&name, message).with_hint(hint))
        }
    }
}

/// Letters of Nemotron-H, one a layer: `M` a mixer, `*` attention, `-` and `E` none.
fn by_letters(fields: Fields<'_>, pattern: &str, layers: u64) -> Result<Vec<Kind>, ConfigError> {
    let name = "hybrid_override_pattern";
    let count = pattern.chars().count() as u64;
    if count != layers {
        return Err(fields.error(name, format!("expected {layers} letters, one for each layer, found {count}")));
    }
    let of = |letter| match letter {
        'M' => Ok(Kind::Mamba),
        '*' => Ok(Kind::Full),
        '-' | 'E' => Ok(Kind::None),
        other => Err(fields.error(name, format!("`{other}` is no kind of layer that is known: expected M, *, - or E"))),
    };
    pattern.chars().map(of).collect()
}

fn grouped(fields: Fields<'_>, family: Family) -> Result<Grouped, ConfigError> {
    let query_heads = fields.required(&["num_attention_heads", "n_head"])?;
    let hidden = fields.required(&["hidden_size", "n_embd"])?;
    let head = match fields.size("head_dim")? {
        Some(head) => head,
        None if hidden.is_multiple_of(query_heads) => hidden / query_heads,
        None => {
            let message = format!("is missing, and {hidden} numbers are not shared evenly by {query_heads} heads");
            return Err(fields.error("head_dim", message));
        }
    };
    let kv_heads = match fields.first(&["num_key_value_heads", "num_kv_heads"])? {
        Some(heads) => heads,
        None if fields.flag("multi_query")? => 1,
        None => query_heads,
    };
    if kv_heads > query_heads || !query_heads.is_multiple_of(kv_heads) {
        let message = format!("{kv_heads} heads of keys do not share {query_heads} query heads evenly");
        return Err(fields.error("num_key_value_heads", message));
    }
    let has_bias = family.has_bias || fields.flag("attention_bias")? || fields.flag("qkv_bias")?;
    let qk_norm = match fields.text("qk_norm_type") {
        Some("per_layer") => QkNorm::Layer,
        _ if family.has_head_norms || fields.flag("use_qk_norm")? => QkNorm::Head,
        _ => QkNorm::None,
    };
    Ok(Grouped {
        query_heads,
        kv_heads,
        head,
        value_head: fields.size("v_head_dim")?.unwrap_or(head),
        is_gated: fields.flag("attn_output_gate")?,
        reach: Reach::Full,
        qk_norm,
        has_bias,
        has_output_bias: family.is_biased,
    })
}

/// Layers with a window may have heads of their own (`swa_*`).
fn in_windows(fields: Fields<'_>, full: Option<&Grouped>) -> Result<Option<Grouped>, ConfigError> {
    let Some(full) = full else { return Ok(None) };
    Ok(Some(Grouped {
        query_heads: fields.size("swa_num_attention_heads")?.unwrap_or(full.query_heads),
        kv_heads: fields.size("swa_num_key_value_heads")?.unwrap_or(full.kv_heads),
        head: fields.size("swa_head_dim")?.unwrap_or(full.head),
        value_head: fields.size("swa_v_head_dim")?.unwrap_or(full.value_head),
        ..full.clone()
    }))
}

fn latent(fields: Fields<'_>, layers: u64) -> Result<Vec<Option<Attention>>, ConfigError> {
    let required = |name| fields.required(&[name]);
    let index = match fields.size("index_topk")? {
        None => None,
        Some(top) => {
            Some(Index { heads: required("index_n_heads")?, width: required("index_head_dim")?, top, is_own: true })
        }
    };
    let shared = fields.by_layer("indexer_types", layers)?;
    let base = Latent {
        query_heads: fields.required(&["num_attention_heads", "n_head"])?,
        query_rank: fields.size("q_lora_rank")?,
        kv_rank: required("kv_lora_rank")?,
        nope: required("qk_nope_head_dim")?,
        rope: required("qk_rope_head_dim")?,
        value: required("v_head_dim")?,
        index,
    };
    let of = |at: u64| {
        let is_own = shared.is_none_or(|list| list[at as usize] != "shared");
        let index = base.index.clone().map(|index| Index { is_own, ..index });
        Some(Attention::Latent(Latent { index, ..base.clone() }))
    };
    Ok((0..layers).map(of).collect())
}

fn delta_net(fields: Fields<'_>) -> Result<DeltaNet, ConfigError> {
    let required = |name| fields.required(&[name]);
    Ok(DeltaNet {
        key_heads: required("linear_num_key_heads")?,
        value_heads: required("linear_num_value_heads")?,
        key: required("linear_key_head_dim")?,
        value: required("linear_value_head_dim")?,
        convolution: required("linear_conv_kernel_dim")?,
        state_bytes: state_bytes(fields),
    })
}

fn mamba(fields: Fields<'_>) -> Result<Mamba, ConfigError> {
    Ok(Mamba {
        heads: fields.required(&["mamba_n_heads", "mamba_num_heads"])?,
        head: fields.required(&["mamba_d_head", "mamba_head_dim"])?,
        groups: fields.required(&["mamba_n_groups", "n_groups"])?,
        state: fields.required(&["mamba_d_state", "ssm_state_size"])?,
        convolution: fields.required(&["mamba_d_conv", "conv_kernel"])?,
        state_bytes: state_bytes(fields),
    })
}

/// Four bytes a number, unless `mamba_ssm_dtype` is of 16 bits.
fn state_bytes(fields: Fields<'_>) -> u64 {
    if fields.text("mamba_ssm_dtype").is_some_and(|name| name.contains("16")) { 2 } else { 4 }
}

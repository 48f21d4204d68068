//! The feed-forward part of each layer.

use super::super::error::ConfigError;
use super::super::feed_forward::{Experts, FeedForward, Mlp};
use super::fields::Fields;
use super::given::Given;
use serde_json::Value;

const TOTAL: [&str; 4] = ["n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts"];
const CHOSEN: [&str; 5] =
    ["num_experts_per_tok", "experts_per_token", "num_experts_per_token", "top_k_experts", "moe_k"];
const SHARED: [&str; 2] = ["n_shared_experts", "moe_num_shared_experts"];
const WIDTH: [&str; 3] = ["intermediate_size_mlp", "dense_intermediate_size", "intermediate_size"];

/// The feed-forward part of every layer; `None` where a layer has none.
pub(super) fn read(given: Given<'_>) -> Result<Vec<Option<FeedForward>>, ConfigError> {
    let experts = experts(given)?;
    if let Some(letters) = given.letters {
        return by_letters(given, letters, experts.as_ref());
    }
    let with_experts = with_experts(given.fields, experts.is_some(), given.layers)?;
    let dense = if with_experts.iter().all(|with| *with) { None } else { Some(dense(given)?) };
    let of = |with: &bool| match (&experts, with) {
        (Some(experts), true) => Some(FeedForward::Sparse(experts.clone())),
        _ => dense.map(FeedForward::Dense),
    };
    Ok(with_experts.iter().map(of).collect())
}

fn dense(given: Given<'_>) -> Result<Mlp, ConfigError> {
    let Given { fields, kind, .. } = given;
    let width = match fields.first(&WIDTH)? {
        Some(width) => width,
        // GPT-2's default.
        None if kind == "falcon" => 4 * fields.required(&["hidden_size"])?,
        None if fields.has("n_embd") => fields.size("n_inner")?.unwrap_or(4 * fields.required(&["n_embd"])?),
        None => fields.required(&["intermediate_size"])?,
    };
    mlp(given, width)
}

fn mlp(Given { fields, family, .. }: Given<'_>, width: u64) -> Result<Mlp, ConfigError> {
    Ok(Mlp { width, matrices: family.matrices, has_bias: family.is_biased || fields.flag("mlp_bias")? })
}

fn experts(given: Given<'_>) -> Result<Option<Experts>, ConfigError> {
    let Given { fields, family, kind, .. } = given;
    let Some(name) = TOTAL.into_iter().find(|name| fields.has(name)) else { return Ok(None) };
    let total = fields.count(name)?.unwrap_or(0);
    if total <= 1 {
        return Ok(None);
    }
    let chosen = fields.required(&CHOSEN)?;
    if chosen > total {
        return Err(fields.error(CHOSEN[0], format!("a token cannot choose {chosen} of {total} experts")));
    }
    let width = fields.required(&["moe_intermediate_size", "intermediate_size"])?;
    let named = ["shared_expert_intermediate_size", "moe_shared_expert_intermediate_size", "shared_intermediate_size"];
    let shared = named.into_iter().find(|name| fields.has(name));
    let shared_width = match shared {
        Some(name) => fields.count(name)?.unwrap_or(0),
        None if kind.starts_with("llama4") => fields.required(&["intermediate_size"])?,
        None => {
            let name = SHARED.into_iter().find(|name| fields.has(name));
            name.map_or(Ok(None), |name| fields.count(name))?.unwrap_or(0).min(1 << 10) * width
        }
    };
    Ok(Some(Experts {
        total,
        chosen,
        mlp: mlp(given, width)?,
        latent: fields.first(&["routed_expert_hidden_size", "moe_latent_size"])?,
        shared_width,
        has_shared_gate: shared == Some("shared_expert_intermediate_size"),
        has_correction: family.has_correction,
    }))
}

/// Which layers have experts.
fn with_experts(fields: Fields<'_>, any: bool, layers: u64) -> Result<Vec<bool>, ConfigError> {
    let each = |of: &dyn Fn(u64) -> bool| Ok((0..layers).map(of).collect());
    if !any {
        return each(&|_| false);
    }
    if let Some(types) = fields.by_layer("mlp_layer_types", layers)? {
        return Ok(types.iter().map(|kind| *kind == "sparse").collect());
    }
    if let Some(Value::Array(_)) = fields.get("moe_layer_freq")
        && let Some(list) = fields.by_layer("moe_layer_freq", layers)?
    {
        return Ok(list.iter().map(|item| *item != 0).collect());
    }
    if let Some(first) = fields.count("first_k_dense_replace")? {
        let every = fields.size("moe_layer_freq")?.unwrap_or(1);
        return each(&|i| i >= first && i.is_multiple_of(every));
    }
    if let Some(step) = fields.size("interleave_moe_layer_step")? {
        return each(&|i| (i + 1).is_multiple_of(step));
    }
    if let Some(first) = fields.count("moe_layer_start_index")? {
        let last = last_with_experts(fields, layers)?;
        let every = fields.size("moe_layer_interval")?.unwrap_or(1);
        return each(&|i| (first..=last).contains(&i) && (i + 1).is_multiple_of(every));
    }
    let step = fields.size("decoder_sparse_step")?.unwrap_or(1);
    let none: &[Value] = &[];
    let dense = fields.list("mlp_only_layers")?.unwrap_or(none);
    each(&|i| !dense.contains(&Value::from(i)) && (i + 1).is_multiple_of(step))
}

/// Its last is -1 where there is no end before the last layer.
fn last_with_experts(fields: Fields<'_>, layers: u64) -> Result<u64, ConfigError> {
    let name = "moe_layer_end_index";
    if fields.get(name).is_some_and(|value| *value == -1) {
        return Ok(layers);
    }
    Ok(fields.count(name)?.unwrap_or(layers))
}

/// Letters of Nemotron-H: `-` an MLP, `E` experts, others none.
fn by_letters(
    given: Given<'_>,
    letters: &str,
    experts: Option<&Experts>,
) -> Result<Vec<Option<FeedForward>>, ConfigError> {
    let dense = if letters.contains('-') { Some(dense(given)?) } else { None };
    if letters.contains('E') && experts.is_none() {
        return Err(given.fields.error(TOTAL[0], "is missing, and the pattern of layers has some of experts"));
    }
    let of = |letter| match letter {
        '-' => dense.map(FeedForward::Dense),
        'E' => experts.cloned().map(FeedForward::Sparse),
        _ => None,
    };
    Ok(letters.chars().map(of).collect())
}

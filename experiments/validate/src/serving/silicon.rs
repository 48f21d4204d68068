//! Closed-loop points of `AIConfigurator` by the shape of their models: parallelism, formats and engines as its table
//! writes them, and the traps of that table.
//!
//! Most rows are exports of `InferenceX`. Those hold `tp` times `ep` (or `dp` times `ep`) where they name `tp` (or `dp`)
//! of engines that deal experts; they draw lengths between 0.8 and 1 of the nominal ones, send ten requests for each
//! client, and set engines up as its scripts do.

use super::names;
use super::point::{Client, Point, Shaped, most};
use super::table::{Row, Unread, leave_out};
use flashcrowd_profiles::architecture::{Architecture, CacheFormat, Format, KNOWN_MODELS};
use flashcrowd_profiles::law::Engine;
use flashcrowd_profiles::rank::Parallelism;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// Known models and their shapes, in the order of the catalogue.
static KNOWN: LazyLock<Vec<(&'static str, Architecture)>> =
    LazyLock::new(|| KNOWN_MODELS.iter().map(|known| (known.name.as_str(), known.architecture())).collect());

/// Iterations between two looks at new requests, as the scripts of `InferenceX` set `SGLang` up: with few clients, and
/// with more.
const RECEIVE_INTERVALS: [u32; 2] = [10, 30];
const FEW_CLIENTS: u32 = 16;
/// Iterations for which its TensorRT-LLM waits for a prompt for each replica.
const BALANCE_ITERATIONS: u32 = 60;

/// Whether a row is an export of `InferenceX`.
pub(super) fn is_exported(row: &Row<'_>) -> bool {
    let origin = row.text("silicon_data_source");
    ["db-dump/", "source_file=20", "source_file=qwen3.5-397b-gap"].iter().any(|start| origin.starts_with(start))
}

/// The model of a row, its ranks, and what serves it for so many clients.
pub(super) fn shaped(row: &Row<'_>, users: u32) -> Result<Shaped, Unread> {
    let Some(engine) = Engine::from_name(row.word("backend")?) else {
        return leave_out(format!("the engine `{}`", row.text("backend")));
    };
    let (name, model) = model(row)?;
    let has_experts = model.experts().next().is_some();
    let ranks = ranks(row, has_experts)?;
    if let Some(why) = cannot_be_predicted(row, &name, engine, ranks) {
        return leave_out(why);
    }
    let exported = is_exported(row);
    let [few, many] = RECEIVE_INTERVALS;
    let receive_interval = match engine {
        Engine::Sglang if exported => if users < FEW_CLIENTS { few } else { many },
        _ => 1,
    };
    let balances = engine == Engine::TrtLlm && exported && ranks.data > 1;
    let balance_iterations = if balances { BALANCE_ITERATIONS } else { 0 };
    Ok(Shaped { name, model: Arc::new(model), ranks, engine, receive_interval, balance_iterations })
}

/// The shape of a row's model in the row's number format.
fn model(row: &Row<'_>) -> Result<(String, Architecture), Unread> {
    let known = names::known(row.word("model_path")?)?;
    let own = KNOWN.iter().find(|(name, _)| *name == known.name).map_or_else(|| known.architecture(), |own| own.1.clone());
    // Names of one shape differ by their number format, or by what they were trained on.
    let params = own.params();
    let first = KNOWN.iter().find(|(_, other)| other.params() == params).map_or(known.name.as_str(), |other| other.0);
    let wanted = format(row);
    let bits = |format: Format| (format.bytes() * 2.0).floor();
    let is_own = bits(own.formats.quantised) == bits(wanted) || own.formats.quantised == Format::Mxfp4;
    let mut model = if is_own { own } else { own.in_format(wanted) };
    if is_exported(row) && wanted != Format::Bf16 && std::env::var("KV16").is_err() {
        model.formats.cache = CacheFormat::Fp8;
    }
    Ok((first.to_owned(), model))
}

/// The number format of a row's weights; where it says none, the model's own name decides.
fn format(row: &Row<'_>) -> Format {
    let name = row.text("model_path").to_ascii_uppercase();
    match (row.text("gemm_quant_mode"), row.text("precision")) {
        ("nvfp4", _) | ("", "fp4") => Format::Nvfp4,
        ("fp8_block", _) => Format::Fp8Block,
        ("fp8", _) | ("", "fp8") if row.text("moe_quant_mode") == "fp8_block" => Format::Fp8Block,
        ("fp8", _) | ("", "fp8") => Format::Fp8,
        _ if name.contains("FP8") => Format::Fp8,
        _ if name.contains("FP4") => Format::Nvfp4,
        _ => Format::Bf16,
    }
}

/// How the ranks of a row share its model.
fn ranks(row: &Row<'_>, has_experts: bool) -> Result<Parallelism, Unread> {
    let count = |column| row.count_or(column, most::GPUS, 1).or_else(|error| if row.number(column).ok().flatten() == Some(0.0) { Ok(1) } else { Err(error) });
    let [mut tensor, mut data, expert, expert_tensor] =
        [count("tp_size")?, count("attention_dp_size")?, count("moe_ep_size")?, count("moe_tp_size")?];
    if !has_experts {
        return Ok(Parallelism { tensor, data, expert: 1 });
    }
    if is_exported(row) && expert > 1 {
        for ranks in [&mut tensor, &mut data] {
            if *ranks > expert && ranks.is_multiple_of(expert) {
                *ranks /= expert;
            }
        }
    }
    if !is_exported(row) && data == 1 && expert_tensor * expert > tensor {
        data = expert_tensor * expert / tensor;
    }
    Ok(Parallelism { tensor, data, expert })
}

/// Why no law of iterations tells the times of a row: something else is in it that the table does not say.
fn cannot_be_predicted(row: &Row<'_>, _name: &str, engine: Engine, ranks: Parallelism) -> Option<&'static str> {
    let is = |column: &str, text: &str| row.text(column).contains(text);
    if is("system", "gb200") && (ranks.ranks() > 8 || !is_exported(row)) {
        return Some("engines of a rack together, or several behind one load");
    }
    if is("model_path", "Qwen3-235B") && engine == Engine::Vllm && is("backend_version", "0.12.0") {
        return Some("an engine that runs without graphs");
    }
    None
}

/// Leaves out all but the first row of each measurement: the table repeats many, with two decimals or with all.
pub(super) fn leave_out_repeats(points: &mut Vec<Point>, left_out: &mut Vec<(u64, String)>) {
    let mut seen = BTreeSet::new();
    points.retain(|point| {
        let (Some(shaped), Client::Closed { users }) = (&point.shaped, &point.client) else { return true };
        let hundredths = point.measured.first().map(|(_, ms)| (ms * 100.0).round() as u64);
        let lengths = [point.prompt, point.output].map(|length| length.mean().round() as u64);
        let is_new = seen.insert((shaped.name.clone(), point.gpu.name.clone(), lengths, *users, hundredths));
        if !is_new {
            left_out.push((point.line, "measured once, in the table more often".to_owned()));
        }
        is_new
    });
}

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
    let engine = match row.text("backend") {
        "" => Engine::Vllm,
        name => match Engine::from_name(name) {
            Some(engine) => engine,
            None => return leave_out(format!("the engine `{name}`")),
        },
    };
    let (name, model) = model(row)?;
    let has_experts = model.experts().next().is_some();
    let ranks = ranks(row, has_experts)?;
    if let Some(why) = cannot_be_predicted(row, engine, ranks) {
        return leave_out(why);
    }
    let exported = is_exported(row);
    let [few, many] = RECEIVE_INTERVALS;
    let receive_interval = match engine {
        Engine::Sglang if exported => {
            if users < FEW_CLIENTS {
                few
            } else {
                many
            }
        }
        _ => 1,
    };
    let balances = engine == Engine::TrtLlm && exported && ranks.data > 1;
    let balance_iterations = if balances { BALANCE_ITERATIONS } else { 0 };
    Ok(Shaped { name, model: Arc::new(model), ranks, engine, receive_interval, balance_iterations })
}

/// The shape of a row's model in the row's number format.
fn model(row: &Row<'_>) -> Result<(String, Architecture), Unread> {
    let known = names::known(row.word("model_path")?)?;
    let own =
        KNOWN.iter().find(|(name, _)| *name == known.name).map_or_else(|| known.architecture(), |own| own.1.clone());
    // Names of one shape differ by their number format, or by what they were trained on.
    let params = own.params();
    let first = KNOWN.iter().find(|(_, other)| other.params() == params).map_or(known.name.as_str(), |other| other.0);
    let wanted = format(row);
    let eight = |format| matches!(format, Format::Fp8 | Format::Fp8Block);
    let given = own.formats.quantised;
    let is_own = given == wanted || given == Format::Mxfp4 || (eight(given) && eight(wanted));
    let mut model = if is_own { own } else { own.in_format(wanted) };
    if is_exported(row) && wanted != Format::Bf16 {
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
    // Some rows write 0 for a number that does not apply.
    let count = |column| {
        if row.number(column)? == Some(0.0) { Ok(1) } else { row.count_or(column, most::GPUS, 1) }
    };
    let [tensor, data, expert, expert_tensor] =
        [count("tp_size")?, count("attention_dp_size")?, count("moe_ep_size")?, count("moe_tp_size")?];
    if !has_experts {
        return Ok(Parallelism { tensor, data, expert: 1 });
    }
    Ok(if is_exported(row) {
        exported_ranks([tensor, data, expert], row.text("silicon_data_source"))
    } else if data == 1 && expert_tensor * expert > tensor {
        Parallelism { tensor, data: expert_tensor * expert / tensor, expert }
    } else {
        Parallelism { tensor, data, expert }
    })
}

/// Exports hold `tp` or `dp` times `ep`. Engines of which they name all three ran on as many GPUs as each of `tp` and
/// `dp` says: with attention data parallelism only where their configuration is one of those that had it.
fn exported_ranks([tensor, data, expert]: [u32; 3], origin: &str) -> Parallelism {
    const WITH_DATA: [&str; 2] = ["config_id=727;", "config_id=827;"];
    if tensor > 1 && data == tensor && expert == tensor * data {
        return if WITH_DATA.iter().any(|config| origin.contains(config)) {
            Parallelism { tensor: 1, data, expert: data }
        } else {
            Parallelism { tensor, data: 1, expert: tensor }
        };
    }
    let once = |ranks: u32| if ranks > expert && ranks.is_multiple_of(expert) { ranks / expert } else { ranks };
    Parallelism { tensor: once(tensor), data: once(data), expert }
}

/// Why no law of iterations tells the times of a row: something else is in it that the table does not say. Each was told
/// by the launch scripts of those days.
fn cannot_be_predicted(row: &Row<'_>, engine: Engine, ranks: Parallelism) -> Option<&'static str> {
    let is = |column: &str, text: &str| row.text(column).contains(text);
    let measured = |year: &str| is("silicon_data_source", &format!("measured={year}"));
    let [on_b200, on_h100] = ["b200_sxm", "h100"].map(|gpu| is("system", gpu));
    if is("system", "gb200") && (ranks.ranks() > 8 || is("model_path", "NVFP4")) {
        return Some("engines of a rack together, or several behind one load");
    }
    if is("model_path", "gpt-oss") && on_h100 {
        return Some("several engines behind one load");
    }
    if is("model_path", "Llama-3.1-8B-Instruct-FP8") && engine == Engine::Vllm {
        return Some("prompts that were found in the cache");
    }
    if is("model_path", "Qwen3-235B") && engine == Engine::Vllm && is("backend_version", "0.12.0") {
        return Some("an engine that runs without graphs");
    }
    let image = |version: &str| is("backend_version", version);
    let drafts_deepseek = is("model_path", "DeepSeek")
        && engine == Engine::TrtLlm
        && (image("post3") || (image("1.1.0rc2.post2") && measured("2026")));
    let drafts_qwen = is("model_path", "Qwen3.5-397B")
        && engine == Engine::Sglang
        && on_b200
        && image("0.5.9")
        && (ranks.tensor, ranks.expert) == (4, 1);
    (drafts_deepseek || drafts_qwen).then_some("speculative decoding, which the row does not say")
}

/// Whether a run sent each client's first request and no more.
pub(super) fn is_one_wave(row: &Row<'_>) -> bool {
    !is_exported(row) && row.text("backend") == "sglang" && row.text("model_path").ends_with("Qwen3-32B")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serving::table::Table;

    const HEADER: &str = "id,silicon_data_source,backend,backend_version,model_path,system,precision,gemm_quant_mode,\
                          moe_quant_mode,tp_size,attention_dp_size,moe_tp_size,moe_ep_size";

    /// What a row says of its model, its ranks and its engine, or why it is left out.
    fn read(row: &str) -> Result<Shaped, String> {
        let table = Table::parse("t.csv".to_owned(), format!("{HEADER}\n{row}\n")).unwrap();
        let row = table.rows().next().unwrap();
        shaped(&row, 20).map_err(|why| match why {
            Unread::LeftOut(why) => why,
            Unread::Wrong(error) => error.to_string(),
        })
    }

    fn ranks_of(row: &str) -> String {
        read(row).unwrap().ranks.to_string()
    }

    #[test]
    fn exports_hold_products() {
        let of = |numbers: [u32; 3]| exported_ranks(numbers, "config_id=5;").to_string();
        assert_eq!(of([64, 1, 8]), "tp8-ep8");
        assert_eq!(of([1, 64, 8]), "tp1-dp8-ep8");
        assert_eq!(of([8, 1, 8]), "tp8-ep8");
        assert_eq!(of([4, 1, 1]), "tp4");
        assert_eq!(of([4, 4, 16]), "tp4-ep4");
        assert_eq!(exported_ranks([2, 2, 4], "config_id=727;").to_string(), "tp1-dp2-ep2");
    }

    #[test]
    fn rows_say_ranks_formats_and_engines() {
        let deepseek = "a,db-dump/2026,sglang,0.5,deepseek-ai/DeepSeek-R1,b200_sxm,fp8,fp8,fp8_block,64,1,8,8";
        assert_eq!(ranks_of(deepseek), "tp8-ep8");
        let read_of = read(deepseek).unwrap();
        let formats = (read_of.model.formats.quantised, read_of.model.formats.cache);
        assert_eq!(formats, (Format::Fp8Block, CacheFormat::Fp8));
        assert_eq!((read_of.receive_interval, read_of.balance_iterations), (30, 0));
        // Experts split over all ranks of two replicas of the attention.
        assert_eq!(ranks_of("a,own,vllm,0.9,Qwen/Qwen3-235B-A22B-FP8,h200_sxm,fp8,fp8,fp8,2,,4,1"), "tp2-dp2");
        assert_eq!(ranks_of("a,own,trtllm,1,Qwen/Qwen3-32B,h100_sxm,,,,8,,1,0"), "tp8");
        let fp4 = "a,db-dump/2026,vllm,0.19,moonshotai/Kimi-K2.5,b300_sxm,fp4,nvfp4,nvfp4,4,1,4,1";
        assert_eq!(read(fp4).unwrap().model.formats.quantised, Format::Nvfp4);
        let oss = "a,db-dump/2026,vllm,0.19,openai/gpt-oss-120b,b200_sxm,fp4,nvfp4,nvfp4,1,1,1,1";
        assert_eq!(read(oss).unwrap().model.formats.quantised, Format::Mxfp4);
    }

    #[test]
    fn rows_that_hold_something_else_are_left_out() {
        let why = |row: &str| read(row).unwrap_err();
        let drafts = "a,source_file=2026;measured=2026-02-06,trtllm,1.2.0rc6.post3,deepseek-ai/DeepSeek-R1,b200_sxm,fp8,fp8,\
                      fp8,64,1,8,8";
        assert!(why(drafts).contains("speculative decoding"));
        assert!(why("a,own,lmdeploy,1,Qwen/Qwen3-32B,h100_sxm,,,,8,,1,0").contains("the engine `lmdeploy`"));
        assert!(why("a,own,vllm,1,Qwen/Qwen9-32B,h100_sxm,,,,8,,1,0").contains("no model `Qwen/Qwen9-32B`"));
        assert!(
            why("a,own,vllm,0.12.0,Qwen/Qwen3-235B-A22B-FP8,h200_sxm,fp8,fp8,fp8,2,,4,1").contains("without graphs")
        );
    }
}

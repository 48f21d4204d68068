//! What serves a model, how its ranks share it, and its rules beside vLLM's: engines by their names, parallelism, the
//! format of the cache, stalls of a new engine.

use super::engine::Place;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::serving::{EngineConfig, WarmUp};
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use flashcrowd_profiles::architecture::CacheFormat;
use flashcrowd_profiles::law::Engine;
use flashcrowd_profiles::rank::Parallelism;

/// What serves a model, and on which ranks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) engine: Engine,
    pub(super) ranks: Parallelism,
    /// The format of the cache, where it is given.
    pub(super) cache: Option<CacheFormat>,
    /// Whether times must be computed from the model's shape: measured ones are of vLLM and tensor parallelism.
    pub(super) needs_shape: bool,
}

pub(super) fn resolve(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
) -> Result<Setup, Diagnostic> {
    let engine = match given.engine {
        None | Some(spec::EngineName::Vllm) => Engine::Vllm,
        Some(spec::EngineName::Sglang) => Engine::Sglang,
        Some(spec::EngineName::TrtLlm) => Engine::TrtLlm,
    };
    match given.engine {
        Some(_) => notes.given(&place.serving("engine"), engine.name()),
        None => notes.default_as(&place.serving("engine"), engine.name(), "Vllm", "what most people run"),
    }
    let ranks = ranks(notes, place, given)?;
    let cache = given.kv_cache_dtype.map(|format| match format {
        spec::KvCacheFormat::Bf16 => CacheFormat::Bf16,
        spec::KvCacheFormat::Fp8 => CacheFormat::Fp8,
    });
    let at = place.serving("kv_cache_dtype");
    match cache {
        Some(format) => notes.given(&at, &format!("{} bits", 8 * format.bytes())),
        None => notes.default(&at, "None", "the format that the model was quantised for, else 16 bits", false),
    }
    let needs_shape = engine != Engine::Vllm || ranks.data > 1 || ranks.expert > 1 || cache == Some(CacheFormat::Fp8);
    if let (true, Some(_)) = (needs_shape, &given.profile) {
        let message = "a profile has the times of one engine on one group of GPUs: `engine`, `parallelism` and \
                       `kv_cache_dtype` cannot change them";
        return Err(notes.error(&place.serving("profile"), message).with_help("leave the profile out, or those"));
    }
    Ok(Setup { engine, ranks, cache, needs_shape })
}

/// All GPUs of a replica split each matrix, unless something else is given.
fn ranks(notes: &mut Notes<'_>, place: &Place<'_>, given: &spec::ContinuousBatch) -> Result<Parallelism, Diagnostic> {
    let gpus = place.gpus * place.groups;
    let at = place.serving("parallelism");
    let Some(spec::Parallelism { tp, dp, ep }) = given.parallelism else {
        notes.default(&at, "None", "all GPUs of a replica split each matrix", false);
        return Ok(Parallelism::tensor(gpus));
    };
    notes.given(&at, "");
    let data = dp.unwrap_or(1);
    notes.within(&format!("{at}.dp"), u64::from(data), 1, 4_096)?;
    if data > 1 && place.engines > 1 {
        let message = "an engine with replicas of its attention cannot share its GPUs with other engines";
        return Err(notes.error(&at, message).with_help("give it GPUs of its own, or leave `dp` out"));
    }
    let tensor = tp.unwrap_or((gpus / data).max(1));
    notes.within(&format!("{at}.tp"), u64::from(tensor), 1, 4_096)?;
    if tensor * data != gpus {
        let message = format!("tp {tensor} times dp {data} are {} GPUs, and a replica has {gpus}", tensor * data);
        let error = notes.error(&at, message);
        return Err(
            error.with_help(format!("give the service `gpus: {}`, of one node or with `groups`", tensor * data))
        );
    }
    if tensor > place.gpus {
        let message = format!("tp {tensor} goes beyond the {} GPUs of a node's group", place.gpus);
        return Err(notes.error(&at, message).with_help("links between nodes are too slow for it; use `dp`"));
    }
    Ok(Parallelism { tensor, data, expert: ep.unwrap_or(1) })
}

/// Stalls of new pods: two recorded runs of Llama-3.1-8B on H100 (vLLM 0.20) had one of 3 to 4 s at the first prompts,
/// and most pods one of some 2 s soon after.
const WARM_UP: [(u64, u64); 2] = [(0, 3_500), (5_000, 2_200)];

/// The rules of the engine beside those of vLLM.
pub(super) fn rules(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    (setup, config): (Setup, &mut EngineConfig),
) -> Result<(), Diagnostic> {
    let at = |field: &str| place.serving(field);
    let [interval, timeout] = ["scheduler_recv_interval", "attention_dp_timeout_iters"];
    let only = |notes: &Notes<'_>, field: &str, engine: &str| {
        notes.error(&at(field), format!("`{field}` is a setting of {engine}"))
    };
    if given.scheduler_recv_interval.is_some() && setup.engine != Engine::Sglang {
        return Err(only(notes, interval, "SGLang").with_help("give `engine: Sglang`, or leave it out"));
    }
    let balances = setup.engine == Engine::TrtLlm && setup.ranks.data > 1;
    if given.attention_dp_timeout_iters.is_some() && !balances {
        let error = only(notes, timeout, "TensorRT-LLM with attention data parallelism");
        return Err(error.with_help("give `engine: TrtLlm` and `parallelism: (dp: ..)`, or leave it out"));
    }
    if setup.engine == Engine::Sglang {
        config.receive_interval = notes.or(&at(interval), given.scheduler_recv_interval, 1, "SGLang's default");
        notes.within(&at(interval), u64::from(config.receive_interval), 1, 4_096)?;
    }
    if balances {
        let default = "TensorRT-LLM's default: prompts do not wait for each other";
        config.balance_iterations = notes.or(&at(timeout), given.attention_dp_timeout_iters, 0, default);
        notes.within(&at(timeout), u64::from(config.balance_iterations), 0, 1_000_000)?;
    }
    config.warm_up = warm_up(notes, &at("warm_up"), given.warm_up.as_deref())?;
    Ok(())
}

fn warm_up(notes: &mut Notes<'_>, at: &str, given: Option<&[spec::WarmUp]>) -> Result<Vec<WarmUp>, Diagnostic> {
    let Some(given) = given else {
        let ms = |ms| Duration(SimDuration::from_ms(ms));
        let written = WARM_UP.map(|(after, takes)| format!("(after: \"{}\", takes: \"{}\")", ms(after), ms(takes)));
        let text = WARM_UP.map(|(after, takes)| format!("{} after {}", ms(takes), ms(after))).join(", ");
        notes.assume(at, &text, format!("[{}]", written.join(", ")), "recorded pods of Llama-3.1-8B on H100");
        let stall = |(after, takes)| WarmUp { after: SimDuration::from_ms(after), takes: SimDuration::from_ms(takes) };
        return Ok(WARM_UP.map(stall).to_vec());
    };
    notes.given(at, "");
    let stalls: Vec<WarmUp> =
        given.iter().map(|stall| WarmUp { after: stall.after.get(), takes: stall.takes.get() }).collect();
    if let Some(late) = stalls.windows(2).find(|pair| pair[1].after < pair[0].after) {
        let message = format!("a stall after {} stands behind one after {}", late[1].after, late[0].after);
        return Err(notes.error(at, message).with_help("give them in the order of `after`"));
    }
    Ok(stalls)
}

//! Token-level engines: the profile of a model on the pools' GPU, and the engine's settings.

use super::setup::{self, Setup};
use crate::files::Files;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::serving::{BlockGroups, EngineConfig};
use flashcrowd_language::units::Fraction;
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_profiles::architecture::{self, Architecture, Format, KNOWN_MODELS, KnownModel};
use flashcrowd_profiles::law::{Class, computed_in};
use flashcrowd_profiles::rank::Parallelism;
use flashcrowd_profiles::{EngineLimits, GPUS, Library, MODELS, Origin, Precision, Profile, lookup};

/// An engine and where its times come from.
pub(crate) struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) profile: Profile,
    /// Memory of one of its GPUs, and the share that it takes.
    pub(crate) gpu_bytes: u64,
    pub(crate) utilization: f64,
}

/// Where a service's engine stands in the scenario, and what it is to serve.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) service: &'a spec::Service,
    pub(crate) gpus: u32,
    /// Groups of so many GPUs, each on one node.
    pub(crate) groups: u32,
    /// Engines that share a GPU, this one included.
    pub(crate) engines: u32,
}

impl Place<'_> {
    fn path(&self, field: &str) -> String {
        format!("services.{}.{field}", self.name)
    }

    pub(super) fn serving(&self, field: &str) -> String {
        format!("services.{}.serving.{field}", self.name)
    }
}

pub(crate) fn resolve(
    notes: &mut Notes<'_>,
    files: &mut Files,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    pools: &[PoolConfig],
) -> Result<Engine, Diagnostic> {
    let gpu = gpu(notes, place, pools)?;
    let setup = setup::resolve(notes, place, given)?;
    let profile = profile(notes, files, place, (given, setup), gpu)?;
    let limits = limits(notes, place, given, gpu)?;
    let mut config = profile.engine(gpu.memory_per_gpu.0, limits).map_err(|why| {
        notes.error(&place.path("serving"), why.to_string()).with_help(what_fits(place, given, &profile, gpu, limits))
    })?;
    if let Some(tokens) = given.kv_cache_tokens {
        let at = place.serving("kv_cache_tokens");
        // A group that slides holds a block more than it needs.
        let least = if config.groups.is_some() { 2 } else { 1 };
        notes.within(&at, tokens, least * u64::from(limits.block_tokens), 1 << 40)?;
        notes.given(&at, &tokens.to_string());
        let held = config.cache_tokens();
        if tokens > held {
            notes.warn(format!("service `{}`: `kv_cache_tokens` is {tokens}, its GPUs hold {held}", place.name));
        }
        config.blocks = tokens / u64::from(limits.block_tokens) * config.groups.map_or(1, BlockGroups::all);
    } else {
        let tokens = config.cache_tokens().to_string();
        let source = "what weights and activations leave of gpu_memory_utilization";
        notes.default(&place.serving("kv_cache_tokens"), &tokens, source, false);
    }
    rules(notes, place, given, &profile, &mut config)?;
    setup::rules(notes, place, given, (setup, &mut config))?;
    config.check().map_err(|why| notes.error(&place.path("serving"), format!("the engine cannot work: {why}")))?;
    Ok(Engine { config, profile, gpu_bytes: gpu.memory_per_gpu.0, utilization: limits.utilization })
}

/// What to change for a model that does not fit: the fewest GPUs that would do.
fn what_fits(
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    profile: &Profile,
    pool: &PoolConfig,
    limits: EngineLimits,
) -> String {
    let others = "a smaller `precision` or a larger GPU leaves more room, too";
    let fits = |gpus: &u32| {
        let split = match &profile.shape {
            Some(shape) => {
                let tensor = (*gpus / shape.ranks.data).max(1);
                let ranks = Parallelism { tensor, ..shape.ranks };
                Profile::of_shape(&profile.model, &shape.model, &shape.gpu, ranks, shape.engine).ok()
            }
            None => flashcrowd_profiles::find(&profile.model, &profile.gpu, *gpus, profile.precision).ok(),
        };
        split.is_some_and(|profile| profile.engine(pool.memory_per_gpu.0, limits).is_ok())
    };
    match [2, 4, 8, 16].into_iter().filter(|&gpus| gpus > place.gpus && gpus <= pool.gpus_per_node).find(fits) {
        Some(gpus) => {
            let ranks = profile.shape.as_ref().filter(|_| given.parallelism.is_some()).map(|shape| {
                let Parallelism { data, expert, .. } = shape.ranks;
                let rest = [("dp", data), ("ep", expert)].into_iter().filter(|(_, of)| *of > 1);
                let rest: Vec<String> = rest.map(|(name, of)| format!(", {name}: {of}")).collect();
                format!(" and `parallelism: (tp: {}{})`", gpus / data, rest.concat())
            });
            format!("split it over the GPUs of a node: `gpus: {gpus}`{}; {others}", ranks.unwrap_or_default())
        }
        None => format!("no node of the pool `{}` has GPUs enough; {others}", pool.name),
    }
}

/// The one type of GPU of the pools that may host the service.
fn gpu<'p>(notes: &Notes<'_>, place: &Place<'_>, pools: &'p [PoolConfig]) -> Result<&'p PoolConfig, Diagnostic> {
    let allowed = |pool: &&PoolConfig| {
        let named = place.service.pools.as_ref().is_none_or(|names| names.iter().any(|name| **name == *pool.name));
        named && pool.gpus_per_node >= place.gpus
    };
    let mut usable = pools.iter().filter(allowed);
    let Some(first) = usable.next() else {
        return Err(notes.error(&place.path("serving"), "no pool can host this engine: its GPU decides its times"));
    };
    match usable.find(|pool| pool.gpu != first.gpu || pool.memory_per_gpu != first.memory_per_gpu) {
        None => Ok(first),
        Some(other) => {
            let message = format!(
                "the pools `{}` ({}) and `{}` ({}) have different GPUs: a service with `serving: ContinuousBatch` runs \
                 on one type, whose speed its profile has",
                first.name, first.gpu, other.name, other.gpu
            );
            let help = format!("say which: `pools: [\"{}\"]`; a second service can use the other", first.name);
            Err(notes.error(&place.path("serving"), message).with_help(help))
        }
    }
}

/// How far profiles are to be trusted that were not measured: see docs/profiles.md.
const COMPUTED: &str = "computed from model card and datasheet, not measured: on public closed-loop points its time \
                        per output token errs by 7 % in the median and 12 % in the mean (docs/profiles.md)";
const SCALED: &str = "scaled by datasheets from measurements elsewhere, not measured here: expect at least the error of \
                      the datasheet law, 7 % in the median and 12 % in the mean (docs/profiles.md)";

/// The user's own profile, or the best that the program has.
fn profile(
    notes: &mut Notes<'_>,
    files: &mut Files,
    place: &Place<'_>,
    (given, setup): (&spec::ContinuousBatch, Setup),
    pool: &PoolConfig,
) -> Result<Profile, Diagnostic> {
    let Some(model) = &place.service.model else {
        let error =
            notes.error(&place.path("serving"), "an engine's times depend on its model, and `model` is not given");
        let names = list(MODELS.iter().map(|model| model.name.as_str()));
        return Err(error.with_help(format!("give the service `model: \"Llama-3.1-8B\"`; measured: {names}")));
    };
    let mut library = Library::shipped().clone();
    if let Some(path) = &given.profile {
        let setting = place.serving("profile");
        notes.given(&setting, path);
        let input = files.read(notes, &setting, path)?;
        library = library.preferring(flashcrowd_profiles::read(&input.shown, &input.bytes)?);
    }
    let name = model.name();
    let fits = library.profiles().iter().any(|known| known.model == name);
    // The law of model cards reads all experts of a model; that of shapes reads those that a batch meets.
    let has_card = lookup(&MODELS, &name).is_ok_and(|card| card.experts.is_none() || KnownModel::find(&name).is_err());
    let is_measured = (has_card || fits) && !setup.needs_shape;
    let profile = match model {
        spec::Model::Named(name) if is_measured => by_name(notes, place, given, pool, (&library, name))?,
        spec::Model::Named(name) => {
            let known = KnownModel::find(name).map_err(|_| unknown_model(notes, place, name))?;
            by_shape(notes, place, (given, setup), pool, (&known.name, known.architecture()))?
        }
        spec::Model::Config(file) => {
            let model = config(notes, files, place, &file.path)?;
            by_shape(notes, place, (given, setup), pool, (&name, model))?
        }
    };
    // Measured times are facts; others are assumptions that a report must name.
    let assumed = !matches!(profile.origin, Origin::Fitted(_));
    let (how, source) = match (&profile.origin, &profile.shape) {
        (Origin::Fitted(_), _) => ("fitted", "fitted to measurements"),
        (Origin::Scaled { .. }, _) => ("scaled, not measured", SCALED),
        (Origin::Computed { .. }, None) => ("computed, not measured", COMPUTED),
        (Origin::Computed { .. }, Some(shape)) => ("computed, not measured", Class::of(&shape.model).trust()),
    };
    notes.default(&place.serving("times"), &format!("{} ({how})", profile.name), source, assumed);
    Ok(profile)
}

/// The profile of a model that was measured somewhere, or has a card.
fn by_name(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    pool: &PoolConfig,
    (library, model): (&Library, &str),
) -> Result<Profile, Diagnostic> {
    let precision = match given.precision {
        Some(spec::Precision::Fp8) => Precision::Fp8,
        Some(spec::Precision::Fp4) => Precision::Fp4,
        Some(spec::Precision::Bf16) | None => Precision::Bf16,
    };
    let at = place.serving("precision");
    let name = precision.to_string();
    match given.precision {
        Some(_) => notes.given(&at, &name),
        None => notes.default_as(&at, &name, "Bf16", "the format that weights are published in"),
    }
    library.find(model, &pool.gpu, place.gpus, precision).map_err(|error| {
        let at = if lookup(&MODELS, model).is_err() { place.path("model") } else { place.path("serving") };
        notes.error(&at, error.to_string())
    })
}

/// The profile of a model by its shape.
fn by_shape(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    (given, setup): (&spec::ContinuousBatch, Setup),
    pool: &PoolConfig,
    (name, model): (&str, Architecture),
) -> Result<Profile, Diagnostic> {
    let at = place.serving("precision");
    let model = if let Some(given) = given.precision {
        let format = match given {
            spec::Precision::Bf16 => Format::Bf16,
            spec::Precision::Fp8 => Format::Fp8,
            spec::Precision::Fp4 => Format::Nvfp4,
        };
        notes.given(&at, format.name());
        if model.formats.quantised == format { model } else { model.in_format(format) }
    } else {
        notes.default_as(&at, model.formats.quantised.name(), "None", "the model's own configuration");
        model
    };
    let mut model = model;
    model.formats.cache = setup.cache.unwrap_or(model.formats.cache);
    let gpu = lookup(&GPUS, &pool.gpu).map_err(|error| {
        let error = notes.error(&place.path("model"), error.to_string());
        error.with_help("times of this model are computed from the datasheet of its GPU")
    })?;
    let format = model.formats.quantised;
    let runs_in = computed_in(format, gpu);
    if runs_in != format {
        notes.warn(format!(
            "service `{}`: {} lacks {format}: its weights are computed as {runs_in}",
            place.name, gpu.name
        ));
    }
    let profile = Profile::of_shape(name, &model, gpu, setup.ranks, setup.engine)
        .map_err(|why| notes.error(&place.path("serving"), why.to_string()))?;
    let of_class = Class::of(&model).doubts(&model, gpu, setup.ranks);
    let of_class = of_class.into_iter().map(str::to_owned);
    for doubt in model.doubts.iter().map(ToString::to_string).chain(of_class) {
        notes.warn(format!("service `{}`: {doubt}", place.name));
    }
    Ok(profile)
}

/// The model of a `config.json`.
fn config(notes: &Notes<'_>, files: &mut Files, place: &Place<'_>, path: &str) -> Result<Architecture, Diagnostic> {
    let setting = place.path("model");
    let input = files.read(notes, &setting, path)?;
    let text = |input: &crate::files::Input| String::from_utf8_lossy(&input.bytes).into_owned();
    let beside = std::path::Path::new(path).with_file_name("hf_quant_config.json");
    let separate = if files.locate(notes, &setting, &beside.to_string_lossy()).is_file() {
        Some(text(&files.read(notes, &setting, &beside.to_string_lossy())?))
    } else {
        None
    };
    let config = text(&input);
    let beside = separate.as_deref();
    architecture::read(&config, beside).map_err(|error| error.diagnostic(&input.shown, &config, beside))
}

fn unknown_model(notes: &Notes<'_>, place: &Place<'_>, name: &str) -> Diagnostic {
    let error = notes.error(&place.path("model"), format!("there is no model `{name}`"));
    let known = KNOWN_MODELS.iter().map(|model| model.name.as_str()).chain(MODELS.iter().map(|model| &*model.name));
    let near = nearest(name, known).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
    error.with_help(format!("{near}`flashcrowd model` lists all; one of your own: `model: Config(\"config.json\")`"))
}

/// GPUs of at least so much memory get vLLM's larger defaults.
const LARGE_GPU_BYTES: u64 = 70 << 30;

/// Where a default comes from: limits are vLLM's for all engines.
fn from_vllm(given: &spec::ContinuousBatch, source: &'static str) -> &'static str {
    match given.engine {
        None | Some(spec::EngineName::Vllm) => source,
        Some(spec::EngineName::Sglang | spec::EngineName::TrtLlm) => "vLLM's default, taken for this engine, too",
    }
}

/// What decides how much memory is left for the cache.
fn limits(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    pool: &PoolConfig,
) -> Result<EngineLimits, Diagnostic> {
    // `EngineArgs._set_default_args` in vllm/engine/arg_utils.py: an A100 counts as small.
    let large = pool.memory_per_gpu.0 >= LARGE_GPU_BYTES && !pool.gpu.to_ascii_lowercase().contains("a100");
    let (tokens, sequences) = if large { (8_192, 1_024) } else { (2_048, 256) };
    let source = if large { "vLLM's default for an API server on a GPU of 70 GiB or more" } else { "vLLM's default" };
    let source = from_vllm(given, source);
    let [tokens_at, sequences_at, block_at, share_at] =
        ["max_num_batched_tokens", "max_num_seqs", "block_size", "gpu_memory_utilization"]
            .map(|field| place.serving(field));
    let sequences = notes.or(&sequences_at, given.max_num_seqs, sequences, source);
    notes.within(&sequences_at, u64::from(sequences), 1, 65_536)?;
    let tokens = notes.or(&tokens_at, given.max_num_batched_tokens, tokens.max(sequences), source);
    notes.within(&tokens_at, u64::from(tokens), u64::from(sequences), 1 << 20)?;
    let block_tokens = notes.or(&block_at, given.block_size, 16, from_vllm(given, "vLLM's default"));
    if !block_tokens.is_power_of_two() || block_tokens > 4_096 {
        return Err(
            notes.error(&block_at, format!("`block_size` is {block_tokens}; expected a power of two up to 4096"))
        );
    }
    let (share, source) = match place.engines {
        1 => (0.9, from_vllm(given, "vLLM's default")),
        several => (0.9 / f64::from(several), "vLLM's default, split among the engines of a GPU"),
    };
    let utilization = notes.or(&share_at, given.gpu_memory_utilization.map(Fraction::get), share, source);
    Ok(EngineLimits { utilization, batched_tokens: tokens, sequences, block_tokens })
}

/// The switches of the engine.
fn rules(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    profile: &Profile,
    config: &mut EngineConfig,
) -> Result<(), Diagnostic> {
    let at = |field: &str| place.serving(field);
    let chunks = profile.shape.as_ref().is_none_or(|shape| shape.engine.chunks_prompts());
    let source = if chunks { from_vllm(given, "vLLM's default") } else { "TensorRT-LLM's default" };
    config.chunked_prefill = notes.or(&at("enable_chunked_prefill"), given.enable_chunked_prefill, chunks, source);
    let source = from_vllm(given, "vLLM's default");
    config.prefix_caching = notes.or(&at("enable_prefix_caching"), given.enable_prefix_caching, true, source);
    config.lookahead = notes.or(
        &at("async_scheduling"),
        given.async_scheduling,
        profile.lookahead_steps > 0,
        "as the profile was measured",
    );
    let held = config.held_tokens();
    let (longest, source) = match &profile.shape {
        Some(shape) if shape.model.positions.is_some_and(|most| most < held) => {
            (shape.longest_context(held), "as long as the model was made for")
        }
        _ => (held.min(u64::from(u32::MAX)) as u32, "as long as the KV cache"),
    };
    config.max_context = notes.or(&at("max_model_len"), given.max_model_len, longest, source);
    notes.within(&at("max_model_len"), u64::from(config.max_context), 2, u64::from(u32::MAX))?;
    fits_the_cache(notes, place, given, config)
}

/// vLLM does not start with a `max_model_len` above what its memory holds (`check_enough_kv_cache_memory`
/// in `vllm/v1/core/kv_cache_utils.py`). It does where the size of the cache is set by hand, as
/// `kv_cache_tokens` does (`num_gpu_blocks_override`, vllm-project/vllm#27181): what is longer is cut.
fn fits_the_cache(
    notes: &mut Notes<'_>,
    place: &Place<'_>,
    given: &spec::ContinuousBatch,
    config: &mut EngineConfig,
) -> Result<(), Diagnostic> {
    let (longest, held) = (u64::from(config.max_context), config.held_tokens());
    if given.max_model_len.is_none() || longest <= held {
        return Ok(());
    }
    let at = place.serving("max_model_len");
    if given.kv_cache_tokens.is_some() {
        notes.warn(format!(
            "service `{}`: `max_model_len` is {longest}, its KV cache holds {held} tokens: outputs are cut there",
            place.name
        ));
        // As without a `max_model_len`.
        config.max_context = held.min(u64::from(u32::MAX)) as u32;
        return Ok(());
    }
    let message = format!("`max_model_len` is {longest}, larger than the {held} tokens that the KV cache holds");
    let help = format!(
        "vLLM would not start: decrease `max_model_len` to {held} or less, increase `gpu_memory_utilization` (now {}), \
         or give the service more `gpus`",
        given.gpu_memory_utilization.map_or(0.9 / f64::from(place.engines), Fraction::get)
    );
    Err(notes.error(&at, message).with_help(help))
}

//! What `flashcrowd model` says of a model on a GPU.

use super::columns;
use flashcrowd_core::serving::BlockGroups;
use flashcrowd_language::words::count;
use flashcrowd_profiles::architecture::{Architecture, Attention, CacheFormat, KNOWN_MODELS};
use flashcrowd_profiles::law::{Chunk, Class, Engine, Law, Load, computed_in};
use flashcrowd_profiles::rank::{BLOCK_TOKENS, Budget, Parallelism, Settings};
use flashcrowd_profiles::{Gpu, Library, MODELS, Origin, Precision, lookup};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A model, and what is asked of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// Its name, or its file.
    pub(crate) name: &'a str,
    pub(crate) model: &'a Architecture,
    pub(crate) gpu: &'a Gpu,
    pub(crate) ranks: Parallelism,
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    /// Tokens of a prompt.
    pub(crate) prompt: u32,
    /// Tokens of an output.
    pub(crate) output: u32,
}

/// Batches whose times are shown.
const BATCHES: [u32; 5] = [1, 8, 32, 128, 256];

impl Question<'_> {
    fn budget(&self) -> Budget {
        Budget::of(self.model, self.ranks, self.gpu.seen_bytes(), self.settings)
    }

    fn law(&self) -> Law {
        Law::of(self.model, self.gpu, self.ranks, self.engine, self.settings.cache)
    }

    /// Time of an iteration of decodes that see one prompt each, ms.
    fn decode_ms(&self, law: &Law, batch: u32) -> f64 {
        law.iteration_ms(&Load { decodes: f64::from(batch), context: f64::from(self.prompt), chunks: Vec::new() })
    }

    /// Time of an iteration of one prompt, ms.
    fn prompt_ms(&self, law: &Law) -> f64 {
        prefill_ms(law, self.prompt)
    }

    /// The most requests that run at once: all replicas of the attention.
    fn most_sequences(&self, budget: &Budget) -> u64 {
        let tokens = u64::from(self.prompt) + u64::from(self.output);
        let held = match budget.cache.block_groups() {
            None => budget.tokens / tokens.max(1),
            Some(groups) => blocks(budget, groups) / groups.of_sequence(tokens.max(1), BLOCK_TOKENS),
        };
        held.min(u64::from(self.settings.sequences)) * u64::from(self.ranks.data)
    }

    /// The highest rate of requests a second, and the mean time of an iteration then, ms: as many sequences as fit,
    /// each of which begins anew when it ends; prompts in chunks beside decodes.
    fn highest(&self, law: &Law, budget: &Budget) -> Option<(f64, f64)> {
        let sequences = self.most_sequences(budget) as f64;
        let (prompt, output) = (f64::from(self.prompt), f64::from(self.output));
        if sequences < 1.0 {
            return None;
        }
        // In a cycle of as many iterations as an output has tokens, each sequence's prompt is read once.
        let replicas = f64::from(self.ranks.data);
        let room = (f64::from(self.settings.batched_tokens) * replicas - sequences).max(1.0);
        let mean = (sequences * prompt / output).min(room);
        let chunks = prompts(mean / replicas, prompt);
        let load = Load { decodes: sequences, context: prompt + output / 2.0, chunks };
        let ms = law.iteration_ms(&load);
        let by_prompts = mean / prompt;
        let by_outputs = sequences / output;
        Some((by_prompts.min(by_outputs) / ms * 1e3, ms))
    }
}

/// Whole prompts, and what is left of another, that make so many tokens.
fn prompts(tokens: f64, prompt: f64) -> Vec<Chunk> {
    /// More chunks tell no more of an iteration.
    const MOST: f64 = 4_096.0;
    let whole = (tokens / prompt).floor().min(MOST);
    let mut chunks = vec![Chunk { tokens: prompt, past: 0.0 }; whole as usize];
    let rest = tokens - whole * prompt;
    chunks.extend((rest > 0.0).then_some(Chunk { tokens: rest, past: 0.0 }));
    chunks
}

/// Time of an iteration of one prompt of so many tokens, ms.
fn prefill_ms(law: &Law, tokens: u32) -> f64 {
    let chunk = Chunk { tokens: f64::from(tokens), past: 0.0 };
    law.iteration_ms(&Load { chunks: vec![chunk], ..Load::default() })
}

/// All models that are part of the program.
pub(crate) fn names() -> String {
    let mut rows = vec![["model", "parameters", "of a token", "weights", "Hugging Face"].map(str::to_owned).to_vec()];
    rows.extend(KNOWN_MODELS.iter().map(|known| {
        let model = known.architecture();
        let first = known.aliases.first().cloned().unwrap_or_default();
        let weights = model.formats.quantised.to_string();
        vec![known.name.clone(), billions(model.params()), billions(model.active_params()), weights, first]
    }));
    columns(&rows, &[1, 2])
}

fn billions(params: u64) -> String {
    format!("{:.2} B", params as f64 / 1e9)
}

fn gb(bytes: f64) -> String {
    format!("{:.2} GB", bytes / 1e9)
}

/// The answer in words.
pub(crate) fn text(question: &Question<'_>) -> String {
    let Question { name, model, gpu, ranks, engine, settings, .. } = question;
    let budget = question.budget();
    let law = question.law();
    let mut text = format!("{name} on {}, {}, {}\n", group(gpu, *ranks), engine.name(), shape(model));
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, value: String, note: String| rows.push(vec![name.to_owned(), value, note]);
    row("parameters", billions(model.params()), format!("{} of a token", billions(model.active_params())));
    row("weights", gb(budget.weights.loaded_bytes()), weights_note(question, &budget));
    row("activations", gb(budget.activation_bytes), limits(settings));
    row("CUDA, buffers", gb(budget.fixed_bytes), String::new());
    row("cache", gb(budget.cache_bytes.max(0.0)), cache_note(&budget, settings.cache));
    row("of", gb(budget.given_bytes), format!("{} of {}", settings.utilization, gb(gpu.seen_bytes() as f64)));
    let _ = write!(text, "\nmemory of a GPU\n{}", indented(&columns(&rows, &[1])));
    if let Err(error) = budget.clone().checked() {
        let _ = writeln!(text, "\n{error}{}", what_fits(question));
    } else {
        let _ = writeln!(text, "\nthe cache holds {} tokens{}", count(budget.tokens), of_a_replica(*ranks));
        by_group(&mut text, question, &budget);
        times(&mut text, question, &law, &budget);
    }
    trust(&mut text, question);
    text
}

/// Blocks of the cache, of all groups of layers.
fn blocks(budget: &Budget, groups: BlockGroups) -> u64 {
    budget.tokens / BLOCK_TOKENS * groups.all()
}

/// What a model with windows takes of those tokens, which count each layer as if it kept all.
fn by_group(text: &mut String, question: &Question<'_>, budget: &Budget) {
    let Some(groups) = budget.cache.block_groups() else { return };
    let tokens = (u64::from(question.prompt) + u64::from(question.output)).max(1);
    let (all, each) = (blocks(budget, groups), groups.of_sequence(tokens, BLOCK_TOKENS));
    let _ = writeln!(
        text,
        "  as vLLM logs them: {} blocks of {BLOCK_TOKENS} tokens for {} full and {} windowed groups of layers ({} tokens)\n  \
         a sequence of {} tokens holds {} blocks at most: {} such fit",
        count(all),
        groups.full,
        groups.windowed,
        count(u64::from(groups.window)),
        count(tokens),
        count(each),
        count(all / each),
    );
}

fn group(gpu: &Gpu, ranks: Parallelism) -> String {
    let Parallelism { tensor, data, expert } = ranks;
    let parts = [("tp", tensor), ("dp", data), ("ep", expert)];
    let parts: Vec<String> = parts.iter().filter(|(_, of)| *of > 1).map(|(name, of)| format!("{name} {of}")).collect();
    let several = if ranks.ranks() > 1 { format!("{} x ", ranks.ranks()) } else { String::new() };
    format!(
        "{several}{}{}",
        gpu.name,
        if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
    )
}

/// Layers by kind, and experts.
fn shape(model: &Architecture) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    model.attentions().map(Attention::name).for_each(|name| *kinds.entry(name).or_default() += 1);
    let kinds: Vec<String> = kinds.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let experts = model.experts().next().map_or_else(String::new, |experts| {
        format!(", {} of {} experts in {}", experts.chosen, experts.total, model.experts().count())
    });
    format!("{} layers: {}{experts}", model.layers.len(), kinds.join(", "))
}

fn weights_note(question: &Question<'_>, budget: &Budget) -> String {
    let format = question.model.formats.quantised;
    let runs_in = computed_in(format, question.gpu);
    let mut note = format.to_string();
    if runs_in != format {
        let _ = write!(note, ", which this GPU lacks: computed as {runs_in}");
    }
    if budget.weights.loaded_beside_bytes > 5e6 {
        let _ = write!(note, ", {} of them tables and padding", gb(budget.weights.loaded_beside_bytes));
    }
    if question.model.vision_params > 0 {
        let loaded = if question.settings.reads_images { "with" } else { "without" };
        let _ = write!(note, "; {loaded} {} that read images", gb(budget.weights.vision_bytes));
    }
    note
}

fn limits(settings: &Settings) -> String {
    let Settings { batched_tokens, sequences, .. } = settings;
    format!("{} tokens an iteration, {} sequences", count(u64::from(*batched_tokens)), count(u64::from(*sequences)))
}

fn cache_note(budget: &Budget, number: CacheFormat) -> String {
    let cache = &budget.cache;
    let mut parts = vec![format!("{} bytes a token in {} bits", count(cache.full_bytes), 8 * number.bytes())];
    if cache.windowed_bytes > 0 {
        parts.push(format!("{} within a window", count(cache.windowed_bytes)));
    }
    if cache.state_bytes > 0 {
        parts.push(format!("{:.1} MB a sequence", cache.state_bytes as f64 / 1e6));
    }
    parts.join(", ")
}

fn of_a_replica(ranks: Parallelism) -> &'static str {
    if ranks.data > 1 { " of each replica of the attention" } else { "" }
}

fn times(text: &mut String, question: &Question<'_>, law: &Law, budget: &Budget) {
    let Question { prompt, output, .. } = question;
    let mut rows = vec![["batch", "ms", "tokens/s", ""].map(str::to_owned).to_vec()];
    let most = question.most_sequences(budget);
    for batch in BATCHES {
        let ms = question.decode_ms(law, batch);
        let note = if u64::from(batch) > most { "does not fit at once" } else { "" };
        let rate = count((f64::from(batch) / ms * 1e3).round() as u64);
        rows.push(vec![batch.to_string(), format!("{ms:.2}"), rate, note.to_owned()]);
    }
    let _ = write!(
        text,
        "\ntime of an iteration in decode, {} tokens of context each\n{}",
        count(u64::from(*prompt)),
        indented(&columns(&rows, &[0, 1, 2]))
    );
    let _ = writeln!(text, "a prompt of {} tokens alone: {:.1} ms", count(u64::from(*prompt)), question.prompt_ms(law));
    if let Some((rate, ms)) = question.highest(law, budget) {
        let _ = writeln!(
            text,
            "highest rate, {} tokens in and {} out: {rate:.2} requests/s with {} at once, {ms:.1} ms a token",
            count(u64::from(*prompt)),
            count(u64::from(*output)),
            count(most)
        );
    }
}

/// What would fit: more ranks, or a smaller format.
fn what_fits(question: &Question<'_>) -> String {
    let fits = |tensor: &u32| {
        let ranks = Parallelism { tensor: *tensor, ..question.ranks };
        let is_whole = ranks.check(question.model).is_ok();
        is_whole && Budget::of(question.model, ranks, question.gpu.seen_bytes(), question.settings).checked().is_ok()
    };
    match [2, 4, 8, 16].into_iter().filter(|tensor| *tensor > question.ranks.tensor).find(fits) {
        Some(tensor) => format!("\nit fits with --tp {tensor}; a smaller number format or a larger GPU would do, too"),
        None => "\na smaller number format, more ranks or a larger GPU would do".to_owned(),
    }
}

/// How far the times are to be trusted.
fn trust(text: &mut String, question: &Question<'_>) {
    let class = Class::of(question.model);
    let _ = writeln!(text, "\nhow far to trust it: computed from shape and datasheet, not measured");
    if let Some(profile) = carded(question) {
        let _ = writeln!(text, "  scenarios play {profile} instead (docs/profiles.md)");
    }
    let _ = writeln!(text, "  {}", class.trust());
    for doubt in &question.model.doubts {
        let _ = writeln!(text, "  {doubt}");
    }
    for doubt in class.doubts(question.model, question.gpu, question.ranks) {
        let _ = writeln!(text, "  {doubt}");
    }
}

/// The profile that a scenario takes for a model with a card, and where that is from.
fn carded(question: &Question<'_>) -> Option<String> {
    let Question { name, gpu, ranks, model, engine, settings, .. } = question;
    // Cards know vLLM and tensor parallelism, and read all experts of a model.
    let is_plain = *engine == Engine::Vllm && *ranks == Parallelism::tensor(ranks.tensor);
    let is_own = is_plain && settings.cache == model.formats.cache;
    lookup(&MODELS, name).ok().filter(|card| is_own && card.experts.is_none())?;
    let precision = Precision::of_bytes(model.formats.quantised.bytes());
    let profile = Library::shipped().find(name, &gpu.name, ranks.tensor, precision).ok()?;
    let how = match profile.origin {
        Origin::Computed { .. } => "computed from its card by the older law".to_owned(),
        other => other.name().to_owned(),
    };
    Some(format!("the profile {}, {how},", profile.name))
}

fn indented(text: &str) -> String {
    text.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}

/// The answer as JSON: sizes in bytes, times in ms.
pub(crate) fn json(question: &Question<'_>) -> Value {
    let Question { name, model, gpu, ranks, engine, settings, .. } = question;
    let budget = question.budget();
    let law = question.law();
    let fits = budget.tokens > 0;
    let bytes = |x: f64| x.max(0.0).round() as u64;
    let of_file = bytes(budget.weights.model_bytes);
    let mut value = json!({
        "model": name,
        "gpu": gpu.name,
        "tp": ranks.tensor,
        "attention_dp": ranks.data,
        "ep": ranks.expert,
        "backend": engine.name(),
        "weights": model.formats.quantised.name(),
        "kv_bytes_per_element": settings.cache.bytes(),
        "params_total": model.params(),
        "params_active": model.active_params(),
        "weight_bytes_per_rank": of_file,
        "weight_bytes_loaded": bytes(budget.weights.loaded_bytes()),
        "kv_bytes_per_token_full": budget.cache.full_bytes,
        "kv_bytes_per_token_windowed": budget.cache.windowed_bytes,
        "state_bytes_per_sequence": budget.cache.state_bytes,
        "kv_bytes_per_token_per_rank_full": budget.cache.rank_full_bytes(),
        "kv_bytes_of_8192_tokens": budget.cache.sequence_bytes(8_192),
        "activation_bytes": bytes(budget.activation_bytes),
        "kv_tokens": budget.tokens,
        "fits": fits,
        "prompt_tokens": question.prompt,
        "output_tokens": question.output,
        "prefill_ms": question.prompt_ms(&law),
        "prefill_1k_ms": prefill_ms(&law, 1_024),
        "highest_requests_per_s": question.highest(&law, &budget).map(|found| found.0),
        "trust": Class::of(model).trust(),
    });
    for batch in BATCHES {
        value[format!("decode_ms_b{batch}")] = json!(question.decode_ms(&law, batch));
    }
    let mut doubts: Vec<String> = model.doubts.iter().map(ToString::to_string).collect();
    doubts.extend(Class::of(model).doubts(model, gpu, *ranks).into_iter().map(str::to_owned));
    value["doubts"] = json!(doubts);
    value
}

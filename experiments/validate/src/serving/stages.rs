//! Stages of inference-perf, and the load that its workloads put on an engine.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Recorded, Setup, Source, Window, most};
use super::sweeps::numbers;
use super::table::{Row, Table, Unread};
use crate::error::ValidateError;
use flashcrowd_profiles::{EngineLimits, Precision};
use std::collections::BTreeMap;

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 8] =
    ["model", "gpu", "tp", "workload", "rate_rps", "duration_s", "prompt_mean", "output_len_nom"];

/// A stage: requests at a constant rate, all of whose answers are awaited.
pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let model = names::model(row.word("model")?)?;
    let gpu = names::gpu(row.word("gpu")?)?;
    let rate = row.positive("rate_rps", most::RATE)?;
    let sent = rate * row.positive("duration_s", most::SECONDS)?;
    let overload = row.text("flags").contains("overload");
    let metrics = [
        (Metric::E2eMean, "e2e_ms_mean"),
        (Metric::E2eP99, "e2e_ms_p99"),
        (Metric::TtftMean, "ttft_ms_mean"),
        (Metric::TtftP99, "ttft_ms_p99"),
        // Not `itl_chunk_ms`: the client sees two chunks a step.
        (Metric::TpotMean, "tpot_ms_derived"),
    ];
    let count = |column| row.number(column).map(|value| value.unwrap_or(0.0).max(0.0));
    let load = Load {
        prompt: row.positive("prompt_mean", f64::from(most::TOKENS))?,
        shared: count("sys_prompt_len")?,
        distinct: (count("n_sys_prompts")? * count("users_per_sys")?) as u64,
        output: row.count("output_len_nom", most::TOKENS)?,
    };
    if sent > LONGEST {
        return Err(row.error(format!("{sent} requests: expected at most {LONGEST}")).into());
    }
    Ok(Point {
        id: row.text("point_id").to_owned(),
        line: row.line(),
        source: Source::Stages,
        model: model.name.clone(),
        shaped: None,
        gpu,
        gpus: row.count("tp", most::GPUS)?,
        precision: Precision::from_name(row.text("precision")).unwrap_or(Precision::Bf16),
        band: if overload { Band::Overload } else { Band::Unrated },
        client: load.client(rate, sent),
        window: all_of(sent),
        prompt: Length::fixed(load.prompt.round() as u32),
        output: Length::fixed(load.output),
        limits: limits(row)?,
        setup: Setup {
            lookahead: lookahead(row.text("engine")),
            in_flight: if is_kubecon(row) { KUBECON_IN_FLIGHT } else { u32::MAX },
            front_end_ms: is_kubecon(row).then_some(KUBECON_FRONT_END_MS),
            cached_context: load.cached_context(sent),
            ..Setup::default()
        },
        measured: numbers(row, &metrics)?,
        unjudged: Some("no limit"),
    })
}

/// The runs that inference-perf's own demonstration publishes: its generator keeps at most 440 requests on their way, and
/// reaches the engine through a gateway of its cluster. The time of that is what the runs of one request a second have
/// beside their prompt and the tokens; sweeps of the same model and GPU have 7 to 10 ms.
fn is_kubecon(row: &Row<'_>) -> bool {
    row.text("source_file").contains("kubecon")
}

const KUBECON_IN_FLIGHT: u32 = 440;
const KUBECON_FRONT_END_MS: f64 = 20.0;

/// Stages of one engine are rated by the most that it answered where it was overloaded.
pub(super) fn rate(table: &Table, points: &mut [Point]) -> Result<(), ValidateError> {
    let engine_of = |row: &Row<'_>| {
        let file = row.text("source_file");
        (row.text("model").to_owned(), file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
    };
    let mut saturated: BTreeMap<(String, String), f64> = BTreeMap::new();
    for row in table.rows().filter(|row| row.text("flags").contains("overload")) {
        let most = saturated.entry(engine_of(&row)).or_default();
        *most = most.max(row.number("achieved_rps")?.unwrap_or(0.0));
    }
    for row in table.rows() {
        let point = points.iter_mut().find(|point| point.line == row.line() && point.band == Band::Unrated);
        let (Some(point), Some(&most)) = (point, saturated.get(&engine_of(&row))) else { continue };
        let share = row.number("rate_rps")?.unwrap_or(0.0) / most.max(f64::MIN_POSITIVE);
        point.band = if share <= 0.76 {
            Band::UpTo76
        } else if share <= 0.94 {
            Band::At88
        } else {
            Band::At100
        };
        // Only engines of one design are compared with it.
        point.unjudged = row.text("engine").contains("V0").then_some("another engine");
    }
    Ok(())
}

/// Most requests of a stage.
const LONGEST: f64 = 1e6;

/// Tokens of a block of the cache.
const BLOCK: f64 = 16.0;

/// What a workload asks. Its generator (shared prefix, several turns) makes so many prompts, each of
/// a group's beginning and a question, and sends them over and over; their measured lengths do
/// not grow with the turns. Once seen, a prompt is in the cache but for its last block.
///
/// The client counts output tokens again and gets other lengths; the nominal ones give the same
/// time per token as its whole latencies do.
pub(super) struct Load {
    /// Tokens of a prompt.
    pub(super) prompt: f64,
    /// Tokens of its beginning that it shares with others.
    pub(super) shared: f64,
    /// Prompts that differ; 0 if all do.
    pub(super) distinct: u64,
    /// Output tokens.
    pub(super) output: u32,
}

impl Load {
    /// Requests at a constant rate, with the tokens of each prompt that are computed.
    pub(super) fn client(&self, rate: f64, sent: f64) -> Client {
        let request = |number: u64| Recorded {
            at_s: number as f64 / rate,
            prompt: self.computed(number),
            output: self.output,
            measured: true,
        };
        Client::Recorded { requests: (0..sent as u64).map(request).collect(), rate: None }
    }

    /// Tokens of the prompt of that request that are computed.
    fn computed(&self, number: u64) -> u32 {
        let found = if self.distinct > 0 && number >= self.distinct { self.prompt - 1.0 } else { self.shared };
        (self.prompt - (found / BLOCK).floor() * BLOCK).round().max(1.0) as u32
    }

    /// Tokens that a sequence reads beside the computed ones, on average over all requests.
    pub(super) fn cached_context(&self, sent: f64) -> f64 {
        let sent = sent.max(1.0);
        let (cold, warm) = (f64::from(self.computed(0)), f64::from(self.computed(u64::MAX)));
        let cold_share = if self.distinct > 0 { (self.distinct as f64 / sent).min(1.0) } else { 1.0 };
        self.prompt - cold_share * cold - (1.0 - cold_share) * warm
    }
}

/// Until all requests have ended, however long they take.
pub(super) fn all_of(sent: f64) -> Window {
    Window::Requests { count: sent.clamp(1.0, most::REQUESTS) as u64, within_s: most::SECONDS }
}

/// The engine's limits, as the columns give them; else vLLM's.
pub(super) fn limits(row: &Row<'_>) -> Result<EngineLimits, Unread> {
    let vllm = EngineLimits::default();
    let utilization = row.number("gpu_mem_util")?.filter(|share| (0.01..=1.0).contains(share));
    Ok(EngineLimits {
        batched_tokens: row.count_or("max_num_batched_tokens", most::TOKENS, vllm.batched_tokens)?,
        sequences: row.count_or("max_num_seqs", most::USERS, vllm.sequences)?,
        utilization: utilization.unwrap_or(vllm.utilization),
        ..vllm
    })
}

/// Whether that version of vLLM plans an iteration ahead: since 0.14 it does by default. `None` for
/// other engines.
pub(super) fn lookahead(engine: &str) -> Option<bool> {
    const FIRST: u32 = 14;
    let version = engine.split_whitespace().find_map(|word| word.trim_start_matches('v').strip_prefix("0."))?;
    let minor: u32 = version.split('.').next()?.parse().ok()?;
    Some(minor >= FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_of_2026_plan_ahead() {
        assert_eq!(lookahead("vLLM v0.15.1 (per captions)"), Some(true));
        assert_eq!(lookahead("0.19.0"), Some(true));
        assert_eq!(lookahead("vLLM v0.6.3"), Some(false));
        assert_eq!((lookahead("SGLang"), lookahead("")), (None, None));
    }

    #[test]
    fn prompts_that_come_again_are_in_the_cache() {
        let load = Load { prompt: 786.0, shared: 150.0, distinct: 50, output: 251 };
        assert_eq!((load.computed(0), load.computed(49), load.computed(50)), (642, 642, 2));
        assert!((load.cached_context(50.0) - 144.0).abs() < 1e-9);
        assert!(load.cached_context(7200.0) > 775.0);
        let all_differ = Load { distinct: 0, shared: 0.0, ..load };
        assert_eq!((all_differ.computed(1_000), all_differ.cached_context(10.0)), (786, 0.0));
    }
}

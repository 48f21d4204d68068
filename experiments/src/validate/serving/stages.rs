//! Stages of inference-perf, and the load that its workloads put on an engine.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Setup, Source, Window, most};
use super::sweeps::numbers;
use super::table::{Row, Unread};
use crate::profiles::{EngineLimits, Precision};

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 8] =
    ["model", "gpu", "tp", "workload", "rate_rps", "duration_s", "prompt_mean", "output_len_nom"];

/// A stage: requests at a constant rate, all of whose answers are awaited.
pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let model = names::model(row.word("model")?).map_err(Unread::LeftOut)?;
    let gpu = names::gpu(row.word("gpu")?).map_err(Unread::LeftOut)?;
    let rate = row.positive("rate_rps", most::RATE)?;
    let sent = rate * row.positive("duration_s", most::SECONDS)?;
    let overload = row.text("flags").contains("overload");
    // The client counts tokens again and gets other lengths; the nominal ones give the same time
    // per token as its whole latencies do.
    let output = Length::fixed(row.count("output_len_nom", most::TOKENS)?);
    let metrics = [
        (Metric::E2eMean, "e2e_ms_mean"),
        (Metric::E2eP99, "e2e_ms_p99"),
        (Metric::TtftMean, "ttft_ms_mean"),
        (Metric::TtftP99, "ttft_ms_p99"),
        // Not `itl_chunk_ms`: the client sees two chunks a step.
        (Metric::TpotMean, "tpot_ms_derived"),
    ];
    let shared = row.number("sys_prompt_len")?.unwrap_or(0.0).max(0.0);
    let prompt = row.positive("prompt_mean", f64::from(most::TOKENS))?;
    Ok(Point {
        id: row.text("point_id").to_owned(),
        line: row.line(),
        source: Source::Stages,
        model: model.name.clone(),
        gpu,
        gpus: row.count("tp", most::GPUS)?,
        precision: Precision::from_name(row.text("precision")).unwrap_or(Precision::Bf16),
        band: if overload { Band::Overload } else { Band::Unrated },
        client: Client::Constant { rate },
        window: all_of(sent),
        prompt: Length::fixed(computed_tokens(prompt, shared)),
        output,
        limits: limits(row)?,
        setup: Setup { lookahead: lookahead(row.text("engine")), ..Setup::default() },
        measured: numbers(row, &metrics)?,
        unjudged: Some("no limit"),
    })
}

/// Tokens of a prompt that are computed: whole blocks of its shared beginning are in the cache.
pub(super) fn computed_tokens(prompt: f64, shared: f64) -> u32 {
    const BLOCK: f64 = 16.0;
    (prompt - (shared / BLOCK).floor() * BLOCK).round().max(1.0) as u32
}

/// All of so many requests, however long they take.
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
    fn whole_blocks_of_a_shared_beginning_are_not_computed() {
        assert_eq!(
            (computed_tokens(785.84, 150.0), computed_tokens(575.0, 0.0), computed_tokens(10.0, 64.0)),
            (642, 575, 1)
        );
    }
}

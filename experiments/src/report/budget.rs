//! Whether the token budget of an engine alone makes gaps between tokens longer than their SLO allows.

use super::line::line;
use flashcrowd_core::ports::LatencyPart;
use flashcrowd_core::serving::{Discipline, EngineConfig};
use flashcrowd_language::words::duration;
use flashcrowd_results::{Results, Verdict};

/// The smallest budget that is proposed, and the largest that is tried.
const SMALLEST: u32 = 128;

/// A line for each service that misses an SLO on gaps between tokens which an iteration full of prompts exceeds.
pub(super) fn write(text: &mut String, results: &Results<'_>, verdicts: &[Verdict]) {
    let resolved = &results.loaded.variants[0];
    let of_gaps = |verdict: &&Verdict| verdict.slo.part == LatencyPart::InterToken && !verdict.holds();
    for verdict in verdicts.iter().filter(of_gaps) {
        let Some(&service) = verdict.group.services.first() else { continue };
        let Discipline::ContinuousBatch(engine) = &resolved.services[service].config.discipline else { continue };
        if let Some(said) = said(engine, verdict.slo.limit.as_s_f64()) {
            line(text, "budget", &format!("{}: {said}", verdict.group.name));
        }
    }
}

/// What is said of an engine whose gaps must be shorter than `limit_s`.
fn said(engine: &EngineConfig, limit_s: f64) -> Option<String> {
    let budget = engine.token_budget;
    let takes = |tokens: u32| engine.prompt_iteration(tokens).as_s_f64();
    if takes(budget) <= limit_s {
        return None;
    }
    let halves = std::iter::successors(Some(budget / 2), |tokens| Some(tokens / 2));
    let least = SMALLEST.max(engine.max_sequences.next_power_of_two());
    let fitting = halves.take_while(|tokens| *tokens >= least).find(|tokens| takes(*tokens) <= limit_s);
    let full = format!("an iteration of max_num_batched_tokens, {budget}, takes {}", duration(takes(budget)));
    Some(match fitting {
        Some(tokens) => format!("{full}; one of {tokens} takes {}", duration(takes(tokens))),
        None => format!("{full}, and no smaller budget makes it short enough"),
    })
}

//! SLOs: parts of the latency, and whether a service has them.

use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::ports;
use flashcrowd_core::serving::{Discipline, Slo};
use flashcrowd_language::Diagnostic;

/// The part of the latency that is meant; all of it if none is named.
pub(crate) fn latency_part(given: Option<spec::LatencyPart>) -> ports::LatencyPart {
    match given {
        None | Some(spec::LatencyPart::EndToEnd) => ports::LatencyPart::EndToEnd,
        Some(spec::LatencyPart::Queue) => ports::LatencyPart::Queue,
        Some(spec::LatencyPart::ColdStart) => ports::LatencyPart::ColdStart,
        Some(spec::LatencyPart::Service) => ports::LatencyPart::Service,
        Some(spec::LatencyPart::TimeToFirstToken) => ports::LatencyPart::TimeToFirstToken,
        Some(spec::LatencyPart::InterTokenLatency) => ports::LatencyPart::InterToken,
        Some(spec::LatencyPart::TimePerOutputToken) => ports::LatencyPart::TimePerOutputToken,
    }
}

/// The SLOs of a service.
pub(crate) fn slos(
    notes: &mut Notes<'_>,
    name: &str,
    given: &[spec::Slo],
    discipline: &Discipline,
) -> Result<Vec<Slo>, Diagnostic> {
    let mut slos = Vec::new();
    for (slo, i) in given.iter().zip(0..) {
        let path = format!("services.{name}.slo.{i}");
        let quantile = slo.quantile.get();
        if !(quantile > 0.0 && quantile < 1.0) {
            let error = notes.error(&format!("{path}.quantile"), format!("a quantile of {quantile} is no SLO"));
            return Err(error.with_label("expected above 0 and below 1, such as 0.99"));
        }
        let part = latency_part(slo.metric);
        if part.is_of_tokens() && !matches!(discipline, Discipline::ContinuousBatch(_)) {
            let error = notes.error(&format!("{path}.metric"), "only a token-level engine has an SLO of tokens");
            return Err(error.with_help("serve it with `serving: ContinuousBatch()`, or take `EndToEnd`"));
        }
        notes.given(&path, "");
        slos.push(Slo { part, quantile, limit: slo.limit.get() });
    }
    Ok(slos)
}

//! Which policy is replayed: a manifest of any kind, or one of the program's own as a scenario has it.

use super::signals::Recording;
use flashcrowd_language::{Diagnostic, Document};
use flashcrowd_policies::metrics::resolve as known;
use flashcrowd_scenario::Registry;
use flashcrowd_scenario::{Base, ResolvedAutoscaler, resolve};
use std::fmt::Write;
use std::path::Path;

/// Resolves `policy`: the path of a manifest, or an autoscaler as scenarios write it, such as
/// `QueueDepth(waiting_per_replica: 5.0, max: 9)`.
///
/// # Errors
/// What the manifest's reader or the policy refuses.
pub fn policy(
    policy: &str,
    name: Option<&str>,
    recording: &Recording,
    registry: &Registry,
) -> Result<ResolvedAutoscaler, Diagnostic> {
    let autoscaler = inline(Path::new(policy)).unwrap_or_else(|| {
        let quoted = serde_json::to_string(policy).unwrap_or_default();
        let name = name.map(|name| format!(", name: {}", serde_json::to_string(name).unwrap_or_default()));
        format!("Manifest(path: {quoted}{})", name.unwrap_or_default())
    });
    let text = stage(&autoscaler, recording);
    let document = Document::from_bytes("replay", text.as_bytes())?;
    let here = Path::new(".");
    let resolved = resolve(&document, Base { folder: here, embedded: false, typed: here, registry }, "replay", "")?;
    if resolved.settings.iter().any(|setting| setting.path == "starts_at" && setting.is_assumed()) {
        let error = Diagnostic::about(policy, "this policy reads the clock, and the recording's times are no dates");
        return Err(error.with_help("give `time` in seconds since 1970"));
    }
    let service = resolved.services.into_iter().next();
    service.and_then(|service| service.autoscaler).ok_or_else(|| Diagnostic::about(policy, "this is no autoscaler"))
}

/// The autoscaler that is written in place of a file, such as `QueueDepth(max: 9)`.
pub fn inline(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    (text.ends_with(')') && text.contains('(') && !path.exists()).then(|| text.into_owned())
}

/// A scenario around the autoscaler. It is not played; its engine lets metrics of tokens be read, and
/// names that were recorded and mean nothing to the program are taken as they are.
fn stage(autoscaler: &str, recording: &Recording) -> String {
    let mut bind = String::new();
    for name in recording.metrics.keys().filter(|name| known(name).is_err()) {
        let _ = write!(bind, "{}: InFlightRequests, ", serde_json::to_string(name).unwrap_or_default());
    }
    let start = recording.starts_at.map_or_else(String::new, |clock| format!("starts_at: \"{}\", ", clock.start()));
    format!(
        r#"({start}horizon: "1h", pools: {{"pool": (gpu: "H100", max_nodes: 1000)}}, limits: (entities: 100000), services: {{"service": (
            model: Named("Llama-3.1-8B"), serving: ContinuousBatch(), autoscaler: {autoscaler}, bind: {{{bind}}},
        )}}, traffic: {{"nothing": Poisson(rate: 1.0, prompt_tokens: LogNormal(p50: 1, p99: 1), output_tokens: LogNormal(p50: 1, p99: 1))}})"#
    )
}

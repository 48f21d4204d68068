//! Lints: what is valid and yet unlikely to be meant.

use flashcrowd_core::ports::{Scope, SignalRequest, SignalSource};
use flashcrowd_core::serving::{Discipline, QueueMode};
use flashcrowd_language::words::duration;
use flashcrowd_policies::autoscalers::hpa::{HpaSpec, Target};
use flashcrowd_results::same_arrivals;
use flashcrowd_scenario::{Resolved, ResolvedAutoscaler, ResolvedService};

/// What should be looked at again in one variant.
pub fn lint(resolved: &Resolved) -> Vec<String> {
    let mut found: Vec<String> = same_arrivals(resolved).into_iter().collect();
    for service in &resolved.services {
        if service.config.slos.is_empty() {
            found.push(format!("`{}` has no SLO: nothing can be missed", service.config.name));
        }
        if let Some((spec, options)) = service.autoscaler.as_ref().and_then(ResolvedAutoscaler::hpa) {
            let tolerance = options.settings.tolerance;
            for (metric, bound) in spec.metrics.iter().zip(&options.metrics) {
                found.extend(elsewhere(service, &bound.request));
                found.extend(unreachable(service, metric, &bound.request.source, bound.scale, tolerance));
            }
            found.extend(short_window(service, spec));
        }
    }
    found
}

/// With one queue for the service nothing waits at a replica, so a metric of pods sees no queue.
fn elsewhere(service: &ResolvedService, request: &SignalRequest) -> Option<String> {
    let waits = matches!(request.source, SignalSource::WaitingRequests);
    let shared = matches!(service.config.queue, QueueMode::Shared { .. });
    (waits && shared && request.scope == Scope::Replica).then(|| {
        format!(
            "`{}`: requests wait in the service's queue, where the Pods metric `{}` does not see them; use External",
            service.config.name, request.name
        )
    })
}

/// A target above the highest value that its metric can have never scales up.
fn unreachable(
    service: &ResolvedService,
    metric: &flashcrowd_policies::autoscalers::hpa::MetricSpec,
    source: &SignalSource,
    scale: f64,
    tolerance: f64,
) -> Option<String> {
    let highest = match (source, &service.config.discipline) {
        (source, _) if source.is_share() => 100.0,
        (SignalSource::RunningRequests, discipline) => f64::from(discipline.room()),
        _ => return None,
    } * scale;
    let target = match metric.target {
        Target::AverageValue(quantity) => quantity.milli() as f64 / 1e3,
        _ => return None,
    };
    (target * (1.0 + tolerance) >= highest).then(|| {
        format!(
            "`{}`: target unreachable: `{}` is at most {highest}, with the tolerance a scale-up needs more than {:.1}",
            service.config.name,
            metric.source.metric_name(),
            target * (1.0 + tolerance)
        )
    })
}

/// A scale-down window shorter than a cold start gives capacity back before it has served.
fn short_window(service: &ResolvedService, spec: &HpaSpec) -> Option<String> {
    let window = spec.behavior.as_ref()?.scale_down.as_ref()?.stabilization_window_seconds?;
    let cold = service.mean_cold_start_s();
    (f64::from(window) < cold).then(|| {
        format!(
            "`{}`: the scale-down window of {} is shorter than a mean cold start ({} without the node)",
            service.config.name,
            duration(f64::from(window)),
            duration(cold)
        )
    })
}

/// Offered load against what the largest fleet serves, for synthetic traffic whose rate is known.
pub fn capacity_words(service: &ResolvedService) -> String {
    match &service.config.discipline {
        Discipline::Slots { concurrency } => format!("{concurrency} at once a replica"),
        Discipline::Sharing { processors, .. } => format!("processor sharing of {processors}"),
        Discipline::DynamicBatch(batch) => format!("batches of up to {}", batch.max_batch),
        Discipline::ContinuousBatch(engine) => {
            format!("{} sequences, {} tokens of KV cache", engine.max_sequences, engine.cache_tokens())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_scenario::Text;

    /// Lints of the shipped scenario with a manifest of these words in place of its own.
    fn lints(overrides: &[&str]) -> Vec<String> {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        let loaded = Text::read("@horizontal").and_then(|text| text.with(&overrides)).and_then(|text| text.resolve());
        lint(&loaded.map_err(|error| error.to_string()).unwrap().variants[0])
    }

    #[test]
    fn the_shipped_scenario_is_clean_and_traps_are_named() {
        assert_eq!(lints(&[]), Vec::<String>::new());
        let shared = lints(&["services.model-inference.queue=Shared()"]);
        assert!(shared.iter().any(|text| text.contains("does not see them")), "{shared:?}");
        let capped = lints(&[
            r#"services.model-inference.bind={"gpu_utilization": RunningRequests}"#,
            "services.model-inference.serving.max_num_seqs=64",
        ]);
        assert!(capped.iter().any(|text| text.contains("target unreachable")), "{capped:?}");
        let judged = lints(&["services.model-inference.slo=[]"]);
        assert!(judged.iter().any(|text| text.contains("no SLO")), "{judged:?}");
    }
}

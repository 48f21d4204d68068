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
                found.extend(always_above(service, metric, &bound.request.source, bound.scale));
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

/// A target written as a share against a metric in percent is above its target at any load.
fn always_above(
    service: &ResolvedService,
    metric: &flashcrowd_policies::autoscalers::hpa::MetricSpec,
    source: &SignalSource,
    scale: f64,
) -> Option<String> {
    let (Target::AverageValue(quantity) | Target::Value(quantity)) = metric.target else { return None };
    let target = quantity.milli() as f64 / 1e3;
    // Shares are measured in percent; where a name means 0 to 1, the scale says so.
    let is_percent = source.is_share() && scale > 0.5;
    (is_percent && target <= 1.0).then(|| {
        format!(
            "`{}`: the target {target} of `{}` is held against a percentage (0 to 100): always above, also when nearly \
             idle; did you mean {}?",
            service.config.name,
            metric.source.metric_name(),
            quantity.milli() as f64 / 10.0
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
    fn a_share_as_the_target_of_a_percentage_is_named() {
        let hpa = |target: &str| {
            let text = format!(
                "{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: a}}, spec: {{scaleTargetRef: \
                 {{kind: Deployment, name: model-inference}}, maxReplicas: 5, metrics: [{{type: Pods, pods: {{metric: {{name: \
                 gpu_utilization}}, target: {{type: AverageValue, averageValue: {target}}}}}}}]}}}}"
            );
            lints(&[&format!("services.model-inference.autoscaler=Manifest(text: {text:?})")])
        };
        let share = hpa("600m");
        assert!(
            share.iter().any(|text| text.contains("the target 0.6 of `gpu_utilization`") && text.contains("mean 60?")),
            "{share:?}"
        );
        let percent = hpa("60");
        assert!(!percent.iter().any(|text| text.contains("percentage")), "{percent:?}");
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

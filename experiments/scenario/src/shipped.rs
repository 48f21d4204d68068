//! Scenarios and manifests that are part of the program: `flashcrowd run @horizontal`.

/// A shipped file.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its path below `scenarios/`.
    pub path: &'static str,
    /// Its content.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($path:literal),+ $(,)?) => {
        &[$(Shipped { path: $path, text: include_str!(concat!("../../../scenarios/", $path)) }),+]
    };
}

/// All shipped files.
pub const FILES: &[Shipped] = shipped![
    "horizontal.ron",
    "horizontal-azure.ron",
    "horizontal-metrics.ron",
    "saturation.ron",
    "llm-azure.ron",
    "gpu-utilisation.ron",
    "prefix-cache.ron",
    "two-models.ron",
    "controllers.ron",
    "knative-slow-start.ron",
    "keda-to-zero.ron",
    "tune-week.ron",
    "moe.ron",
    "aibrix-cascade.ron",
    "multi-region.ron",
    "all-spot.ron",
    "spot-replay.ron",
    "retry-storm.ron",
    "pooled-regions.ron",
    "manifests/model-inference-hpa.yaml",
    "manifests/gpu-utilization-hpa.yaml",
    "manifests/queue-depth-hpa.yaml",
    "manifests/latency-hpa.yaml",
    "manifests/llm-azure-hpa.yaml",
    "manifests/llm-gpu-utilization-hpa.yaml",
    "manifests/llm-kv-cache-hpa.yaml",
    "manifests/llm-waiting-hpa.yaml",
    "manifests/controllers-aibrix.yaml",
    "manifests/controllers-aws.json",
    "manifests/controllers-dynamo.yaml",
    "manifests/controllers-hpa.yaml",
    "manifests/controllers-keda.yaml",
    "manifests/controllers-knative.yaml",
    "manifests/controllers-ray.yaml",
    "manifests/controllers-skyserve.yaml",
    "manifests/controllers-wva.yaml",
    "manifests/slow-start-knative.yaml",
    "manifests/slow-start-knative-delay.yaml",
    "manifests/to-zero-keda.yaml",
    "manifests/tune-week-keda.yaml",
    "manifests/to-zero-keda-floor.yaml",
    "manifests/cascade-aibrix.yaml",
    "manifests/cascade-aibrix-rate.yaml",
    "manifests/cascade-aibrix-kpa.yaml",
];

/// The content of a shipped file.
pub fn find(path: &str) -> Option<&'static str> {
    FILES.iter().find(|file| file.path == path).map(|file| file.text)
}

/// Names of the shipped scenarios, as after `@`.
pub fn scenario_names() -> impl Iterator<Item = &'static str> {
    FILES.iter().filter_map(|file| file.path.strip_suffix(".ron"))
}

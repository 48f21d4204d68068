//! Every policy, with what it is and which upstream version it reproduces.

/// Which port a policy stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// Decides how many replicas there are.
    Autoscaler,
    /// Decides which replica takes a request.
    Router,
    /// Decides on which node a replica goes.
    Placement,
    /// Decides which nodes there are.
    NodeAutoscaler,
    /// Decides which region takes an attempt.
    GlobalRouter,
    /// Decides where and in which market capacity is bought.
    SpotMix,
}

impl Port {
    /// Its name in listings.
    pub const fn name(self) -> &'static str {
        match self {
            Port::Autoscaler => "autoscaler",
            Port::Router => "router",
            Port::Placement => "placement",
            Port::NodeAutoscaler => "nodes",
            Port::GlobalRouter => "routing",
            Port::SpotMix => "capacity",
        }
    }
}

/// One policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInfo {
    /// Its name in scenario files.
    pub name: &'static str,
    /// Its port.
    pub port: Port,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it reproduces, and how that was checked.
    pub reproduces: &'static str,
}

const NOTHING: &str = "no upstream: defined here";
const SKYPILOT: &str = "SkyPilot 0.14.1, sky/serve/autoscalers.py; equal to recorded runs of its classes";

/// All policies, by port and name.
///
/// ```
/// use flashcrowd_policies::catalog;
/// assert!(catalog().iter().any(|policy| policy.reproduces.contains("Kubernetes 1.28")));
/// ```
pub fn catalog() -> &'static [PolicyInfo] {
    POLICIES
}

const POLICIES: &[PolicyInfo] = &[
    PolicyInfo {
        name: "aibrix/apa",
        port: Port::Autoscaler,
        about: "AIBrix's ratio of the mean a pod to its target, from a PodAutoscaler",
        reproduces: "vllm-project/aibrix @ e3e10f9e; algorithm equal to recorded runs, stabilization by reading",
    },
    PolicyInfo {
        name: "aibrix/kpa",
        port: Port::Autoscaler,
        about: "AIBrix's form of Knative's decision, from a PodAutoscaler",
        reproduces: "vllm-project/aibrix @ e3e10f9e; algorithm equal to recorded runs, stabilization by reading",
    },
    PolicyInfo {
        name: "aws/application-auto-scaling",
        port: Port::Autoscaler,
        about: "target tracking and step scaling, from the JSON of the AWS command line",
        reproduces: "AWS Application Auto Scaling, from its documents; its code is closed, four numbers are guesses",
    },
    PolicyInfo {
        name: "clairvoyant",
        port: Port::Autoscaler,
        about: "knows the arrivals: the bound that others are compared with",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "command",
        port: Port::Autoscaler,
        about: "a policy of yours in any language, by JSON lines",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "concurrency-target",
        port: Port::Autoscaler,
        about: "requests in flight for each replica",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "dynamo/easy-load",
        port: Port::Autoscaler,
        about: "the Dynamo planner's load scaling by thresholds, from its configuration",
        reproduces: "ai-dynamo 1.6.1; inner decision equal to recorded runs, bounds and budget by reading",
    },
    PolicyInfo { name: "fixed", port: Port::Autoscaler, about: "a constant number of replicas", reproduces: NOTHING },
    PolicyInfo {
        name: "hpa/k8s-1.28",
        port: Port::Autoscaler,
        about: "Horizontal Pod Autoscaler, from an autoscaling/v2 manifest",
        reproduces: "Kubernetes 1.28, pkg/controller/podautoscaler; equal to recorded runs of its code",
    },
    PolicyInfo {
        name: "hpa/k8s-2026-backport",
        port: Port::Autoscaler,
        about: "the same with a tolerance per direction, and to and from zero by condition",
        reproduces: "1.28 with differences of a 2026 development tree patched in; not an upstream binary",
    },
    PolicyInfo {
        name: "keda/scaled-job",
        port: Port::Autoscaler,
        about: "jobs by the length of queues, from a ScaledJob",
        reproduces: "KEDA @ 8b4f083c, pkg/scaling; equal to recorded runs of its code",
    },
    PolicyInfo {
        name: "keda/scaled-object",
        port: Port::Autoscaler,
        about: "to and from zero by triggers, with the HPA that KEDA makes, from a ScaledObject",
        reproduces: "KEDA @ 8b4f083c, pkg/scaling/executor; equal to recorded runs of its code, fallback and formula as read",
    },
    PolicyInfo {
        name: "knative/kpa",
        port: Port::Autoscaler,
        about: "Knative Pod Autoscaler, from a Service, Revision or KServe InferenceService",
        reproduces: "knative/serving @ 98e5ef90; decisions, settings and scale to zero equal to recorded runs",
    },
    PolicyInfo {
        name: "latency-target",
        port: Port::Autoscaler,
        about: "a latency percentile, by PI control",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "predictive",
        port: Port::Autoscaler,
        about: "a seasonal and autoregressive forecast, one cold start ahead",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "queue-depth",
        port: Port::Autoscaler,
        about: "requests that wait for each ready replica",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "ray-serve",
        port: Port::Autoscaler,
        about: "ongoing requests per replica, from a serve config or a RayService",
        reproduces: "Ray Serve 2.60.0, default autoscaling policy; equal to recorded runs of the package",
    },
    PolicyInfo {
        name: "skyserve/fallback",
        port: Port::Autoscaler,
        about: "request rate on spot replicas, with on-demand replicas as base and stand-in",
        reproduces: SKYPILOT,
    },
    PolicyInfo {
        name: "skyserve/instance-aware",
        port: Port::Autoscaler,
        about: "request rate on replicas that differ in what their GPUs take",
        reproduces: SKYPILOT,
    },
    PolicyInfo {
        name: "skyserve/pool",
        port: Port::Autoscaler,
        about: "workers by the length of their queue",
        reproduces: SKYPILOT,
    },
    PolicyInfo {
        name: "skyserve/request-rate",
        port: Port::Autoscaler,
        about: "requests per second and replica, from a service's replica_policy",
        reproduces: SKYPILOT,
    },
    PolicyInfo {
        name: "timetable",
        port: Port::Autoscaler,
        about: "so many replicas by the time of day",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "wva/saturation-v1",
        port: Port::Autoscaler,
        about: "llm-d's workload variant autoscaler, from VariantAutoscalings and a ConfigMap",
        reproduces: "llm-d-workload-variant-autoscaler @ b08b1c77; equal to recorded runs of its analyzer",
    },
    PolicyInfo {
        name: "least-outstanding",
        port: Port::Router,
        about: "the replica with the fewest unfinished attempts; ties by a rotating cursor",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "power-of-choices",
        port: Port::Router,
        about: "the least loaded of d distinct replicas drawn at random",
        reproduces: "Mitzenmacher 1996 (the power of two choices)",
    },
    PolicyInfo { name: "random", port: Port::Router, about: "any replica", reproduces: NOTHING },
    PolicyInfo { name: "round-robin", port: Port::Router, about: "one after the other", reproduces: NOTHING },
    PolicyInfo {
        name: "pack",
        port: Port::Placement,
        about: "the node with the fewest free GPUs that fit",
        reproduces: "the strategy MostAllocated of the Kubernetes scheduler, on GPUs alone",
    },
    PolicyInfo {
        name: "spread",
        port: Port::Placement,
        about: "the node with the most free GPUs",
        reproduces: "the strategy LeastAllocated of the Kubernetes scheduler, on GPUs alone",
    },
    PolicyInfo {
        name: "cluster-autoscaler",
        port: Port::NodeAutoscaler,
        about: "node groups that grow at a scan, by expanders, and shrink after ten unneeded minutes",
        reproduces: "kubernetes/autoscaler @ 55c37cd5, from its FAQ and source by reading",
    },
    PolicyInfo {
        name: "karpenter",
        port: Port::NodeAutoscaler,
        about: "the cheapest offer for each batch, consolidation within a budget, drain at a notice",
        reproduces: "kubernetes-sigs/karpenter @ 22664681, from its documents and source by reading",
    },
    PolicyInfo {
        name: "latency-aware",
        port: Port::GlobalRouter,
        about: "the region with the shortest of round trip and expected wait",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "least-loaded",
        port: Port::GlobalRouter,
        about: "the region with the fewest outstanding attempts for each ready replica",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "nearest",
        port: Port::GlobalRouter,
        about: "the nearest healthy region",
        reproduces: "latency records of a name service",
    },
    PolicyInfo {
        name: "prefix-affinity",
        port: Port::GlobalRouter,
        about: "the same region for the same beginning of a prompt, below a load",
        reproduces: "rendezvous hashing with bounded loads; no upstream",
    },
    PolicyInfo {
        name: "spill-over",
        port: Port::GlobalRouter,
        about: "the nearest region below a load, else the least loaded",
        reproduces: NOTHING,
    },
    PolicyInfo {
        name: "weighted",
        port: Port::GlobalRouter,
        about: "regions at random, by weight",
        reproduces: "weighted records of a name service",
    },
    PolicyInfo {
        name: "foresight",
        port: Port::SpotMix,
        about: "knows what the market will hold: the bound of those that buy",
        reproduces: NOTHING,
    },
    PolicyInfo { name: "on-demand-only", port: Port::SpotMix, about: "no spot capacity", reproduces: NOTHING },
    PolicyInfo {
        name: "spot-hedge",
        port: Port::SpotMix,
        about: "spot beyond the target, away from zones that preempt, and on-demand for what is missing",
        reproduces: "SkyServe (EuroSys 2025); the placer equal to recorded runs of SkyPilot 0.14.1, the replay to reference values",
    },
    PolicyInfo {
        name: "spot-only",
        port: Port::SpotMix,
        about: "spot in one zone, spread or in turn",
        reproduces: NOTHING,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sorted_and_has_no_name_twice() {
        assert!(catalog().windows(2).all(|pair| (pair[0].port, pair[0].name) < (pair[1].port, pair[1].name)));
    }
}

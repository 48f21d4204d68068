//! What one reconcile is shown: the scale, the pods and the answers of the metrics APIs.

/// Everything that the controller reads in one reconcile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HpaObservation {
    /// Whether reading the scale failed; nothing else is then looked at.
    pub scale_failed: bool,
    /// `scale.spec.replicas`.
    pub spec_replicas: i32,
    /// `scale.status.replicas`.
    pub status_replicas: i32,
    /// The pods that the selector matches.
    pub pods: Vec<Pod>,
    /// One answer for each metric of the spec, in its order; a missing one counts as failed.
    pub metrics: Vec<MetricReading>,
}

/// `status.phase` of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodPhase {
    /// Not yet running.
    Pending,
    /// Running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
}

/// One pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its name, as a number.
    pub id: u32,
    /// Phase.
    pub phase: PodPhase,
    /// Whether its deletion was asked for.
    pub deleting: bool,
    /// `status.startTime` in nanoseconds.
    pub started: Option<i64>,
    /// The Ready condition, if it is set.
    pub ready: Option<ReadyCondition>,
}

/// A pod's Ready condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyCondition {
    /// True or False.
    pub status: bool,
    /// When it last changed, in nanoseconds.
    pub since: i64,
}

/// What a metrics API answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricReading {
    /// The call failed.
    Failed(String),
    /// Samples of pods (Resource, `ContainerResource` and Pods metrics).
    Pods {
        /// At most one for each pod; a later one replaces an earlier one.
        samples: Vec<PodSample>,
        /// The span that each sample covers, in nanoseconds.
        window_ns: i64,
    },
    /// The value of an object, in milli-units.
    Object(i64),
    /// The values of an external metric's series, in milli-units.
    External(Vec<i64>),
}

/// One pod's sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// Which pod; it need not be among the listed ones.
    pub pod: u32,
    /// The value in milli-units.
    pub milli: i64,
    /// When it was taken, in nanoseconds.
    pub at: i64,
}

//! Why a metric asks for nothing.

/// Why a metric asks for nothing, in the controller's own words where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// The metric was not read.
    #[error("no metrics returned")]
    Unread,
    /// The metrics API failed; what it said.
    #[error("{0}")]
    Api(String),
    /// The answer for pods is empty.
    #[error("no metrics returned from the metrics API")]
    NoPodMetrics,
    /// The answer for an External metric is empty.
    #[error("no metrics returned from the external metrics API")]
    NoExternalMetrics,
    /// The answer is about another kind of metric.
    #[error("the metrics API answered for another kind of metric")]
    OtherKind,
    /// A container without the request of which utilization is a share.
    #[error("missing request for {resource} in container {container}")]
    MissingRequest {
        /// The resource.
        resource: String,
        /// The container.
        container: String,
    },
    /// A container that the pods do not have.
    #[error("container {0} not present in pods")]
    MissingContainer(String),
    /// The target has no pods.
    #[error("no pods returned by selector while calculating replica count")]
    NoPods,
    /// The target has no pods that could be ready.
    #[error("unable to calculate ready pods: no pods returned by selector while calculating replica count")]
    NoReadyPods,
    /// No sample is of a pod that counts.
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    NoSamples,
    /// No sample is of a pod of the target.
    #[error("no metrics returned matched known pods")]
    NoMatch,
    /// A target in percent for a metric that is a share of nothing.
    #[error("an Object or External metric has no utilization")]
    NoUtilization,
}

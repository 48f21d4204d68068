//! KEDA: the executor of a `ScaledObject` beside its HPA, and `ScaledJob`.

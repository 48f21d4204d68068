//! Resources of the pods, the clock, servers of the user, Kubernetes itself and the rest.

use super::scaler::{Counts, Number, SCALER, Scaler};
use crate::autoscalers::keda::spec::MetricType;

pub(super) const SCALERS: &[Scaler] = &[
    Scaler {
        kind: "aws-kinesis-stream",
        counts: Counts::Own,
        words: "open shards of the stream",
        targets: &["shardCount"],
        default: Some(2.0),
        number: Number::Whole,
        activations: &["activationShardCount"],
        required: "streamName",
        sourced: "awsRegion",
        optional: "awsEndpoint identityOwner awsAccessKeyID",
        outside: "awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "cpu",
        counts: Counts::Resource,
        words: "processor time of the pods, read by the HPA itself",
        targets: &["value"],
        number: Number::Resource,
        removed: &[("type", "write `metricType` of the trigger")],
        optional: "containerName",
        ..SCALER
    },
    Scaler {
        kind: "cron",
        counts: Counts::Clock,
        words: "`desiredReplicas` between start and end, 0 outside",
        default: Some(1.0),
        number: Number::Fixed,
        required: "start end timezone desiredReplicas",
        ..SCALER
    },
    Scaler {
        kind: "external",
        counts: Counts::Own,
        words: "whatever a server of the user answers, target included",
        default: Some(1.0),
        number: Number::Fixed,
        any_name: true,
        required: "scalerAddress",
        optional: "enableTLS unsafeSsl",
        outside: "caCert tlsClientCert tlsClientKey",
        ..SCALER
    },
    Scaler {
        kind: "external-mock",
        counts: Counts::Own,
        words: "always 100, in KEDA's own tests",
        default: Some(50.0),
        number: Number::Fixed,
        forced: Some(MetricType::Value),
        ..SCALER
    },
    Scaler {
        kind: "external-push",
        counts: Counts::Own,
        words: "whatever a server of the user answers, target included",
        default: Some(1.0),
        number: Number::Fixed,
        any_name: true,
        required: "scalerAddress",
        optional: "enableTLS unsafeSsl",
        outside: "caCert tlsClientCert tlsClientKey",
        ..SCALER
    },
    Scaler {
        kind: "kubernetes-resource",
        counts: Counts::Own,
        words: "number in a ConfigMap or a Secret",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        required: "resourceKind resourceName key",
        optional: "format valueLocation valueType",
        ..SCALER
    },
    Scaler {
        kind: "kubernetes-workload",
        counts: Counts::Own,
        words: "pods that a selector finds",
        targets: &["value"],
        activations: &["activationValue"],
        may_lack_target: true,
        required: "podSelector",
        optional: "groupByNode",
        ..SCALER
    },
    Scaler {
        kind: "memory",
        counts: Counts::Resource,
        words: "memory of the pods, read by the HPA itself",
        targets: &["value"],
        number: Number::Resource,
        removed: &[("type", "write `metricType` of the trigger")],
        optional: "containerName",
        ..SCALER
    },
    Scaler {
        kind: "metrics-api",
        counts: Counts::Waiting,
        words: "number in the answer of a service; taken for its queue",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        may_lack_target: true,
        required: "url valueLocation",
        optional: "format unsafeSsl aggregateFromKubeServiceEndpoints aggregationType timeout apiKey method \
            keyParamName authModes authMode",
        outside: "username password cert key ca oauthTokenURI scopes scope clientID clientSecret endpointParams \
            customAuthHeader customAuthValue bearerToken token",
        ..SCALER
    },
    Scaler {
        kind: "solace-direct-messaging",
        counts: Counts::Own,
        words: "bytes or messages sent a second, queued ones weighted in: a metric for each target; always active",
        targets: &[
            "aggregatedClientTxByteRateTarget",
            "aggregatedClientAverageTxByteRateTarget",
            "aggregatedClientTxMsgRateTarget",
            "aggregatedClientAverageTxMsgRateTarget",
        ],
        number: Number::Whole,
        activations: &[
            "activationAggregatedClientTxByteRateTarget",
            "activationAggregatedClientAverageTxByteRateTarget",
            "activationAggregatedClientTxMsgRateTarget",
            "activationAggregatedClientAverageTxMsgRateTarget",
        ],
        required: "solaceSempBaseURL messageVpn clientNamePattern",
        optional: "unsafeSSL queuedMessagesFactor",
        outside: "username password",
        ..SCALER
    },
];

//! Queues and backlogs of work.

use super::scaler::{Counts, Number, SCALER, Scaler};
use crate::autoscalers::keda::spec::MetricType;

pub(super) const SCALERS: &[Scaler] = &[
    Scaler {
        kind: "activemq",
        counts: Counts::InFlight,
        words: "messages in the queue, with those delivered and not acknowledged",
        targets: &["targetQueueSize"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationTargetQueueSize"],
        sourced: "username password",
        optional: "managementEndpoint destinationName brokerName corsHeader restAPITemplate",
        ..SCALER
    },
    Scaler {
        kind: "apache-kafka",
        counts: Counts::InFlight,
        words: "offsets not yet committed by the consumer group, no more than the target for each partition",
        targets: &["lagThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationLagThreshold"],
        sourced: "bootstrapServers consumerGroup",
        optional: "topic partitionLimitation offsetResetPolicy allowIdleConsumers excludePersistentLag \
            scaleToZeroOnInvalidOffset limitToPartitionsWithLag ensureEvenDistributionOfPartitions sasl \
            awsRegion tls awsAccessKeyID identityOwner",
        outside: "username password cert key keyPassword ca awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "artemis-queue",
        counts: Counts::InFlight,
        words: "messages in the queue, with those delivered and not acknowledged",
        targets: &["queueLength"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationQueueLength"],
        activation_default: Some(10.0),
        sourced: "username password",
        optional: "managementEndpoint queueName brokerName brokerAddress restApiTemplate corsHeader unsafeSsl",
        outside: "ca cert key keyPassword",
        ..SCALER
    },
    Scaler {
        kind: "aws-sqs-queue",
        counts: Counts::InFlight,
        words: "messages visible and in flight",
        targets: &["queueLength"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationQueueLength"],
        sourced: "queueURL awsRegion",
        optional: "awsEndpoint scaleOnInFlight scaleOnDelayed identityOwner awsAccessKeyID",
        outside: "awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "azure-eventhub",
        counts: Counts::InFlight,
        words: "events beyond the checkpoints, no more than the target for each partition",
        targets: &["unprocessedEventThreshold"],
        default: Some(64.0),
        number: Number::Whole,
        activations: &["activationUnprocessedEventThreshold"],
        optional: "stalePartitionInfoThreshold consumerGroup storageAccountName blobContainer eventHubNamespace \
            eventHubName checkpointStrategy cloud endpointSuffix storageEndpointSuffix",
        outside: "connection storageConnection",
        ..SCALER
    },
    Scaler {
        kind: "azure-pipelines",
        counts: Counts::InFlight,
        words: "jobs requested of the agent pool and not finished",
        targets: &["targetPipelinesQueueLength"],
        default: Some(1.0),
        number: Number::Whole,
        activations: &["activationTargetPipelinesQueueLength"],
        sourced: "organizationURL",
        optional: "parent demands poolName poolID jobsToFetch fetchUnfinishedJobsOnly requireAllDemands \
            requireAllDemandsAndIgnoreOthers caseInsensitiveDemandsProcessing",
        outside: "personalAccessToken",
        ..SCALER
    },
    Scaler {
        kind: "azure-queue",
        counts: Counts::InFlight,
        words: "messages in the queue, with those taken and hidden",
        targets: &["queueLength"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationQueueLength"],
        required: "queueName",
        optional: "connection accountName endpointSuffix queueLengthStrategy cloud storageEndpointSuffix",
        ..SCALER
    },
    Scaler {
        kind: "azure-servicebus",
        counts: Counts::InFlight,
        words: "active messages, with those locked by a receiver",
        targets: &["messageCount"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationMessageCount"],
        optional: "queueName topicName subscriptionName namespace useRegex operation cloud endpointSuffix \
            storageEndpointSuffix",
        outside: "connection",
        ..SCALER
    },
    Scaler {
        kind: "beanstalkd",
        counts: Counts::InFlight,
        words: "jobs ready and reserved",
        targets: &["value"],
        activations: &["activationValue"],
        required: "server tube",
        optional: "includeDelayed timeout",
        ..SCALER
    },
    Scaler {
        kind: "forgejo-runner",
        counts: Counts::Waiting,
        words: "jobs waiting for a runner",
        default: Some(1.0),
        number: Number::Fixed,
        required: "address labels",
        optional: "global owner org repo",
        outside: "token",
        ..SCALER
    },
    Scaler {
        kind: "gcp-cloudtasks",
        counts: Counts::InFlight,
        words: "depth of the queue, with tasks dispatched and not done",
        targets: &["value"],
        default: Some(100.0),
        activations: &["activationValue"],
        required: "queueName projectID",
        optional: "filterDuration credentials credentialsFromEnvFile",
        outside: "GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "gcp-pubsub",
        counts: Counts::InFlight,
        words: "messages not acknowledged",
        targets: &["value"],
        default: Some(10.0),
        activations: &["activationValue"],
        removed: &[("subscriptionSize", "write `mode` and `value`")],
        optional: "mode aggregation timeHorizon valueIfNull subscriptionName topicName credentials \
            credentialsFromEnvFile",
        outside: "GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "github-runner",
        counts: Counts::InFlight,
        words: "jobs queued and in progress for runners with these labels; active from the target on",
        targets: &["targetWorkflowQueueLength"],
        default: Some(1.0),
        number: Number::Whole,
        sourced: "owner runnerScope",
        optional: "githubApiURL repos labels noDefaultLabels enableEtags matchUnlabeledJobsWithUnlabeledRunners \
            applicationID installationID",
        outside: "personalAccessToken appKey",
        ..SCALER
    },
    Scaler {
        kind: "ibmmq",
        counts: Counts::InFlight,
        words: "current depth of the queues, with messages got and not committed",
        targets: &["queueDepth"],
        default: Some(20.0),
        number: Number::Whole,
        activations: &["activationQueueDepth"],
        required: "host queueName/queueNames",
        sourced: "username password",
        optional: "operation unsafeSsl",
        outside: "ca cert key keyPassword",
        ..SCALER
    },
    Scaler {
        kind: "kafka",
        counts: Counts::InFlight,
        words: "offsets not yet committed by the consumer group, no more than the target for each partition",
        targets: &["lagThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationLagThreshold"],
        sourced: "bootstrapServers consumerGroup",
        optional: "topic partitionLimitation offsetResetPolicy allowIdleConsumers excludePersistentLag \
            scaleToZeroOnInvalidOffset limitToPartitionsWithLag ensureEvenDistributionOfPartitions \
            fullMetadata version tls unsafeSsl sasl saslTokenProvider awsRegion awsAccessKeyID \
            identityOwner",
        outside: "ca cert key keyPassword username password scopes oauthTokenEndpointUri oauthExtensions keytab \
            realm kerberosConfig kerberosServiceName kerberosDisableFAST awsSecretAccessKey awsRoleArn \
            awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "liiklus",
        counts: Counts::InFlight,
        words: "records not acknowledged, no more than the target for each partition",
        targets: &["lagThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationLagThreshold"],
        required: "address topic group",
        optional: "groupVersion",
        ..SCALER
    },
    Scaler {
        kind: "nats-jetstream",
        counts: Counts::InFlight,
        words: "messages pending and delivered without acknowledgement",
        targets: &["lagThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationLagThreshold"],
        required: "stream consumer",
        sourced: "natsServerMonitoringEndpoint",
        optional: "account accountID useHttps",
        ..SCALER
    },
    Scaler {
        kind: "nsq",
        counts: Counts::Waiting,
        words: "depth of the channel: messages not yet sent to a consumer",
        targets: &["depthThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationDepthThreshold"],
        sourced: "nsqLookupdHTTPAddresses topic channel",
        optional: "useHttps unsafeSsl",
        ..SCALER
    },
    Scaler {
        kind: "pulsar",
        counts: Counts::InFlight,
        words: "backlog of the subscription: messages not acknowledged",
        targets: &["msgBacklogThreshold"],
        default: Some(10.0),
        number: Number::Whole,
        activations: &["activationMsgBacklogThreshold"],
        forced: Some(MetricType::AverageValue),
        sourced: "adminURL topic subscription",
        optional: "isPartitionedTopic tls apiKey method keyParamName authModes authMode oauthTokenURI scope \
            clientID EndpointParams",
        outside: "username password cert key ca scopes clientSecret endpointParams customAuthHeader \
            customAuthValue bearerToken token",
        ..SCALER
    },
    Scaler {
        kind: "rabbitmq",
        counts: Counts::InFlight,
        words: "messages ready and delivered without acknowledgement (over AMQP: ready alone)",
        targets: &["value", "queueLength"],
        default: Some(20.0),
        activations: &["activationValue"],
        required: "queueName",
        sourced: "host",
        optional: "mode protocol vhostName useRegex excludeUnacknowledged pageSize operation timeout unsafeSsl",
        outside: "username password ca cert key keyPassword tls workloadIdentityResource oauthTokenURI scopes \
            scope clientID clientSecret endpointParams",
        ..SCALER
    },
    Scaler {
        kind: "redis",
        counts: Counts::Waiting,
        words: "elements of the list",
        targets: &["listLength"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationListLength"],
        required: "listName",
        optional: "databaseIndex enableTLS address addresses username password sentinelUsername sentinelPassword \
            sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "redis-cluster",
        counts: Counts::Waiting,
        words: "elements of the list",
        targets: &["listLength"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationListLength"],
        required: "listName",
        optional: "databaseIndex enableTLS address addresses username password sentinelUsername sentinelPassword \
            sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "redis-cluster-streams",
        counts: Counts::Waiting,
        words: "entries not delivered, delivered and not acknowledged, or all without a group",
        targets: &["pendingEntriesCount", "streamLength", "lagCount"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationLagCount"],
        required: "stream",
        optional: "consumerGroup databaseIndex enableTLS address addresses username password sentinelUsername \
            sentinelPassword sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "redis-sentinel",
        counts: Counts::Waiting,
        words: "elements of the list",
        targets: &["listLength"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationListLength"],
        required: "listName",
        optional: "databaseIndex enableTLS address addresses username password sentinelUsername sentinelPassword \
            sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "redis-sentinel-streams",
        counts: Counts::Waiting,
        words: "entries not delivered, delivered and not acknowledged, or all without a group",
        targets: &["pendingEntriesCount", "streamLength", "lagCount"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationLagCount"],
        required: "stream",
        optional: "consumerGroup databaseIndex enableTLS address addresses username password sentinelUsername \
            sentinelPassword sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "redis-streams",
        counts: Counts::Waiting,
        words: "entries not delivered, delivered and not acknowledged, or all without a group",
        targets: &["pendingEntriesCount", "streamLength", "lagCount"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationLagCount"],
        required: "stream",
        optional: "consumerGroup databaseIndex enableTLS address addresses username password sentinelUsername \
            sentinelPassword sentinelMaster host hosts port ports unsafeSsl",
        outside: "tls cert Cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "selenium-grid",
        counts: Counts::InFlight,
        words: "nodes for sessions requested, and sessions that run",
        default: Some(1.0),
        number: Number::Fixed,
        activations: &["activationThreshold"],
        sourced: "url",
        optional: "browserName sessionBrowserName browserVersion platformName unsafeSsl nodeMaxSessions \
            enableManagedDownloads capabilities",
        outside: "authType username password accessToken",
        ..SCALER
    },
    Scaler {
        kind: "solace-event-queue",
        counts: Counts::InFlight,
        words: "messages spooled in the queue, megabytes spooled, or messages received a second: a metric for each target",
        targets: &["messageCountTarget", "messageSpoolUsageTarget", "messageReceiveRateTarget"],
        number: Number::Whole,
        activations: &[
            "activationMessageCountTarget",
            "activationMessageSpoolUsageTarget",
            "activationMessageReceiveRateTarget",
        ],
        required: "solaceSempBaseURL messageVpn queueName",
        sourced: "username password",
        ..SCALER
    },
    Scaler {
        kind: "temporal",
        counts: Counts::Waiting,
        words: "approximate backlog of the task queue",
        targets: &["targetQueueSize"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationTargetQueueSize"],
        sourced: "endpoint taskQueue",
        optional: "namespace queueTypes buildId workerDeploymentName workerDeploymentBuildId selectAllActive \
            selectUnversioned includeRunningWorkflowCount workflowTaskQueueForCount minConnectTimeout \
            enableTLS unsafeSsl tlsServerName",
        outside: "apiKey cert key keyPassword ca",
        ..SCALER
    },
];

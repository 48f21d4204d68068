//! Monitoring: values of queries and metrics.

use super::scaler::{Counts, Number, SCALER, Scaler};
use crate::autoscalers::keda::spec::MetricType;

pub(super) const SCALERS: &[Scaler] = &[
    Scaler {
        kind: "aws-cloudwatch",
        counts: Counts::Own,
        words: "value of a metric or an expression",
        targets: &["targetMetricValue"],
        activations: &["activationTargetMetricValue"],
        required: "minMetricValue",
        sourced: "awsRegion",
        optional: "namespace metricName dimensionName dimensionValue expression ignoreNullValues \
            metricCollectionTime metricStat metricUnit metricStatPeriod metricEndTimeOffset awsAccountId \
            awsEndpoint identityOwner awsAccessKeyID",
        outside: "awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "azure-app-insights",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        may_lack_target: true,
        null_is_zero: false,
        required: "metricId metricAggregationTimespan metricAggregationType",
        sourced: "applicationInsightsId tenantId",
        optional: "metricFilter ignoreNullValues cloud appInsightsResourceURL activeDirectoryClientId \
            activeDirectoryEndpoint",
        outside: "activeDirectoryClientPassword",
        ..SCALER
    },
    Scaler {
        kind: "azure-data-explorer",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "databaseName endpoint query",
        optional: "tenantId clientId cloud activeDirectoryEndpoint",
        outside: "clientSecret",
        ..SCALER
    },
    Scaler {
        kind: "azure-log-analytics",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "query",
        sourced: "workspaceId",
        optional: "tenantId clientId clientSecret logAnalyticsResourceURL cloud unsafeSsl timeout \
            activeDirectoryEndpoint",
        ..SCALER
    },
    Scaler {
        kind: "azure-monitor",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        required: "resourceURI tenantId subscriptionId resourceGroupName metricName metricAggregationType",
        optional: "metricNamespace metricFilter metricAggregationInterval activeDirectoryClientId \
            activeDirectoryClientPassword cloud azureResourceManagerEndpoint activeDirectoryEndpoint",
        ..SCALER
    },
    Scaler {
        kind: "datadog",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["targetValue", "queryValue"],
        activations: &["activationTargetValue", "activationQueryValue"],
        may_lack_target: true,
        optional: "datadogMetricName datadogMetricNamespace query queryAggregator age timeWindowOffset \
            lastAvailablePointOffset useClusterAgentProxy hpaMetricName metricUnavailableValue timeout type",
        outside: "datadogNamespace datadogMetricsService datadogMetricsServicePort unsafeSsl authMode token \
            apiKey appKey datadogSite",
        ..SCALER
    },
    Scaler {
        kind: "dynatrace",
        counts: Counts::Own,
        words: "value of a metric or a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        sourced: "host",
        optional: "metricSelector query queryTimeoutSeconds queryPollingWait queryPollingTries from",
        outside: "token",
        ..SCALER
    },
    Scaler {
        kind: "gcp-stackdriver",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["targetValue"],
        default: Some(5.0),
        activations: &["activationTargetValue"],
        required: "projectId filter",
        optional: "valueIfNull filterDuration alignmentPeriodSeconds alignmentAligner alignmentReducer credentials \
            credentialsFromEnvFile",
        outside: "GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "graphite",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        default: Some(100.0),
        activations: &["activationThreshold"],
        required: "serverAddress query queryTime",
        optional: "authMode",
        outside: "username password",
        ..SCALER
    },
    Scaler {
        kind: "huawei-cloudeye",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["targetMetricValue"],
        activations: &["activationTargetMetricValue"],
        removed: &[("minMetricValue", "write `activationTargetMetricValue`")],
        required: "namespace metricName dimensionName dimensionValue",
        optional: "metricCollectionTime metricFilter metricPeriod",
        outside: "IdentityEndpoint ProjectID DomainID Region Domain Cloud AccessKey SecretKey",
        ..SCALER
    },
    Scaler {
        kind: "influxdb",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["thresholdValue"],
        activations: &["activationThresholdValue"],
        may_lack_target: true,
        removed: &[("authToken", "name it by `authTokenFromEnv` or in a TriggerAuthentication")],
        required: "query",
        sourced: "serverURL",
        optional: "organizationName influxVersion queryType database metricKey unsafeSsl",
        ..SCALER
    },
    Scaler {
        kind: "loki",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "serverAddress query",
        optional: "tenantName ignoreNullValues unsafeSsl apiKey method keyParamName authModes authMode",
        outside: "username password cert key ca oauthTokenURI scopes scope clientID clientSecret endpointParams \
            customAuthHeader customAuthValue bearerToken token",
        ..SCALER
    },
    Scaler {
        kind: "new-relic",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "nrql",
        sourced: "account queryKey",
        optional: "region noDataError",
        ..SCALER
    },
    Scaler {
        kind: "openstack-metric",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        may_lack_target: true,
        required: "metricsURL metricID aggregationMethod granularity",
        optional: "timeout",
        outside: "authURL userID password appCredentialSecret",
        ..SCALER
    },
    Scaler {
        kind: "predictkube",
        counts: Counts::Own,
        words: "value that a service predicts of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        may_lack_target: true,
        required: "prometheusAddress query predictHorizon queryStep historyTimeWindow",
        optional: "apiKey method keyParamName authModes authMode",
        outside: "username password cert key ca oauthTokenURI scopes scope clientID clientSecret endpointParams \
            customAuthHeader customAuthValue bearerToken token",
        ..SCALER
    },
    Scaler {
        kind: "prometheus",
        counts: Counts::Own,
        words: "value of a query, which names what is read",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "serverAddress query",
        optional: "queryParameters namespace customHeaders ignoreNullValues unsafeSsl awsRegion timeout \
            identityOwner apiKey method keyParamName authModes authMode awsAccessKeyID credentials \
            credentialsFromEnvFile cloud azureManagedPrometheusResourceURL metricName",
        outside: "username password cert key ca oauthTokenURI scopes scope clientID clientSecret endpointParams \
            customAuthHeader customAuthValue bearerToken token awsSecretAccessKey awsRoleArn \
            awsSessionToken GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "solarwinds",
        counts: Counts::Own,
        words: "value of a metric",
        targets: &["targetValue"],
        activations: &["activationValue"],
        required: "host metricName aggregation intervalS",
        optional: "filter",
        outside: "apiToken",
        ..SCALER
    },
    Scaler {
        kind: "splunk",
        counts: Counts::Own,
        words: "value of a saved search",
        targets: &["targetValue"],
        number: Number::Whole,
        activations: &["activationValue"],
        activation_default: None,
        required: "host savedSearchName valueField",
        optional: "unsafeSsl",
        outside: "apiToken password username",
        ..SCALER
    },
    Scaler {
        kind: "splunk-observability",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        activation_default: None,
        forced: Some(MetricType::Value),
        required: "query duration queryAggregator",
        outside: "accessToken realm",
        ..SCALER
    },
    Scaler {
        kind: "sumologic",
        counts: Counts::Own,
        words: "value of a query",
        targets: &["threshold"],
        activations: &["activationThreshold"],
        required: "host queryType timerange",
        optional: "unsafeSsl query query.* resultQueryRowID quantization rollup resultField logsPollingInterval \
            maxRetries timezone queryAggregator",
        outside: "accessID accessKey",
        ..SCALER
    },
];

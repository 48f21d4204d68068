//! Databases, searches and storage.

use super::scaler::{Counts, Number, SCALER, Scaler};

pub(super) const SCALERS: &[Scaler] = &[
    Scaler {
        kind: "arangodb",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["queryValue"],
        activations: &["activationQueryValue"],
        may_lack_target: true,
        required: "collection query",
        sourced: "endpoints dbName",
        optional: "unsafeSsl connectionLimit apiKey method keyParamName authModes authMode",
        outside: "username password cert key ca oauthTokenURI scopes scope clientID clientSecret endpointParams \
            customAuthHeader customAuthValue bearerToken token",
        ..SCALER
    },
    Scaler {
        kind: "aws-dynamodb",
        counts: Counts::Own,
        words: "items that the query finds",
        targets: &["targetValue"],
        number: Number::Whole,
        activations: &["activationTargetValue"],
        may_lack_target: true,
        required: "tableName keyConditionExpression expressionAttributeNames expressionAttributeValues",
        sourced: "awsRegion",
        optional: "awsEndpoint indexName filterExpression identityOwner awsAccessKeyID",
        outside: "awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "aws-dynamodb-streams",
        counts: Counts::Own,
        words: "shards of the stream",
        targets: &["shardCount"],
        default: Some(2.0),
        number: Number::Whole,
        activations: &["activationShardCount"],
        required: "tableName",
        sourced: "awsRegion",
        optional: "awsEndpoint identityOwner awsAccessKeyID",
        outside: "awsSecretAccessKey awsRoleArn awsSessionToken",
        ..SCALER
    },
    Scaler {
        kind: "azure-blob",
        counts: Counts::Own,
        words: "blobs in the container",
        targets: &["blobCount"],
        default: Some(5.0),
        number: Number::Whole,
        activations: &["activationBlobCount"],
        required: "blobContainerName",
        optional: "blobDelimiter blobPrefix recursive globPattern endpointSuffix connection \
            accountName cloud storageEndpointSuffix",
        ..SCALER
    },
    Scaler {
        kind: "cassandra",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["targetQueryValue"],
        number: Number::Whole,
        activations: &["activationTargetQueryValue"],
        required: "username clusterIPAddress keyspace query",
        optional: "port consistency protocolVersion",
        outside: "password tls cert key ca",
        ..SCALER
    },
    Scaler {
        kind: "clickhouse",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["targetQueryValue"],
        activations: &["activationTargetQueryValue"],
        required: "query",
        optional: "host port username database maxIdleConns maxOpenConns connMaxLifetime",
        outside: "connectionString password tls cert key keyPassword ca unsafeSsl",
        ..SCALER
    },
    Scaler {
        kind: "couchdb",
        counts: Counts::Own,
        words: "documents that the query finds",
        targets: &["queryValue"],
        number: Number::Whole,
        activations: &["activationQueryValue"],
        may_lack_target: true,
        optional: "connectionString host port username password dbName query",
        ..SCALER
    },
    Scaler {
        kind: "elastic-forecast",
        counts: Counts::Own,
        words: "value that a job forecasts",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        required: "jobID",
        optional: "addresses unsafeSsl username password cloudID apiKey lookAhead index partitionFieldValue \
            byFieldValue",
        ..SCALER
    },
    Scaler {
        kind: "elasticsearch",
        counts: Counts::Own,
        words: "value in the answer of a search",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        null_is_zero: false,
        sourced: "index valueLocation",
        optional: "addresses unsafeSsl username password cloudID apiKey searchTemplateName query parameters \
            ignoreNullValues metricName",
        ..SCALER
    },
    Scaler {
        kind: "etcd",
        counts: Counts::Own,
        words: "number under a key",
        targets: &["value"],
        activations: &["activationValue"],
        required: "endpoints watchKey",
        optional: "watchProgressNotifyInterval",
        outside: "username password tls cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "gcp-spanner",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["targetValue"],
        default: Some(5.0),
        activations: &["activationValue"],
        required: "projectId instanceId databaseId query",
        optional: "credentials credentialsFromEnvFile",
        outside: "GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "gcp-storage",
        counts: Counts::Own,
        words: "objects in the bucket",
        targets: &["targetObjectCount"],
        default: Some(100.0),
        number: Number::Whole,
        activations: &["activationTargetObjectCount"],
        required: "bucketName",
        optional: "maxBucketItemsToScan blobDelimiter blobPrefix credentials credentialsFromEnvFile",
        outside: "GoogleApplicationCredentials",
        ..SCALER
    },
    Scaler {
        kind: "mongodb",
        counts: Counts::Own,
        words: "documents that the query finds",
        targets: &["queryValue"],
        activations: &["activationQueryValue"],
        required: "collection query",
        sourced: "dbName",
        optional: "connectionString scheme host port username password",
        outside: "tls cert key keyPassword ca",
        ..SCALER
    },
    Scaler {
        kind: "mssql",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        required: "query",
        optional: "username host port database",
        outside: "connectionString password",
        ..SCALER
    },
    Scaler {
        kind: "mysql",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["queryValue"],
        activations: &["activationQueryValue"],
        required: "query",
        optional: "username host port dbName metricName",
        outside: "connectionString password",
        ..SCALER
    },
    Scaler {
        kind: "opensearch",
        counts: Counts::Own,
        words: "value in the answer of a search",
        targets: &["targetValue"],
        activations: &["activationTargetValue"],
        null_is_zero: false,
        sourced: "addresses index valueLocation",
        optional: "unsafeSsl enableTLS username password caCert clientCert clientKey searchTemplateName query \
            parameters ignoreNullValues metricName",
        ..SCALER
    },
    Scaler {
        kind: "openstack-swift",
        counts: Counts::Own,
        words: "objects in the container",
        targets: &["objectCount"],
        default: Some(2.0),
        number: Number::Whole,
        activations: &["activationObjectCount"],
        required: "containerName",
        optional: "swiftURL objectPrefix objectDelimiter objectLimit timeout onlyFiles",
        outside: "userID password projectID authURL appCredentialID appCredentialSecret regionName",
        ..SCALER
    },
    Scaler {
        kind: "postgresql",
        counts: Counts::Own,
        words: "number that the query returns",
        targets: &["targetQueryValue"],
        activations: &["activationTargetQueryValue"],
        may_lack_target: true,
        required: "query",
        optional: "host port userName dbName sslmode",
        outside: "connection password",
        ..SCALER
    },
    Scaler {
        kind: "solr",
        counts: Counts::Own,
        words: "documents that the query finds",
        targets: &["targetQueryValue"],
        activations: &["activationTargetQueryValue"],
        required: "host collection",
        sourced: "username password",
        optional: "query",
        ..SCALER
    },
];

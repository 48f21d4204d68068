//! KEDA's triggers: every type with each name of its target, and what is refused or passed over.

use flashcrowd_core::ports::SignalSource;
use flashcrowd_policies::autoscalers::keda::manifest::scalers::{Number, Scaler, all};
use flashcrowd_policies::autoscalers::keda::manifest::{ObjectManifest, read_scaled_object};
use flashcrowd_policies::autoscalers::keda::{Bindings, MetricType, Trigger, bind_trigger};

fn read(triggers: &str) -> Result<ObjectManifest, String> {
    let text = format!(
        "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec:\n  scaleTargetRef: {{name: web}}\n  \
         minReplicaCount: 1\n  triggers:\n  - {triggers}\n"
    );
    read_scaled_object(text.as_bytes(), None).map_err(|error| error.to_string())
}

fn one(trigger: &str) -> (Trigger, Vec<String>) {
    let manifest = read(trigger).unwrap_or_else(|error| panic!("{trigger}: {error}"));
    let warnings = manifest.warnings.iter().map(|warning| format!("{}: {}", warning.path, warning.message)).collect();
    (manifest.object.triggers[0].clone(), warnings)
}

/// What a type needs beside its target.
fn beside(scaler: &Scaler, target: &str) -> (&'static str, String) {
    let kind = if scaler.number == Number::Resource { ", metricType: Utilization" } else { "" };
    let mut rest = String::new();
    if scaler.kind == "rabbitmq" && target == "value" {
        rest += ", mode: QueueLength";
    }
    if matches!(target, "pendingEntriesCount" | "lagCount") {
        rest += ", consumerGroup: g";
    }
    if scaler.activation_default.is_none() {
        rest += ", ";
        rest += scaler.activations[0];
        rest += ": '3'";
    }
    (kind, rest)
}

#[test]
fn every_type_is_read_by_each_name_of_its_target() {
    for scaler in all() {
        for target in scaler.targets {
            let (kind, rest) = beside(scaler, target);
            let (trigger, warnings) =
                one(&format!("{{type: {}{kind}, metadata: {{{target}: '7'{rest}}}}}", scaler.kind));
            let unit = if *target == "messageSpoolUsageTarget" { 1024 * 1024 } else { 1 };
            assert_eq!(trigger.threshold.milli(), 7_000 * unit, "{} {target}", scaler.kind);
            assert_eq!(warnings, Vec::<String>::new(), "{} {target}", scaler.kind);
            assert_eq!(trigger.metric_type, scaler.forced.unwrap_or(trigger.metric_type), "{}", scaler.kind);
        }
        // A window of time is nothing without its ends.
        let ends = if scaler.kind == "cron" {
            "timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: '2'"
        } else {
            ""
        };
        let lacking = read(&format!("{{type: {}, metadata: {{{ends}}}}}", scaler.kind));
        match (scaler.default, scaler.number) {
            (Some(default), _) => {
                let trigger = &lacking.unwrap_or_else(|error| panic!("{error}")).object.triggers[0];
                assert_eq!(trigger.threshold.as_f64(), default, "{}", scaler.kind);
            }
            (None, Number::Resource) => assert!(lacking.unwrap_err().contains("metricType: required")),
            (None, _) => {
                let wanted = format!("metadata.{}: required, but missing", scaler.targets[0]);
                assert!(lacking.unwrap_err().contains(&wanted), "{}", scaler.kind);
            }
        }
    }
}

#[test]
fn the_activation_value_stands_beside_its_target() {
    let table = [
        ("{type: artemis-queue, metadata: {}}", 10.0),
        ("{type: artemis-queue, metadata: {activationQueueLength: '2'}}", 2.0),
        ("{type: aws-sqs-queue, metadata: {activationQueueLength: '2'}}", 2.0),
        ("{type: mysql, metadata: {queryValue: '4', activationQueryValue: '1.5'}}", 1.5),
        ("{type: rabbitmq, metadata: {activationValue: '1.5'}}", 1.5),
        ("{type: datadog, metadata: {targetValue: '4', activationQueryValue: '2', activationTargetValue: '3'}}", 2.0),
        ("{type: datadog, metadata: {queryValue: '4', useClusterAgentProxy: 'true', activationTargetValue: '3'}}", 3.0),
        (
            "{type: solace-event-queue, metadata: {messageReceiveRateTarget: '9', activationMessageReceiveRateTarget: '4'}}",
            4.0,
        ),
        ("{type: github-runner, metadata: {targetWorkflowQueueLength: '3'}}", 2.0),
        ("{type: solace-direct-messaging, metadata: {aggregatedClientTxMsgRateTarget: '3'}}", -1.0),
        ("{type: selenium-grid, metadata: {activationThreshold: '2'}}", 2.0),
        ("{type: redis-streams, metadata: {consumerGroup: g, lagCount: '3', activationLagCount: '1'}}", 1.0),
        ("{type: etcd, metadata: {value: ' 3 ', activationValue: ''}}", 0.0),
    ];
    for (trigger, wanted) in table {
        assert_eq!(one(trigger).0.activation_threshold, wanted, "{trigger}");
    }
}

#[test]
fn what_keda_refuses_of_a_trigger_is_refused() {
    let table = [
        (
            "{type: prometeus, metadata: {threshold: '1'}}",
            "no scaler of KEDA is called \"prometeus\" (hint: did you mean `prometheus`?)",
        ),
        ("{type: stan, metadata: {lagThreshold: '1'}}", "no scaler of KEDA is called \"stan\""),
        ("{type: kafka, metadata: {lagThreshold: '1.5'}}", "expected a whole number, found \"1.5\""),
        ("{type: kafka, metadata: {lagThreshold: '5.0'}}", "hint: write \"5\""),
        ("{type: kafka, metadata: {lagThreshold: '1e3'}}", "hint: write \"1000\""),
        ("{type: kafka, metadata: {lagThreshold: '007'}}", "expected a whole number, found \"007\""),
        ("{type: kafka, metadata: {lagThreshold: '+5'}}", "expected a whole number"),
        ("{type: kafka, metadata: {lagThreshold: '-5'}}", "expected more than 0"),
        ("{type: kafka, metadata: {activationLagThreshold: '0.5'}}", "activationLagThreshold: expected a whole number"),
        (
            "{type: mysql, metadata: {queryValue: '.5'}}",
            "expected a number as in JSON, found \".5\" (hint: write \"0.5\")",
        ),
        ("{type: mysql, metadata: {queryValue: '5.'}}", "expected a number as in JSON"),
        ("{type: mysql, metadata: {queryValue: inf}}", "expected a number, found the text \"inf\""),
        ("{type: mysql, metadata: {queryValue: '0'}}", "expected more than 0"),
        ("{type: mysql, metadata: {queryValueFromEnv: WANTED}}", "environment of the container is not known here"),
        ("{type: mysql, metadata: {queryVal: '3'}}", "did you mean `queryValue`?"),
        ("{type: kafka, metricType: Utilization, metadata: {}}", "expected AverageValue or Value"),
        ("{type: memory, metricType: Value, metadata: {value: 2Gi}}", "expected Utilization or AverageValue"),
        ("{type: memory, metricType: Utilization, metadata: {value: 2Gi}}", "expected a whole number of percent"),
        ("{type: cpu, metricType: Utilization, metadata: {value: '60.5'}}", "expected a whole number of percent"),
        ("{type: cpu, metricType: AverageValue, metadata: {value: 2K}}", "is no quantity"),
        ("{type: cpu, metricType: AverageValue, metadata: {value: '0'}}", "expected more than 0"),
        ("{type: cpu, metadata: {type: Utilization, value: '60'}}", "metricType: required"),
        (
            "{type: cpu, metricType: Utilization, metadata: {type: Utilization, value: '6'}}",
            "write `metricType` of the trigger",
        ),
        ("{type: gcp-pubsub, metadata: {subscriptionSize: '5'}}", "write `mode` and `value`"),
        ("{type: influxdb, metadata: {authToken: x, thresholdValue: '5'}}", "authTokenFromEnv"),
        (
            "{type: huawei-cloudeye, metadata: {minMetricValue: '1', targetMetricValue: '5'}}",
            "activationTargetMetricValue",
        ),
        ("{type: rabbitmq, metadata: {value: '5'}}", "mode: required"),
        ("{type: rabbitmq, metadata: {mode: QueueLength}}", "value: required"),
        ("{type: rabbitmq, metadata: {mode: QueueLenght, value: '5'}}", "did you mean `QueueLength`?"),
        ("{type: rabbitmq, metadata: {mode: QueueLength, value: '5', queueLength: '5'}}", "leave it away"),
        ("{type: rabbitmq, metadata: {mode: MessageRate, value: '5', host: 'amqp://r'}}", "over HTTP alone"),
        ("{type: splunk, metadata: {targetValue: '5'}}", "activationValue: required"),
        ("{type: splunk, metadata: {targetValue: '5.5', activationValue: '0'}}", "expected a whole number"),
        ("{type: solace-event-queue, metadata: {messageCountTarget: '0'}}", "expected more than 0"),
        ("{type: prometheus, metadata: {threshold: '5', ignoreNullValues: 'no'}}", "expected \"true\" or \"false\""),
        ("{type: datadog, metadata: {targetValue: '5', type: mean}}", "not one of average, global"),
        (
            "{type: datadog, metricType: Value, metadata: {targetValue: '5', type: global}}",
            "does not go with `metricType`",
        ),
        ("{type: aws-dynamodb, metadata: {}}", "targetValue: required"),
    ];
    for (trigger, words) in table {
        let error = read(trigger).expect_err(trigger);
        assert!(error.starts_with("line 8") && error.contains(words), "{trigger}: {error}");
    }
}

#[test]
fn resources_take_quantities_and_percent() {
    let table = [
        ("{type: cpu, metricType: AverageValue, metadata: {value: 500m}}", 500),
        ("{type: memory, metricType: AverageValue, metadata: {value: 12Gi}}", 12 * 1024 * 1024 * 1024 * 1000),
        ("{type: memory, metricType: Utilization, metadata: {value: '80', containerName: server}}", 80_000),
        ("{type: prometheus, metadata: {threshold: '0.0015'}}", 2),
        ("{type: prometheus, metadata: {threshold: '1e3'}}", 1_000_000),
        ("{type: rabbitmq, metadata: {queueLength: '12.5'}}", 12_500),
        ("{type: redis-streams, metadata: {consumerGroup: g, streamLength: '9'}}", 5_000),
        ("{type: redis-streams, metadata: {consumerGroup: g, pendingEntriesCount: '9', lagCount: '0'}}", 9_000),
    ];
    for (trigger, milli) in table {
        assert_eq!(one(trigger).0.threshold.milli(), milli, "{trigger}");
    }
}

#[test]
fn what_keda_passes_over_is_noted() {
    let table = [
        (
            "{type: kafka, metadata: {lagTreshold: '5'}}",
            "lagTreshold: unknown field, ignored; did you mean `lagThreshold`?",
        ),
        (
            "{type: kafka, metadata: {password: x}}",
            "metadata.password: ignored: it is read from a TriggerAuthentication",
        ),
        ("{type: mysql, metadata: {queryValue: '5', activationValue: '2'}}", "did you mean `activationQueryValue`?"),
        ("{type: pulsar, metricType: Value, metadata: {}}", "metricType: has no effect: AverageValue holds"),
        (
            "{type: solace-event-queue, metadata: {messageReceiveRateTarget: '9', messageCountTarget: '5'}}",
            "messageReceiveRateTarget: has no effect: `messageCountTarget` alone is played",
        ),
    ];
    for (trigger, words) in table {
        let (_, warnings) = one(trigger);
        assert!(warnings.len() == 1 && warnings[0].contains(words), "{trigger}: {warnings:?}");
    }
    for trigger in [
        "{type: rabbitmq, metadata: {hostFromEnv: H, passwordFromEnv: P, queueName: q}}",
        "{type: external, metadata: {scalerAddress: 'a:1', anything: goes}}",
        "{type: sumologic, metadata: {threshold: '5', query.A: x}}",
        "{type: gcp-pubsub, metadata: {credentialsFromEnv: C, subscriptionName: s}}",
        "{type: aws-sqs-queue, metadata: {awsSecretAccessKeyFromEnv: S, queueURLFromEnv: Q, awsRegion: r}}",
    ] {
        assert_eq!(one(trigger).1, Vec::<String>::new(), "{trigger}");
    }
}

#[test]
fn null_values_and_metric_types_hold_as_each_type_has_them() {
    assert!(one("{type: loki, metadata: {threshold: '5'}}").0.ignore_null_values);
    assert!(!one("{type: elasticsearch, metadata: {targetValue: '5'}}").0.ignore_null_values);
    assert!(one("{type: opensearch, metadata: {targetValue: '5', ignoreNullValues: T}}").0.ignore_null_values);
    let global = one("{type: datadog, metadata: {targetValue: '5', type: Global}}").0;
    assert_eq!(global.metric_type, MetricType::Value);
    assert_eq!(
        one("{type: splunk-observability, metadata: {targetValue: '5', activationTargetValue: '1'}}").0.metric_type,
        MetricType::Value
    );
}

#[test]
fn under_a_formula_some_targets_may_be_missing() {
    let read = |trigger: &str| {
        let text = format!(
            "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: web}}\nspec:\n  scaleTargetRef: {{name: web}}\n  \
             advanced: {{scalingModifiers: {{formula: a, target: '2'}}}}\n  triggers: [{trigger}]\n"
        );
        read_scaled_object(text.as_bytes(), None)
    };
    assert!(read("{type: metrics-api, name: a, metadata: {url: x}}").is_ok());
    assert!(read("{type: metrics-api, name: a, metadata: {url: x, targetValue: '0'}}").is_ok());
    assert!(read("{type: prometheus, name: a, metadata: {query: x}}").is_err());
}

#[test]
fn a_queue_reads_what_it_counts() {
    let source = |trigger: &str| bind_trigger(&one(trigger).0, 0, &Bindings::new()).expect(trigger).0.source;
    let table = [
        ("{type: aws-sqs-queue, metadata: {}}", SignalSource::InFlightRequests),
        ("{type: aws-sqs-queue, metadata: {scaleOnInFlight: 'false'}}", SignalSource::WaitingRequests),
        ("{type: kafka, metadata: {}}", SignalSource::InFlightRequests),
        ("{type: redis, metadata: {}}", SignalSource::WaitingRequests),
        ("{type: redis-streams, metadata: {consumerGroup: g}}", SignalSource::RunningRequests),
        ("{type: rabbitmq, metadata: {mode: MessageRate, value: '5'}}", SignalSource::RequestsArrived),
    ];
    for (trigger, wanted) in table {
        assert_eq!(source(trigger), wanted, "{trigger}");
    }
}

#[test]
fn queues_are_bound_and_the_rest_is_the_users() {
    let bound = |trigger: &str| bind_trigger(&one(trigger).0, 0, &Bindings::new()).is_ok();
    for kind in ["redis-cluster", "nsq", "pulsar", "temporal", "ibmmq", "redis-sentinel-streams", "beanstalkd"] {
        let value = if kind == "beanstalkd" { "value: '5'" } else { "" };
        assert!(bound(&format!("{{type: {kind}, metadata: {{{value}}}}}")), "{kind}");
    }
    assert!(!bound("{type: mysql, metadata: {queryValue: '5'}}"));
    assert!(!bound("{type: rabbitmq, metadata: {mode: DeliverGetRate, value: '5'}}"));
}

#[test]
fn a_window_of_time_is_read_or_refused_where_it_is_written() {
    let cron = |zone: &str, start: &str, end: &str, desired: &str| {
        read(&format!(
            "{{type: cron, metadata: {{timezone: {zone}, start: '{start}', end: '{end}', desiredReplicas: '{desired}'}}}}"
        ))
    };
    let read = cron("Europe/Berlin", "0 7 * * 1-5", "0 19 * * 1-5", "6").expect("read");
    assert!(read.object.triggers[0].window.is_some());
    for (zone, start, end, desired, words) in [
        ("Europe/Berlinn", "0 7 * * *", "0 8 * * *", "6", "did you mean `Europe/Berlin`?"),
        ("UTC", "0 7 * *", "0 8 * * *", "6", "metadata.start: expected five fields"),
        ("UTC", "0 7 * * *", "0 25 * * *", "6", "metadata.end: the hour `25`"),
        ("UTC", "0 7 * * *", "0 7 * * *", "6", "start and end are the same"),
        ("UTC", "0 7 * * *", "0 8 * * *", "0", "desiredReplicas: expected a whole number"),
        ("UTC", "0 7 * * *", "0 8 * * *", "2.5", "desiredReplicas: expected a whole number"),
    ] {
        let error = cron(zone, start, end, desired).unwrap_err();
        assert!(error.contains(words), "{words}: {error}");
    }
}

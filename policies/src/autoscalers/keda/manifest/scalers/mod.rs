//! What each of KEDA's scalers reads in the `metadata` of a trigger, and what it counts.
//!
//! Of `kedacore/keda` @ 8b4f083c: the types are those of `pkg/scaling/scalers_builder.go`, their
//! names, defaults and kinds of number those of `pkg/scalers/*_scaler.go` (and `azure`, `aws`,
//! `gcp` and `authentication` beside them), how a value is looked up and read that of
//! `pkg/scalers/scalersconfig/typed_config.go`.
//!
//! | part | owns |
//! | --- | --- |
//! | `scaler` | what is said of a type |
//! | `queues` | queues and backlogs of work |
//! | `stores` | databases, searches, storage |
//! | `monitors` | values of monitoring systems |
//! | `others` | cpu, memory, cron, external servers, Kubernetes |

mod monitors;
mod others;
mod queues;
mod scaler;
mod stores;

pub use scaler::{Counts, Number, Scaler};

use crate::autoscalers::keda::spec::Trigger;
use crate::manifest::go_text;

/// All types, by family and name.
pub fn all() -> impl Iterator<Item = &'static Scaler> {
    [queues::SCALERS, stores::SCALERS, monitors::SCALERS, others::SCALERS].into_iter().flatten()
}

/// The type that is called `kind`.
///
/// ```
/// use flashcrowd_policies::autoscalers::keda::manifest::scalers;
/// let queue = scalers::find("aws-sqs-queue").expect("known");
/// assert_eq!((queue.targets, queue.default), (["queueLength"].as_slice(), Some(5.0)));
/// assert!(scalers::find("sqs").is_none());
/// ```
pub fn find(kind: &str) -> Option<&'static Scaler> {
    all().find(|scaler| scaler.kind == kind)
}

/// What `trigger` counts in the mode that its metadata choose.
pub fn counts(trigger: &Trigger) -> Counts {
    let Some(scaler) = find(&trigger.kind) else { return Counts::Own };
    let says = |name: &str| trigger.metadata(name).map(str::trim).filter(|text| !text.is_empty());
    let on = |name: &str| says(name).and_then(go_text::boolean);
    match scaler.kind {
        "aws-sqs-queue" if on("scaleOnInFlight") == Some(false) => Counts::Waiting,
        "azure-queue" if says("queueLengthStrategy") == Some("visibleonly") => Counts::Waiting,
        "gcp-pubsub" if !matches!(says("mode"), None | Some("SubscriptionSize" | "NumUndeliveredMessages")) => {
            Counts::Own
        }
        "rabbitmq" => match says("mode") {
            None | Some("QueueLength") if on("excludeUnacknowledged") == Some(true) => Counts::Waiting,
            // AMQP tells of ready messages alone; where the host is not seen, it may be either.
            None | Some("QueueLength") if over_http(trigger) != Some(true) => Counts::Waiting,
            None | Some("QueueLength") => Counts::InFlight,
            Some("MessageRate") => Counts::Arrivals,
            Some(_) => Counts::Own,
        },
        "redis-streams" | "redis-cluster-streams" | "redis-sentinel-streams" => {
            match (says("consumerGroup"), says("lagCount")) {
                (None, _) => Counts::InFlight,
                (Some(_), None | Some("0")) => Counts::Running,
                (Some(_), Some(_)) => Counts::Waiting,
            }
        }
        "solace-event-queue" if says("messageCountTarget").is_none_or(|target| target == "0") => Counts::Own,
        _ => scaler.counts,
    }
}

/// Whether a `rabbitmq` trigger asks over HTTP, as far as its metadata show.
pub(super) fn over_http(trigger: &Trigger) -> Option<bool> {
    match trigger.metadata("protocol").map(str::trim) {
        Some("http") => Some(true),
        Some("amqp") => Some(false),
        _ => {
            let (scheme, _) = trigger.metadata("host")?.split_once("://")?;
            Some(scheme.trim().starts_with("http"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scaler::split;
    use super::*;
    use std::collections::BTreeSet;

    fn trigger(kind: &str, metadata: &[(&str, &str)]) -> Trigger {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Trigger { kind: kind.to_owned(), metadata, ..Trigger::default() }
    }

    #[test]
    fn no_type_and_no_name_is_there_twice() {
        let kinds: BTreeSet<&str> = all().map(|scaler| scaler.kind).collect();
        assert_eq!((kinds.len(), all().count()), (79, 79));
        for scaler in all() {
            let mut seen = BTreeSet::new();
            let removed = scaler.removed.iter().map(|(name, _)| *name);
            for name in scaler.names().chain(split(scaler.outside)).chain(removed) {
                assert!(seen.insert(name), "{}: {name} is there twice", scaler.kind);
                assert!(!name.ends_with("FromEnv"), "{}: {name}", scaler.kind);
            }
        }
    }

    #[test]
    fn every_type_has_what_its_numbers_need() {
        for scaler in all() {
            assert!(!scaler.words.is_empty() && !scaler.words.contains('_'), "{}", scaler.kind);
            let fixed = scaler.number == Number::Fixed;
            assert_eq!(scaler.targets.is_empty(), fixed, "{}", scaler.kind);
            assert!(!fixed || scaler.default.is_some(), "{}", scaler.kind);
            assert!(scaler.default.is_none_or(|target| target > 0.0), "{}", scaler.kind);
            assert!(!scaler.may_lack_target || scaler.default.is_none(), "{}", scaler.kind);
        }
    }

    #[test]
    fn the_mode_says_what_is_counted() {
        type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], Counts);
        let table: &[Row] = &[
            ("aws-sqs-queue", &[], Counts::InFlight),
            ("aws-sqs-queue", &[("scaleOnInFlight", "False")], Counts::Waiting),
            ("azure-queue", &[("queueLengthStrategy", "visibleonly")], Counts::Waiting),
            ("gcp-pubsub", &[("mode", "OldestUnackedMessageAge")], Counts::Own),
            ("gcp-pubsub", &[], Counts::InFlight),
            ("rabbitmq", &[], Counts::Waiting),
            ("rabbitmq", &[("host", "https://r:15672/"), ("mode", "QueueLength")], Counts::InFlight),
            ("rabbitmq", &[("host", "amqp://r:5672/")], Counts::Waiting),
            ("rabbitmq", &[("protocol", "http"), ("excludeUnacknowledged", "true")], Counts::Waiting),
            ("rabbitmq", &[("mode", "MessageRate")], Counts::Arrivals),
            ("rabbitmq", &[("mode", "DeliverGetRate")], Counts::Own),
            ("redis-streams", &[("streamLength", "5")], Counts::InFlight),
            ("redis-streams", &[("consumerGroup", "g"), ("pendingEntriesCount", "5")], Counts::Running),
            ("redis-cluster-streams", &[("consumerGroup", "g"), ("lagCount", "5")], Counts::Waiting),
            ("solace-event-queue", &[("messageReceiveRateTarget", "5")], Counts::Own),
            ("solace-event-queue", &[("messageCountTarget", "5")], Counts::InFlight),
            ("cron", &[], Counts::Clock),
            ("mysql", &[], Counts::Own),
            ("nobody", &[], Counts::Own),
        ];
        for (kind, metadata, wanted) in table {
            assert_eq!(counts(&trigger(kind, metadata)), *wanted, "{kind} {metadata:?}");
        }
    }

    #[test]
    fn names_are_known_with_what_may_follow_them() {
        let sumologic = find("sumologic").expect("known");
        assert!(sumologic.knows("query.A") && !sumologic.knows("quary.A"));
        let mysql = find("mysql").expect("known");
        assert!(mysql.knows("passwordFromEnv") && !mysql.knows("password") && mysql.is_outside("password"));
        assert!(find("external").expect("known").knows("anything"));
        assert!(find("ibmmq").expect("known").knows("queueNames"));
    }
}

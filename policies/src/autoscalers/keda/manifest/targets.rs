//! The numbers of a trigger: its target, and above what it is active.
//!
//! Read as KEDA reads them: spaces around are cut, an empty text is a missing one, and the rest is a
//! number of JSON, so that `5.0` is no whole number and `.5` no number at all.

use super::header::{Result, Warnings};
use super::scalers::{Number, Scaler, over_http};
use crate::autoscalers::keda::spec::{MetricType, Trigger};
use crate::manifest::tree::{Node, shorten};
use crate::manifest::{ManifestError, ManifestWarning, Quantity, go_text, nearest};

const RABBIT_MODES: [&str; 5] =
    ["QueueLength", "MessageRate", "DeliverGetRate", "PublishedToDeliveredRatio", "ExpectedQueueConsumptionTime"];

/// Where the metadata of a trigger stand.
#[derive(Clone, Copy)]
pub(super) struct Metadata<'a> {
    pub(super) node: &'a Node,
    pub(super) path: &'a str,
    /// Whether `scalingModifiers` have a target of their own.
    pub(super) for_formula: bool,
}

/// Reads the numbers into `trigger`, whose other metadata are there.
pub(super) fn read(trigger: &mut Trigger, scaler: &Scaler, at: Metadata, warnings: &mut Warnings) -> Result<()> {
    for (name, instead) in scaler.removed {
        if given(trigger, name).is_some() {
            return Err(at.refused(name, "KEDA no longer takes it").hint(*instead));
        }
    }
    if let Some(null_is_zero) = flag(trigger, "ignoreNullValues", at)? {
        trigger.ignore_null_values = null_is_zero;
    } else {
        trigger.ignore_null_values = scaler.null_is_zero;
    }
    let target = choose(trigger, scaler, at, warnings)?;
    let threshold = match target {
        Some(name) => Some(target_of(trigger, scaler, name, at)?),
        None => scaler.default.map(milli),
    };
    match threshold {
        Some(threshold) if threshold.milli() > 0 || (at.for_formula && scaler.number != Number::Resource) => {
            trigger.threshold = threshold;
        }
        Some(threshold) => {
            let name = target.unwrap_or_default();
            return Err(at.refused(name, &format!("expected more than 0, found {}", threshold.as_f64())));
        }
        None if at.for_formula && scaler.may_lack_target => {}
        None => return Err(missing(trigger, scaler.targets.first().copied().unwrap_or_default(), at)),
    }
    read_activation(trigger, scaler, target, at)
}

fn target_of(trigger: &Trigger, scaler: &Scaler, name: &str, at: Metadata) -> Result<Quantity> {
    if scaler.number == Number::Resource {
        return resource(trigger, name, at);
    }
    let value = number(trigger, scaler.number, name, at)?;
    // `messageSpoolUsageTarget` is in megabytes, what is counted in bytes.
    Ok(milli(if name == "messageSpoolUsageTarget" { value * 1024.0 * 1024.0 } else { value }))
}

/// Thousandths as KEDA writes them, rounded to even.
fn milli(value: f64) -> Quantity {
    format!("{:.3}", value.max(0.0)).parse().unwrap_or(Quantity::from_milli(i64::MAX))
}

/// The name of the target that holds, in the trigger's mode.
fn choose(trigger: &Trigger, scaler: &Scaler, at: Metadata, warnings: &mut Warnings) -> Result<Option<&'static str>> {
    let written = |name: &&'static str| given(trigger, name).is_some();
    let above_zero =
        |name: &&'static str| given(trigger, name).is_some_and(|text| text.parse::<i64>().map_or(true, |n| n > 0));
    match scaler.kind {
        "rabbitmq" => rabbit(trigger, at),
        "redis-streams" | "redis-cluster-streams" | "redis-sentinel-streams" => {
            let lag = given(trigger, "lagCount").is_some_and(|text| text != "0");
            let name = match given(trigger, "consumerGroup") {
                None => "streamLength",
                Some(_) if lag => "lagCount",
                Some(_) => "pendingEntriesCount",
            };
            Ok(given(trigger, name).map(|_| name))
        }
        "solace-event-queue" | "solace-direct-messaging" => {
            // KEDA makes a metric of each that is above 0.
            let mut names = scaler.targets.iter().copied().filter(above_zero);
            let first = names.next().or_else(|| scaler.targets.iter().copied().find(written));
            for name in names {
                let Some(node) = at.node.get(name) else { continue };
                warnings.push(ManifestWarning {
                    line: node.place.line,
                    column: node.place.column,
                    path: at.path_of(name),
                    message: format!("has no effect: `{}` alone is played", first.unwrap_or_default()),
                });
            }
            Ok(first)
        }
        _ => Ok(scaler.targets.iter().copied().find(written)),
    }
}

/// `mode` with `value`, or the old `queueLength` alone, or neither.
fn rabbit(trigger: &Trigger, at: Metadata) -> Result<Option<&'static str>> {
    let zero = |name: &str| given(trigger, name).is_none_or(|text| text.parse::<f64>() == Ok(0.0));
    let mode = given(trigger, "mode").filter(|mode| *mode != "Unknown");
    match (mode, zero("value"), zero("queueLength")) {
        (None, true, true) => Ok(None),
        (None, true, false) => Ok(Some("queueLength")),
        (_, _, false) => Err(at.refused("queueLength", "does not go with `mode` or `value`").hint("leave it away")),
        (None, false, true) => Err(missing(trigger, "mode", at).hint("write `mode: QueueLength` beside `value`")),
        (Some(_), true, true) => Err(missing(trigger, "value", at)),
        (Some(mode), false, true) if RABBIT_MODES.contains(&mode) => {
            if mode != "QueueLength" && over_http(trigger) == Some(false) {
                return Err(at.refused("mode", &format!("{mode} is known over HTTP alone: expected `protocol: http`")));
            }
            Ok(Some("value"))
        }
        (Some(mode), false, true) => {
            let near = nearest(mode, RABBIT_MODES).map(|word| format!("did you mean `{word}`?"));
            let message = format!("\"{}\" is not one of {}", shorten(mode), RABBIT_MODES.join(", "));
            Err(at.refused("mode", &message).maybe_hint(near))
        }
    }
}

fn read_activation(trigger: &mut Trigger, scaler: &Scaler, target: Option<&str>, at: Metadata) -> Result<()> {
    // Of several, the one that stands beside the target; else the only one.
    let place = target.and_then(|target| scaler.targets.iter().position(|name| *name == target)).unwrap_or(0);
    let name = match scaler.kind {
        "datadog" if flag(trigger, "useClusterAgentProxy", at)? != Some(true) => Some("activationQueryValue"),
        "datadog" => Some("activationTargetValue"),
        "solace-direct-messaging" => None,
        _ => scaler.activations.get(place).or(scaler.activations.first()).copied(),
    };
    let kind = if scaler.number == Number::Fixed { Number::Whole } else { scaler.number };
    trigger.activation_threshold = match (name.filter(|name| given(trigger, name).is_some()), scaler.kind) {
        (Some(name), _) => number(trigger, kind, name, at)?,
        // Active from the target on, not above: its counts are whole.
        (None, "github-runner") => trigger.threshold.as_f64() - 1.0,
        // Always active: its values are never below 0.
        (None, "solace-direct-messaging") => -1.0,
        (None, _) => match scaler.activation_default {
            Some(value) => value,
            None => return Err(missing(trigger, name.unwrap_or_default(), at)),
        },
    };
    Ok(())
}

/// `value` of cpu and memory.
fn resource(trigger: &Trigger, name: &str, at: Metadata) -> Result<Quantity> {
    let text = given(trigger, name).unwrap_or_default();
    if trigger.metric_type == MetricType::Utilization {
        return match go_text::int32(text) {
            Some(percent) => Ok(Quantity::from_milli(i64::from(percent) * 1000)),
            None => Err(at
                .refused(name, &format!("expected a whole number of percent, found \"{}\"", shorten(text)))
                .hint("a quantity goes with `metricType: AverageValue`")),
        };
    }
    text.parse().map_err(|error| at.refused(name, &format!("\"{}\" is no quantity: {error}", shorten(text))))
}

fn number(trigger: &Trigger, kind: Number, name: &str, at: Metadata) -> Result<f64> {
    let text = given(trigger, name).unwrap_or_default();
    let json = is_json_number(text);
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
    match (kind, json, value) {
        (Number::Whole, true, Some(value)) if text.parse::<i64>().is_ok() => Ok(value),
        (Number::Whole, _, Some(value)) => {
            let error = at.refused(name, &format!("expected a whole number, found \"{}\"", shorten(text)));
            let whole = value.fract() == 0.0 && value.abs() < 1e15;
            Err(if whole { error.hint(format!("write \"{value:.0}\"")) } else { error })
        }
        (_, true, Some(value)) => Ok(value),
        (_, false, Some(value)) => {
            let error = at.refused(name, &format!("expected a number as in JSON, found \"{}\"", shorten(text)));
            Err(error.hint(format!("write \"{value}\"")))
        }
        (_, _, None) => Err(at.refused(name, &format!("expected a number, found the text \"{}\"", shorten(text)))),
    }
}

/// Whether `text` is a number of JSON: no sign but a minus, no zero in front, a digit on each side of the point.
fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

fn flag(trigger: &Trigger, name: &str, at: Metadata) -> Result<Option<bool>> {
    let Some(text) = given(trigger, name) else { return Ok(None) };
    match go_text::boolean(text) {
        Some(value) => Ok(Some(value)),
        None => Err(at.refused(name, &format!("expected \"true\" or \"false\", found \"{}\"", shorten(text)))),
    }
}

/// One of the metadata; an empty text is none.
fn given<'a>(trigger: &'a Trigger, name: &str) -> Option<&'a str> {
    trigger.metadata(name).map(str::trim).filter(|text| !text.is_empty())
}

fn missing(trigger: &Trigger, wanted: &str, at: Metadata) -> ManifestError {
    let from_env = format!("{wanted}FromEnv");
    let hint = if trigger.metadata(&from_env).is_some() {
        Some(format!("the environment of the container is not known here: write `{wanted}`"))
    } else {
        let near = nearest(wanted, trigger.metadata.iter().map(|(key, _)| key.as_str()));
        near.map(|key| format!("`{key}` is written there: did you mean `{wanted}`?"))
    };
    let message = format!("{}: required, but missing", at.path_of(wanted));
    ManifestError::at(at.node.place, message).maybe_hint(hint)
}

impl Metadata<'_> {
    fn path_of(self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn refused(self, name: &str, message: &str) -> ManifestError {
        let place = self.node.get(name).map_or(self.node.place, |node| node.place);
        ManifestError::at(place, format!("{}: {message}", self.path_of(name)))
    }
}

//! The `service` section, or the `pool` section, of a user's `SkyPilot` YAML.
//!
//! The schema of `sky/utils/schemas.py`, the checks of `sky/serve/service_spec.py` and, for a pool at
//! the top, of `sky/task.py` (skypilot 0.14.1): what they refuse is refused, with its place; what has
//! no effect here is listed.

mod pool;

use super::policy::{ReplicaPolicy, TargetQps};
use crate::manifest::fields::Fields;
use crate::manifest::nearest;
use crate::manifest::numbers::number;
use crate::manifest::tree::{Node, Value, documents, shorten};
pub use crate::manifest::{ManifestError, ManifestWarning};

type Result<T> = std::result::Result<T, ManifestError>;

/// A service, or a pool, as read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `name` of the task, if given.
    pub name: Option<String>,
    /// What the autoscaler is asked for.
    pub policy: ReplicaPolicy,
    /// `resources.use_spot`, if given: what replicas are whose kind the autoscaler leaves open.
    pub use_spot: Option<bool>,
    /// Fields of the section that have no effect.
    pub warnings: Vec<ManifestWarning>,
}

const LOAD_BALANCING: [&str; 3] = ["least_load", "round_robin", "instance_aware_least_load"];
/// Sections of a task that scale.
const SECTIONS: [&str; 2] = ["service", "pool"];
const INSTANCE_AWARE: &str = "instance_aware_least_load";
const SPOT_PLACERS: [&str; 1] = ["dynamic_fallback"];

/// Reads the task with a `service` section.
///
/// ```
/// use flashcrowd_policies::autoscalers::skyserve::{Algorithm, manifest::read};
/// let manifest = read("
/// service:
///   readiness_probe: /health
///   replica_policy: {min_replicas: 1, max_replicas: 8, target_qps_per_replica: 2.5, dynamic_ondemand_fallback: true}
/// resources: {accelerators: H100, use_spot: true}
/// ")?;
/// assert_eq!((manifest.policy.max_replicas, manifest.policy.algorithm()), (Some(8), Algorithm::Fallback));
/// # Ok::<(), flashcrowd_policies::autoscalers::skyserve::manifest::ManifestError>(())
/// ```
///
/// # Errors
/// If the text is not YAML, has no such section, or one that `SkyServe` would refuse.
pub fn read(text: &str) -> Result<Manifest> {
    read_bytes(text.as_bytes())
}

/// As [`read`], for the bytes of a file that may not even be text.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8]) -> Result<Manifest> {
    let documents = documents(bytes)?;
    let mut tasks = documents.iter().filter(|node| SECTIONS.iter().any(|section| node.get(section).is_some()));
    let Some(task) = tasks.next() else { return Err(no_service(&documents)) };
    if let Some(second) = tasks.next() {
        return Err(ManifestError::at(second.place, "service: given in two documents: expected one service in a file"));
    }
    let mut warnings = Vec::new();
    let mut fields = Fields::of(task, "")?;
    let name = fields.optional_text("name")?.map(str::to_owned);
    let use_spot = match fields.optional("resources").map(|node| Fields::of(node, "resources")) {
        Some(Ok(mut resources)) => resources.optional_bool("use_spot")?,
        _ => None,
    };
    let policy = match (fields.optional("service"), fields.optional("pool")) {
        (Some(_), Some(_)) => return Err(fields.refused("pool", "must not be given together with `service`")),
        (None, Some(node)) => {
            let why = "has no effect: a pool is made without it, its jobs bring their own";
            fields.without_effect("run", why, &mut warnings);
            pool::read(node, "pool", None)?
        }
        _ => read_service(fields.required("service")?, &mut warnings)?,
    };
    Ok(Manifest { name, policy, use_spot, warnings })
}

fn no_service(documents: &[Node]) -> ManifestError {
    let expected = "a `service` or a `pool` section";
    let Some(first) = documents.first() else {
        return ManifestError::general(format!("the file holds nothing: expected a SkyPilot task with {expected}"));
    };
    let Value::Map(entries) = &first.value else {
        return ManifestError::at(first.place, format!("expected a SkyPilot task, found {}", first.kind()));
    };
    let keys = || entries.iter().map(|(key, _)| key.text.as_str());
    let near = SECTIONS.iter().find_map(|section| nearest(section, keys()).map(|key| (key, section)));
    let hint = near.map(|(key, section)| format!("`{key}` is written there: did you mean `{section}`?"));
    ManifestError::at(first.place, format!("expected {expected}, found neither")).maybe_hint(hint)
}

fn read_service(node: &Node, warnings: &mut Vec<ManifestWarning>) -> Result<ReplicaPolicy> {
    let mut fields = Fields::of(node, "service")?;
    for (name, why) in [
        ("readiness_probe", "has no effect: the service of the scenario says when a replica is ready"),
        ("ports", "has no effect: requests reach every service"),
        ("tls", "has no effect: connections have no cost"),
        ("load_balancer", "has no effect: the scenario says how long a client waits"),
    ] {
        fields.without_effect(name, why, warnings);
    }
    let balancing = match fields.optional("load_balancing_policy") {
        None => None,
        Some(node) => Some(any_case(&fields, "load_balancing_policy", node, &LOAD_BALANCING)?),
    };
    if balancing.is_some() {
        let why = "has no effect on the number of replicas: the scenario names its router";
        fields.without_effect("load_balancing_policy", why, warnings);
    }
    let replicas = fields.optional_count("replicas")?;
    let workers = fields.optional_count("workers")?;
    let pool = fields.optional("pool");
    let policy_node = fields.optional("replica_policy");
    if replicas.is_some() && workers.is_some() {
        return Err(fields.refused("workers", "must not be given together with `replicas`"));
    }
    if pool.is_some() && policy_node.is_some() {
        return Err(fields.refused("replica_policy", "a pool takes `pool.min_workers` and `pool.max_workers` instead"));
    }
    if replicas.is_some() && policy_node.is_some() {
        return Err(fields.refused("replica_policy", "must not be given together with `replicas`"));
    }
    let policy = match (pool, policy_node) {
        (Some(_), _) if replicas.is_some() => {
            return Err(fields.refused("replicas", "a pool takes `workers` instead"));
        }
        (Some(node), _) => {
            pool::refuse_services_own(&mut fields)?;
            pool::read(node, "service.pool", workers)?
        }
        (None, Some(node)) => checked(node, read_policy(node)?, "service.replica_policy")?,
        (None, None) => ReplicaPolicy { min_replicas: replicas.or(workers).unwrap_or(1), ..ReplicaPolicy::default() },
    };
    let by_gpu = matches!(policy.target_qps_per_replica, TargetQps::Gpu(_));
    if by_gpu != (balancing == Some(INSTANCE_AWARE)) {
        let message = format!("`{INSTANCE_AWARE}` and a map in `target_qps_per_replica` go together");
        return Err(fields.refused("load_balancing_policy", &message));
    }
    fields.refuse_unknown()?;
    Ok(policy)
}

/// A word of a schema that does not tell cases apart.
fn any_case(fields: &Fields, name: &'static str, node: &Node, words: &[&'static str]) -> Result<&'static str> {
    let Some(text) = node.text() else { return Err(fields.unexpected(name, node, "a text")) };
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Ok(word);
    }
    let message = format!("{}: \"{}\" is not one of {}", fields.path_of(name), shorten(text), words.join(", "));
    let hint = nearest(text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"));
    Err(ManifestError::at(node.place, message).maybe_hint(hint))
}

fn checked(node: &Node, policy: ReplicaPolicy, path: &str) -> Result<ReplicaPolicy> {
    match policy.validate() {
        Ok(()) => Ok(policy),
        Err(error) => {
            let place = node.get(error.field).map_or(node.place, |field| field.place);
            Err(ManifestError::at(place, format!("{path}.{error}")))
        }
    }
}

fn read_policy(node: &Node) -> Result<ReplicaPolicy> {
    let mut fields = Fields::of(node, "service.replica_policy")?;
    let min = fields.required("min_replicas")?;
    let Some(min_replicas) = fields.optional_count("min_replicas")? else {
        return Err(fields.unexpected("min_replicas", min, "an integer"));
    };
    let spot_placer = match fields.optional("spot_placer") {
        None => false,
        Some(node) => any_case(&fields, "spot_placer", node, &SPOT_PLACERS).map(|_| true)?,
    };
    let policy = ReplicaPolicy {
        min_replicas,
        max_replicas: fields.optional_count("max_replicas")?,
        num_overprovision: fields.optional_count("num_overprovision")?,
        target_qps_per_replica: read_target(&mut fields)?,
        upscale_delay_s: fields.optional_number("upscale_delay_seconds")?,
        downscale_delay_s: fields.optional_number("downscale_delay_seconds")?,
        base_ondemand_fallback_replicas: fields.optional_count("base_ondemand_fallback_replicas")?,
        dynamic_ondemand_fallback: fields.optional_bool("dynamic_ondemand_fallback")?,
        spot_placer,
        pool: false,
        queue_length_threshold: None,
    };
    fields.refuse_unknown()?;
    Ok(policy)
}

fn read_target(fields: &mut Fields) -> Result<TargetQps> {
    const NAME: &str = "target_qps_per_replica";
    let Some(node) = fields.optional(NAME) else { return Ok(TargetQps::Unset) };
    let Value::Map(entries) = &node.value else {
        let expected = "a number, or a map from GPU types to numbers";
        return number(node).map(TargetQps::Replica).ok_or_else(|| fields.unexpected(NAME, node, expected));
    };
    let mut rates = Vec::new();
    for (key, value) in entries {
        let path = format!("{}.{}", fields.path_of(NAME), shorten(&key.text));
        if !is_gpu_type(&key.text) {
            let message = format!("{path}: expected a GPU type in capitals, such as H100 or H100:1");
            return Err(ManifestError::at(key.place, message));
        }
        let Some(rate) = number(value) else {
            return Err(ManifestError::at(value.place, format!("{path}: expected a number, found {}", value.kind())));
        };
        rates.push((key.text.clone(), rate));
    }
    Ok(TargetQps::Gpu(rates))
}

/// The schema's pattern: capitals and digits, then perhaps a colon and a count.
fn is_gpu_type(name: &str) -> bool {
    let (kind, count) = name.split_once(':').unwrap_or((name, "1"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) && digits(count)
}

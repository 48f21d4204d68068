//! Queries to Prometheus that are read whole. What is not understood is refused by name: half a query
//! is another query.
//!
//! Understood are a metric that the table knows, filters by labels that all pods of a service share,
//! `sum`, `avg`, `max` and `min` over its pods, `rate(...[range])` of a counter below `sum`,
//! `histogram_quantile(q, sum(rate(..._bucket[range])) by (le))`, and a factor.

use super::{MetricBinding, MetricNameError, resolve};
use flashcrowd_core::ports::{Sample, SignalSource, Transform};
use tokens::Tokens;

mod tokens;

/// A query that was understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    /// What it reads.
    pub binding: MetricBinding,
    /// How the values of replicas become one.
    pub combine: Combine,
}

/// How the values of replicas become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The service's own value.
    Service,
    /// Sum over the replicas.
    Sum,
    /// Mean over the replicas.
    Mean,
    /// Largest of the replicas.
    Max,
    /// Smallest of the replicas.
    Min,
}

impl Combine {
    /// One value of those of `samples`, which are not empty.
    pub fn value(self, samples: &[Sample]) -> f64 {
        let values = samples.iter().map(|sample| sample.value);
        match self {
            Combine::Service | Combine::Sum => values.sum(),
            Combine::Mean => values.sum::<f64>() / samples.len() as f64,
            Combine::Max => values.fold(f64::NEG_INFINITY, f64::max),
            Combine::Min => values.fold(f64::INFINITY, f64::min),
        }
    }
}

/// Why a query is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A metric without a signal.
    #[error(transparent)]
    Name(#[from] MetricNameError),
    /// A part that is not understood.
    #[error("{0}")]
    NotUnderstood(String),
}

type Result<T> = std::result::Result<T, QueryError>;

/// Reads a query.
///
/// ```
/// use flashcrowd_core::ports::SignalSource;
/// use flashcrowd_policies::metrics::read_query;
/// let query = read_query("100 * avg(vllm:kv_cache_usage_perc{model_name=\"m\"})")?;
/// assert_eq!((query.binding.source, query.binding.scale), (SignalSource::KvCacheUse, 1.0));
/// let error = read_query("sum(vllm:num_requests_running) + 1").unwrap_err();
/// assert_eq!(error.to_string(), "`+ 1` is not understood");
/// # Ok::<(), flashcrowd_policies::metrics::QueryError>(())
/// ```
///
/// # Errors
/// A metric that is not known, and any part that is not understood.
pub fn read_query(text: &str) -> Result<Query> {
    let mut tokens = Tokens::of(text)?;
    let value = product(&mut tokens)?;
    if !tokens.is_over() {
        return Err(refused(format!("`{}` is not understood", tokens.rest())));
    }
    if value.is_bucket {
        return Err(refused("`sum(...) by (le)` has an answer for each bucket: write `histogram_quantile(0.95, ...)`"));
    }
    let combine = match value.shape {
        Shape::One(combine) => combine,
        Shape::Pods => return Err(value.is_many()),
    };
    Ok(Query { binding: value.binding, combine })
}

fn refused(message: impl Into<String>) -> QueryError {
    QueryError::NotUnderstood(message.into())
}

/// Whether there is one series or one for each pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One(Combine),
    Pods,
}

/// What stands so far.
#[derive(Clone, Debug)]
struct Value {
    name: String,
    binding: MetricBinding,
    shape: Shape,
    /// Of a counter, and whether its rate was taken.
    is_rate: bool,
    is_bucket: bool,
}

impl Value {
    fn is_many(&self) -> QueryError {
        let name = &self.name;
        refused(format!(
            "`{name}` has a series for each pod, and from two pods on the query has several answers: write \
             `sum({name})` or `avg({name})`"
        ))
    }
}

/// A value, times numbers.
fn product(tokens: &mut Tokens) -> Result<Value> {
    let mut factor = 1.0;
    while let Some(number) = tokens.number() {
        factor *= number;
        tokens.expect('*')?;
    }
    let mut value = unit(tokens)?;
    loop {
        let by: fn(f64, f64) -> f64 = if tokens.eat('*') {
            |factor, number| factor * number
        } else if tokens.eat('/') {
            |factor, number| factor / number
        } else {
            break;
        };
        let Some(number) = tokens.number() else {
            return Err(refused(format!("`{}` is not understood: expected a number", tokens.rest())));
        };
        factor = by(factor, number);
    }
    if !(factor > 0.0 && factor.is_finite()) {
        return Err(refused(format!("the factor {factor} is not understood: expected one above 0")));
    }
    value.binding.scale *= factor;
    Ok(value)
}

fn unit(tokens: &mut Tokens) -> Result<Value> {
    if tokens.eat('(') {
        let value = product(tokens)?;
        tokens.expect(')')?;
        return Ok(value);
    }
    let Some(name) = tokens.word() else {
        return Err(refused(format!("`{}` is not understood: expected a metric", tokens.rest())));
    };
    let is_call = tokens.sees('(');
    match name.as_str() {
        "sum" | "avg" | "max" | "min" if is_call || tokens.sees_word(&["by", "without"]) => aggregate(&name, tokens),
        "histogram_quantile" if is_call => histogram_quantile(tokens),
        "rate" if is_call => rate(tokens),
        _ if is_call => Err(refused(format!("`{name}(...)` is not understood"))),
        _ => selector(name, tokens),
    }
}

/// A metric by its name and filters.
fn selector(name: String, tokens: &mut Tokens) -> Result<Value> {
    filters(tokens)?;
    let is_bucket = name.ends_with("_bucket");
    let base = name.strip_suffix("_bucket").unwrap_or(&name);
    if matches!(base, "cpu" | "memory") {
        return Err(MetricNameError::Unknown { name, suggestion: None }.into());
    }
    let binding = resolve(base)?;
    let of_latency = matches!(binding.source, SignalSource::LatencyQuantile { .. });
    if of_latency && !is_bucket && binding.of_pods && !names_a_quantile(base) {
        return Err(refused(format!(
            "`{name}` is a histogram, whose series are `{name}_bucket`, `_sum` and `_count`: write \
             `histogram_quantile(0.95, sum(rate({name}_bucket[5m])) by (le))`"
        )));
    }
    if is_bucket && !of_latency {
        return Err(MetricNameError::Unknown { name, suggestion: None }.into());
    }
    let shape = if binding.of_pods { Shape::Pods } else { Shape::One(Combine::Service) };
    Ok(Value { name, binding, shape, is_rate: false, is_bucket })
}

/// Whether a recorded latency says which quantile it is.
fn names_a_quantile(name: &str) -> bool {
    name.split(['_', ':']).any(|word| word.strip_prefix('p').is_some_and(|digits| super::percentile(digits).is_some()))
}

/// Labels that all pods of a service share.
const SHARED_LABELS: &[&str] = &[
    "app",
    "app_kubernetes_io_name",
    "cluster",
    "component",
    "container",
    "deployment",
    "endpoint",
    "engine",
    "env",
    "environment",
    "exported_namespace",
    "exported_service",
    "inference_service",
    "inferenceservice",
    "job",
    "kubernetes_namespace",
    "label_app",
    "model",
    "model_id",
    "model_name",
    "modelname",
    "namespace",
    "prometheus",
    "region",
    "release",
    "service",
    "service_name",
    "served_model_name",
    "tenant",
    "workload",
];

/// Labels that tell pods apart; a filter by them takes those of the service.
const POD_LABELS: &[&str] = &["pod", "pod_name", "instance", "exported_pod", "kubernetes_pod_name", "hostname", "node"];

/// `{a="b", c=~"d"}`: filters that take all pods of the service.
fn filters(tokens: &mut Tokens) -> Result<()> {
    if !tokens.eat('{') {
        return Ok(());
    }
    while !tokens.eat('}') {
        let Some(label) = tokens.word() else {
            return Err(refused(format!("`{}` is not understood: expected a label", tokens.rest())));
        };
        let (operator, text) = tokens.matcher()?;
        let takes_all = match operator.as_str() {
            "=" => !text.is_empty(),
            "=~" => true,
            "!=" => text.is_empty(),
            _ => false,
        };
        let known = SHARED_LABELS.contains(&label.as_str()) || POD_LABELS.contains(&label.as_str()) && operator == "=~";
        if !(known && takes_all) {
            return Err(refused(format!("the filter `{label}{operator}\"{text}\"` is not understood")));
        }
        if !tokens.eat(',') && !tokens.sees('}') {
            return Err(refused(format!("`{}` is not understood: expected `,` or `}}`", tokens.rest())));
        }
    }
    Ok(())
}

/// `rate(counter[range])`.
fn rate(tokens: &mut Tokens) -> Result<Value> {
    tokens.expect('(')?;
    let Some(name) = tokens.word().filter(|_| !tokens.sees('(')) else {
        return Err(refused("`rate(...)` of anything but a counter with a range is not understood"));
    };
    let mut value = selector(name, tokens)?;
    let range = tokens.range()?;
    tokens.expect(')')?;
    match (&mut value.binding.pipeline.transform, &mut value.binding.source) {
        (Transform::Rate(window), _) if !is_recorded_rate(&value.name) => *window = range,
        (_, SignalSource::LatencyQuantile { window, .. }) if value.is_bucket => *window = range,
        _ => return Err(refused(format!("`rate` of `{}`, which is no counter, is not understood", value.name))),
    }
    value.is_rate = true;
    Ok(value)
}

/// Whether a name is that of a rate that somebody else has taken.
fn is_recorded_rate(name: &str) -> bool {
    name.ends_with("_per_second") || matches!(name, "request_rate" | "rps" | "qps" | "throughput")
}

/// `sum(...)`, `sum(...) by (...)`, `sum by (...) (...)` and the like.
fn aggregate(word: &str, tokens: &mut Tokens) -> Result<Value> {
    let mut labels = grouping(tokens)?;
    tokens.expect('(')?;
    let mut value = product(tokens)?;
    tokens.expect(')')?;
    if labels.is_none() {
        labels = grouping(tokens)?;
    }
    let labels = labels.unwrap_or_default();
    let by_bucket = value.is_bucket && labels.iter().any(|label| label == "le");
    let strange = |label: &&String| !(SHARED_LABELS.contains(&label.as_str()) || by_bucket && label.as_str() == "le");
    if let Some(strange) = labels.iter().find(strange) {
        return Err(refused(format!("`{word} by ({strange})` is not understood: it may have several answers")));
    }
    if value.is_bucket {
        return match (word, by_bucket && value.is_rate) {
            ("sum", true) => Ok(Value { shape: Shape::One(Combine::Service), ..value }),
            _ => Err(refused("a histogram's buckets are understood as `sum(rate(..._bucket[range])) by (le)` only")),
        };
    }
    value.shape = Shape::One(combined(word, &value)?);
    Ok(value)
}

/// What an aggregation over the pods comes to.
fn combined(word: &str, value: &Value) -> Result<Combine> {
    let source = value.binding.source;
    let of_rate = matches!(value.binding.pipeline.transform, Transform::Rate(_));
    if of_rate && !value.is_rate && !is_recorded_rate(&value.name) {
        return Err(refused(format!("`{}` is a counter: write `rate({}[2m])`", value.name, value.name)));
    }
    match (value.shape, word) {
        // Of one series any aggregation is itself.
        (Shape::One(combine), _) if !of_rate || is_recorded_rate(&value.name) => Ok(combine),
        (_, "sum") if source.is_share() => Ok(Combine::Sum),
        (_, "sum") => Ok(Combine::Service),
        _ if of_rate => Err(refused(format!("`{word}` over the pods' rates is not understood: write `sum`"))),
        // For a share, the value of the service is the mean already.
        (_, "avg") if source.is_share() => Ok(Combine::Service),
        (_, "avg") => Ok(Combine::Mean),
        (_, "max") => Ok(Combine::Max),
        _ => Ok(Combine::Min),
    }
}

/// The labels of `by (...)`, if it stands here.
fn grouping(tokens: &mut Tokens) -> Result<Option<Vec<String>>> {
    if tokens.sees_word(&["without"]) {
        return Err(refused("`without (...)` is not understood"));
    }
    if !tokens.sees_word(&["by"]) {
        return Ok(None);
    }
    tokens.word();
    tokens.expect('(')?;
    let mut labels = Vec::new();
    while !tokens.eat(')') {
        let Some(label) = tokens.word() else {
            return Err(refused(format!("`{}` is not understood: expected a label", tokens.rest())));
        };
        labels.push(label);
        if !tokens.eat(',') && !tokens.sees(')') {
            return Err(refused(format!("`{}` is not understood: expected `,` or `)`", tokens.rest())));
        }
    }
    Ok(Some(labels))
}

fn histogram_quantile(tokens: &mut Tokens) -> Result<Value> {
    tokens.expect('(')?;
    let asked = tokens.number().filter(|quantile| *quantile > 0.0 && *quantile < 1.0);
    let Some(asked) = asked else {
        return Err(refused("`histogram_quantile` is understood with a quantile between 0 and 1"));
    };
    tokens.expect(',')?;
    let mut value = unit(tokens)?;
    tokens.expect(')')?;
    if !value.is_bucket || value.shape != Shape::One(Combine::Service) {
        return Err(refused("`histogram_quantile` is understood of `sum(rate(..._bucket[range])) by (le)` only"));
    }
    if let SignalSource::LatencyQuantile { quantile, .. } = &mut value.binding.source {
        *quantile = asked;
    }
    value.is_bucket = false;
    Ok(value)
}

#[cfg(test)]
mod tests;

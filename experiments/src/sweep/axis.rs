//! What varies in a sweep: one setting with its values, or several that change together.

use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::Duration;
use serde::{Deserialize, Serialize};

/// One axis of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The settings that it changes: paths as of `--set`. Several change together.
    pub paths: Vec<String>,
    /// What they may be.
    pub values: Values,
}

/// What an axis may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// These, in order.
    List(Vec<Value>),
    /// Anything in a range, for samples.
    Range(Range),
}

/// A value of each path of an axis, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value(pub Vec<String>);

/// A range of numbers or durations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    low: f64,
    high: f64,
    log: bool,
    kind: RangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum RangeKind {
    Whole,
    Number,
    /// Seconds.
    Duration,
}

/// Why a text is no axis.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum AxisError {
    #[error("no `=`: expected a path and its values")]
    NoValues,
    #[error("a path or its values are missing")]
    Missing,
    #[error("value {0} is empty")]
    Empty(usize),
    #[error("value {0} is there before")]
    Again(usize),
    #[error("value {place} is `{text}`: expected ({count} values)")]
    NoTuple { place: usize, text: String, count: usize },
    #[error("value {place} has {found} values: expected {count}, one of each path")]
    Count { place: usize, found: usize, count: usize },
    #[error("`{0}` is no range: expected two numbers or two durations")]
    NoRange(String),
    #[error("`{text}` is no range: expected {}the lower bound first", if *.log { "above 0, " } else { "" })]
    Order { text: String, log: bool },
    #[error("settings that change together need values, not a range")]
    LinkedRange,
}

impl Axis {
    /// Reads `PATH=V1,V2,..`, `PATH=LO..HI[:log]` or `A,B=(1,2),(3,4)`.
    ///
    /// # Errors
    /// What is wrong with it, and how it is written.
    pub fn parse(text: &str) -> Result<Axis, Diagnostic> {
        read(text).map_err(|error| {
            let help = "write `--over PATH=V1,V2,..`, `--over PATH=LO..HI`, or `--over A,B=(1,2),(3,4)`";
            Diagnostic::about(&format!("--over {text}"), error.to_string()).with_help(help)
        })
    }

    /// Of policies for a service: manifests, or autoscalers as scenarios write them.
    pub fn of_policies(service: &str, policies: Vec<String>) -> Axis {
        let values = policies.into_iter().map(|policy| Value(vec![policy])).collect();
        Axis { paths: vec![format!("services.\"{service}\".autoscaler")], values: Values::List(values) }
    }

    /// Its values, if they are given one by one.
    pub fn listed(&self) -> Option<&[Value]> {
        match &self.values {
            Values::List(values) => Some(values),
            Values::Range(_) => None,
        }
    }

    /// The value at a share `u` of it, from 0 to below 1.
    pub fn at(&self, u: f64) -> Value {
        match &self.values {
            Values::List(values) => values[((u * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            Values::Range(range) => Value(vec![range.at(u)]),
        }
    }

    /// Assignments as of `--set`.
    pub fn assignments<'a>(&'a self, value: &'a Value) -> impl Iterator<Item = String> + 'a {
        self.paths.iter().zip(&value.0).map(|(path, value)| format!("{path}={value}"))
    }

    /// Its name in tables: the last name of each path, as few of the others as tell it from `others`.
    pub fn name(&self, others: &[Axis]) -> String {
        let names: Vec<String> = self.paths.iter().map(|path| short(path, others)).collect();
        names.join(",")
    }
}

/// The end of a path that no other path ends with.
fn short(path: &str, axes: &[Axis]) -> String {
    let steps = split(path, '.');
    let others = || axes.iter().flat_map(|axis| &axis.paths).filter(|other| *other != path);
    let end = |length: usize| steps[steps.len() - length..].join(".");
    let is_own = |length: &usize| others().all(|other| !other.ends_with(&end(*length)));
    // `0.threshold` says less than `threshold`, and a bare number nothing.
    let says = |length: &usize| end(*length).chars().any(char::is_alphabetic);
    (1..=steps.len()).find(|length| is_own(length) && says(length)).map_or_else(|| path.to_owned(), end)
}

impl Value {
    /// In words: values without their quotes.
    pub fn words(&self) -> String {
        let words: Vec<&str> = self.0.iter().map(|value| value.trim_matches('"')).collect();
        words.join(",")
    }
}

fn read(text: &str) -> Result<Axis, AxisError> {
    let parts = split(text, '=');
    let (paths, values) = parts.split_first().filter(|(_, rest)| !rest.is_empty()).ok_or(AxisError::NoValues)?;
    let paths: Vec<String> = split(paths, ',').iter().map(|path| path.trim().to_owned()).collect();
    let values = values.join("=");
    if paths.iter().any(String::is_empty) || values.trim().is_empty() {
        return Err(AxisError::Missing);
    }
    if let Some(range) = Range::parse(values.trim())? {
        return if paths.len() > 1 {
            Err(AxisError::LinkedRange)
        } else {
            Ok(Axis { paths, values: Values::Range(range) })
        };
    }
    let values = split(&values, ',');
    let values: Result<Vec<Value>, AxisError> =
        values.iter().zip(1..).map(|(value, place)| tuple(value.trim(), paths.len(), place)).collect();
    let values = values?;
    match (0..values.len()).find(|&at| values[..at].contains(&values[at])) {
        Some(again) => Err(AxisError::Again(again + 1)),
        None => Ok(Axis { paths, values: Values::List(values) }),
    }
}

/// One value of each of `count` paths.
fn tuple(text: &str, count: usize, place: usize) -> Result<Value, AxisError> {
    if text.is_empty() {
        return Err(AxisError::Empty(place));
    }
    if count == 1 {
        return Ok(Value(vec![text.to_owned()]));
    }
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    let inside = inside.ok_or_else(|| AxisError::NoTuple { place, text: text.to_owned(), count })?;
    let values: Vec<String> = split(inside, ',').iter().map(|value| value.trim().to_owned()).collect();
    if values.len() == count && values.iter().all(|value| !value.is_empty()) {
        Ok(Value(values))
    } else {
        Err(AxisError::Count { place, found: values.len(), count })
    }
}

/// Splits at a character outside of quotes and brackets.
pub(super) fn split(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut quoted) = (Vec::new(), 0, 0_i32, false);
    for (place, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            c if c == at && !quoted && depth == 0 => {
                parts.push(&text[from..place]);
                from = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

impl Range {
    /// `LO..HI[:log]`; `None` if it is no range.
    fn parse(text: &str) -> Result<Option<Range>, AxisError> {
        let (bounds, log) = text.strip_suffix(":log").map_or((text, false), |bounds| (bounds, true));
        // A path has dots, too: `Manifest("../hpa.yaml")`.
        let Some((low, high)) = bounds.split_once("..").filter(|_| !text.contains(['(', '[', '{', '/'])) else {
            return Ok(None);
        };
        let both = [low, high].map(|text| text.trim().trim_matches('"'));
        let (bounds, kind) = if let (Ok(low), Ok(high)) = (both[0].parse::<i64>(), both[1].parse::<i64>()) {
            ([low as f64, high as f64], RangeKind::Whole)
        } else if let (Ok(low), Ok(high)) = (both[0].parse::<f64>(), both[1].parse::<f64>()) {
            ([low, high], RangeKind::Number)
        } else if let (Ok(low), Ok(high)) = (both[0].parse::<Duration>(), both[1].parse::<Duration>()) {
            ([low, high].map(|bound| bound.get().as_s_f64()), RangeKind::Duration)
        } else {
            return Err(AxisError::NoRange(text.to_owned()));
        };
        let [low, high] = bounds;
        if !(low.is_finite() && high.is_finite() && low < high) || (log && low <= 0.0) {
            return Err(AxisError::Order { text: text.to_owned(), log });
        }
        Ok(Some(Range { low, high, log, kind }))
    }

    fn at(&self, u: f64) -> String {
        // Whole numbers are equally likely, the last one, too.
        let high = if self.kind == RangeKind::Whole { self.high + 1.0 } else { self.high };
        let value = if self.log { self.low * (high / self.low).powf(u) } else { self.low + (high - self.low) * u };
        match self.kind {
            RangeKind::Whole => format!("{}", value.floor().min(self.high)),
            RangeKind::Number => format!("{}", round(value)),
            RangeKind::Duration => format!("\"{}s\"", round(value)),
        }
    }
}

/// To six digits, which a value in a table has room for.
fn round(value: f64) -> f64 {
    let scale = 10_f64.powf(5.0 - value.abs().log10().floor());
    if scale.is_finite() { (value * scale).round() / scale } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Axis::parse(text).unwrap().listed().unwrap().iter().map(Value::words).collect()
    }

    #[test]
    fn lists_split_outside_of_brackets_and_quotes() {
        assert_eq!(words("pools.a.max=1,2, 3"), ["1", "2", "3"]);
        assert_eq!(words(r#"a=Manifest("../one.yaml"),Manifest("../two.yaml")"#).len(), 2);
        assert_eq!(words(r#"services."a,b".x=Slots(1,2),"c,d",[1,2]"#), ["Slots(1,2)", "c,d", "[1,2]"]);
        let linked = Axis::parse("a.b, c=(1,\"x,y\"),(2,z)").unwrap();
        assert_eq!(linked.paths, ["a.b", "c"]);
        assert_eq!(linked.listed().unwrap()[0].0, ["1", "\"x,y\""]);
        let assigned: Vec<String> = linked.assignments(&linked.listed().unwrap()[1]).collect();
        assert_eq!(assigned, ["a.b=2", "c=z"]);
    }

    #[test]
    fn ranges_hold_their_bounds() {
        let at = |text: &str, u: f64| Axis::parse(text).unwrap().at(u).words();
        assert_eq!((at("a=1..3", 0.0), at("a=1..3", 0.999)), ("1".to_owned(), "3".to_owned()));
        assert_eq!(at("a=0.5..1.5", 0.25), "0.75");
        assert_eq!(at("a=1.0..100.0:log", 0.5), "10");
        assert_eq!(at("a=1m..3m", 0.5), "120s");
    }

    #[test]
    fn what_is_no_axis_says_how_one_is_written() {
        let wrong = [
            ("a", "no `=`"),
            ("=1", "are missing"),
            ("a=", "are missing"),
            ("a=1,,2", "value 2 is empty"),
            ("a=1,2,1", "value 3 is there before"),
            ("a,b=(1,2),3", "value 2 is `3`"),
            ("a,b=(1,2,3)", "value 1 has 3 values: expected 2"),
            ("a=3..1", "the lower bound first"),
            ("a=0..1:log", "above 0"),
            ("a=x..y", "two numbers or two durations"),
            ("a,b=1..2", "need values, not a range"),
        ];
        for (text, message) in wrong {
            let error = Axis::parse(text).expect_err(text).to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn names_are_as_short_as_they_can_be_told_apart() {
        let axes: Vec<Axis> = ["pools.a.max_nodes=1", "pools.b.max_nodes=1", "services.s.triggers.0.threshold=1"]
            .map(|text| Axis::parse(text).unwrap())
            .into();
        let names: Vec<String> = axes.iter().map(|axis| axis.name(&axes)).collect();
        assert_eq!(names, ["a.max_nodes", "b.max_nodes", "threshold"]);
    }
}

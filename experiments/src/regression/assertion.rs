//! Assertions: `[service.]metric[.quantile] OP value`.

use super::measure::{Measure, Written};
use super::outcome::Failure;
use flashcrowd_core::serving::Discipline;
use flashcrowd_language::units::Duration;
use flashcrowd_language::{list, nearest};
use flashcrowd_results::{Distribution, Figures, STATISTICS, Scope, ScopeKind};
use flashcrowd_scenario::Resolved;
use std::ops::Range;

/// A comparison that must hold in every replicate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assertion {
    text: String,
    measure: Measure,
    scope: Scope,
    operator: Operator,
    limit: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
}

const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("==", Operator::Equal),
    ("<", Operator::Below),
    (">", Operator::Above),
];

/// What is wrong with an assertion, at which bytes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) label: Option<String>,
    pub(super) help: Option<String>,
}

impl Wrong {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Wrong { span, message: message.into(), label: None, help: None }
    }

    /// A name that does not exist, with those that do.
    fn name(span: Range<usize>, what: &str, name: &str, known: &[&str]) -> Self {
        Wrong {
            label: Some(format!("expected {}", list(known.iter().copied()))),
            help: nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?")),
            ..Wrong::new(span, format!("there is no {what} `{name}`"))
        }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Wrong { help: Some(help.into()), ..self }
    }
}

impl Assertion {
    pub(super) fn parse(text: &str, resolved: &Resolved) -> Result<Self, Wrong> {
        const FORM: &str = "an assertion is written `[service.]metric[.quantile] OP value`, such as `ttft.p99 <= 1.5s`";
        let targets = targets(resolved);
        let quoted = text.strip_prefix('"').and_then(|rest| rest.find('"')).map_or(0, |at| at + 2);
        let operators = |c| "<>=!".contains(c);
        let Some(start) = text[quoted..].find(operators).map(|at| quoted + at) else {
            return Err(Wrong::new(0..text.len(), "there is no comparison").help(FORM));
        };
        let end = text[start..].find(|c| !operators(c)).map_or(text.len(), |at| start + at);
        let operator = operator(text, start..end)?;
        let left = trim(text, 0..start);
        if left.is_empty() {
            return Err(Wrong::new(start..end, "there is no metric before the comparison").help(FORM));
        }
        let (target, path) = target(text, left, &targets)?;
        let measure = measure(text, path.clone())?;
        let scope = fits(measure, target, path, &targets)?;
        let limit = value(text, trim(text, end..text.len()), measure.written())?;
        if operator == Operator::Equal && measure.written() != Written::Count {
            let wrong = Wrong::new(start..end, "only counts are compared with `==`");
            return Err(wrong.help("write `<=` or `>=`"));
        }
        Ok(Assertion { text: text.trim().to_owned(), measure, scope, operator, limit })
    }

    fn holds(&self, value: f64) -> bool {
        match self.operator {
            Operator::AtMost => value <= self.limit,
            Operator::Below => value < self.limit,
            Operator::AtLeast => value >= self.limit,
            Operator::Above => value > self.limit,
            Operator::Equal => value == self.limit,
        }
    }

    /// The replicates in which it does not hold, with what was found there.
    pub(super) fn judge(&self, trials: &[Figures]) -> Option<Failure> {
        const SHOWN: usize = 4;
        let mut found = Vec::new();
        for figures in trials {
            let words = match self.measure.value(figures, &self.scope) {
                Ok(value) if self.holds(value) => continue,
                Ok(value) => format!("it is {}", self.measure.written().show_beside(value, self.limit)),
                Err(reason) => reason.to_string(),
            };
            // Said once is enough.
            let words = if found.is_empty() { words } else { words.trim_start_matches("it is ").to_owned() };
            let replicate = figures.trial.replicate;
            found.push(if trials.len() == 1 { words } else { format!("{words} in replicate {replicate}") });
        }
        if found.is_empty() {
            return None;
        }
        let more = found.len().saturating_sub(SHOWN);
        let mut summary = format!("{}: {}", self.text, found[..found.len() - more].join(", "));
        if more > 0 {
            summary = format!("{summary} and {more} more");
        }
        Some(Failure { summary, details: Vec::new() })
    }
}

/// The range without spaces at its ends.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + part.len() - part.trim_start().len();
    start..start.max(range.start + part.trim_end().len())
}

fn operator(text: &str, span: Range<usize>) -> Result<Operator, Wrong> {
    let written = &text[span.clone()];
    let known = OPERATORS.iter().find(|(name, _)| *name == written);
    known.map(|(_, operator)| *operator).ok_or_else(|| {
        let near = match written {
            "=" => Some("=="),
            "=<" => Some("<="),
            "=>" => Some(">="),
            _ => None,
        };
        Wrong {
            label: Some(format!("expected {}", list(OPERATORS.map(|(name, _)| name)))),
            help: near.map(|near| format!("did you mean `{near}`?")),
            ..Wrong::new(span, format!("there is no comparison `{written}`"))
        }
    })
}

/// A service or route that an assertion may begin with.
struct Target {
    name: String,
    scope: Scope,
    tokens: bool,
    slos: bool,
}

fn targets(resolved: &Resolved) -> Vec<Target> {
    let services = &resolved.services;
    let tokens = |at: usize| matches!(services[at].config.discipline, Discipline::ContinuousBatch(_));
    let of_services = services.iter().enumerate().map(|(at, service)| Target {
        name: service.config.name.to_string(),
        scope: Scope::new(ScopeKind::Service, &*service.config.name),
        tokens: tokens(at),
        slos: !service.config.slos.is_empty(),
    });
    let of_routes = resolved.routes.iter().map(|route| Target {
        name: route.name.to_string(),
        scope: Scope::new(ScopeKind::Route, &*route.name),
        tokens: route.cells.iter().any(|&cell| tokens(cell as usize)),
        slos: route.cells.iter().any(|&cell| !services[cell as usize].config.slos.is_empty()),
    });
    of_services.chain(of_routes).collect()
}

/// The service or route that the left side begins with, if it names one, and the rest.
fn target(text: &str, left: Range<usize>, targets: &[Target]) -> Result<(Option<usize>, Range<usize>), Wrong> {
    let names: Vec<&str> = targets.iter().map(|target| &*target.name).collect();
    let written = &text[left.clone()];
    if let Some(rest) = written.strip_prefix('"') {
        let Some(length) = rest.find('"') else {
            return Err(Wrong::new(left, "this quoted name is never closed"));
        };
        let (name, span) = (&rest[..length], left.start..left.start + length + 2);
        let found = names.iter().position(|known| *known == name);
        let found = found.ok_or_else(|| Wrong::name(span.clone(), "service", name, &names))?;
        if !text[span.end..left.end].starts_with('.') {
            return Err(Wrong::new(span.end..left.end, "expected `.` and a metric after the service"));
        }
        return Ok((Some(found), span.end + 1..left.end));
    }
    if measure(text, left.clone()).is_ok() {
        return Ok((None, left));
    }
    // Names may hold dots: the longest that fits is meant.
    let begins = |name: &str| written.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let fitting = names.iter().enumerate().filter(|(_, name)| begins(name));
    if let Some((index, name)) = fitting.max_by_key(|(_, name)| name.len()) {
        return Ok((Some(index), left.start + name.len() + 1..left.end));
    }
    misspelt(text, left, &names)
}

/// Whether what stands alone or before a dot is meant to be a metric or a service, where it is neither.
fn misspelt(text: &str, left: Range<usize>, names: &[&str]) -> Result<(Option<usize>, Range<usize>), Wrong> {
    let written = &text[left.clone()];
    let first = written.find('.').map_or(left.end, |at| left.start + at);
    let word = &text[left.start..first];
    // Whatever stands before a metric that there is, is meant to be a service.
    let dots = written.match_indices('.').map(|(at, _)| left.start + at);
    if let Some(dot) = dots.into_iter().find(|dot| measure(text, dot + 1..left.end).is_ok()) {
        return Err(Wrong::name(left.start..dot, "service", &text[left.start..dot], names));
    }
    // A misspelt metric stands alone or before a statistic; everything else before a dot is a service.
    let second = text[first..left.end].trim_start_matches('.');
    let is_metric = Measure::names().contains(&word)
        || first == left.end
        || (STATISTICS.iter().any(|(name, _)| *name == second) && nearest(word, names.iter().copied()).is_none());
    if is_metric { Ok((None, left)) } else { Err(Wrong::name(left.start..first, "service", word, names)) }
}

fn measure(text: &str, span: Range<usize>) -> Result<Measure, Wrong> {
    let written = &text[span.clone()];
    if let Some(measure) = Measure::find(written) {
        return Ok(measure);
    }
    let dot = written.find('.');
    let name = &written[..dot.unwrap_or(written.len())];
    let (name_span, rest_span) = (span.start..span.start + name.len(), span.start + name.len()..span.end);
    let rest = dot.map(|at| &written[at + 1..]);
    if let (Some(rest), Some(_)) = (rest, Measure::find(name)) {
        return Err(Wrong::new(rest_span, format!("`{name}` is one number: it has no `{rest}`")));
    }
    if !Distribution::ALL.into_iter().any(|of| of.name() == name) {
        return Err(no_metric(name_span, name));
    }
    let statistics = STATISTICS.map(|(known, _)| known);
    let Some(rest) = rest else {
        let wrong = Wrong::new(name_span, format!("`{name}` is a distribution"));
        let label = Some(format!("expected {} after it", list(statistics)));
        return Err(Wrong { label, ..wrong }.help(format!("write `{name}.p99`")));
    };
    let wrong = Wrong::name(rest_span.start + 1..rest_span.end, "statistic", rest, &statistics);
    Err(if rest == "p99.9" { wrong.help("did you mean `p999`?") } else { wrong })
}

/// There are too many figures to list: the nearest one, and where they stand.
fn no_metric(span: Range<usize>, name: &str) -> Wrong {
    let all = "`flashcrowd figures` lists them";
    Wrong {
        label: Some("expected a distribution or a figure".to_owned()),
        help: Some(match nearest(name, Measure::names()) {
            Some(near) => format!("did you mean `{near}`? {all}"),
            None => all.to_owned(),
        }),
        ..Wrong::new(span, format!("there is no metric `{name}`"))
    }
}

/// What a measure is of; refuses what that does not have.
fn fits(measure: Measure, target: Option<usize>, span: Range<usize>, targets: &[Target]) -> Result<Scope, Wrong> {
    let index = match target {
        Some(index) => index,
        None if !measure.is_of_a_service() => return Ok(Scope::all()),
        None if targets.len() == 1 => 0,
        None => {
            let wrong = Wrong::new(span, "there are several services");
            let names = targets.iter().map(|target| &*target.name);
            return Err(wrong.help(format!("begin with {} and a dot", list(names))));
        }
    };
    let of = &targets[index];
    if measure.is_of_tokens() && !of.tokens {
        let message = format!("`{}` has no such latency: services with `serving: ContinuousBatch` have it", of.name);
        return Err(Wrong::new(span, message));
    }
    if measure.is_of_slos() && !of.slos {
        let wrong = Wrong::new(span, format!("`{}` has no SLO", of.name));
        return Err(wrong.help("give the service an `slo`, or ask for a latency"));
    }
    Ok(of.scope.clone())
}

fn value(text: &str, span: Range<usize>, written_as: Written) -> Result<f64, Wrong> {
    let written = &text[span.clone()];
    if written.is_empty() {
        return Err(Wrong::new(text.len()..text.len(), "there is no value after the comparison"));
    }
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let wrong = |message: String, help: &str| Err(Wrong::new(span.clone(), message).help(help));
    match written_as {
        Written::Time => match written.parse::<Duration>() {
            Ok(span) => Ok(span.get().as_s_f64()),
            Err(error) => wrong(error.to_string(), "a latency is written `1.5s` or `800ms`"),
        },
        Written::Share => {
            let percent = written.strip_suffix('%').map(str::trim_end);
            let share = percent.map_or_else(|| number(written), |percent| number(percent).map(|value| value / 100.0));
            match share {
                Some(share) if share <= 1.0 => Ok(share),
                _ => wrong(format!("`{written}` is no share"), "a share is written `99.5%` or `0.995`"),
            }
        }
        Written::Number => match number(written) {
            Some(number) => Ok(number),
            None => wrong(format!("`{written}` is no number"), "write it without a unit, such as `900` or `1.5`"),
        },
        Written::Count => match written.parse::<u64>() {
            Ok(count) => Ok(count as f64),
            Err(_) => wrong(format!("`{written}` is no count"), "write a whole number"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flashcrowd_scenario::Registry;
    use flashcrowd_scenario::Text;
    use proptest::prelude::*;

    fn resolved() -> Resolved {
        let text = r#"(horizon: "1s", pools: {"p": (gpu: "H100", max_nodes: 1)}, services: {
            "a.b": (serving: Slots(concurrency: 1), service_time: "1s", slo: [(quantile: 0.9, limit: "1s")]),
            "ttft": (serving: Slots(concurrency: 1), service_time: "1s"), "é": (serving: Slots(concurrency: 1),
            service_time: "1s") }, traffic: {"t": Poisson(rate: 1.0, service: "ttft")})"#;
        let loaded = Text::parse("s", text, &Registry::new()).and_then(|text| text.resolve()).unwrap();
        loaded.variants[0].clone()
    }

    #[test]
    fn a_service_may_be_called_as_a_metric_or_a_statistic_is() {
        let parsed = |text: &str| Assertion::parse(text, &resolved()).map(|one| (one.measure, one.scope));
        let of = |id: &str, service: &str| Ok((Measure::find(id).unwrap(), Scope::new(ScopeKind::Service, service)));
        assert_eq!(parsed("a.b.e2e.p99<1s"), of("e2e.p99", "a.b"));
        assert_eq!(parsed("ttft.e2e.p99 < 1s"), of("e2e.p99", "ttft"));
        assert_eq!(parsed("\"é\".e2e.p99 < 1m30s"), of("e2e.p99", "é"));
        assert_eq!(parsed("ttft.requests >= 0"), of("requests", "ttft"));
        assert_eq!(parsed("requests >= 0"), Ok((Measure::find("requests").unwrap(), Scope::all())));
        assert_eq!(parsed("a.b.attainment >= 99.5%"), of("attainment", "a.b"));
    }

    /// Words and signs of assertions in any order, and anything else.
    fn nonsense() -> impl Strategy<Value = String> {
        let words = [
            "a.b", "ttft", "é", "e2e", "p99", "cost_usd", ".", "..", "<=", "==", "<", "=", "!", "\"", "1.5s", "99%",
            "-", " ", "9", "💥", "\n", "1e999", "NaN",
        ];
        let word = prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"];
        prop::collection::vec(word, 0..9).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_panics_and_places_lie_within(text in nonsense()) {
            if let Err(wrong) = Assertion::parse(&text, &resolved()) {
                prop_assert!(wrong.span.start <= wrong.span.end && wrong.span.end <= text.len() + 1, "{:?}", wrong);
            }
        }
    }
}

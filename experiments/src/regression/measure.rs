//! What an assertion is about: a figure of the catalogue, and its value in a run.

use flashcrowd_core::SimDuration;
use flashcrowd_language::units::Duration;
use flashcrowd_language::words::percent;
use flashcrowd_results::{Distribution, FigureDef, Figures, Scope, ScopeKind, Unit, catalogue, find};

/// A figure that an assertion may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measure(&'static FigureDef);

impl PartialEq for Measure {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

/// Why a figure has no value in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoValue {
    /// SLOs are judged by requests that ended.
    #[error("no request ended")]
    NoneEnded,
    /// All else is judged by requests that were completed.
    #[error("no request was completed")]
    NoneCompleted,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Time,
    Share,
    Number,
    Count,
}

fn may_be_named(figure: &FigureDef) -> bool {
    figure.scopes.contains(&ScopeKind::All) || figure.scopes.contains(&ScopeKind::Service)
}

impl Measure {
    /// The figure of that id.
    pub(super) fn find(id: &str) -> Option<Self> {
        find(id).filter(|figure| may_be_named(figure)).map(Measure)
    }

    /// First words of ids: distributions, which a statistic follows, and figures of one number.
    pub(super) fn names() -> Vec<&'static str> {
        let distributions = Distribution::ALL.into_iter().map(Distribution::name);
        distributions.chain(Self::plain()).collect()
    }

    /// Ids of figures of one number.
    pub(super) fn plain() -> impl Iterator<Item = &'static str> {
        catalogue().iter().filter(|figure| may_be_named(figure) && !figure.id.contains('.')).map(|figure| figure.id)
    }

    pub(super) fn written(self) -> Written {
        match self.0.unit {
            Unit::Seconds => Written::Time,
            Unit::Share => Written::Share,
            Unit::Usd | Unit::Number => Written::Number,
            Unit::Count => Written::Count,
        }
    }

    /// Whether it is one of a service or route; the others are also of the whole run.
    pub(super) fn is_of_a_service(self) -> bool {
        !self.0.scopes.contains(&ScopeKind::All)
    }

    /// Whether only services that serve tokens have it.
    pub(super) fn is_of_tokens(self) -> bool {
        let first = self.0.id.split('.').next().unwrap_or("");
        Distribution::ALL.into_iter().any(|of| of.name() == first && of.part().is_of_tokens())
    }

    pub(super) fn is_of_slos(self) -> bool {
        self.0.id == "attainment"
    }

    /// Its value in a run, or why it has none. A run that served nothing has no latency: an assertion
    /// about it must not hold by chance.
    pub(super) fn value(self, figures: &Figures, scope: &Scope) -> Result<f64, NoValue> {
        let why = if self.is_of_slos() { NoValue::NoneEnded } else { NoValue::NoneCompleted };
        figures.value(scope, self.0.id).ok_or(why)
    }
}

impl Written {
    /// A value beside a limit that it does not keep, with digits enough to see that it is not the limit.
    pub(super) fn show_beside(self, value: f64, limit: f64) -> String {
        let shown = self.show(value);
        if self != Written::Share || value == limit || shown != self.show(limit) {
            return shown;
        }
        let longer = |share: f64, digits: usize| format!("{:.digits$}%", share * 100.0);
        let digits = (1..=12).find(|digits| longer(value, *digits) != longer(limit, *digits));
        digits.map_or(shown, |digits| longer(value, digits))
    }

    /// A value in the digits that are usual for it.
    fn show(self, value: f64) -> String {
        let trimmed = |text: String| text.trim_end_matches('0').trim_end_matches('.').to_owned();
        match self {
            Written::Time => Duration(SimDuration::from_us((value * 1e6).round().max(0.0) as u64)).to_string(),
            Written::Share if value >= 0.99 => trimmed(format!("{:.6}", value * 100.0)) + "%",
            Written::Share => percent(value).replace(' ', ""),
            Written::Number => trimmed(format!("{value:.6}")),
            Written::Count => format!("{value:.0}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_not_the_limit_is_not_shown_as_the_limit(limit in 0_u32..=1_000_000, by in -50_i32..50) {
            let share = |millionths: i64| millionths as f64 / 1e6;
            let (limit, value) = (share(limit.into()), share((i64::from(limit) + i64::from(by)).clamp(0, 1_000_000)));
            prop_assume!(value != limit);
            let written = Written::Share;
            prop_assert_ne!(written.show_beside(value, limit), written.show(limit));
        }
    }
}

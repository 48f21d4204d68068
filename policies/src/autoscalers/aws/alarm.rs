//! Alarms over one-minute points. A minute without a value is missing, and never breaches.

use super::config::{AlarmRule, Statistic};
use std::collections::VecDeque;

/// The one-minute points of a metric, newest last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    values: VecDeque<Option<f64>>,
}

/// A day of minutes, which is as far as an alarm may look back.
const KEPT: usize = 1_440;

impl Points {
    /// Adds the newest minute.
    pub fn push(&mut self, value: Option<f64>) {
        if self.values.len() == KEPT {
            self.values.pop_front();
        }
        self.values.push_back(value.filter(|value| value.is_finite()));
    }

    /// The newest minute.
    pub fn newest(&self) -> Option<f64> {
        self.values.back().copied().flatten()
    }

    /// Whether the last `count` minutes all have a value for which `breaches` holds.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::aws::Points;
    /// let mut points = Points::default();
    /// for value in [Some(90.0), None, Some(95.0), Some(99.0)] {
    ///     points.push(value);
    /// }
    /// assert!(points.all_last(2, |value| value > 80.0));
    /// assert!(!points.all_last(3, |value| value > 80.0)); // a minute is missing
    /// ```
    pub fn all_last(&self, count: u32, breaches: impl Fn(f64) -> bool) -> bool {
        let count = count.max(1) as usize;
        self.values.len() >= count && self.values.iter().rev().take(count).all(|value| value.is_some_and(&breaches))
    }

    /// Whether the alarm is on, and the value of its newest period.
    pub fn alarm(&self, rule: &AlarmRule) -> Option<f64> {
        let periods = rule.evaluation_periods.max(1) as usize;
        let needed = rule.datapoints_to_alarm.map_or(periods, |needed| (needed.max(1) as usize).min(periods));
        let length = rule.period_min.max(1) as usize;
        let points: Vec<Option<f64>> = (0..periods).map(|period| self.period(period * length, length, rule)).collect();
        let breaches = |value: &f64| rule.comparison.breaches(*value, rule.threshold);
        let count = points.iter().flatten().filter(|value| breaches(value)).count();
        let newest = points.first().copied().flatten()?;
        (count >= needed).then_some(newest)
    }

    /// The point of the period that ends `back` minutes ago.
    fn period(&self, back: usize, length: usize, rule: &AlarmRule) -> Option<f64> {
        let minutes: Vec<f64> = self.values.iter().rev().skip(back).take(length).copied().flatten().collect();
        let count = minutes.len() as f64;
        let of = |combine: fn(f64, f64) -> f64| minutes.iter().copied().reduce(combine);
        match rule.statistic {
            Statistic::Average => of(|a, b| a + b).map(|sum| sum / count),
            Statistic::Sum => of(|a, b| a + b),
            Statistic::Minimum => of(f64::min),
            Statistic::Maximum => of(f64::max),
        }
    }
}

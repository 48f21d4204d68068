//! The first decision that is another one than before, and what the policy saw there.

use super::golden::{Row, s};
use super::outcome::Failure;
use flashcrowd_core::ledger::DecisionRecord;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::units::Duration;
use flashcrowd_results::run::{Played, Run};

/// The first difference between the golden decisions and those of now.
pub(super) fn first(file: &str, played: &Played, before: &[Row], now: &[Row]) -> Option<Failure> {
    let length = before.len().max(now.len());
    let index = (0..length).find(|&i| before.get(i) != now.get(i))?;
    let (was, is) = (before.get(index), now.get(index));
    // Of two decisions at different times, the earlier one is there on one side only.
    let earlier = |one: &Row, other: Option<&Row>| other.is_none_or(|other| one.order() <= other.order());
    let (was, is) = (was.filter(|row| earlier(row, is)), is.filter(|row| earlier(row, was)));
    let at = was.or(is)?;
    let when = spoken(at.order().1);
    let replicate = if played.runs.len() > 1 { format!(" of replicate {}", at.replicate) } else { String::new() };
    // The header is line 1.
    let summary = format!("golden `{file}`: line {} differs, at {when}{replicate}", index + 2);
    let words = |row: Option<&Row>| {
        row.map_or_else(
            || "nothing changes".to_owned(),
            |row| format!("{} {} {} -> {}  {}", row.controller, row.service, row.before, row.after, row.reason),
        )
    };
    let mut details = vec![label("golden", words(was).trim_end()), label("now", words(is).trim_end())];
    details.extend(seen(played, at));
    let plural = if before.len() == 1 { "" } else { "s" };
    let counts = format!("{} change{plural} in the golden file, {} now", before.len(), now.len());
    details.push(label("in all", &format!("{counts}; if that is meant, `--bless` writes it anew")));
    Some(Failure { summary, details })
}

/// An instant in whole microseconds, as golden files have it.
fn us(at: SimTime) -> u64 {
    (at.as_s_f64() * 1e6).round() as u64
}

fn spoken(us: u64) -> String {
    Duration(SimDuration::from_us(us)).to_string()
}

fn label(name: &str, words: &str) -> String {
    format!("{name:<9} {words}")
}

/// What the policy was shown at a tick; of the tick before, if there was none then.
fn seen(played: &Played, at: &Row) -> Vec<String> {
    let Some(run) = played.runs.iter().find(|run| run.replicate() == at.replicate) else {
        return vec![label("seen", &format!("there is no replicate {} now", at.replicate))];
    };
    let services = &played.loaded.variants[run.variant].services;
    let same = |decision: &&DecisionRecord| {
        *run.record.controllers[decision.controller as usize].name == *at.controller
            && *services[decision.target.0 as usize].config.name == *at.service
    };
    let own: Vec<&DecisionRecord> = run.record.decisions.iter().filter(same).collect();
    if own.is_empty() {
        let names: Vec<&str> = run.record.controllers.iter().map(|controller| &*controller.name).collect();
        let message =
            format!("`{}` decides nothing for `{}` now; there is {}", at.controller, at.service, names.join(", "));
        return vec![label("seen", &message)];
    }
    if let Some(decision) = own.iter().find(|decision| s(decision.at) == at.at_s) {
        return account(run, decision, "");
    }
    let earlier = own.iter().rev().find(|decision| us(decision.at) <= at.order().1);
    match earlier {
        Some(decision) => account(run, decision, &format!("it did not look then; at {}: ", spoken(us(decision.at)))),
        None => vec![label("seen", &format!("its first look is at {}", spoken(us(own[0].at))))],
    }
}

fn account(run: &Run, decision: &DecisionRecord, prefix: &str) -> Vec<String> {
    let DecisionRecord { ready, in_flight, starting, .. } = decision;
    let mut lines = vec![label("seen", &format!("{prefix}{ready} ready, {in_flight} in flight, {starting} starting"))];
    let signals = &run.record.controllers[decision.controller as usize].signals;
    let names = signals.iter().filter(|(target, _)| *target == decision.target);
    for ((_, name), value) in names.zip(&decision.signals) {
        let words = match value.samples {
            None => "no answer".to_owned(),
            Some(0) => "no sample".to_owned(),
            Some(1) => number(value.mean),
            Some(samples) => format!("{}, the mean of {samples} samples", number(value.mean)),
        };
        lines.push(label("signal", &format!("{name}: {words}")));
    }
    let Some(why) = decision.explanation.as_deref() else { return lines };
    for metric in &why.metrics {
        let current = metric.current.map_or_else(|| "no value".to_owned(), number);
        let asks = metric.proposal.map_or_else(|| "asks for nothing".to_owned(), |n| format!("asks for {n}"));
        let note = if metric.note.is_empty() { String::new() } else { format!(" ({})", metric.note) };
        let words = format!("{}: {current} against {} {asks}{note}", metric.name, number(metric.target));
        lines.push(label("proposal", &words));
    }
    for limit in &why.limits {
        lines.push(label("limit", &format!("{}: {} -> {}", limit.name, limit.before, limit.after)));
    }
    if let Some(error) = &why.error {
        lines.push(label("error", error));
    }
    for (_, reason) in &decision.refused {
        lines.push(label("refused", &reason.to_string()));
    }
    lines
}

/// At most four decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

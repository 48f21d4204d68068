//! The report of a sweep: the table with what holds and is cheapest, the front, main effects.

use super::axis::Value;
use super::outcome::{Dearer, Outcome, Row, SloRow};
use crate::report::{columns, money, money_per};
use flashcrowd_language::words::{count, duration};
use flashcrowd_results::statistics::{Call, Interval};
use std::fmt::Write;

/// Most rows of the table.
const ROWS: usize = 24;

/// The report.
pub fn text(outcome: &Outcome) -> String {
    let plan = &outcome.plan;
    let mut text = format!(
        "{}: {} points{}, {} replicates each, {} trials\n\n",
        plan.name,
        count(plan.points),
        if plan.variants.len() > 1 { format!(" of {} variants", plan.variants.len()) } else { String::new() },
        plan.replicates,
        count(plan.cells()),
    );
    table(&mut text, outcome);
    best(&mut text, outcome);
    front(&mut text, outcome);
    effects(&mut text, outcome);
    text
}

/// Rows that hold come first, by cost; then the others, those that miss least first.
fn order(outcome: &Outcome) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..outcome.rows.len()).collect();
    let missed = |row: &Row| row.slos.iter().map(|slo| row.replicates - slo.held).sum::<u32>();
    rows.sort_by_key(|&at| (missed(&outcome.rows[at]), outcome.rows[at].cost_rank()));
    rows
}

fn table(text: &mut String, outcome: &Outcome) {
    let (axes, slos) = (&outcome.plan.axes, slo_names(outcome));
    let mut header: Vec<String> = axes.iter().map(|axis| axis.name(axes)).collect();
    let variants = outcome.plan.variants.len() > 1;
    header.extend(variants.then(|| "variant".to_owned()));
    header.extend(slos.iter().cloned());
    let right = header.len();
    header.extend(["$ a week", "+-", ""].map(str::to_owned));
    let mut rows = vec![header];
    let order = order(outcome);
    for &at in order.iter().take(ROWS) {
        let row = &outcome.rows[at];
        let mut cells = row.values.clone();
        cells.extend(variants.then(|| row.variant.clone()));
        cells.extend(slos.iter().map(|name| slo_words(row, name)));
        let cost = row.cost();
        cells.push(money(cost.mean));
        cells.push(cost.half_width.map_or_else(|| "-".to_owned(), money));
        cells.push(verdict(row).to_owned());
        rows.push(cells);
    }
    text.push_str(&columns(&rows, &[right, right + 1]));
    if order.len() > ROWS {
        let _ = writeln!(text, "and {} more in sweep.csv", count((order.len() - ROWS) as u64));
    }
}

fn verdict(row: &Row) -> &'static str {
    match (row.slos.is_empty(), row.holds()) {
        (true, _) => "no SLO",
        (false, true) => "holds",
        (false, false) => "MISS",
    }
}

/// Names of all SLOs, in the order in which rows have them.
fn slo_names(outcome: &Outcome) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for slo in outcome.rows.iter().flat_map(|row| &row.slos) {
        if !names.contains(&slo.name) {
            names.push(slo.name.clone());
        }
    }
    names
}

/// What was got of an SLO, and in how many replicates it was kept.
fn slo_words(row: &Row, name: &str) -> String {
    let Some(slo) = row.slos.iter().find(|slo| slo.name == name) else { return "-".to_owned() };
    let got = slo.got_s.map_or_else(|| "never".to_owned(), duration);
    if slo.held == row.replicates { got } else { format!("{got} ({}/{})", slo.held, row.replicates) }
}

/// A row by its values: `threshold=4, provisioning=3m`.
fn named(outcome: &Outcome, row: &Row) -> String {
    let axes = &outcome.plan.axes;
    let mut words: Vec<String> =
        axes.iter().zip(&row.values).map(|(axis, value)| format!("{}={value}", axis.name(axes))).collect();
    if !row.variant.is_empty() {
        words.push(format!("`{}`", row.variant));
    }
    words.join(", ")
}

fn best(text: &mut String, outcome: &Outcome) {
    let _ = writeln!(text);
    if slo_names(outcome).is_empty() {
        let _ = writeln!(text, "no service has an SLO: nothing is held or missed");
        return;
    }
    let Some(at) = outcome.cheapest_that_holds() else {
        let closest = order(outcome).first().map_or_else(String::new, |&at| named(outcome, &outcome.rows[at]));
        let _ = writeln!(text, "none holds every SLO in every replicate; the closest: {closest}");
        return;
    };
    let best = &outcome.rows[at];
    let holding = outcome.rows.iter().filter(|row| row.holds()).count();
    let _ = writeln!(
        text,
        "cheapest that holds: {} at {} a week; {} of {} hold",
        named(outcome, best),
        money(best.cost().mean),
        count(holding as u64),
        count(outcome.rows.len() as u64)
    );
    for slo in &best.slos {
        let _ = writeln!(text, "  {}: {}", slo.name, chance(slo, best.replicates));
    }
    rivals(text, outcome, at);
}

/// Whether another replicate would hold it, too.
fn chance(slo: &SloRow, replicates: u32) -> String {
    let half = Interval::of(&slo.each_s).half_width.filter(|_| slo.each_s.len() == replicates as usize);
    let got = slo.got_s.map_or_else(|| "never".to_owned(), duration);
    let half = half.map_or_else(String::new, |half| format!(" +- {}", duration(half)));
    format!("{got}{half}, {}", slo.call(replicates))
}

/// Most rivals that are named.
const RIVALS: usize = 4;

/// Those that hold and may be as cheap as the cheapest.
fn rivals(text: &mut String, outcome: &Outcome, best: usize) {
    let mut close: Vec<Dearer> = outcome.dearer(best);
    close.retain(|other| other.call != Call::Holds);
    close.sort_by(|one, other| one.by.mean.total_cmp(&other.by.mean));
    for Dearer { row, by, call } in close.iter().take(RIVALS) {
        let name = named(outcome, &outcome.rows[*row]);
        let more = match by.half_width {
            Some(half) if by.mean.abs() <= CENT && half <= CENT => "the same".to_owned(),
            Some(half) => format!("{} +- {} a week: {call}", money_per(by.mean), money(half)),
            None => format!("{} a week: {call}", money_per(by.mean)),
        };
        let _ = writeln!(text, "  or {name}, {more}");
    }
    if close.len() > RIVALS {
        let _ = writeln!(text, "  or {} others that may be as cheap", close.len() - RIVALS);
    }
}

/// What is less is no difference in cost.
const CENT: f64 = 0.01;

/// Cost against the SLO that is missed most often, or the first.
fn front(text: &mut String, outcome: &Outcome) {
    let names = slo_names(outcome);
    let missed = |name: &String| {
        let rows = outcome.rows.iter();
        rows.filter(|row| row.slos.iter().any(|slo| slo.name == *name && slo.held < row.replicates)).count()
    };
    let Some(name) = names.iter().rev().max_by_key(|name| missed(name)) else { return };
    let got = |row: &Row| row.slos.iter().find(|slo| slo.name == *name).and_then(|slo: &SloRow| slo.got_s);
    let front = outcome.front(got);
    if front.len() < 2 {
        return;
    }
    let _ = writeln!(text, "\nno other is cheaper and better, by cost and `{name}`:");
    let mut rows = Vec::new();
    for &at in front.iter().take(ROWS) {
        let row = &outcome.rows[at];
        rows.push(vec![money(row.cost().mean), slo_words(row, name), named(outcome, row)]);
    }
    let _ = write!(text, "{}", columns(&rows, &[0]));
}

/// Of each value of each axis the means over all rows that have it.
fn effects(text: &mut String, outcome: &Outcome) {
    let axes = &outcome.plan.axes;
    let mut rows = vec![["", "value", "$ a week", "hold"].map(str::to_owned).to_vec()];
    for (axis, at) in axes.iter().zip(0..) {
        let Some(values) = axis.listed().filter(|values| values.len() > 1) else { continue };
        for (value, first) in values.iter().map(Value::words).zip(0..) {
            let own: Vec<&Row> = outcome.rows.iter().filter(|row| row.values[at] == value).collect();
            if own.is_empty() {
                continue;
            }
            let cost = own.iter().map(|row| row.cost().mean).sum::<f64>() / own.len() as f64;
            let holding = own.iter().filter(|row| row.holds()).count();
            let name = if first == 0 { axis.name(axes) } else { String::new() };
            rows.push(vec![name, value, money(cost), format!("{holding}/{}", own.len())]);
        }
    }
    if rows.len() > 1 && axes.len() > 1 {
        let _ = write!(text, "\nmean of all points with a value\n{}", columns(&rows, &[2, 3]));
    }
}

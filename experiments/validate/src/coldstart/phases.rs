//! Logged starts of vLLM: how long its engine took to initialise, and all of the start but for the weights.

use super::check::{Check, TOLERANCE, Unpredicted};
use crate::error::ValidateError;
use crate::report::{Counts, Report};
use crate::serving::names;
use crate::serving::table::{Row, Table, Unread};
use flashcrowd_profiles::StartPhases;
use flashcrowd_profiles::architecture::{Architecture, Format};
use flashcrowd_profiles::rank::Parallelism;
use serde_json::json;

/// Columns of such a table.
pub(super) const COLUMNS: [&str; 6] =
    ["log", "model", "tp", "model_loading_s", "init_engine_s", "first_log_to_ready_s"];

/// The part of the report.
pub(super) const PART: &str = "vllm_start";

/// Share of the values that must be within the tolerance.
const SHARE: f64 = 0.8;

/// Longest time that is believed, and most ranks.
const MOST_S: f64 = 1e6;
const MOST_RANKS: u32 = 64;

/// Both values of each complete row.
pub(super) fn checks(table: &Table) -> Result<Vec<Check>, ValidateError> {
    let mut checks = Vec::new();
    for row in table.rows() {
        let id = row.text("log").trim_end_matches(".log").to_owned();
        match of_row(&row, &id) {
            Ok(found) => checks.extend(found),
            Err(Unread::Wrong(error)) => return Err(error),
            Err(Unread::LeftOut(why)) => {
                let predicted = Err(Unpredicted::Row(why));
                checks.push(Check { part: PART, id, key: "init_engine_s", measured: 0.0, predicted });
            }
        }
    }
    Ok(checks)
}

fn of_row(row: &Row<'_>, id: &str) -> Result<[Check; 2], Unread> {
    let [loading, engine, ready] =
        ["model_loading_s", "init_engine_s", "first_log_to_ready_s"].map(|column| row.positive(column, MOST_S));
    let (loading, engine, ready) = (loading?, engine?, ready?);
    if ready <= loading {
        return Err(row.error("it was ready before its weights were loaded").into());
    }
    let tensor = row.count("tp", MOST_RANKS)?;
    let phases = StartPhases::of_stages(&model(row.word("model")?)?, Parallelism::tensor(tensor), stages(id));
    let check = |key, measured, predicted| Check {
        part: PART,
        id: id.to_owned(),
        key,
        measured,
        predicted: Ok((predicted, TOLERANCE)),
    };
    Ok([
        check("init_engine_s", engine, phases.engine_s()),
        check("ready_without_weights_s", ready - loading, phases.total_s()),
    ])
}

/// The shape of a model by its repository; its number format stands at the end of the name.
fn model(name: &str) -> Result<Architecture, Unread> {
    const FORMATS: [(&str, Format); 4] = [
        ("-quantized.w4a16", Format::Int4(128)),
        ("-quantized.w8a8", Format::Int8),
        ("-quantized.w8a16", Format::Int8WeightsOnly),
        ("-fp8-dynamic", Format::Fp8),
    ];
    let lower = name.to_ascii_lowercase();
    let format = FORMATS.iter().find(|(ending, _)| lower.ends_with(ending));
    let plain = format.map_or(name, |(ending, _)| &name[..name.len() - ending.len()]);
    let model = names::known(plain)?.architecture();
    Ok(format.map_or_else(|| model.clone(), |(_, format)| model.clone().in_format(*format)))
}

/// Groups of ranks that have a part of the layers each, by the name of the log: `tp1pp4dp1`.
fn stages(log: &str) -> u32 {
    let behind = log.split("pp").skip(1).find_map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    behind.filter(|stages| (1..=MOST_RANKS).contains(stages)).unwrap_or(1)
}

/// Keeps a value for the judgement of all of them.
pub(super) fn note(report: &mut Report, id: &str, key: &str, (measured, found, error): (f64, f64, f64)) {
    report.points.push(json!({ "id": id, "key": key, "measured": measured, "simulated": found, "error": error }));
    report
        .notes
        .push(format!("{key:<24} {measured:>6.1} s, {found:>6.1} by the model: {:>+6.1} %  {id}", 100.0 * error));
}

/// Judges all values together.
pub(super) fn judge(report: &mut Report) {
    let errors = report.points.iter().filter_map(|point| point["error"].as_f64());
    let all = errors.clone().count();
    if all == 0 {
        return;
    }
    let within = errors.filter(|error| error.abs() <= TOLERANCE).count();
    let share = within as f64 / all as f64;
    let passed = share >= SHARE;
    report.metrics.insert(format!("{PART}.share_within"), share);
    let counts = Counts { checks: 1, passed: u64::from(passed), failed: u64::from(!passed), ..Counts::default() };
    report.count(PART, &counts);
    let verdict = if passed { "passed" } else { "FAILED" };
    report.notes.push(format!(
        "{verdict}: {within} of {all} values of vLLM's starts within {:.0} %; at least {:.0} % must be",
        100.0 * TOLERANCE,
        100.0 * SHARE
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_formats_and_stages() {
        let of = |name: &str| model(name).map(|model| (model.layers.len(), model.formats.quantised)).ok();
        assert_eq!(of("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16"), Some((32, Format::Int4(128))));
        assert_eq!(of("RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic"), Some((80, Format::Fp8)));
        assert_eq!(of("Qwen/Qwen2.5-7B-Instruct"), Some((28, Format::Bf16)));
        assert_eq!(of("nobody/nothing"), None);
        assert_eq!(["a--h100-80gb--tp1pp4dp1--8192", "apple--tp2pp1dp1", "plain"].map(stages), [4, 1, 1]);
    }
}

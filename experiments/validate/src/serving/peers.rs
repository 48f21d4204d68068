//! What other simulators predicted for measured runs, and those runs, as far as their load is known.

use super::names;
use super::point::most;
use super::point::{Band, Length, Metric, Point, Setup, Source};
use super::stages::{Load, all_of, limits, lookahead};
use super::sweeps::numbers;
use super::table::{Row, Table, Unread, leave_out};
use crate::error::ValidateError;
use flashcrowd_profiles::Precision;

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 7] =
    ["model", "gpu", "tp", "workload", "stage", "e2e_mean_ms_actual", "ttft_mean_ms_actual"];

/// What is compared, and the middle of the columns' names.
const METRICS: [(Metric, &str); 5] = [
    (Metric::E2eMean, "e2e_mean_ms"),
    (Metric::E2eP99, "e2e_p99_ms"),
    (Metric::ItlMean, "itl_mean_ms"),
    (Metric::TtftMean, "ttft_mean_ms"),
    (Metric::TtftP99, "ttft_p99_ms"),
];

/// Requests of the rows that hold only the beginning of a run.
const FIRST: f64 = 300.0;

/// Seconds of a stage.
const STAGE_S: f64 = 600.0;

/// The load of a workload, and its rates by stage, requests a second: those of the stages of
/// inference-perf of the same name (`llm_inferenceperf_stages.csv`), from the same authors.
fn workload(name: &str) -> Option<(Load, &'static [f64])> {
    let load = |prompt, shared, distinct, output| Load { prompt, shared, distinct, output };
    Some(match name {
        "general" => (load(575.0, 100.0, 45, 248), &[8.0, 20.0]),
        "codegen" => (load(593.0, 100.0, 44, 247), &[5.0, 10.0]),
        "roleplay" => (load(786.0, 150.0, 50, 251), &[6.0]),
        _ => return None,
    })
}

/// What a simulator said of one value.
#[derive(Clone, Debug)]
pub(super) struct Prediction {
    /// The run.
    pub(super) id: String,
    /// The simulator.
    pub(super) simulator: String,
    pub(super) metric: Metric,
    pub(super) measured: f64,
    pub(super) predicted: f64,
}

/// All predictions of a table.
pub(super) fn predictions(table: &Table) -> Result<Vec<Prediction>, ValidateError> {
    let mut found = Vec::new();
    for row in table.rows() {
        for (metric, column) in METRICS {
            let Some(measured) = row.number(&format!("{column}_actual"))?.filter(|value| *value > 0.0) else {
                continue;
            };
            let prefix = format!("{column}_pred_");
            for name in table.header() {
                let Some(simulator) = name.strip_prefix(&prefix) else { continue };
                if let Some(predicted) = row.number(name)? {
                    let (id, simulator) = (row.text("point_id").to_owned(), simulator.to_owned());
                    found.push(Prediction { id, simulator, metric, measured, predicted });
                }
            }
        }
    }
    Ok(found)
}

/// The run of a row, for ourselves.
pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let model = names::model(row.word("model")?)?;
    let gpu = names::gpu(row.word("gpu")?)?;
    let id = row.text("point_id");
    let name = row.word("workload")?;
    // "Lite" workloads have other rates, which the data do not give.
    let Some((load, rates)) = workload(name).filter(|_| !id.contains("-lite")) else {
        return leave_out(format!(
            "the load of workload `{}` is not told",
            if id.contains("-lite") { "lite" } else { name }
        ));
    };
    let first = row.text("subset").contains("300");
    let stage = row.number("stage")?.unwrap_or(-1.0);
    let Some(&rate) = rates.get(if first { 0 } else { stage.max(-1.0) as usize }) else {
        return leave_out(format!("stage {stage} of workload `{name}` is not known"));
    };
    if stage < 0.0 && !first {
        return leave_out("all stages in one row");
    }
    let sent = if first { FIRST } else { rate * STAGE_S };
    let columns = METRICS.map(|(metric, column)| (metric, format!("{column}_actual")));
    let columns: Vec<(Metric, &str)> = columns.iter().map(|(metric, column)| (*metric, column.as_str())).collect();
    Ok(Point {
        id: id.to_owned(),
        line: row.line(),
        source: Source::Peers,
        model: model.name.clone(),
        shaped: None,
        gpu,
        gpus: row.count("tp", most::GPUS)?,
        precision: Precision::from_name(row.text("precision")).unwrap_or(Precision::Bf16),
        band: Band::Unrated,
        client: load.client(rate, sent),
        window: all_of(sent),
        prompt: Length::fixed(load.prompt as u32),
        output: Length::fixed(load.output),
        limits: flashcrowd_profiles::EngineLimits { sequences: 128, ..limits(row)? },
        setup: Setup {
            lookahead: lookahead(row.text("engine")),
            cached_context: load.cached_context(sent),
            ..Setup::default()
        },
        measured: numbers(row, &columns)?,
        unjudged: Some("no limit"),
    })
}

//! Closed-loop points as the `AIConfigurator` project collects them.

use super::super::ValidateError;
use super::point::{Band, Client, Metric, Point, Range, Window};
use super::table::{Row, Table};
use crate::profiles::{EngineLimits, MODELS, Precision, lookup};

/// Columns that tell such a table from others.
pub(super) const COLUMNS: [&str; 5] = ["silicon_tpot_ms", "conc", "isl", "osl", "model_path"];

/// Requests for each user: enough for several turns of the batch.
const TURNS: u32 = 6;

/// The points of models that the catalogue has, and of how many others there are.
pub(super) fn points(table: &Table) -> Result<(Vec<Point>, Vec<String>), ValidateError> {
    let (mut points, mut skipped) = (Vec::new(), Vec::new());
    for row in table.rows() {
        match point(&row)? {
            Ok(point) => points.push(point),
            Err(why) => skipped.push(why),
        }
    }
    Ok((points, skipped))
}

fn point(row: &Row<'_>) -> Result<Result<Point, String>, ValidateError> {
    let (model, system) = (row.text("model_path"), row.text("system"));
    if row.text("mode") != "agg" {
        return Ok(Err("prefill and decode on engines of their own".to_owned()));
    }
    let Ok(known) = lookup(&MODELS, model) else { return Ok(Err(format!("model {model}"))) };
    if known.experts.is_some() {
        return Ok(Err(format!("mixture of experts {model}")));
    }
    let Some(gpu) = gpu(system) else { return Ok(Err(format!("system {system}"))) };
    if ["pp_size", "attention_dp_size"].iter().any(|column| row.number(column).is_ok_and(|n| n.unwrap_or(1.0) > 1.0)) {
        return Ok(Err("pipeline or data parallelism".to_owned()));
    }
    let users = row.count("conc")?;
    let length = |column| row.count(column).map(|n| Range { low: n, high: n });
    Ok(Ok(Point {
        id: row.text("id").to_owned(),
        model: model.to_owned(),
        gpu: gpu.to_owned(),
        gpus: row.count("tp_size")?,
        precision: precision(row, model),
        band: Band::Closed,
        client: Client::Closed { users },
        window: Window::Requests { count: u64::from(users) * u64::from(TURNS), turns: f64::from(TURNS) },
        prompt: length("isl")?,
        output: length("osl")?,
        limits: EngineLimits { batched_tokens: 8192, sequences: 1024.max(users), ..EngineLimits::default() },
        measured: vec![(Metric::TpotMean, row.positive("silicon_tpot_ms")?)],
        unjudged: None,
    }))
}

fn gpu(system: &str) -> Option<&'static str> {
    Some(match system {
        "h100_sxm" => "H100",
        "h200_sxm" => "H200",
        "b200_sxm" => "B200",
        _ => return None,
    })
}

/// The precision of a row; where it is empty the model's own name decides.
fn precision(row: &Row<'_>, model: &str) -> Precision {
    match row.text("precision") {
        "fp8" => Precision::Fp8,
        "fp4" => Precision::Fp4,
        _ if model.ends_with("FP8") => Precision::Fp8,
        _ if model.ends_with("FP4") => Precision::Fp4,
        _ => Precision::Bf16,
    }
}

//! Turns the runs of a file into profiles, and describes each fit.

use super::row::Row;
use super::solve::{Fit, FitError, Lookahead, Settings, fit};
use crate::{Band, Coefficients, Fitted, GPUS, MODELS, Memory, Model, Origin, Precision, Profile, Residual, lookup};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the user states about a sweep that its file does not hold.
#[derive(Clone, Debug)]
pub struct About {
    /// The GPU, where the file does not name it.
    pub gpu: Option<String>,
    /// GPUs that share each layer, where the file does not say.
    pub tensor_parallel: Option<u32>,
    /// Format of the weights; by default that of the model card.
    pub precision: Option<Precision>,
    /// The data, in words.
    pub data: String,
    /// Which rows were taken, in words.
    pub on: String,
    /// Token budget of the engine that was measured.
    pub batched_tokens: u32,
    /// Which look-ahead.
    pub lookahead: Lookahead,
}

/// One engine's fit.
#[derive(Clone, Debug)]
pub struct FittedProfile {
    /// The profile.
    pub profile: Profile,
    /// How it was found.
    pub fit: Fit,
}

/// The catalogue's name of a model, or the name itself.
pub fn model_name(written: &str) -> &str {
    lookup(&MODELS, written).map_or(written, |model| model.name.as_str())
}

/// GPU and number of GPUs in texts such as `8xH100 FP8`; the text itself where it is none.
fn gpu_name(written: &str) -> (String, Option<u32>) {
    if let Ok(gpu) = lookup(&GPUS, written) {
        return (gpu.name.clone(), None);
    }
    let counted = written.split_once(['x', 'X']).and_then(|(count, rest)| {
        let gpu = lookup(&GPUS, rest.split_whitespace().next()?).ok()?;
        Some((gpu.name.clone(), count.trim().parse().ok()))
    });
    counted.unwrap_or_else(|| (written.to_owned(), None))
}

/// Fits each engine (model, GPU, parallelism) of the rows by itself.
///
/// # Errors
/// The name of the engine whose rows do not suffice, and why.
pub fn fit_each(rows: &[Row], about: &About) -> Result<Vec<FittedProfile>, (String, FitError)> {
    let mut engines: BTreeMap<(String, String, Option<u32>), Vec<Row>> = BTreeMap::new();
    for row in rows {
        let key = (model_name(&row.model).to_owned(), row.gpu.clone(), row.tensor_parallel);
        engines.entry(key).or_default().push(row.clone());
    }
    let mut fitted: Vec<FittedProfile> = Vec::new();
    for ((model, gpu, tensor_parallel), rows) in engines {
        let written = about.gpu.clone().unwrap_or_else(|| gpu.clone());
        let (name, counted) = gpu_name(&written);
        let gpus = about.tensor_parallel.or(tensor_parallel).or(counted).unwrap_or(1).max(1);
        let card = lookup(&MODELS, &model).ok();
        let precision = about.precision.or(card.map(|card| card.precision)).unwrap_or(Precision::Bf16);
        let engine = Engine { model, gpu: name, gpus, precision, card };
        let found = fit(&rows, &engine.settings(about)).map_err(|error| (engine.name(), error))?;
        let mut profile = engine.profile(&found, about);
        if fitted.iter().any(|other| other.profile.name == profile.name) {
            profile.name = format!("{} ({gpu})", profile.name);
        }
        fitted.push(FittedProfile { profile, fit: found });
    }
    Ok(fitted)
}

/// What was measured.
struct Engine {
    model: String,
    gpu: String,
    gpus: u32,
    precision: Precision,
    card: Option<&'static Model>,
}

impl Engine {
    fn name(&self) -> String {
        Profile::name_of(&self.model, &self.gpu, self.gpus, self.precision)
    }

    fn settings(&self, about: &About) -> Settings {
        let gpu = lookup(&GPUS, &self.gpu).ok();
        let known = self.card.zip(gpu);
        let prior = known.map(|(card, gpu)| Profile::computed(card, gpu, self.gpus, self.precision).coefficients);
        Settings { batched_tokens: about.batched_tokens, lookahead: about.lookahead, prior }
    }

    fn profile(&self, fit: &Fit, about: &About) -> Profile {
        let source = |unit: &str| format!("least squares on {} runs, {unit}", fit.used);
        let symbols = Coefficients::SYMBOLS.iter().zip(Coefficients::UNITS);
        let (batch, context_tokens) = fit.largest;
        Profile {
            name: self.name(),
            model: self.model.clone(),
            gpu: self.gpu.clone(),
            tensor_parallel: self.gpus,
            precision: self.precision,
            coefficients: fit.coefficients,
            origin: Origin::Fitted(Fitted {
                data: about.data.clone(),
                on: about.on.clone(),
                residuals: fit.residuals.clone(),
            }),
            validated: (batch > 0.0).then_some(Band { load_share: 0.82, batch, context_tokens }),
            lookahead_steps: fit.lookahead,
            memory: self.card.map(|card| Memory::of(card, self.gpus, self.precision, Precision::Bf16)),
            sources: symbols.map(|(symbol, unit)| ((*symbol).to_owned(), source(unit))).collect(),
            shape: None,
        }
    }
}

/// The fits in words.
pub fn text(fitted: &[FittedProfile]) -> String {
    let mut text = String::new();
    for FittedProfile { profile, fit } in fitted {
        let cut = match fit.truncated {
            0 => String::new(),
            cut => format!(" ({cut} more have no steady state)"),
        };
        let _ = writeln!(text, "{}: fitted to {} runs{cut}\n", profile.name, fit.used);
        let units = Coefficients::SYMBOLS.iter().zip(Coefficients::UNITS).zip(profile.coefficients.values());
        for ((symbol, unit), value) in units {
            let _ = writeln!(text, "  {symbol:<3} {value:<12} {unit}");
        }
        let _ = writeln!(text, "\n  {}\n", lookahead(fit));
        let _ = writeln!(text, "  {:<12} {:>5} {:>8} {:>8}   mean absolute error", "load", "runs", "ITL", "TTFT");
        for Residual { band, rows, itl_percent, ttft_percent } in &fit.residuals {
            let ttft = ttft_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1} %"));
            let _ = writeln!(text, "  {band:<12} {rows:>5} {itl_percent:>6.1} % {ttft:>8}");
        }
        text.push('\n');
    }
    text
}

fn lookahead(fit: &Fit) -> String {
    let words = match fit.lookahead {
        0 => "look-ahead 0: an arrival may join the next iteration",
        _ => "look-ahead 1: an arrival joins one iteration later",
    };
    match fit.costs {
        [Some(none), Some(one)] => format!("{words} (sum of squares {none:.4} with 0, {one:.4} with 1)"),
        _ => format!("{words} (as told)"),
    }
}

/// The fits as JSON.
pub fn json(fitted: &[FittedProfile]) -> Value {
    let one = |FittedProfile { profile, fit }: &FittedProfile| {
        json!({
            "profile": profile,
            "runs": { "fitted": fit.used, "no_steady_state": fit.truncated },
            "sum_of_squares": { "lookahead_0": fit.costs[0], "lookahead_1": fit.costs[1] },
        })
    };
    json!({ "schema": "flashcrowd/fit/1", "fits": fitted.iter().map(one).collect::<Vec<_>>() })
}

//! What a sweep is: its scenario with its axes. The plan stands in the folder, so that what was begun is
//! gone on with, and nothing else is mixed into it.

use super::axis::{Axis, Value};
use super::points::{Points, Sample};
use flashcrowd_language::Diagnostic;
use flashcrowd_results::summary::COMMIT;
use flashcrowd_results::{Trial, trials};
use flashcrowd_scenario::files::Hasher;
use flashcrowd_scenario::{Loaded, Text};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "flashcrowd/sweep/1";

/// What is asked for, with the scenario as the command line has it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The scenario, with `--set`, `--seed`, `--replicates` and `--load` in it.
    pub text: Text,
    /// What varies.
    pub axes: Vec<Axis>,
    /// Which points.
    pub sample: Sample,
    /// Options of the command line that change results, as typed.
    pub options: Vec<String>,
}

/// What a sweep is, as it stands in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Form of this file.
    pub schema: String,
    /// The program that plays it: another one may give other results.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// The scenario as it was given.
    pub scenario: String,
    /// Its name.
    pub name: String,
    /// Hash of its text.
    pub scenario_hash: String,
    /// Options of the command line that change results.
    pub options: Vec<String>,
    /// What varies.
    pub axes: Vec<Axis>,
    /// Which points.
    pub sample: Sample,
    /// How many points.
    pub points: u64,
    /// Names of the variants of each point; one empty name if the scenario has none.
    pub variants: Vec<String>,
    /// Replicates of each.
    pub replicates: u32,
    /// Seed of samples, and of the scenario itself.
    pub seed: u64,
}

impl Plan {
    /// Cells in all.
    pub fn cells(&self) -> u64 {
        self.points * self.variants.len() as u64 * u64::from(self.replicates)
    }

    /// As JSON for those who want to know how much there is to play.
    pub fn json(&self) -> serde_json::Value {
        let axes: Vec<String> = self.axes.iter().map(|axis| axis.paths.join(",")).collect();
        serde_json::json!({
            "schema": "flashcrowd/sweep-plan/1",
            "scenario": self.scenario,
            "axes": axes,
            "points": self.points,
            "variants": self.variants.len(),
            "replicates": self.replicates,
            "cells": self.cells(),
        })
    }

    /// Whether it is one that this program can have made: a file may hold anything.
    pub(super) fn is_sound(&self) -> bool {
        let fits = |axis: &Axis| {
            let of_path = |value: &Value| value.0.len() == axis.paths.len();
            axis.listed().is_none_or(|values| !values.is_empty() && values.iter().all(of_path))
        };
        let counted = self.sample.count(&self.axes).is_ok_and(|points| points == self.points);
        counted && self.axes.iter().all(fits) && !self.variants.is_empty()
    }

    /// In what it differs from another, in words; `None` if in nothing that matters.
    pub fn unlike(&self, other: &Plan) -> Option<String> {
        let checks = [
            ("program", (self.version != other.version || self.commit != other.commit)),
            ("scenario", self.scenario_hash != other.scenario_hash),
            ("options", self.options != other.options),
            ("axes", self.axes != other.axes),
            ("sample", self.sample != other.sample),
            ("variants", self.variants != other.variants),
            ("seed", self.seed != other.seed),
            ("number of replicates", self.replicates != other.replicates),
        ];
        let unlike: Vec<&str> = checks.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
        (!unlike.is_empty()).then(|| unlike.join(", "))
    }
}

/// A sweep that can be played.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What it is.
    pub plan: Plan,
    text: Text,
    points: Points,
}

/// A trial of a point, and the name of its cell.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Position of its variant.
    pub(super) variant: usize,
    pub(super) trial: Trial,
    pub(super) name: String,
}

/// Settings that are no axes, and what to do instead.
const NO_AXES: [(&str, &str); 4] = [
    ("replicates", "`--replicates N` is how often each point is played"),
    ("seed", "replicates differ by their random numbers; `--seed` chooses others"),
    ("variants", "every variant is played at each point"),
    ("baseline", "each point stands for itself"),
];

impl Sweep {
    /// Checks every value of every axis on the scenario.
    ///
    /// # Errors
    /// A path that does not exist, a value that does not fit, too many points.
    pub fn new(request: Request) -> Result<Sweep, Diagnostic> {
        let Request { text, axes, sample, options } = request;
        if axes.is_empty() {
            let error = Diagnostic::about("sweep", "nothing varies");
            return Err(error.with_help("say what: `--over PATH=V1,V2,..`; paths are those of `--set`"));
        }
        for path in axes.iter().flat_map(|axis| &axis.paths) {
            if let Some((_, instead)) = NO_AXES.iter().find(|(name, _)| path == name) {
                let error = Diagnostic::about(&format!("--over {path}"), format!("`{path}` is no axis of a sweep"));
                return Err(error.with_help(*instead));
            }
        }
        let base = text.resolve()?;
        let points = sample.count(&axes)?;
        let seed = base.variants[0].seed;
        let sweep = Sweep {
            points: Points::new(&axes, sample, seed),
            plan: Plan {
                schema: SCHEMA.to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: COMMIT.to_owned(),
                scenario: base.given.clone(),
                name: base.name.clone(),
                scenario_hash: base.hash.clone(),
                options,
                axes,
                sample,
                points,
                variants: base.variants.iter().map(|variant| variant.variant.clone()).collect(),
                replicates: base.variants[0].replicates,
                seed,
            },
            text,
        };
        sweep.check_values()?;
        Ok(sweep)
    }

    /// Each value alone, so that a message names it and not a point; of ranges their bounds.
    fn check_values(&self) -> Result<(), Diagnostic> {
        for axis in &self.plan.axes {
            let bounds = [axis.at(0.0), axis.at(1.0 - 1e-9)];
            for (value, at) in axis.listed().unwrap_or(&bounds).iter().zip(1..) {
                let loaded = self.with(axis.assignments(value)).map_err(|error| {
                    let of = axis.listed().map_or_else(|| "a bound".to_owned(), |_| format!("value {at}"));
                    error.with_label(format!("{of} of `--over {}`", axis.paths.join(",")))
                })?;
                let names = loaded.variants.iter().map(|variant| &variant.variant);
                if !names.eq(&self.plan.variants) {
                    let message = "the variants differ from point to point";
                    return Err(Diagnostic::about(&format!("--over {}", axis.paths.join(",")), message));
                }
                self.check_replicates(&loaded)?;
            }
        }
        Ok(())
    }

    /// Cells are numbered by the number of replicates, which is one for all.
    fn check_replicates(&self, loaded: &Loaded) -> Result<(), Diagnostic> {
        if loaded.variants.iter().all(|variant| variant.replicates == self.plan.replicates) {
            return Ok(());
        }
        let error = Diagnostic::about(&self.plan.scenario, "variants have different numbers of replicates");
        Err(error.with_help("give one number for all: `--replicates N`"))
    }

    fn with(&self, assignments: impl Iterator<Item = String>) -> Result<Loaded, Diagnostic> {
        assignments.fold(self.text.clone(), |text, assignment| text.finally("--over", assignment)).resolve()
    }

    /// The values of a point.
    pub fn point(&self, index: u64) -> Vec<Value> {
        self.points.get(index)
    }

    /// The scenario at a point.
    ///
    /// # Errors
    /// If the values of the point do not go together.
    pub fn loaded(&self, index: u64) -> Result<Loaded, Diagnostic> {
        let point = self.point(index);
        let assignments = self.plan.axes.iter().zip(&point).flat_map(|(axis, value)| axis.assignments(value));
        self.with(assignments)
    }

    /// The cells of a point, by variant, then replicate.
    pub(super) fn cells(&self, loaded: &Loaded) -> Vec<Cell> {
        let name = |(variant, trial): (usize, Trial)| {
            let mut hasher = Hasher::default();
            for part in [&*trial.hash(), &self.plan.version, &self.plan.commit] {
                hasher.update(part.as_bytes());
                hasher.update(b"\n");
            }
            for input in &loaded.variants[variant].inputs {
                hasher.update(input.hash.as_bytes());
            }
            Cell { variant, trial, name: hasher.finish() }
        };
        trials(loaded).into_iter().map(name).collect()
    }
}

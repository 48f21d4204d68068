//! The suites, and how one is played.

use crate::error::ValidateError;
use crate::report::Report;
use crate::{coldstart, controllers, hpa, queueing, serving, spot};
use flashcrowd_profiles::Library;
use std::path::{Path, PathBuf};

/// Which reference data the files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Recorded reconciles of the Kubernetes HPA, one scenario or function row a line.
    Hpa,
    /// Recorded decisions of other autoscalers, one scenario or decision a line.
    Controllers,
    /// Analytic results of queueing theory, one JSON document.
    Queueing,
    /// Measured latency of real engines, one point a row.
    Serving,
    /// What came of spot policies on recorded markets, one JSON document.
    Spot,
    /// Measured loads of weights and starts of engines.
    Coldstart,
}

impl Suite {
    /// All suites.
    pub const ALL: [Suite; 6] =
        [Suite::Hpa, Suite::Controllers, Suite::Queueing, Suite::Serving, Suite::Spot, Suite::Coldstart];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::Hpa => "hpa",
            Suite::Controllers => "controllers",
            Suite::Queueing => "queueing",
            Suite::Serving => "serving",
            Suite::Spot => "spot",
            Suite::Coldstart => "coldstart",
        }
    }

    /// The suite of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Suite::ALL.into_iter().find(|suite| suite.name() == name)
    }
}

/// Plays reference files and compares. `progress` is called now and then with what is being played.
///
/// # Errors
/// If there is no file, or one is unreadable, empty or of another form.
pub fn run(suite: Suite, files: &[PathBuf], progress: &mut dyn FnMut(&str)) -> Result<Report, ValidateError> {
    if files.is_empty() {
        return Err(ValidateError::new(suite.name(), None, "no reference file was given"));
    }
    match suite {
        Suite::Hpa => hpa::run(files, progress),
        Suite::Controllers => controllers::run(files, progress),
        Suite::Queueing => queueing::run(files, progress),
        Suite::Serving => serving::run(files, Library::shipped(), progress),
        Suite::Spot => spot::run(files, None, progress),
        Suite::Coldstart => coldstart::run(files, progress),
    }
}

/// Plays replays of spot policies on the recorded markets under a folder.
///
/// # Errors
/// If there is no file, or one is unreadable, empty or of another form.
pub fn spot_with(
    files: &[PathBuf],
    traces: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, ValidateError> {
    if files.is_empty() {
        return Err(ValidateError::new(Suite::Spot.name(), None, "no reference file was given"));
    }
    spot::run(files, traces, progress)
}

/// Plots of measured against simulated values, as SVG: file names and texts. Only the serving suite
/// lists its values.
pub fn plots(report: &Report) -> Vec<(String, String)> {
    serving::plots(report)
}

/// Plays reference files of serving with these profiles instead of the shipped ones.
///
/// # Errors
/// If there is no file, or one is unreadable, empty or of another form.
pub fn serving_with(
    files: &[PathBuf],
    profiles: &Library,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, ValidateError> {
    if files.is_empty() {
        return Err(ValidateError::new(Suite::Serving.name(), None, "no reference file was given"));
    }
    serving::run(files, profiles, progress)
}

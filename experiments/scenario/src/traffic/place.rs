//! Where traffic stands: what generators lean on, and what becomes of them.

use super::client::Client;
use crate::files::Files;
use crate::part::Port;
use crate::settings::Notes;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::{ArrivalSource, SourceError};
use flashcrowd_core::traffic::Traffic;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_language::words::{count, duration};
use flashcrowd_language::{Diagnostic, SizeDistribution};
use flashcrowd_workloads::ParameterError;
use flashcrowd_workloads::traffic::requests::{RequestDistributions, Until};
use flashcrowd_workloads::traffic::trace::{BlockIndex, Recording, TraceOptions, TraceSummary};
use std::fmt::{Debug, Write as _};
use std::sync::Arc;

/// The port of generators.
pub(crate) enum Generators {}

impl Port for Generators {
    type Place<'n, 'd: 'n> = Place<'n, 'd>;
    type Made = Arc<dyn Source>;
}

/// Where a generator stands.
pub(crate) struct Place<'n, 'd> {
    pub(crate) notes: &'n mut Notes<'d>,
    pub(crate) files: &'n mut Files,
    pub(crate) path: String,
    /// The traffic's name.
    pub(crate) name: &'n str,
    /// What traffic is multiplied by.
    pub(crate) load: f64,
}

impl Place<'_, '_> {
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// Makes arrivals once, so that parameters that make no sense are refused before anything runs.
    pub(super) fn try_out<T>(
        &self,
        make: impl FnOnce(Until, Seed, &str) -> Result<T, ParameterError>,
    ) -> Result<(), Diagnostic> {
        match make(Until::default(), Seed::new(0), self.name) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.notes.error(&self.path, error.to_string())),
        }
    }
}

/// What all traffic has: whom it calls, and how its client behaves.
pub(crate) trait Called {
    /// The name of the service or route that is called, if it is said.
    fn service(&self) -> Option<&str>;

    /// How the client behaves, if that is said.
    fn client(&self) -> Option<&Client>;
}

/// Says that fields of these names have it.
macro_rules! called {
    ($traffic:ident) => {
        impl crate::traffic::place::Called for $traffic {
            fn service(&self) -> Option<&str> {
                self.service.as_deref()
            }

            fn client(&self) -> Option<&crate::traffic::client::Client> {
                self.client.as_ref()
            }
        }
    };
}

pub(crate) use called;

/// Where requests come from: plain data that can be opened anew for each replicate.
pub trait Source: Debug + Send + Sync {
    /// At its start.
    ///
    /// # Errors
    /// A trace that can no longer be read.
    fn open(&self, seed: Seed, horizon: SimTime, label: &str) -> Result<Traffic, SourceError>;

    /// Requests that are to be expected within `horizon_s`; for users, if service took no time.
    fn expected_requests(&self, horizon_s: f64) -> f64;

    /// The distributions of tokens, unless each request brings its own.
    fn distributions(&self) -> Option<&RequestDistributions>;

    /// Users that are there at once.
    fn users(&self) -> u32 {
        0
    }

    /// The shortest mean time between changes of its own that are no requests.
    fn shortest_change(&self) -> Option<SimDuration> {
        None
    }

    /// The recorded trace that it plays.
    fn trace(&self) -> Option<&TraceFile> {
        None
    }
}

/// Arrivals of an open loop, of parameters that were tried out.
pub(super) fn arrivals<S: ArrivalSource + 'static>(
    make: impl FnOnce(Until, Seed, &str) -> Result<S, ParameterError>,
    seed: Seed,
    horizon: SimTime,
    label: &str,
) -> Result<Traffic, SourceError> {
    let source = make(Until { until: horizon, count: u64::MAX }, seed, label).map_err(|error| SourceError {
        place: format!("traffic.{label}").into(),
        message: error.to_string(),
        hint: None,
    })?;
    Ok(Traffic::Open(Box::new(source)))
}

/// Distributions of tokens.
pub(super) fn distributions(
    prompt: Option<&SizeDistribution>,
    output: Option<&SizeDistribution>,
) -> RequestDistributions {
    RequestDistributions {
        prompt: prompt.map(|law| law.distribution().clone()),
        output: output.map(|law| law.distribution().clone()),
        service: None,
    }
}

/// A recorded trace that was read through once.
#[derive(Clone, Debug)]
pub struct TraceFile {
    /// The file, as the scenario writes it.
    pub shown: String,
    /// Where its rows come from.
    pub recording: Recording,
    /// How it is played.
    pub options: TraceOptions,
    /// What it holds.
    pub summary: TraceSummary,
    /// Its blocks, if each replicate draws its own.
    pub blocks: Option<Arc<BlockIndex>>,
    /// What no column says, though an engine of tokens would have to know it.
    pub lacks: Option<&'static str>,
}

impl TraceFile {
    /// What is played of which file, in a line.
    pub fn words(&self) -> String {
        let TraceSummary { rows, dropped, left_out, span, starts_at, .. } = self.summary;
        let mut words = format!("{} rows of `{}` over {}", count(rows), self.shown, duration(span.as_s_f64()));
        if let Some(starts_at) = starts_at {
            let _ = write!(words, " from {starts_at}");
        }
        if let Recording::Held(table) = &self.recording {
            let _ = write!(words, ", times in {}", table.form().words());
            if table.late_rows() > 0 {
                let _ = write!(words, ", {} put into the order of time", count(table.late_rows()));
            }
        }
        for (rows, why) in [(left_out, "left out by `where`"), (dropped, "bad")] {
            if rows > 0 {
                let _ = write!(words, ", {} {why}", count(rows));
            }
        }
        words
    }

    /// How long it plays.
    pub fn plays_for(&self) -> SimDuration {
        let whole = self.summary.period().as_s_f64() * f64::from(self.options.repeat - 1);
        SimDuration::from_s_f64((whole + self.summary.span.as_s_f64()) * self.options.time_scale)
    }
}

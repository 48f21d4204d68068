//! What a synthetic request asks for, and when a synthetic source ends.

use crate::ParameterError;
use flashcrowd_core::clock::{Distribution, Seed, SimTime, Stream};
use flashcrowd_core::ports::Arrival;

/// The laws of synthetic requests. A quantity without a law is not drawn: the request has zero
/// tokens, and the service's own law of service times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestDistributions {
    /// Prompt length in tokens; each draw is rounded, to 1 at least.
    pub prompt: Option<Distribution>,
    /// Output length in tokens; each draw is rounded, to 1 at least.
    pub output: Option<Distribution>,
    /// Service time in seconds.
    pub service: Option<Distribution>,
}

/// When a source ends: with the first arrival that is not before `until`, or after `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// No arrival at or after this instant.
    pub until: SimTime,
    /// The largest number of arrivals.
    pub count: u64,
}

impl Default for Until {
    /// Never.
    fn default() -> Self {
        Until { until: SimTime::MAX, count: u64::MAX }
    }
}

/// Draws what requests ask for, each quantity from its own stream.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    prompt: Option<(Distribution, Stream)>,
    output: Option<(Distribution, Stream)>,
    service: Option<(Distribution, Stream)>,
    until: Until,
    sent: u64,
}

impl Requests {
    pub(crate) fn new(
        laws: &RequestDistributions,
        until: Until,
        seed: Seed,
        label: &str,
    ) -> Result<Self, ParameterError> {
        let drawn = |law: &Option<Distribution>, what: &str| match law {
            Some(law) => {
                let checked = law
                    .check()
                    .map_err(|error| ParameterError::new(format!("{} of the {what} law", error.what), error.expected));
                checked.map(|()| Some((law.clone(), seed.stream(&format!("{label}/{what}")))))
            }
            None => Ok(None),
        };
        Ok(Requests {
            prompt: drawn(&laws.prompt, "prompt")?,
            output: drawn(&laws.output, "output")?,
            service: drawn(&laws.service, "service")?,
            until,
            sent: 0,
        })
    }

    /// Whether the source has sent all it may.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.sent >= self.until.count
    }

    /// The instant after which nothing comes, in picoseconds.
    #[inline]
    pub(crate) fn end_ps(&self) -> u64 {
        self.until.until.as_ps()
    }

    /// The request that is sent at `at_ps`, or `None` once the source has ended.
    #[inline]
    pub(crate) fn at(&mut self, at_ps: u64) -> Option<Arrival> {
        if at_ps >= self.end_ps() || self.is_over() {
            // The end is final, whatever is asked later.
            self.sent = self.until.count;
            return None;
        }
        self.sent += 1;
        Some(Arrival {
            at: SimTime::from_ps(at_ps),
            prompt_tokens: tokens(&mut self.prompt),
            output_tokens: tokens(&mut self.output),
            service_time: self.service.as_mut().map(|(law, stream)| law.sample_duration(stream)),
        })
    }
}

/// A rounded draw. Adding half and truncating rounds as `round` does, without a call, from a half on;
/// what is less is 1 either way. `as` maps NaN to 0 and saturates.
#[inline]
fn tokens(drawn: &mut Option<(Distribution, Stream)>) -> u32 {
    match drawn {
        Some((law, stream)) => ((law.sample(stream) + 0.5) as u32).max(1),
        None => 0,
    }
}

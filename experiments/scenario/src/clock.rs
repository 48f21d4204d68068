//! When a run begins by the clock on the wall: as the scenario says, as its trace was recorded, or on a
//! Monday.

use crate::settings::Notes;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::clock::WallClock;

/// What is known of the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    given: Option<WallClock>,
}

const PATH: &str = "starts_at";

impl Clock {
    /// Reads `starts_at`.
    pub(crate) fn new(notes: &mut Notes<'_>, given: Option<&str>) -> Result<Self, Diagnostic> {
        let Some(text) = given else { return Ok(Clock::default()) };
        let start = text.parse().map_err(|_| {
            let error = notes.error(PATH, format!("`{text}` is no instant"));
            error
                .with_label("expected a date, a time and an offset")
                .with_help("such as `starts_at: \"2026-03-02T00:00:00Z\"`")
        })?;
        notes.given(PATH, text);
        Ok(Clock { given: Some(WallClock::new(start)) })
    }

    /// When the run begins, if that is known.
    pub(crate) fn known(&self) -> Option<WallClock> {
        self.given
    }

    /// When the run begins, for somebody who reads the clock; says so if it is assumed.
    pub(crate) fn read(&self, notes: &mut Notes<'_>) -> WallClock {
        self.given.unwrap_or_else(|| {
            let clock = WallClock::default();
            if !notes.settings.iter().any(|setting| setting.path == PATH) {
                let text = clock.start().to_string();
                notes.assume(PATH, &text, format!("\"{text}\""), "a Monday: nothing says when the run begins");
            }
            clock
        })
    }
}

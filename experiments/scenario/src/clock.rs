//! When a run begins by the clock on the wall: as the scenario says, as its trace was recorded, or on a
//! Monday.

use crate::settings::Notes;
use flashcrowd_language::Diagnostic;
use flashcrowd_policies::clock::WallClock;

/// What is known of the beginning.
#[derive(Clone, Copy)]
pub(crate) struct Clock<'a> {
    given: Option<WallClock>,
    /// When the earliest of the scenario's traces was recorded, if they say so; asked only if somebody reads the
    /// clock, since the traces are read for it.
    recorded: &'a dyn Fn() -> Option<WallClock>,
}

const PATH: &str = "starts_at";

impl<'a> Clock<'a> {
    /// Reads `starts_at`.
    pub(crate) fn new(
        notes: &mut Notes<'_>,
        given: Option<&str>,
        recorded: &'a dyn Fn() -> Option<WallClock>,
    ) -> Result<Self, Diagnostic> {
        let Some(text) = given else { return Ok(Clock { given: None, recorded }) };
        let start = text.parse().map_err(|_| {
            let error = notes.error(PATH, format!("`{text}` is no instant"));
            error
                .with_label("expected a date, a time and an offset")
                .with_help("such as `starts_at: \"2026-03-02T00:00:00Z\"`")
        })?;
        notes.given(PATH, text);
        Ok(Clock { given: Some(WallClock::new(start)), recorded })
    }

    /// When the run begins, if that is known.
    pub(crate) fn known(&self) -> Option<WallClock> {
        self.given
    }

    /// When the run begins, for somebody who reads the clock; says so if it is assumed.
    pub(crate) fn read(&self, notes: &mut Notes<'_>) -> WallClock {
        if let Some(given) = self.given {
            return given;
        }
        let recorded = (self.recorded)();
        let clock = recorded.unwrap_or_default();
        if !notes.settings.iter().any(|setting| setting.path == PATH) {
            let text = clock.start().to_string();
            let written = format!("\"{text}\"");
            if recorded.is_some() {
                notes.default_as(PATH, &text, &written, "when the trace was recorded");
            } else {
                notes.assume(PATH, &text, written, "a Monday: nothing says when the run begins");
            }
        }
        clock
    }
}

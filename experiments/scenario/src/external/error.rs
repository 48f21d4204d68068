//! What can go wrong with a policy's process and with what it answers.

use super::process::MAX_LINE;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// What to do with output that is no answer.
const LOGS: &str = "print logs to stderr: stdout is for answers";

/// Why a policy's process gave no decision.
#[derive(Debug, thiserror::Error)]
pub(super) enum PolicyProcessError {
    /// A configuration without a program.
    #[error("no program is given")]
    NoProgram,
    /// A program that could not be started.
    #[error("`{program}` could not be started: {error}")]
    Start { program: String, error: io::Error },
    /// A process without pipes.
    #[error("`{program}` has no standard input and output")]
    NoPipes { program: String },
    /// A line before or after the one that was asked for.
    #[error(
        "it wrote a line that nobody asked for; expected one answer to each observation; {LOGS}\n  it wrote: {}",
        shortened(.line)
    )]
    Unasked { line: String },
    /// More output behind an answer, which is not a line either.
    #[error("it wrote more than one line; {LOGS}")]
    SeveralLines,
    /// Output before it was asked, which is not a line.
    #[error("it wrote {0}")]
    WroteNoLine(NoLine),
    /// An answer that is not a line.
    #[error("it answered {0}")]
    AnsweredNoLine(NoLine),
    /// No answer within its limit.
    #[error("no answer within {} s (`time_limit`)", .limit.as_secs_f64())]
    Late { limit: Duration },
    /// A process that has ended.
    #[error("the process ended ({status}) before it answered")]
    Ended { status: ExitStatus },
    /// A process that lives on and cannot be talked to.
    #[error("the process closed its pipes before it answered")]
    PipesClosed,
    /// A line that is not a decision.
    #[error("its answer is no decision: {error}\n  it answered: {}", shortened(.line))]
    NoDecision { error: DecisionError, line: String },
}

/// Output that is not a line of text.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoLine {
    /// A line without end.
    #[error("a line of more than {MAX_LINE} bytes")]
    TooLong,
    /// Bytes that are not UTF-8.
    #[error("a line that is no text in UTF-8")]
    NotUtf8,
    /// A pipe that cannot be read.
    #[error(transparent)]
    Unreadable(io::Error),
}

/// Why a line is not a decision.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecisionError {
    /// A line that is not JSON.
    #[error("{0}; expected a JSON object in one line; {LOGS}")]
    NoJson(serde_json::Error),
    /// JSON that is not an object.
    #[error("expected an object such as {{\"actions\": []}}; {LOGS}")]
    NoObject,
    /// Fields or values that a decision does not have.
    #[error(transparent)]
    Fields(serde_json::Error),
    /// An object that has nothing of a decision, such as a line of a log in JSON.
    #[error("{0}; {LOGS}")]
    OtherObject(serde_json::Error),
    /// A wake-up outside simulated time.
    #[error("`next_wake_s` is {at_s}: expected a time")]
    WakeNoTime { at_s: f64 },
    /// A wake-up in the past.
    #[error("`next_wake_s` is {at_s}: expected later than now, {now_s}")]
    WakePast { at_s: f64, now_s: f64 },
    /// A wake-up that would come too soon.
    #[error("`next_wake_s` is {at_s}: expected at least a millisecond later than now, {now_s}")]
    WakeTooSoon { at_s: f64, now_s: f64 },
    /// An action that does not say which of several targets it is for.
    #[error("`target` is missing, and there are several")]
    MissingTarget,
    /// A target that does not exist.
    #[error("there is no target `{name}`: expected {}", .known.join(", "))]
    UnknownTarget { name: String, known: Vec<String> },
    /// A zone of no region.
    #[error("`zone` without `region`")]
    ZoneWithoutRegion,
    /// A mode that does not exist.
    #[error("there is no mode `{0}`: expected serve or proxy")]
    UnknownMode(String),
    /// A market that does not exist.
    #[error("there is no market `{0}`: expected on_demand, reserved or spot")]
    UnknownMarket(String),
}

/// A line as messages show it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 200;
    let text = text.trim_end();
    let cut = if text.chars().nth(SHOWN).is_some() { "..." } else { "" };
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown}{cut}")
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_answers_are_shortened_at_a_character() {
        assert_eq!(shortened("short\n"), "short");
        assert_eq!(shortened(&"ä".repeat(201)), format!("{}...", "ä".repeat(200)));
        assert_eq!(shortened(&"a".repeat(200)), "a".repeat(200));
    }
}

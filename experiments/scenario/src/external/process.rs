//! A policy's process: a line in, a line out, within a limit of time.
//!
//! Two threads of its own stand at its pipes, since neither can be waited for with a limit of
//! time: a process that does not read would otherwise stop us as one that does not answer.

use super::group::Group;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Longest line that a policy may answer.
const MAX_LINE: u64 = 1 << 20;

/// How long it may take to leave once it is told nothing more.
const FAREWELL: Duration = Duration::from_millis(500);

/// What comes from the process.
#[derive(Debug)]
enum Heard {
    /// A line, and whether more of its output had arrived with it.
    Line { text: String, more: bool },
    /// Output that is no line.
    Nonsense(String),
    /// Its output is closed, or it reads no more.
    Ended,
}

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    group: Group,
    /// Lines to be written; `None` once it is told nothing more.
    questions: Option<Sender<String>>,
    heard: Receiver<Heard>,
}

impl Process {
    /// Starts `program` in `folder`.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(super) fn start(program: &[String], folder: &Path) -> Result<Self, String> {
        let (name, args) = program.split_first().ok_or("no program is given")?;
        let mut command = Command::new(name);
        command.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut group = Group::start(command).map_err(|error| format!("`{name}` could not be started: {error}"))?;
        let (Some(input), Some(output)) = group.pipes() else {
            return Err(format!("`{name}` has no standard input and output"));
        };
        let (tell, heard) = channel();
        let (questions, to_write) = channel();
        let deaf = tell.clone();
        beside(move || listen(output, &tell));
        beside(move || write(input, &to_write, &deaf));
        Ok(Process { group, questions: Some(questions), heard })
    }

    /// Sends a line and waits for the next.
    ///
    /// # Errors
    /// If the process has ended, is late, answers what is no line, or has said more than it was asked.
    pub(super) fn ask(&mut self, line: &str, limit: Duration) -> Result<String, String> {
        match self.heard.try_recv() {
            Ok(Heard::Line { text, .. }) => return Err(unasked(&text)),
            Ok(Heard::Nonsense(what)) => return Err(format!("it wrote {what}")),
            Ok(Heard::Ended) => return Err(self.ended()),
            Err(_) => {}
        }
        let sent = self.questions.as_ref().is_some_and(|questions| questions.send(format!("{line}\n")).is_ok());
        if !sent {
            return Err(self.ended());
        }
        match self.heard.recv_timeout(limit) {
            Ok(Heard::Line { text, more: false }) => Ok(text),
            Ok(Heard::Line { .. }) => Err(match self.heard.recv_timeout(limit) {
                Ok(Heard::Line { text, .. }) => unasked(&text),
                _ => "it wrote more than one line".to_owned(),
            }),
            Ok(Heard::Nonsense(what)) => Err(format!("it answered {what}")),
            Ok(Heard::Ended) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} s (`time_limit`)", limit.as_secs_f64())),
        }
    }

    /// Tells it nothing more and listens until it has left, for a moment.
    ///
    /// # Errors
    /// If it says what nobody asked: then its answers were not those to the questions.
    pub(super) fn farewell(&mut self) -> Result<(), String> {
        self.questions = None;
        match self.heard.recv_timeout(FAREWELL) {
            Ok(Heard::Line { text, .. }) => Err(unasked(&text)),
            _ => Ok(()),
        }
    }

    fn ended(&mut self) -> String {
        // It closed its output: give it a moment to leave, then take what it says.
        for _ in 0..50 {
            match self.group.ended() {
                Ok(Some(status)) => return format!("the process ended ({status}) before it answered"),
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
        "the process closed its pipes before it answered".to_owned()
    }
}

fn unasked(text: &str) -> String {
    let shown = shortened(text);
    format!(
        "it wrote a line that nobody asked for; expected one answer to each observation; print logs to stderr\n  it wrote: {shown}"
    )
}

/// A line as messages show it.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 200;
    let text = text.trim_end();
    let cut = if text.chars().nth(SHOWN).is_some() { "..." } else { "" };
    let shown: String = text.chars().take(SHOWN).collect();
    format!("{shown}{cut}")
}

/// Runs `work` on a thread that waits for a pipe.
fn beside(work: impl FnOnce() + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "waits for a pipe; what it reads is handed over in order")]
    std::thread::spawn(work);
}

fn listen(output: ChildStdout, tell: &Sender<Heard>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let heard = match (&mut output).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) => Heard::Ended,
            Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == MAX_LINE => {
                Heard::Nonsense(format!("a line of more than {MAX_LINE} bytes"))
            }
            Ok(_) => match String::from_utf8(line) {
                Ok(text) => Heard::Line { text, more: !output.buffer().is_empty() },
                Err(_) => Heard::Nonsense("a line that is no text in UTF-8".to_owned()),
            },
            Err(error) => Heard::Nonsense(error.to_string()),
        };
        let last = !matches!(heard, Heard::Line { .. });
        if tell.send(heard).is_err() || last {
            break;
        }
    }
}

/// Writes what is to be asked; its end closes the process's input.
fn write(mut input: ChildStdin, lines: &Receiver<String>, tell: &Sender<Heard>) {
    while let Ok(line) = lines.recv() {
        if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
            let _ = tell.send(Heard::Ended);
            break;
        }
    }
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

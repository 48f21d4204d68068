//! A policy's process: a line in, a line out, within a limit of time.
//!
//! Two threads of its own stand at its pipes, since neither can be waited for with a limit of
//! time: a process that does not read would otherwise stop us as one that does not answer.

use super::error::{NoLine, PolicyProcessError as Error};
use super::group::Group;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Longest line that a policy may answer.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// How long the process may take to exit once its input is closed.
const FAREWELL: Duration = Duration::from_millis(500);

/// What comes from the process.
#[derive(Debug)]
enum Heard {
    /// A line, and whether more of its output had arrived with it.
    Line { text: String, more: bool },
    /// Output that is not a line.
    NoLine(NoLine),
    /// Its output is closed, or it reads no more.
    Ended,
}

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    group: Group,
    /// Lines to be written; `None` once its input is closed.
    questions: Option<Sender<String>>,
    heard: Receiver<Heard>,
}

impl Process {
    /// Starts `program` in `folder`.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(super) fn start(program: &[String], folder: &Path) -> Result<Self, Error> {
        let (name, args) = program.split_first().ok_or(Error::NoProgram)?;
        let mut command = Command::new(name);
        command.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let start = |error| Error::Start { program: name.clone(), error };
        let mut group = Group::start(command).map_err(start)?;
        let (Some(input), Some(output)) = group.pipes() else {
            return Err(Error::NoPipes { program: name.clone() });
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
    /// If the process has ended, is late, writes something that is not a line, or writes more lines
    /// than it was asked for.
    pub(super) fn ask(&mut self, line: &str, limit: Duration) -> Result<String, Error> {
        match self.heard.try_recv() {
            Ok(Heard::Line { text, .. }) => return Err(Error::Unasked { line: text }),
            Ok(Heard::NoLine(what)) => return Err(Error::WroteNoLine(what)),
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
                Ok(Heard::Line { text, .. }) => Error::Unasked { line: text },
                _ => Error::SeveralLines,
            }),
            Ok(Heard::NoLine(what)) => Err(Error::AnsweredNoLine(what)),
            Ok(Heard::Ended) | Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
            Err(RecvTimeoutError::Timeout) => Err(Error::Late { limit }),
        }
    }

    /// Closes its input and waits a moment for it to exit.
    ///
    /// # Errors
    /// If it writes a line without a question: then its earlier answers were answers to other
    /// questions.
    pub(super) fn farewell(&mut self) -> Result<(), Error> {
        self.questions = None;
        match self.heard.recv_timeout(FAREWELL) {
            Ok(Heard::Line { text, .. }) => Err(Error::Unasked { line: text }),
            _ => Ok(()),
        }
    }

    fn ended(&mut self) -> Error {
        // The process closed its output: wait a moment for it to exit, so that its status can be
        // reported.
        for _ in 0..50 {
            match self.group.ended() {
                Ok(Some(status)) => return Error::Ended { status },
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
        Error::PipesClosed
    }
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
            Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == MAX_LINE => Heard::NoLine(NoLine::TooLong),
            Ok(_) => match String::from_utf8(line) {
                Ok(text) => Heard::Line { text, more: !output.buffer().is_empty() },
                Err(_) => Heard::NoLine(NoLine::NotUtf8),
            },
            Err(error) => Heard::NoLine(NoLine::Unreadable(error)),
        };
        let last = !matches!(heard, Heard::Line { .. });
        if tell.send(heard).is_err() || last {
            break;
        }
    }
}

/// Writes the questions; when the channel ends, so does the input of the process.
fn write(mut input: ChildStdin, lines: &Receiver<String>, tell: &Sender<Heard>) {
    while let Ok(line) = lines.recv() {
        if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
            let _ = tell.send(Heard::Ended);
            break;
        }
    }
}

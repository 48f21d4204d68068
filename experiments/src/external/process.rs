//! A policy's process: a line in, a line out, within a limit of time.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Longest line that a policy may answer.
const MAX_LINE: u64 = 1 << 20;

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<Result<String, String>>,
}

impl Process {
    /// Starts `program` in `folder`.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(super) fn start(program: &[String], folder: &PathBuf) -> Result<Self, String> {
        let (name, args) = program.split_first().ok_or("no program is given")?;
        let mut command = Command::new(name);
        command.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("`{name}` could not be started: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("`{name}` has no standard input and output"));
        };
        let (send, lines) = channel();
        // A reader of its own, since a pipe cannot be read with a limit of time.
        #[expect(clippy::disallowed_methods, reason = "waits for a pipe; what it reads is handed over in order")]
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            loop {
                let mut line = Vec::new();
                let read = (&mut output).take(MAX_LINE).read_until(b'\n', &mut line);
                let line = match read {
                    Ok(0) => break,
                    Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == MAX_LINE => {
                        Err(format!("a line of more than {MAX_LINE} bytes"))
                    }
                    Ok(_) => String::from_utf8(line).map_err(|_| "a line that is no text in UTF-8".to_owned()),
                    Err(error) => Err(error.to_string()),
                };
                let last = line.is_err();
                if send.send(line).is_err() || last {
                    break;
                }
            }
        });
        Ok(Process { child, input, lines })
    }

    /// Sends a line and waits for the next.
    ///
    /// # Errors
    /// If the process has ended, is late, or answers what is no line.
    pub(super) fn ask(&mut self, line: &str, limit: Duration) -> Result<String, String> {
        let sent = self.input.write_all(line.as_bytes()).and_then(|()| self.input.write_all(b"\n"));
        if sent.and_then(|()| self.input.flush()).is_err() {
            return Err(self.ended());
        }
        match self.lines.recv_timeout(limit) {
            Ok(line) => line.map_err(|error| format!("it answered {error}")),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} s", limit.as_secs_f64())),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> String {
        // It closed its output: give it a moment to leave, then take what it says.
        for _ in 0..50 {
            match self.child.try_wait() {
                Ok(Some(status)) => return format!("the process ended ({status}) before it answered"),
                Ok(None) => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => break,
            }
        }
        "the process closed its output before it answered".to_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may wait for a next line for ever; errors mean that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

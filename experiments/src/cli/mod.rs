//! The `flashcrowd` command.
//!
//! Results go to stdout, progress and messages to stderr. Exit codes: 0 fine (a missed SLO is a
//! result), 1 internal fault or results that could not be printed, 2 usage or input error, 3 an assertion, a `--strict` SLO or a
//! validation failed.

mod args;
mod commands;
mod fit;
mod play;
mod replay;
mod test;

use crate::registry::Registry;
use crate::results::ExportError;
use crate::scenario::language::Diagnostic;
use crate::scenario::resolve::files::plain;
use crate::validate::ValidateError;
use args::{Args, Command};
use clap::Parser;
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

/// Why a command ended without its result.
#[derive(Debug)]
enum Failure {
    /// The user's input: exit code 2.
    Input(Box<Diagnostic>),
    /// The outputs could not be written: exit code 2.
    Export(ExportError),
    /// A reference file: exit code 2.
    Validate(ValidateError),
    /// Nobody reads the output any more.
    Closed,
    /// The results could not be printed: exit code 1.
    Output(io::Error),
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Input(Box::new(diagnostic))
    }
}

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Failure::Export(error)
    }
}

impl From<ValidateError> for Failure {
    fn from(error: ValidateError) -> Self {
        Failure::Validate(error)
    }
}

impl From<io::Error> for Failure {
    /// What is not handled where it happens came from printing.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::Closed } else { Failure::Output(error) }
    }
}

type Outcome = Result<u8, Failure>;

/// Runs the command line of this process, where scenarios may also name the policies of `registry`.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "it is made for this call, and main has no use for it after")]
pub fn main_with(registry: Registry) -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // Help is one of these, and goes to stdout.
        Err(said) => {
            let printed = said.print().and_then(|()| io::stdout().flush());
            let code = u8::try_from(said.exit_code()).unwrap_or(2);
            return ExitCode::from(ended(printed.map(|()| code).map_err(Failure::from)));
        }
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        hook(info);
        let line: Vec<String> = std::env::args().collect();
        say(&format!(
            "internal fault: this is a bug in flashcrowd {} ({}).\nrerun with: {}",
            env!("CARGO_PKG_VERSION"),
            env!("FLASHCROWD_COMMIT"),
            line.join(" ")
        ));
    }));
    // The process ends with what a panic leaves behind: nothing of it is looked at again.
    let work = AssertUnwindSafe(|| dispatch(&args.command, &registry));
    let code = std::panic::catch_unwind(work).unwrap_or(1);
    ExitCode::from(code)
}

fn dispatch(command: &Command, registry: &Registry) -> u8 {
    let outcome = match command {
        Command::Run(args) => play::run(args, registry),
        Command::Compare(args) => play::compare(args, registry),
        Command::Check(args) => commands::check(args, registry),
        Command::Replay(args) => replay::replay(args, registry),
        Command::Test(args) => test::test(args, registry),
        Command::Validate(args) => commands::validate(args),
        Command::Fit(args) => fit::fit(args),
        Command::Policies => commands::policies(registry),
        Command::Figures => commands::figures(),
        Command::Schema(args) => commands::schema(args),
        Command::Completions(args) => commands::completions(args),
    };
    ended(outcome)
}

/// Says why a command ended without its result, and gives its exit code.
fn ended(outcome: Outcome) -> u8 {
    match outcome {
        Ok(code) => code,
        Err(Failure::Input(diagnostic)) => {
            say(&diagnostic.to_string());
            2
        }
        Err(Failure::Export(error)) => {
            say(&format!("error: {error}"));
            2
        }
        Err(Failure::Validate(error)) => {
            say(&format!("error: {error}"));
            2
        }
        // A closed pipe (`| head`) is no error of ours.
        Err(Failure::Closed) => 0,
        // A disk that is full leaves half of the results: whoever reads them must know.
        Err(Failure::Output(error)) => {
            say(&format!("error: the results could not be printed: {}", plain(&error)));
            1
        }
    }
}

/// Talk goes to stderr.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}

/// Data goes to stdout.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

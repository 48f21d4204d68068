//! The `flashcrowd` command.
//!
//! Results go to stdout, progress and messages to stderr. Exit codes: 0 fine (a missed SLO is a
//! result), 1 internal fault or results that could not be printed, 2 usage or input error, 3 an assertion, a `--strict` SLO or a
//! validation failed, 4 shards of a sweep that do not make a whole.

mod args;
mod commands;
mod fit;
mod model;
mod outcome;
mod play;
mod replay;
mod signals;
mod sweep;
mod test;
mod until;

use args::{Args, Command};
use clap::Parser;
use flashcrowd_scenario::Registry;
use outcome::{Failure, ended, say};
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

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
            flashcrowd_results::summary::COMMIT,
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
        Command::Sweep(args) => sweep::sweep(args, registry),
        Command::Check(args) => commands::check(args, registry),
        Command::Replay(args) => replay::replay(args, registry),
        Command::Test(args) => test::test(args, registry),
        Command::Validate(args) => commands::validate(args),
        Command::Fit(args) => fit::fit(args),
        Command::Policies => commands::policies(registry),
        Command::Figures => commands::figures(),
        Command::Model(args) => model::model(args),
        Command::Signals(args) => signals::list(args),
        Command::Schema(args) => commands::schema(args),
        Command::Completions(args) => commands::completions(args),
        Command::Man(args) => commands::man(args),
    };
    ended(outcome)
}

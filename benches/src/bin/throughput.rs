//! `throughput`: requests per CPU-second of the simulator beside bare loops of the same models, or
//! beside engines that play each iteration, as one JSON object.
//!
//! Each row runs in a child process, so that its peak memory is its own.

use clap::Parser;
use flashcrowd_benches::row::{ROWS, measure};
use serde_json::{Map, Value};
use std::process::{Command, ExitCode};

/// Requests per CPU-second of flashcrowd beside bare loops of the same models, as JSON.
#[derive(Parser)]
struct Options {
    /// Requests in each run.
    #[arg(long, default_value_t = 10_000_000)]
    requests: u64,
    /// Runs of each row, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only this row, in this process: `mmc_<slots>`, `cluster_<replicas>`, `cluster_<thousands>k`,
    /// `regions_<regions>`, `llm_<replicas>_b<mean batch>` or `two_engines`.
    #[arg(long)]
    row: Option<String>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
fn main() -> ExitCode {
    let options = Options::parse();
    let rows = match &options.row {
        Some(row) => measure(row, options.requests, options.runs).ok_or_else(|| format!("there is no row {row}")),
        None => all_rows(&options),
    };
    match rows {
        Ok(rows) => println!("{rows:#}"),
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn all_rows(options: &Options) -> Result<Value, String> {
    let mut rows = Map::new();
    for row in ROWS {
        rows.insert(row.to_owned(), in_child(row, options).map_err(|error| format!("{row}: {error}"))?);
    }
    Ok(Value::Object(rows))
}

fn in_child(row: &str, options: &Options) -> Result<Value, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let (requests, runs) = (options.requests.to_string(), options.runs.to_string());
    let output = Command::new(program)
        .args(["--row", row, "--requests", &requests, "--runs", &runs])
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

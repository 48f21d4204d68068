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
    /// `regions_<regions>`, `llm_<replicas>_b<mean batch>`, `moe_<replicas>` or `two_engines`.
    #[arg(long)]
    row: Option<String>,
}

/// Why a row has no result.
#[derive(Debug, thiserror::Error)]
enum RowError {
    /// A name that no row has.
    #[error("there is no row {0}")]
    Unknown(String),
    /// A row that failed in its child process.
    #[error("{row}: {error}")]
    InChild { row: &'static str, error: Box<RowError> },
    /// A child process that ended badly; what it said.
    #[error("{0}")]
    Failed(String),
    /// A child process that could not be started.
    #[error(transparent)]
    Start(#[from] std::io::Error),
    /// A child process that wrote no JSON.
    #[error(transparent)]
    Output(#[from] serde_json::Error),
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
fn main() -> ExitCode {
    let options = Options::parse();
    let rows = match &options.row {
        Some(row) => measure(row, options.requests, options.runs).ok_or_else(|| RowError::Unknown(row.clone())),
        None => all_rows(&options),
    };
    match rows {
        Ok(rows) => println!("{rows:#}"),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn all_rows(options: &Options) -> Result<Value, RowError> {
    let mut rows = Map::new();
    for row in ROWS {
        rows.insert(
            row.to_owned(),
            in_child(row, options).map_err(|error| RowError::InChild { row, error: Box::new(error) })?,
        );
    }
    Ok(Value::Object(rows))
}

fn in_child(row: &str, options: &Options) -> Result<Value, RowError> {
    let program = std::env::current_exe()?;
    let (requests, runs) = (options.requests.to_string(), options.runs.to_string());
    let output = Command::new(program).args(["--row", row, "--requests", &requests, "--runs", &runs]).output()?;
    if !output.status.success() {
        return Err(RowError::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

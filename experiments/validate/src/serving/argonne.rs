//! Static batches of Argonne's LLM-Inference-Bench: vLLM of 2024, A100 of 40 GB (Polaris) and H100 of 80 GB.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Setup, Source, Window, most};
use super::table::{Row, Unread};
use flashcrowd_profiles::{EngineLimits, Precision};

/// Columns of such a table.
pub(super) const COLUMNS: [&str; 7] =
    ["gpu", "num_gpus", "engine", "input_len", "output_len", "batch_size", "latency_s"];

/// A batch, sent at once in the engine's own process; its latency is that of the last request.
pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let known = names::known(row.word("model")?)?;
    let name = row.word("gpu")?;
    // The machine is Polaris, whose A100 have 40 GB.
    let gpu = if name.contains("A100") { names::gpu("A100-40GB")? } else { names::gpu(name)? };
    let requests = row.count("batch_size", most::USERS)?;
    let (prompt, output) = (row.count("input_len", most::TOKENS)?, row.count("output_len", most::TOKENS)?);
    let latency_s = row.positive("latency_s", most::SECONDS)?;
    Ok(Point {
        id: format!("{} {}x{} {prompt}x{output} batch {requests}", known.name, row.text("num_gpus"), gpu.name),
        line: row.line(),
        source: Source::Argonne,
        model: known.name.clone(),
        shaped: None,
        gpu,
        gpus: row.count("num_gpus", most::GPUS)?,
        precision: Precision::Bf16,
        band: if requests == 1 { Band::Sync } else { Band::Batch },
        client: Client::AtOnce { requests },
        window: Window::Requests { count: u64::from(requests), within_s: most::SECONDS },
        prompt: Length::fixed(prompt),
        output: Length::fixed(output),
        limits: EngineLimits { batched_tokens: 8_192, ..EngineLimits::default() },
        setup: Setup { front_end_ms: Some(0.0), lookahead: Some(false), ..Setup::default() },
        measured: vec![(Metric::RequestsPerS, f64::from(requests) / latency_s)],
        unjudged: None,
    })
}

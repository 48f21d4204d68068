//! The Splitwise profile: whole batches of prompts, then their decoding, without a server.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Setup, Source, Window, most};
use super::sweeps::numbers;
use super::table::{Row, Unread, leave_out};
use flashcrowd_profiles::{EngineLimits, Precision};

/// Columns that such a table must have.
pub(super) const COLUMNS: [&str; 8] =
    ["model", "hardware", "tensor_parallel", "prompt_size", "batch_size", "token_size", "prompt_ms", "token_ms"];

pub(super) fn point(row: &Row<'_>) -> Result<Point, Unread> {
    let hardware = row.word("hardware")?;
    if hardware.ends_with("-pcap") {
        return leave_out(format!("hardware {hardware}: derived from other rows, not measured"));
    }
    let model = names::model(row.word("model")?)?;
    let gpu = names::gpu(hardware)?;
    let batch = row.count("batch_size", most::USERS)?;
    let (prompt, output) = (row.count("prompt_size", most::TOKENS)?, row.count("token_size", most::TOKENS)?);
    let gpus = row.count("tensor_parallel", most::GPUS)?;
    let limits = EngineLimits {
        // All prompts in one iteration, as that engine did.
        batched_tokens: prompt.saturating_mul(batch),
        sequences: batch,
        ..EngineLimits::default()
    };
    // Enough cache for exactly this batch, which the measured engine had room for.
    let blocks = u64::from(batch) * u64::from((prompt + output).div_ceil(limits.block_tokens) + 1);
    // Latencies of whole requests are not compared: long outputs ended early there, at lengths that
    // are not recorded.
    let metrics = [(Metric::TtftMean, "prompt_ms"), (Metric::ItlMean, "token_ms")];
    Ok(Point {
        id: format!("{} {hardware} tp{gpus} {prompt}x{output} batch {batch}", row.text("model")),
        line: row.line(),
        source: Source::Splitwise,
        model: model.name.clone(),
        shaped: None,
        gpu,
        gpus,
        precision: Precision::Bf16,
        band: Band::Batch,
        client: Client::AtOnce { requests: batch },
        window: Window::Requests { count: u64::from(batch), within_s: most::SECONDS },
        prompt: Length::fixed(prompt),
        output: Length::fixed(output),
        limits,
        setup: Setup { blocks: Some(blocks), lookahead: Some(false), front_end_ms: Some(0.0), ..Setup::default() },
        measured: numbers(row, &metrics)?,
        unjudged: Some("no limit"),
    })
}

//! Runs of dstack: Llama-3.1-405B in 8 bits, under Poisson load and in static batches.

use super::names;
use super::point::{Band, Client, Length, Metric, Point, Setup, Source, Window, most};
use super::stages::all_of;
use super::sweeps::numbers;
use super::table::{Row, Unread, leave_out};
use flashcrowd_profiles::{EngineLimits, Gpu, Precision};

/// Columns of runs under load.
pub(super) const LOAD: [&str; 6] =
    ["gpu", "num_prompts", "request_rate", "completed", "mean_tpot_ms", "request_throughput"];

/// Columns of static batches.
pub(super) const OFFLINE: [&str; 6] =
    ["gpu", "input_len", "output_len", "batch_size", "elapsed_time", "requests_per_second"];

/// The one model of these tables, which have no column for it.
pub(super) const MODEL: &str = "Llama-3.1-405B";

/// Tokens of an iteration without chunks, where the run does not say it (it may be as much as the
/// longest context); prompts that are longer make it longer.
const WHOLE: u32 = 16_384;

/// `8xMi300x 2FP8-amd`: the number of GPUs, and the copies of the model on them.
pub(super) struct Machine {
    pub(super) gpu: Gpu,
    pub(super) gpus: u32,
    pub(super) replicas: u32,
}

/// The machine of a row.
fn machine(row: &Row<'_>) -> Result<Machine, Unread> {
    let text = row.word("gpu")?;
    let told = || format!("the machine `{text}` is not of the form `8xH100 1FP8`");
    let mut words = text.split_whitespace();
    let (count, gpu) = words.next().and_then(|word| word.split_once('x')).ok_or_else(|| Unread::LeftOut(told()))?;
    let copies = words.next().unwrap_or("1");
    let copies: String = copies.chars().take_while(char::is_ascii_digit).collect();
    let (gpus, replicas): (u32, u32) = match (count.parse(), copies.parse()) {
        (Ok(gpus), Ok(replicas)) if (1..=most::GPUS).contains(&gpus) && replicas >= 1 && gpus % replicas == 0 => {
            (gpus, replicas)
        }
        _ => return leave_out(told()),
    };
    let gpu = names::gpu(gpu)?;
    Ok(Machine { gpu, gpus: gpus / replicas, replicas })
}

/// The limits and semantics that these engines ran with: on NVIDIA chunks of 512 tokens, on AMD
/// whole prompts.
pub(super) fn engine(chunked: bool, tokens: Option<u32>, sequences: u32, replicas: u32) -> (EngineLimits, Setup) {
    let whole = if chunked { EngineLimits::default().batched_tokens } else { WHOLE };
    let limits = EngineLimits { batched_tokens: tokens.unwrap_or(whole), sequences, ..EngineLimits::default() };
    let setup =
        Setup { replicas, chunked_prefill: chunked, prefix_caching: false, lookahead: Some(false), ..Setup::default() };
    (limits, setup)
}

/// What the reference runs had on that GPU.
pub(super) fn usual_engine(gpu: &Gpu, replicas: u32) -> (EngineLimits, Setup) {
    if gpu.name == "MI300X" { engine(false, None, 1024, replicas) } else { engine(true, Some(512), 512, replicas) }
}

/// A run under Poisson load. The table gives mean lengths only: they are drawn exponentially.
pub(super) fn load(row: &Row<'_>) -> Result<Point, Unread> {
    let Machine { gpu, gpus, replicas } = machine(row)?;
    let requests = row.count("num_prompts", most::USERS)?;
    let completed = f64::from(row.count("completed", most::USERS)?);
    let mean = |column| row.positive(column, 1e12).map(|total| Length::Mean((total / completed).max(1.0)));
    let tokens = row.text("max-num-batched-tokens").parse().ok();
    let chunked = row.text("enable-chunked-prefill").eq_ignore_ascii_case("true");
    let sequences = row.count_or("max-num-seqs", most::USERS, EngineLimits::default().sequences)?;
    let (limits, setup) = engine(chunked, tokens, sequences, replicas);
    // Requests without any output are recorded as answered in no time: means of the time to first
    // token hold many zeros and are left out.
    let metrics = [
        (Metric::TpotMean, "mean_tpot_ms"),
        (Metric::ItlMean, "mean_itl_ms"),
        (Metric::RequestsPerS, "request_throughput"),
    ];
    let measured = numbers(row, &metrics)?;
    let (client, band) = if row.text("request_rate") == "inf" {
        (Client::AtOnce { requests }, Band::Batch)
    } else {
        let rate = row.positive("request_rate", most::RATE)?;
        // Sending a tenth more than is answered means that the engine is overloaded.
        let kept_up = row.number("request_throughput")?.is_some_and(|answered| rate <= 1.1 * answered);
        (Client::Poisson { rate }, if kept_up { Band::Unrated } else { Band::Overload })
    };
    Ok(Point {
        id: format!("{} {}/s", row.text("gpu"), row.text("request_rate")),
        line: row.line(),
        source: Source::Dstack,
        model: MODEL.to_owned(),
        shaped: None,
        gpu,
        gpus,
        precision: Precision::Fp8,
        band,
        client,
        window: all_of(f64::from(requests)),
        prompt: mean("total_input_tokens")?,
        output: mean("total_output_tokens")?,
        limits,
        setup,
        measured,
        unjudged: Some("no limit"),
    })
}

/// A static batch, sent at once in the engine's own process.
pub(super) fn offline(row: &Row<'_>) -> Result<Point, Unread> {
    let Machine { gpu, gpus, replicas } = machine(row)?;
    let requests = row.count("batch_size", most::USERS)?;
    let elapsed_s = row.positive("elapsed_time", most::SECONDS)?;
    let (prompt, output) = (row.count("input_len", most::TOKENS)?, row.count("output_len", most::TOKENS)?);
    let (limits, setup) = usual_engine(&gpu, replicas);
    let whole = if setup.chunked_prefill { limits.batched_tokens } else { limits.batched_tokens.max(prompt) };
    let limits = EngineLimits { batched_tokens: whole, ..limits };
    Ok(Point {
        id: format!("{} {prompt}x{output} batch {requests}", row.text("gpu")),
        line: row.line(),
        source: Source::Dstack,
        model: MODEL.to_owned(),
        shaped: None,
        gpu,
        gpus,
        precision: Precision::Fp8,
        band: Band::Batch,
        client: Client::AtOnce { requests },
        window: Window::Requests { count: u64::from(requests), within_s: most::SECONDS },
        prompt: Length::fixed(prompt),
        output: Length::fixed(output),
        limits,
        setup: Setup { front_end_ms: Some(0.0), ..setup },
        measured: vec![(Metric::RequestsPerS, f64::from(requests) / elapsed_s)],
        unjudged: Some("no limit"),
    })
}

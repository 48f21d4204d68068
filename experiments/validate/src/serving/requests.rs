//! Recorded requests, one a line: the same lengths, at the same times where those were recorded.

use super::dstack;
use super::measures::quantile;
use super::names;
use super::point::{Band, Client, Length, Metric, Point, Recorded, Setup, Source, most};
use super::stages::{all_of, lookahead};
use crate::error::ValidateError;
use crate::input::Lines;
use flashcrowd_profiles::{EngineLimits, GPUS, Gpu, Precision};
use serde::Deserialize;
use std::path::Path;

/// One line.
#[derive(Debug, Deserialize)]
struct Line {
    in_tok: u32,
    out_tok: u32,
    ttft_ms: f64,
    e2e_ms: f64,
    #[serde(default)]
    arr_ms: Option<f64>,
    #[serde(default)]
    err: bool,
}

/// The description beside a recording of vLLM, as far as it is used.
#[derive(Debug, Deserialize)]
struct Meta {
    model: String,
    #[serde(default)]
    vllm_version: String,
    #[serde(default)]
    engine_kwargs: Arguments,
    #[serde(default)]
    kv_cache: Option<Cache>,
    #[serde(default)]
    hardware: Option<Hardware>,
}

#[derive(Debug, Default, Deserialize)]
struct Arguments {
    tensor_parallel_size: Option<u32>,
    max_num_seqs: Option<u32>,
    max_num_batched_tokens: Option<u32>,
    quantization: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Cache {
    num_gpu_blocks: Option<u64>,
    block_size: Option<u32>,
    enable_prefix_caching: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Hardware {
    device_name: Option<String>,
}

/// Which engine served a recording.
struct Engine {
    model: String,
    gpu: Gpu,
    gpus: u32,
    precision: Precision,
    limits: EngineLimits,
    setup: Setup,
    /// Requests a second, where their times were not recorded.
    rate: Option<f64>,
}

/// The point of a recording.
pub(super) fn point(path: &Path, text: &str) -> Result<Point, ValidateError> {
    let file = path.display().to_string();
    let lines = lines(&file, text)?;
    let engine = engine(path, &lines)?;
    let requests: Vec<Recorded> = lines.iter().map(recorded).collect();
    let unjudged = unjudged(&engine.gpu, &lines);
    let recorded_times = lines.iter().all(|line| line.arr_ms.is_some());
    let rate = if recorded_times { None } else { engine.rate };
    Ok(Point {
        id: stem(path),
        line: 1,
        source: Source::Requests,
        model: engine.model,
        shaped: None,
        gpu: engine.gpu,
        gpus: engine.gpus,
        precision: engine.precision,
        band: Band::Unrated,
        window: all_of(requests.len() as f64),
        client: Client::Recorded { requests: requests.into(), rate },
        prompt: Length::Mean(1.0),
        output: Length::Mean(1.0),
        limits: engine.limits,
        setup: engine.setup,
        unjudged,
        measured: measured(&lines),
    })
}

/// The lines of a recording in the order of their arrival.
fn lines(file: &str, text: &str) -> Result<Vec<Line>, ValidateError> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |message: String| ValidateError::new(file, Some(index as u64 + 1), message);
        let read: Line = serde_json::from_str(line).map_err(|error| {
            wrong(format!("{error}: expected a request with in_tok, out_tok, ttft_ms, e2e_ms and, where known, arr_ms"))
        })?;
        let times = [read.ttft_ms, read.e2e_ms, read.arr_ms.unwrap_or(0.0)];
        if times.iter().any(|time| !(0.0..=most::VALUE).contains(time)) {
            return Err(wrong(format!("a time is not from 0 to {} ms", most::VALUE)));
        }
        if read.in_tok.max(read.out_tok) > most::TOKENS {
            return Err(wrong(format!("more than {} tokens", most::TOKENS)));
        }
        lines.push(read);
    }
    if lines.is_empty() {
        return Err(ValidateError::new(file, None, "there is no request"));
    }
    lines.sort_by(|a, b| a.arr_ms.unwrap_or(0.0).total_cmp(&b.arr_ms.unwrap_or(0.0)));
    Ok(lines)
}

/// A request without output was answered at once with an end of text, which takes a step, and its
/// client recorded zeros.
fn recorded(line: &Line) -> Recorded {
    Recorded {
        at_s: line.arr_ms.unwrap_or(0.0) / 1e3,
        prompt: line.in_tok.max(1),
        output: line.out_tok.max(1),
        measured: is_measured(line),
    }
}

fn is_measured(line: &Line) -> bool {
    line.out_tok > 0 && line.e2e_ms > 0.0 && !line.err
}

/// A recording is judged if its GPU is one of the catalogue, its times are known, and its engine kept up.
fn unjudged(gpu: &Gpu, lines: &[Line]) -> Option<&'static str> {
    if !GPUS.iter().any(|known| known.name == gpu.name) {
        return Some("no limit: a GPU that the catalogue lacks");
    }
    let arrivals = || lines.iter().filter_map(|line| line.arr_ms);
    let (Some(last), true) = (arrivals().reduce(f64::max), arrivals().count() == lines.len()) else {
        return Some("no limit: times that were not recorded");
    };
    let end = lines.iter().map(|line| line.arr_ms.unwrap_or(0.0) + line.e2e_ms).fold(0.0, f64::max);
    let mut spans: Vec<f64> = lines.iter().map(|line| line.e2e_ms).collect();
    spans.sort_by(f64::total_cmp);
    (end - last > 3.0 * quantile(&spans, 0.5)).then_some("no limit: an engine that did not keep up")
}

fn measured(lines: &[Line]) -> Vec<(Metric, f64)> {
    let kept: Vec<&Line> = lines.iter().filter(|line| is_measured(line)).collect();
    let sorted = |of: &dyn Fn(&Line) -> f64| {
        let mut values: Vec<f64> = kept.iter().map(|line| of(line)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let (e2e, ttft) = (sorted(&|line| line.e2e_ms), sorted(&|line| line.ttft_ms));
    let gaps: f64 = kept.iter().map(|line| f64::from(line.out_tok - 1)).sum();
    let gap_ms: f64 = kept.iter().map(|line| line.e2e_ms - line.ttft_ms).sum();
    let all = [
        (Metric::E2eMean, mean(&e2e)),
        (Metric::E2eP50, quantile(&e2e, 0.5)),
        (Metric::E2eP99, quantile(&e2e, 0.99)),
        (Metric::ItlMean, gap_ms / gaps.max(1.0)),
        (Metric::TtftMean, mean(&ttft)),
        (Metric::TtftP50, quantile(&ttft, 0.5)),
        (Metric::TtftP99, quantile(&ttft, 0.99)),
    ];
    all.into_iter().filter(|(_, value)| *value > 0.0).collect()
}

/// The file's name without its endings.
fn stem(path: &Path) -> String {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".jsonl").unwrap_or(name).to_owned()
}

/// The description beside it; without one, what its name says of a run of dstack.
fn engine(path: &Path, lines: &[Line]) -> Result<Engine, ValidateError> {
    let stem = stem(path);
    let meta = path.with_file_name(format!("{stem}.meta.json"));
    if meta.is_file() {
        return described(&meta, &stem);
    }
    let words: Vec<&str> = stem.split('_').collect();
    let rate = words.iter().find_map(|word| word.strip_suffix("qps")?.parse().ok());
    let gpu = words.iter().find_map(|word| names::gpu(word).ok());
    let known_load = rate.is_some_and(|rate| (f64::MIN_POSITIVE..=most::RATE).contains(&rate))
        || lines.iter().all(|line| line.arr_ms.is_some());
    match gpu {
        Some(gpu) if words.contains(&"dstack") && known_load => {
            let (limits, setup) = dstack::usual_engine(&gpu, 1);
            let (model, precision) = (dstack::MODEL.to_owned(), Precision::Fp8);
            Ok(Engine { model, gpu, gpus: 8, precision, limits, setup, rate })
        }
        _ => Err(ValidateError::new(
            &path.display().to_string(),
            None,
            format!(
                "it is not known which engine served these requests: expected its description in {stem}.meta.json \
                 beside it (model, engine_kwargs, kv_cache, hardware), or a name such as perreq_dstack_h100_16qps.jsonl"
            ),
        )),
    }
}

fn described(path: &Path, stem: &str) -> Result<Engine, ValidateError> {
    let file = path.display().to_string();
    let wrong = |message: String| ValidateError::new(&file, None, message);
    let text = Lines::open(path)?.document()?;
    let meta: Meta = serde_json::from_str(&text)
        .map_err(|error| ValidateError::new(&file, Some(error.line() as u64), error.to_string()))?;
    let model = names::model(&meta.model).map_err(|error| wrong(error.to_string()))?;
    // A recording on several GPUs may not name them; its file does.
    let named = meta.hardware.and_then(|hardware| hardware.device_name);
    let gpu = match &named {
        Some(name) => names::gpu(name).map_err(|error| wrong(error.to_string()))?,
        None => stem
            .split('_')
            .find_map(|word| names::gpu(word).ok())
            .ok_or_else(|| wrong("`hardware.device_name` is empty, and the file's name has no GPU".to_owned()))?,
    };
    let vllm = EngineLimits::default();
    let arguments = meta.engine_kwargs;
    let cache = meta.kv_cache.as_ref();
    let limits = EngineLimits {
        batched_tokens: arguments.max_num_batched_tokens.unwrap_or(vllm.batched_tokens).clamp(1, most::TOKENS),
        sequences: arguments.max_num_seqs.unwrap_or(vllm.sequences).clamp(1, most::USERS),
        block_tokens: cache.and_then(|cache| cache.block_size).unwrap_or(vllm.block_tokens),
        ..vllm
    };
    Ok(Engine {
        model: model.name.clone(),
        gpu,
        gpus: arguments.tensor_parallel_size.unwrap_or(1).clamp(1, most::GPUS),
        precision: arguments.quantization.and_then(|name| Precision::from_name(&name)).unwrap_or(Precision::Bf16),
        limits,
        setup: Setup {
            blocks: cache.and_then(|cache| cache.num_gpu_blocks),
            prefix_caching: cache.and_then(|cache| cache.enable_prefix_caching).unwrap_or(true),
            lookahead: lookahead(&meta.vllm_version),
            ..Setup::default()
        },
        rate: None,
    })
}

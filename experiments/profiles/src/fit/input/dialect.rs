//! What each tool calls its figures.

use super::record::{Record, Text};
use crate::fit::row::{Arrival, Length, Row};
use flashcrowd_language::{Diagnostic, nearest};

/// The keys of one tool's figures; of several keys for one figure the first that is there counts.
pub(super) struct Dialect {
    pub(super) name: &'static str,
    itl_ms: &'static [&'static str],
    ttft_ms: &'static [&'static str],
    /// Used where the mean is broken (zero timestamps of guidellm 0.3).
    ttft_median_ms: &'static [&'static str],
    rate: &'static [&'static str],
    completed: &'static [&'static str],
    incomplete: &'static [&'static str],
    input: Lengths,
    output: Lengths,
    arrival: &'static [&'static str],
    clients: &'static [&'static str],
    asked_rate: &'static [&'static str],
    model: &'static [&'static str],
    gpu: &'static [&'static str],
    tensor_parallel: &'static [&'static str],
}

/// How lengths are given.
enum Lengths {
    /// Bounds of a uniform law.
    Bounds([&'static str; 2]),
    /// Mean and standard deviation.
    Moments(&'static [&'static str], &'static [&'static str]),
    /// The sum over all requests, and the deviation of single lengths where they are listed.
    Total(&'static str, &'static str),
}

const SWEEP: Dialect = Dialect {
    name: "a sweep table",
    itl_ms: &["itl_ms_mean"],
    ttft_ms: &["ttft_ms_mean"],
    ttft_median_ms: &["ttft_ms_p50"],
    rate: &["achieved_rps"],
    completed: &["n_ok"],
    incomplete: &["n_incomplete"],
    input: Lengths::Bounds(["in_lo", "in_hi"]),
    output: Lengths::Bounds(["out_lo", "out_hi"]),
    arrival: &["arrival"],
    clients: &["max_concurrency"],
    asked_rate: &["rate_target_rps"],
    model: &["model"],
    gpu: &["gpu"],
    tensor_parallel: &["tp"],
};

const VLLM: Dialect = Dialect {
    name: "results of vllm bench serve",
    itl_ms: &["mean_itl_ms", "mean_tpot_ms"],
    ttft_ms: &["mean_ttft_ms"],
    ttft_median_ms: &["median_ttft_ms"],
    rate: &["request_throughput"],
    completed: &["completed"],
    incomplete: &[],
    input: Lengths::Total("total_input_tokens", "input_lens.deviation"),
    output: Lengths::Total("total_output_tokens", "output_lens.deviation"),
    arrival: &[],
    clients: &["max_concurrency"],
    asked_rate: &["request_rate"],
    model: &["model_id"],
    gpu: &["gpu"],
    tensor_parallel: &["tensor_parallel_size", "tp"],
};

const GUIDELLM: Dialect = Dialect {
    name: "a report of guidellm",
    itl_ms: &["metrics.inter_token_latency_ms.successful.mean"],
    ttft_ms: &["metrics.time_to_first_token_ms.successful.mean"],
    ttft_median_ms: &["metrics.time_to_first_token_ms.successful.median"],
    rate: &["metrics.requests_per_second.successful.mean"],
    completed: &[
        "metrics.request_totals.successful",
        "request_totals.successful",
        "run_stats.requests_made.successful",
    ],
    incomplete: &[
        "metrics.request_totals.incomplete",
        "request_totals.incomplete",
        "run_stats.requests_made.incomplete",
    ],
    input: Lengths::Moments(
        &["metrics.prompt_token_count.successful.mean"],
        &["metrics.prompt_token_count.successful.std_dev"],
    ),
    output: Lengths::Moments(
        &["metrics.output_token_count.successful.mean"],
        &["metrics.output_token_count.successful.std_dev"],
    ),
    arrival: &["args.strategy.type_", "config.strategy.type_", "scheduler.strategy.type_"],
    clients: &["args.strategy.streams", "config.strategy.streams", "config.strategy.max_concurrency"],
    asked_rate: &["args.strategy.rate", "config.strategy.rate"],
    model: &["worker.backend_model", "config.backend.model", "benchmarker.backend.model"],
    gpu: &["extras.gpu"],
    tensor_parallel: &["extras.tp"],
};

const GUIDELLM_TABLE: Dialect = Dialect {
    name: "a table of guidellm",
    itl_ms: &["Successful Inter token latency ms mean", "Inter Token Latency Successful ms Mean"],
    ttft_ms: &["Successful Time to first token ms mean", "Time to First Token Successful ms Mean"],
    ttft_median_ms: &["Successful Time to first token ms median", "Time to First Token Successful ms Median"],
    rate: &["Successful Requests per second mean", "Server Throughput Successful Requests/Sec Mean"],
    completed: &["Successful Requests", "Request Counts Successful"],
    incomplete: &["Incomplete Requests", "Request Counts Incomplete"],
    input: Lengths::Moments(
        &["Successful Prompt token count mean", "Token Metrics Successful Input Tokens Mean"],
        &["Successful Prompt token count std dev", "Token Metrics Successful Input Tokens Std Dev"],
    ),
    output: Lengths::Moments(
        &["Successful Output token count mean", "Token Metrics Successful Output Tokens Mean"],
        &["Successful Output token count std dev", "Token Metrics Successful Output Tokens Std Dev"],
    ),
    arrival: &["Name", "Benchmark Strategy"],
    clients: &[],
    asked_rate: &[],
    model: &[],
    gpu: &[],
    tensor_parallel: &[],
};

const ALL: [Dialect; 4] = [SWEEP, VLLM, GUIDELLM, GUIDELLM_TABLE];

/// The dialect of the records: that whose latency they hold.
pub(super) fn of(text: &Text, records: &[Record]) -> Result<&'static Dialect, Diagnostic> {
    static DIALECTS: [Dialect; 4] = ALL;
    let Some(first) = records.first() else { return Err(Diagnostic::about(text.file(), "the file is empty")) };
    let holds = |dialect: &&Dialect| {
        let told = dialect.itl_ms.iter().chain(dialect.ttft_ms).chain(dialect.rate);
        told.filter(|key| first.cells.contains_key(**key)).count()
    };
    let best = DIALECTS.iter().max_by_key(holds).filter(|dialect| holds(dialect) > 0);
    best.ok_or_else(|| {
        let error = text.error(&first.keys, "this is no load sweep that is known");
        let wanted: Vec<&str> = ALL.iter().map(|dialect| dialect.itl_ms[0]).collect();
        let label = "expected a sweep table (`itl_ms_mean`), a result of `vllm bench serve` (`mean_itl_ms`), or a \
                     JSON or CSV report of guidellm";
        let near = first.cells.keys().find_map(|key| Some((key, nearest(key, wanted.iter().copied())?)));
        match near {
            Some((key, near)) => error.with_label(label).with_help(format!("did you mean `{near}` by `{key}`?")),
            None => error.with_label(label),
        }
    })
}

impl Lengths {
    fn read(&self, text: &Text, record: &Record, completed: Option<f64>) -> Result<Length, Diagnostic> {
        match self {
            Lengths::Bounds([low, high]) => {
                Ok(Length::uniform(record.positive(text, &[low])?, record.positive(text, &[high])?))
            }
            Lengths::Moments(mean, deviation) => {
                Ok(Length { mean: record.positive(text, mean)?, deviation: record.spread(text, deviation)? })
            }
            Lengths::Total(total, deviation) => {
                let mean = record.positive(text, &[total])? / completed.unwrap_or(1.0).max(1.0);
                Ok(Length { mean, deviation: record.spread(text, &[deviation])? })
            }
        }
    }
}

impl Dialect {
    /// The run of a record; `None` if no request of it was finished.
    pub(super) fn row(&self, text: &Text, record: &Record) -> Result<Option<Row>, Diagnostic> {
        let completed = record.number(text, self.completed)?;
        if completed == Some(0.0) {
            return Ok(None);
        }
        // A mean far below zero comes from requests whose timestamps are zero: the median is sound.
        let ttft = record.number(text, self.ttft_ms)?.filter(|ms| *ms > 0.0);
        let ttft = ttft.map_or_else(|| record.number(text, self.ttft_median_ms), |ms| Ok(Some(ms)))?;
        let incomplete = record.number(text, self.incomplete)?.unwrap_or(0.0);
        let flagged = record.cell(&["flags"]).is_some_and(|cell| cell.text.contains("truncated"));
        let words = |keys: &[&str]| record.cell(keys).map_or_else(String::new, |cell| cell.text.clone());
        Ok(Some(Row {
            input: self.input.read(text, record, completed)?,
            output: self.output.read(text, record, completed)?,
            arrival: self.arrival(text, record)?,
            rate: record.positive(text, self.rate)?,
            itl_ms: record.positive(text, self.itl_ms)?,
            ttft_ms: ttft.filter(|ms| (1e-9..1e12).contains(ms)),
            truncated: flagged || completed.is_some_and(|completed| incomplete > 0.1 * completed),
            model: words(self.model),
            gpu: words(self.gpu),
            tensor_parallel: record
                .number(text, self.tensor_parallel)?
                .filter(|n| (1.0..=1024.0).contains(n))
                .map(|n| n as u32),
        }))
    }

    fn arrival(&self, text: &Text, record: &Record) -> Result<Arrival, Diagnostic> {
        let clients = record.number(text, self.clients)?.filter(|clients| clients.is_finite() && *clients > 0.0);
        let Some(cell) = record.cell(self.arrival) else { return self.unnamed(text, record, clients) };
        let name = cell.text.split('@').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "synchronous" => Ok(Arrival::Synchronous),
            "closed" | "concurrent" | "throughput" => Ok(Arrival::Closed(clients.unwrap_or(f64::INFINITY))),
            "constant" | "asynchronous" => Ok(Arrival::Constant),
            "poisson" => Ok(Arrival::Poisson),
            other => {
                let known = ["synchronous", "closed", "concurrent", "throughput", "constant", "poisson"];
                let error = text.error(&cell.at, format!("unknown kind of arrivals `{other}`"));
                let error = error.with_label("expected synchronous, closed, constant or poisson");
                Err(match nearest(other, known) {
                    Some(near) => error.with_help(format!("did you mean `{near}`?")),
                    None => error,
                })
            }
        }
    }

    /// A tool that gives only a rate: random arrivals at a finite one, else all clients at once. A
    /// rate far above what was served is a crowd that is there from the start.
    fn unnamed(&self, text: &Text, record: &Record, clients: Option<f64>) -> Result<Arrival, Diagnostic> {
        let asked = record.number(text, self.asked_rate)?.filter(|rate| rate.is_finite());
        let served = record.number(text, self.rate)?.unwrap_or(0.0);
        Ok(match (asked, clients) {
            (Some(asked), _) if asked <= 1.25 * served => Arrival::Poisson,
            (_, Some(clients)) => Arrival::Closed(clients),
            _ => Arrival::Closed(f64::INFINITY),
        })
    }
}

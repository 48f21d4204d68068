//! Closed-loop points as the `AIConfigurator` and `InferenceX` projects collect them.

use super::point::{Band, Client, Length, Metric, Point, Setup, Shaped, Source, Window, most};
use super::sweeps::numbers;
use super::table::{Row, Unread, leave_out};
use super::{names, silicon};
use flashcrowd_profiles::law::Engine;
use flashcrowd_profiles::rank::Parallelism;
use flashcrowd_profiles::{EngineLimits, Precision};

/// Columns of `AIConfigurator`.
pub(super) const AICONFIGURATOR: [&str; 7] =
    ["model_path", "system", "isl", "osl", "tp_size", "silicon_tpot_ms", "conc"];

/// Columns of `InferenceX`.
pub(super) const INFERENCEX: [&str; 8] =
    ["model", "gpu", "parallel", "concurrency", "isl", "osl", "num_prompts", "tpot_ms_p50"];

/// Requests for each client, as `InferenceX` sends them.
const TURNS: u32 = 10;

/// `InferenceX` draws lengths uniformly between these shares of the nominal ones (`--random-range-ratio 0.8` of its
/// benchmark scripts).
const EXPORTED_SHARES: [f64; 2] = [0.8, 1.0];
/// Other runs have fixed lengths. Simulated so, clients would stay in step, and each would wait for the prompts of half
/// the others; in the runs they do not, since their mean time to first token is that of a prompt or two. Outputs that
/// vary bring them out of step.
const OUTPUT_SHARES: [f64; 2] = [0.8, 1.2];

/// How much longer than its requests took when measured a point is played: more than any profile
/// that is worth judging is slow.
const SLACK: f64 = 2.0;

/// A point of `AIConfigurator`: time per output token.
pub(super) fn aiconfigurator(row: &Row<'_>) -> Result<Point, Unread> {
    if !matches!(row.text("mode"), "" | "agg") {
        return leave_out("prefill and decode on engines of their own");
    }
    if row.number("pp_size")?.unwrap_or(1.0) > 1.0 {
        return leave_out("pipeline parallelism");
    }
    let name = row.word("model_path")?;
    let gpu = names::gpu(row.word("system")?)?;
    let users = row.count("conc", most::USERS)?;
    let shaped = silicon::shaped(row, users)?;
    let tpot_ms = row.positive("silicon_tpot_ms", most::VALUE)?;
    let (prompt, output) = (row.count("isl", most::TOKENS)?, row.count("osl", most::TOKENS)?);
    let longest_s = tpot_ms * f64::from(output) / 1e3;
    let exported = silicon::is_exported(row);
    let one_wave = silicon::is_one_wave(row);
    let turns = if one_wave { 1 } else { TURNS };
    let shares = |[low, high]: [f64; 2], nominal: u32| {
        Length::Between((f64::from(nominal) * low).ceil() as u32, (f64::from(nominal) * high).floor() as u32)
    };
    let [prompts, outputs] = if exported {
        [EXPORTED_SHARES; 2]
    } else if one_wave {
        [[1.0; 2]; 2]
    } else {
        [[1.0; 2], OUTPUT_SHARES]
    };
    // Models that were measured are played by their own profiles, too.
    let carded = names::model(name).ok().filter(|model| shaped.ranks.data == 1 && model.experts.is_none());
    Ok(Point {
        id: row.text("id").to_owned(),
        line: row.line(),
        source: Source::Aiconfigurator,
        model: carded.map_or_else(String::new, |model| model.name.clone()),
        gpu,
        gpus: shaped.ranks.tensor,
        precision: precision(row, name),
        band: Band::Closed,
        client: Client::Closed { users },
        window: Window::Requests {
            count: u64::from(users) * u64::from(turns),
            within_s: SLACK * f64::from(turns) * longest_s,
        },
        prompt: shares(prompts, prompt),
        output: shares(outputs, output),
        limits: EngineLimits {
            batched_tokens: batched_tokens(shaped.engine, prompt),
            sequences: 1024.max(users),
            ..EngineLimits::default()
        },
        setup: Setup::default(),
        measured: vec![(Metric::TpotMean, tpot_ms)],
        unjudged: None,
        shaped: Some(shaped),
    })
}

/// Tokens of an iteration as such benchmarks set engines up: a whole prompt must fit where prompts are not chunked.
fn batched_tokens(engine: Engine, prompt: u32) -> u32 {
    match engine {
        Engine::Vllm => 8_192,
        Engine::Sglang => 16_384,
        Engine::TrtLlm => (prompt + 1_024).max(8_192),
    }
}

/// The precision of a row; where it is empty the model's own name decides.
fn precision(row: &Row<'_>, model: &str) -> Precision {
    let named = Precision::from_name(row.text("precision"));
    named.unwrap_or_else(|| match model.to_ascii_uppercase() {
        name if name.contains("FP8") => Precision::Fp8,
        name if name.contains("FP4") => Precision::Fp4,
        _ => Precision::Bf16,
    })
}

/// `tp8`, `tep8` (experts dealt among the ranks of one replica), `dep8` (each rank a replica).
fn ranks(text: &str, has_experts: bool) -> Result<Parallelism, Unread> {
    let text = text.to_ascii_lowercase();
    let [of_experts, of_replicas] = ["tep", "dep"].map(|form| text.strip_prefix(form).and_then(|n| n.parse().ok()));
    match (text.strip_prefix("tp").and_then(|n| n.parse().ok()), of_experts, of_replicas) {
        (Some(tensor), ..) => Ok(Parallelism::tensor(tensor)),
        (_, Some(ranks), _) if has_experts => Ok(Parallelism { tensor: ranks, data: 1, expert: ranks }),
        (_, _, Some(ranks)) if has_experts => Ok(Parallelism { tensor: 1, data: ranks, expert: ranks }),
        _ => leave_out(format!("parallelism `{text}`")),
    }
}

/// A point of `InferenceX`: lengths are those that the totals give, which are the nominal ones.
pub(super) fn inferencex(row: &Row<'_>) -> Result<Point, Unread> {
    let name = row.word("model")?;
    if !row.text("spec_decode").is_empty() {
        return leave_out(format!("speculative decoding ({})", row.text("spec_decode")));
    }
    // `H200x8`
    let (gpu, _) = row.word("gpu")?.rsplit_once('x').unwrap_or((row.text("gpu"), ""));
    let gpu = names::gpu(gpu)?;
    let known = names::known(name)?;
    let ranks = ranks(row.word("parallel")?, known.architecture().experts().next().is_some())?;
    let users = row.count("concurrency", most::USERS)?;
    let requests = row.count("num_prompts", most::REQUESTS as u32)?;
    let metrics = [(Metric::TpotP50, "tpot_ms_p50"), (Metric::E2eP50, "e2e_ms_p50"), (Metric::RequestsPerS, "rps")];
    let (prompt, output) = (row.count("isl", most::TOKENS)?, row.count("osl", most::TOKENS)?);
    Ok(Point {
        id: row.text("point_id").to_owned(),
        line: row.line(),
        source: Source::Inferencex,
        model: names::model(name).map_or_else(|_| String::new(), |model| model.name.clone()),
        shaped: Some(Shaped::vllm(known, precision(row, name), ranks)),
        gpu,
        gpus: ranks.tensor,
        precision: precision(row, name),
        band: Band::Closed,
        client: Client::Closed { users },
        window: Window::Requests {
            count: u64::from(requests),
            within_s: 2.0 * SLACK * row.positive("duration_s", most::SECONDS)?,
        },
        prompt: Length::fixed(prompt),
        output: Length::fixed(output),
        limits: EngineLimits { batched_tokens: 8192, sequences: 1024.max(users), ..EngineLimits::default() },
        setup: Setup { lookahead: Some(true), ..Setup::default() },
        measured: numbers(row, &metrics)?,
        unjudged: Some("no limit"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallelism_is_read_by_its_letters() {
        let of = |text: &str, experts| ranks(text, experts).map(|ranks| ranks.to_string()).ok();
        assert_eq!(of("tp8", false).as_deref(), Some("tp8"));
        assert_eq!(of("TEP8", true).as_deref(), Some("tp8-ep8"));
        assert_eq!(of("dep4", true).as_deref(), Some("tp1-dp4-ep4"));
        assert_eq!((of("dep4", false), of("pp2", true)), (None, None));
    }
}

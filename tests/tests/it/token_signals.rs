//! What controllers are shown of a token-level engine: utilisation by its definitions, use of the
//! cache, and gaps between tokens as a histogram of vLLM's buckets shows them.

use flashcrowd::profiles::{EngineLimits, Precision, find};
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{Arrival, LatencyPart, Scope, SignalRequest};
use flashcrowd_core::serving::{Discipline, EngineConfig, ServiceConfig, Slo, ValidatedBand};
use flashcrowd_core::simulation::World;
use flashcrowd_core::traffic::{ClientConfig, Traffic};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::metrics::{parse_binding, resolve};
use flashcrowd_tests::kit::{Listed, client, run, service, watcher, world};

const H100_BYTES: u64 = 80 << 30;
/// The window of the reference sweeps.
const HORIZON_S: u64 = 360;
/// From here on signals are looked at.
const SETTLED_S: u64 = 60;

/// Llama-3.1-8B on an H100 as the reference sweeps ran it.
fn engine() -> EngineConfig {
    let profile = find("Llama-3.1-8B", "H100", 1, Precision::Bf16).expect("shipped");
    let limits = EngineLimits { batched_tokens: 8_192, sequences: 1_024, ..EngineLimits::default() };
    profile.engine(H100_BYTES, limits).expect("fits")
}

/// A constant rate of requests whose lengths are even between half and one and a half of the mean.
fn constant(rate_hz: f64, prompt: u32, output: u32) -> Traffic {
    let count = (HORIZON_S as f64 * rate_hz) as u32;
    // The golden ratio and its square spread two lengths evenly, and neither follows the other.
    let length = |mean: u32, step: f64, i: u32| (f64::from(mean) * (0.5 + (step * f64::from(i)).fract())) as u32;
    let arrival = |i: u32| Arrival {
        at: SimTime::ZERO + SimDuration::from_s_f64(f64::from(i) / rate_hz),
        prompt_tokens: length(prompt, 0.618_033_988_749_894_9, i),
        output_tokens: length(output, 0.754_877_666_246_692_8, i),
        service_time: None,
    };
    Traffic::Open(Box::new(Listed((0..count).map(arrival).collect())))
}

/// Plays one replica and returns, by signal, the mean of what was shown once it had settled.
fn watch(traffic: Traffic, names: &[&str]) -> (RunRecord, Vec<f64>) {
    let signal = |name: &&str| {
        let binding = resolve(name).or_else(|_| parse_binding(name)).expect(name);
        (binding.request(name, Scope::Replica), binding.scale)
    };
    let (requests, scales): (Vec<SignalRequest>, Vec<f64>) = names.iter().map(signal).unzip();
    let (policy, seen) = watcher(requests);
    let record = run(World {
        services: vec![service("llm", Discipline::ContinuousBatch(engine()))],
        clients: vec![client("client", traffic)],
        controllers: vec![policy],
        ..world(HORIZON_S)
    });
    let seen = seen.lock().expect("the run is over");
    let settled = seen.iter().filter(|seen| seen.now > SimTime::from_s(SETTLED_S));
    let settled: Vec<_> = settled.collect();
    let mean = |(signal, scale): (usize, &f64)| {
        let shown = settled.iter().filter_map(|seen| {
            let batch = seen.targets[0].signals[signal].batches.as_ref()?.last()?;
            batch.samples.first().map(|sample| sample.value * scale)
        });
        let shown: Vec<f64> = shown.collect();
        shown.iter().sum::<f64>() / shown.len() as f64
    };
    let means = scales.iter().enumerate().map(mean).collect();
    (record, means)
}

fn near(found: f64, expected: f64, share: f64, what: &str) {
    assert!((found / expected - 1.0).abs() <= share, "{what}: {found}, expected {expected} within {share}");
}

/// Rows 2, 5, 7 and 9 of the measured sweep of 1024 by 1024 tokens: from 0.87 to 5.9 requests/s the
/// batch grows sixteenfold and the gaps nearly threefold, while the GPU is "fully used" all the time.
/// The last row is at saturation, where a small error of the capacity is a large one of the batch.
#[test]
fn utilization_is_full_long_before_the_engine_is() {
    let names = ["DCGM_FI_DEV_GPU_UTIL", "vllm:kv_cache_usage_perc", "vllm:num_requests_running"];
    let sweep = [(0.87, 7.624, 0.1), (3.026, 10.2541, 0.1), (4.4633, 13.6308, 0.1), (5.9007, 19.7303, 0.25)];
    let mut rows = Vec::new();
    for (rate_hz, measured_itl_ms, tolerance) in sweep {
        let (record, means) = watch(constant(rate_hz, 1_024, 1_024), &names);
        let itl_ms = record.services[0].latency.mean_s(LatencyPart::InterToken) * 1e3;
        println!("{rate_hz}/s: ITL {itl_ms:.2} ms, {names:?} {means:.3?}");
        near(itl_ms, measured_itl_ms, tolerance, "mean inter-token latency");
        rows.push(means);
    }
    assert!(rows.iter().all(|means| means[0] >= 99.0), "{rows:?}");
    assert!(rows[3][0] / rows[0][0] < 1.01 && rows[3][1] / rows[0][1] > 10.0, "{rows:?}");
    // Already one request at a time keeps it busy.
    let alone = Traffic::Closed {
        users: 1,
        think: Distribution::Constant(0.0),
        prompt_tokens: Distribution::Constant(1_024.0),
        output_tokens: Distribution::Constant(1_024.0),
    };
    let (_, means) = watch(alone, &names);
    assert!(means[0] > 99.0 && means[1] < 0.005 && means[2] <= 1.0, "{means:?}");
}

/// One sequence that decodes for the whole run: each definition in closed form.
#[test]
fn activity_is_what_its_definition_says() {
    let names = [
        "DCGM_FI_DEV_GPU_UTIL",
        "DCGM_FI_PROF_SM_ACTIVE",
        "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
        "DCGM_FI_PROF_DRAM_ACTIVE",
        "SmActive",
    ];
    let arrival = Arrival { prompt_tokens: 16, output_tokens: 100_000, ..Arrival::default() };
    let (_, means) = watch(Traffic::Open(Box::new(Listed([arrival].into()))), &names);
    let profile = find("Llama-3.1-8B", "H100", 1, Precision::Bf16).expect("shipped").coefficients;
    // What is shown is a mean of 30 s, up to 30 s old at a scrape and that up to 15 s at a look.
    let shown_s = (SETTLED_S + HORIZON_S) as f64 / 2.0 - (15.0 + 15.0 + 7.5);
    // Tokens that the sequence holds in the middle of what is looked at.
    let iteration_ms = |context: f64| {
        profile.overhead_ms
            + profile.weights_ms.hypot(profile.token_ms)
            + profile.sequence_ms
            + profile.context_ms * context
    };
    let mut context = 30_000.0;
    for _ in 0..20 {
        context = shown_s * 1e3 / iteration_ms(context / 2.0);
    }
    let t = iteration_ms(context);
    assert_eq!(means[0], 100.0);
    near(means[1], 1.0 - profile.overhead_ms / t, 0.02, "SM active");
    // Two signals have two phases, and the context grows between them.
    near(means[4], 100.0 * means[1], 0.01, "SM active in percent");
    // Datasheet: 6.98e9 parameters in the layers, 989.5 TFLOP/s; 15.01 GB of weights read at 3.35 TB/s.
    near(means[2], 2.0 * 6.98e9 / 989.5e12 * 1e3 / t, 0.02, "tensor active");
    let read_ms = 15.01 / 3.35 * (1.0 + profile.context_ms * context / profile.weights_ms);
    near(means[3], read_ms / t, 0.02, "DRAM active");
    assert!(means[3] > 0.5 && means[2] < 0.01, "one sequence reads and hardly computes: {means:?}");
}

#[test]
fn prompts_fill_the_tensor_cores() {
    let names = ["DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "DCGM_FI_DEV_GPU_UTIL"];
    let (_, means) = watch(constant(30.0, 2_000, 2), &names);
    // As the profile's b says: 0.0141 ms of products in 0.0235 ms, and the rest of an iteration.
    assert!(means[0] > 0.5 && means[0] < 0.62 && means[1] == 100.0, "{means:?}");
}

#[test]
fn token_latencies_are_shown_as_vllms_histograms_show_them() {
    let names = [
        "vllm:inter_token_latency_seconds",
        "vllm:time_per_output_token_seconds",
        "vllm:request_time_per_output_token_seconds",
        "vllm:time_to_first_token_seconds",
        "itl_p50_ms",
    ];
    let (record, means) = watch(constant(0.87, 1_024, 256), &names);
    let latency = &record.services[0].latency;
    let gaps = latency.part(LatencyPart::InterToken).expect("an engine");
    // Nearly every gap is below 10 ms, the first bound: the quantile is interpolated from 0.
    let below = gaps.count_between(0, 10_000) as f64 / gaps.len() as f64;
    assert!(below > 0.97, "{below}");
    near(means[0], 0.0095, 0.03, "95th percentile of the gaps");
    near(means[1], means[0], 0.001, "the older name of the same histogram");
    near(means[2], 0.0095, 0.03, "95th percentile of the requests' means");
    near(means[4], 5.0, 0.03, "median of the gaps, in ms");
    // 20 to 60 ms: within its bucket of 20 ms.
    let ttft_s = latency.quantile_us(LatencyPart::TimeToFirstToken, 0.95).unwrap_or(0) as f64 / 1e6;
    assert!((means[3] - ttft_s).abs() < 0.02, "{} against {ttft_s}", means[3]);
}

/// Leaps hide nothing from signals: an engine that plays each iteration shows the same.
#[test]
fn a_leaping_engine_shows_what_a_plain_one_does() {
    let words = ["InterTokenLatencyP90", "WaitingRequests", "KvCacheUse", "SmActive", "TensorActive", "DramActive"];
    let shown = |leaps, lookahead| {
        let request = |word: &&str| {
            let mut binding = parse_binding(word).expect("a word");
            binding.pipeline.scrape_period = SimDuration::from_ms(7_300);
            binding.request(word, Scope::Service)
        };
        let (policy, seen) = watcher(words.iter().map(request).collect());
        let engine = EngineConfig { leaps, lookahead, max_sequences: 12, ..engine() };
        run(World {
            services: vec![service("llm", Discipline::ContinuousBatch(engine))],
            clients: vec![client("client", constant(6.0, 700, 300))],
            controllers: vec![policy],
            ..world(HORIZON_S / 4)
        });
        let seen = seen.lock().expect("the run is over");
        seen.iter().map(|seen| seen.targets[0].signals.clone()).collect::<Vec<_>>()
    };
    for lookahead in [false, true] {
        let (leaping, plain) = (shown(true, lookahead), shown(false, lookahead));
        let highest = |signal: usize| {
            let batches = leaping.iter().filter_map(|seen| seen[signal].batches.as_ref()).flatten();
            batches.flat_map(|batch| &batch.samples).map(|sample| sample.value).fold(0.0, f64::max)
        };
        assert!((0..words.len()).all(|signal| highest(signal) > 0.0), "a signal never rose");
        assert_eq!(leaping, plain);
    }
}

/// vLLM's gauge counts what its scheduler has looked at and left, so without a limit that holds
/// requests back it stands at 0, whatever arrives during an iteration.
#[test]
fn waiting_requests_are_those_that_a_limit_holds_back() {
    let (_, means) = watch(constant(8.0, 700, 100), &["vllm:num_requests_waiting", "in_flight_requests"]);
    assert!(means[0] == 0.0 && means[1] > 5.0, "{means:?}");
}

/// Late requests beyond the measured band: those that the engine served while it ran too many, and
/// those that were given up meanwhile; the same for an engine that plays each iteration.
#[test]
fn late_requests_beyond_the_band_are_counted_alike_by_both_engines() {
    let played = |leaps, band: ValidatedBand| {
        let slo = Slo { part: LatencyPart::TimeToFirstToken, quantile: 0.99, limit: SimDuration::from_ms(100) };
        let engine = EngineConfig { leaps, max_sequences: 24, validated: Some(band), ..engine() };
        let llm = ServiceConfig { slos: vec![slo], ..service("llm", Discipline::ContinuousBatch(engine)) };
        let impatient = client("client", constant(14.0, 900, 300));
        let record = run(World {
            services: vec![llm],
            clients: vec![ClientConfig { timeout: SimDuration::from_s(8), ..impatient }],
            ..world(HORIZON_S / 3)
        });
        let service = &record.services[0];
        (service.late_beyond_band, service.latency.late.iter().sum::<u64>(), record.clients[0].requests.expired)
    };
    let wide = ValidatedBand { sequences: 24, context_tokens: 1 << 30 };
    let narrow = ValidatedBand { sequences: 16, ..wide };
    let shallow = ValidatedBand { context_tokens: 16_000, ..wide };
    for (band, least) in [(wide, 0.0), (narrow, 0.9), (shallow, 0.5)] {
        let (beyond, late, expired) = played(true, band);
        assert!(expired > 50 && late > expired && beyond as f64 >= least * late as f64, "{beyond} of {late}");
        assert_eq!(beyond > 0, least > 0.0);
        assert_eq!(played(false, band), (beyond, late, expired), "{band:?}");
    }
}

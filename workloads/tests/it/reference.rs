//! Replays of the public Azure traces against their published statistics. The data is not part of
//! this repository: `FLASHCROWD_REFERENCE` names the folder that holds `traces/`.

#![expect(clippy::print_stdout, reason = "says when it skips, and what it measured")]

use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::ArrivalSource;
use flashcrowd_workloads::traffic::trace::{TraceOptions, TraceSource};
use std::path::PathBuf;

struct Expected {
    rows: u64,
    span_s: f64,
    tokens: (u64, u64),
    /// At 1, 10 and 60 s.
    idc: [f64; 3],
}

fn trace(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("FLASHCROWD_REFERENCE") else {
        println!("skipped: FLASHCROWD_REFERENCE is not set");
        return None;
    };
    Some(PathBuf::from(folder).join("traces/azure_llm_2023").join(name))
}

/// Variance over mean of the counts in bins of `width_s`; the incomplete last bin is left out.
fn dispersion(times_s: &[f64], width_s: f64) -> f64 {
    let bins = (times_s[times_s.len() - 1] / width_s) as usize;
    let mut counts = vec![0.0; bins];
    for time in times_s {
        if let Some(count) = counts.get_mut((time / width_s) as usize) {
            *count += 1.0;
        }
    }
    let mean = counts.iter().sum::<f64>() / bins as f64;
    let variance = counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / bins as f64;
    variance / mean
}

fn replays(name: &str, expected: &Expected) {
    let Some(path) = trace(name) else { return };
    let mut source = TraceSource::open(&path, &TraceOptions::default(), Seed::new(1), "reference").unwrap();
    let (mut times_s, mut prompt, mut output) = (Vec::new(), 0_u64, 0_u64);
    while let Some(arrival) = source.next_arrival().unwrap() {
        times_s.push(arrival.at.as_s_f64());
        prompt += u64::from(arrival.prompt_tokens);
        output += u64::from(arrival.output_tokens);
    }
    assert_eq!((times_s.len() as u64, source.dropped_rows()), (expected.rows, 0));
    assert_eq!(source.summary().rows, expected.rows);
    assert_eq!((prompt, output), expected.tokens);
    assert!((times_s[times_s.len() - 1] - expected.span_s).abs() < 0.05);
    for (width, published) in [1.0, 10.0, 60.0].into_iter().zip(expected.idc) {
        let measured = dispersion(&times_s, width);
        println!("{name}: IDC({width} s) = {measured:.4}, published {published}");
        // Three digits are published.
        assert!((measured / published - 1.0).abs() < 0.01, "IDC({width} s) = {measured}");
    }
}

#[test]
fn conversation_2023_replays_as_published() {
    let tokens = (16_726_570, 2_802_253);
    replays("conv_first.csv.gz", &Expected { rows: 13_927, span_s: 2_353.2, tokens, idc: [1.33, 3.50, 15.1] });
}

#[test]
fn code_2023_replays_as_published() {
    let tokens = (14_232_820, 193_114);
    replays("code_first.csv.gz", &Expected { rows: 7_000, span_s: 2_275.9, tokens, idc: [13.1, 70.6, 159.0] });
}

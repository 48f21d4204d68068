//! Proptest strategies for small worlds, by the shape of their load.

use crate::world::SmallWorld;
use proptest::prelude::*;

/// The parts of a world that are no load.
fn plain() -> impl Strategy<Value = SmallWorld> {
    let parts = (0_u64..1_000, 1_u32..6, 1_u32..5, 0_u32..60, 1_u32..4);
    parts.prop_map(|(seed, service, concurrency, start_s, replicas)| SmallWorld {
        seed,
        horizon_s: 900,
        steps: vec![(0, 60)],
        ramp: false,
        service_ms: service * 200,
        concurrency,
        start_s,
        replicas,
        scrape_failure_percent: 0,
    })
}

fn with_steps(steps: impl Strategy<Value = Vec<(u32, u32)>>, ramp: bool) -> impl Strategy<Value = SmallWorld> {
    (plain(), steps).prop_map(move |(world, steps)| SmallWorld { steps, ramp, ..world })
}

/// Instants from zero on, ascending, each with a rate.
fn points(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((30_u32..240, 0_u32..600), count).prop_map(|gaps| {
        let mut at_s = 0;
        let points = gaps.iter().enumerate().map(|(i, &(gap, rate))| {
            at_s += if i == 0 { 0 } else { gap };
            (at_s, rate)
        });
        points.collect()
    })
}

/// One rate from beginning to end.
pub fn constant() -> impl Strategy<Value = SmallWorld> {
    with_steps((30_u32..600).prop_map(|rate| vec![(0, rate)]), false)
}

/// The rate jumps now and then.
pub fn steps() -> impl Strategy<Value = SmallWorld> {
    with_steps(points(2..5), false)
}

/// The rate rises and falls in straight lines.
pub fn ramps() -> impl Strategy<Value = SmallWorld> {
    with_steps(points(2..5), true)
}

/// Calm, and two short crowds many times as large.
pub fn bursts() -> impl Strategy<Value = SmallWorld> {
    let burst = (10_u32..90, 4_u32..15, 10_u32..45, 120_u32..400);
    let steps = burst.prop_map(|(calm, factor, span_s, gap_s)| {
        let second = 120 + span_s + gap_s;
        let crowd = calm * factor;
        vec![(0, calm), (120, crowd), (120 + span_s, calm), (second, crowd), (second + span_s, calm)]
    });
    with_steps(steps, false)
}

/// High and low in turn, about as fast as a controller looks.
pub fn flapping() -> impl Strategy<Value = SmallWorld> {
    let wave = (20_u32..200, 2_u32..5, 10_u32..60).prop_map(|(low, factor, half_s)| {
        (0..900 / half_s).map(|i| (i * half_s, if i % 2 == 0 { low } else { low * factor })).collect()
    });
    with_steps(wave, false)
}

/// Steps under which metrics are missing half of the time or more.
pub fn missing_metrics() -> impl Strategy<Value = SmallWorld> {
    (steps(), 50_u32..=100).prop_map(|(world, percent)| SmallWorld { scrape_failure_percent: percent, ..world })
}

/// Steps where a replica takes minutes to start.
pub fn slow_starts() -> impl Strategy<Value = SmallWorld> {
    (steps(), 120_u32..300).prop_map(|(world, start_s)| SmallWorld { start_s, ..world })
}

/// Any of the shapes.
pub fn any_world() -> impl Strategy<Value = SmallWorld> {
    prop_oneof![constant(), steps(), ramps(), bursts(), flapping(), missing_metrics(), slow_starts()]
}

/// A service that has no replica while nothing arrives, and then something does: at 5 minutes.
pub fn from_zero() -> impl Strategy<Value = SmallWorld> {
    let load = (30_u32..300).prop_map(|rate| vec![(0, 0), (300, rate)]);
    with_steps(load, false).prop_map(|world| SmallWorld { replicas: 0, ..world })
}

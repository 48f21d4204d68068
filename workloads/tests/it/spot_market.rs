//! The generated spot market against what was measured: marginals, tails, correlation and joint
//! unavailability, pooled over many replicates of the length of the recording.

#![expect(clippy::print_stdout, reason = "prints what `docs/models.md` quotes")]

use flashcrowd_core::clock::{Seed, SimDuration, SimTime};
use flashcrowd_core::ports::{Fault, FaultSource};
use flashcrowd_workloads::faults::capacity::{NodeLifetimes, Place};
use flashcrowd_workloads::markets::CapacitySeries;
use flashcrowd_workloads::markets::generated::{MEASURED_ZONES, MarketLaw, MeasuredZone, measured_market, record};
use flashcrowd_workloads::markets::lifetimes::Lifetime;
use flashcrowd_workloads::markets::statistics::{Together, run_statistics, series_statistics, whole_runs};

const GAP_S: u64 = 195;
const SAMPLES: u64 = 20_158;
/// Correlation of zones being up in the recording, lower triangle.
const CORRELATION: [&[f64]; 9] = [
    &[],
    &[0.3491],
    &[0.3823, 0.5288],
    &[0.2541, 0.4249, 0.4422],
    &[0.1438, 0.1655, 0.2049, 0.2019],
    &[0.1372, 0.2258, 0.2113, 0.2703, 0.5879],
    &[0.0807, 0.1057, 0.1426, 0.1512, 0.0779, 0.0514],
    &[0.1041, 0.1179, 0.1612, 0.1712, 0.0783, 0.0821, 0.3943],
    &[0.1083, 0.1310, 0.1513, 0.1956, 0.0275, 0.0304, 0.4860, 0.4705],
];
/// Joint unavailability of k zones in the recording, and how far off it may be, as a factor.
const JOINT: [(u32, f64, f64); 5] =
    [(2, 0.1586, 1.25), (3, 0.0801, 1.25), (4, 0.0444, 1.25), (6, 0.017_55, 1.25), (9, 0.007_94, 2.0)];

/// What a market gives over so many replicates.
struct Pooled {
    together: Together,
    /// For each zone: mean up, mean down (hours, whole runs), and the mean over replicates of the
    /// two ratios of standard deviation to mean.
    runs: Vec<[f64; 4]>,
}

fn pooled(replicates: u32, market: impl Fn(SimDuration, Seed) -> Vec<CapacitySeries>) -> Pooled {
    let zones = MEASURED_ZONES.len();
    let mut together = Together::new(zones);
    let mut lengths = vec![[Vec::new(), Vec::new()]; zones];
    let mut cvs = vec![[0.0; 2]; zones];
    for replicate in 0..replicates {
        let span = SimDuration::from_s(GAP_S * SAMPLES);
        let series = market(span, Seed { seed: 1, replicate });
        let counts: Vec<Vec<u32>> = series.iter().map(|s| s.samples(SimDuration::from_s(GAP_S)).collect()).collect();
        together.add(&counts);
        for (zone, counts) in counts.iter().enumerate() {
            let statistics = series_statistics(counts, GAP_S as f64);
            for (state, found) in [statistics.up, statistics.down].into_iter().enumerate() {
                lengths[zone][state].extend(whole_runs(counts, state == 0));
                cvs[zone][state] += found.cv / f64::from(replicates);
            }
        }
    }
    let of_zone = |(mut lengths, cv): ([Vec<u64>; 2], [f64; 2])| {
        let [up, down] = [0, 1].map(|state| run_statistics(&mut lengths[state], GAP_S as f64).mean_h);
        [up, down, cv[0], cv[1]]
    };
    Pooled { together, runs: lengths.into_iter().zip(cvs).map(of_zone).collect() }
}

fn generated(law: &MarketLaw, span: SimDuration, seed: Seed) -> Vec<CapacitySeries> {
    record(law, span, seed, "spot").unwrap()
}

/// A node in each zone that is there and away for exponential times: of the measured mean, and such that it
/// is there as often.
fn exponential(span: SimDuration, seed: Seed) -> Vec<CapacitySeries> {
    let hours = |h: f64| SimDuration::from_s_f64(3_600.0 * h);
    let zone = |(zone, number): (&MeasuredZone, u32)| {
        let (place, lifetime) = (Place { pool: 0, zone: number }, Lifetime::Exponential { mean: hours(zone.up.0) });
        let away = hours(zone.up.0 * (1.0 / zone.availability - 1.0));
        let mut node = NodeLifetimes::new(place, 1, lifetime, away, seed, zone.name).unwrap();
        let end = SimTime::ZERO + span;
        let mut samples = Vec::new();
        while let Some(change) = node.next_fault().unwrap().filter(|change| change.at < end) {
            if let Fault::Capacity { nodes, .. } = change.fault {
                samples.push((change.at, nodes));
            }
        }
        CapacitySeries::from_samples(samples, end)
    };
    MEASURED_ZONES.iter().zip(0..).map(zone).collect()
}

/// Differences of the correlation from the measured one: of the same region, of others, and the worst.
fn correlation_errors(together: &Together) -> (f64, f64, f64) {
    let region = |zone: usize| &MEASURED_ZONES[zone].name[..9];
    let (mut same, mut other, mut worst) = (Vec::new(), Vec::new(), 0.0_f64);
    for (a, row) in CORRELATION.iter().enumerate() {
        for (b, measured) in row.iter().enumerate() {
            let error = together.correlation(a, b) - measured;
            let of_kind = if region(a) == region(b) { &mut same } else { &mut other };
            of_kind.push(error);
            worst = worst.max(error.abs());
        }
    }
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    (mean(&same), mean(&other), worst)
}

/// Misses of the joint unavailability, by k.
fn joint_misses(together: &Together) -> Vec<u32> {
    let misses = |(k, measured, factor): &(u32, f64, f64)| {
        let ratio = together.joint_unavailability(*k) / measured;
        println!("all of {k} zones down: {:.5}, measured {measured}, ratio {ratio:.3}", ratio * measured);
        (ratio > *factor || ratio * factor < 1.0).then_some(*k)
    };
    JOINT.iter().filter_map(misses).collect()
}

/// Prints what `docs/models.md` quotes.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn the_measured_market_comes_out() {
    let law = measured_market(1);
    let found = pooled(1_000, |span, seed| generated(&law, span, seed));
    for (zone, (measured, [up, down, cv_up, cv_down])) in MEASURED_ZONES.iter().zip(&found.runs).enumerate() {
        let off = [
            found.together.availability(zone) / measured.availability - 1.0,
            up / measured.up.0 - 1.0,
            down / measured.down.0 - 1.0,
        ];
        println!(
            "{}: availability {:+.1} %, mean up {:+.1} %, mean down {:+.1} %; CV up {cv_up:.2} (measured {:.2}), \
             down {cv_down:.2} ({:.2})",
            measured.name,
            100.0 * off[0],
            100.0 * off[1],
            100.0 * off[2],
            measured.up.1,
            measured.down.1
        );
        assert!(off.iter().all(|off| off.abs() < 0.03), "{}: {off:?}", measured.name);
        assert!((1.3..3.0).contains(cv_up) && (1.2..3.2).contains(cv_down), "{}: {cv_up} {cv_down}", measured.name);
    }
    let (same, other, worst) = correlation_errors(&found.together);
    println!("correlation: same region {same:+.3}, other regions {other:+.3}, worst pair {worst:.3}");
    assert!(same.abs() < 0.02 && other.abs() < 0.02 && worst < 0.05);
    assert_eq!(joint_misses(&found.together), [0; 0]);
}

/// The same zones with exponential up and down times and nothing shared: right in how often each is up,
/// wrong in all else.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn independent_exponential_zones_fail() {
    let found = pooled(100, exponential);
    for (zone, measured) in MEASURED_ZONES.iter().enumerate() {
        let off = found.together.availability(zone) / measured.availability - 1.0;
        assert!(off.abs() < 0.05, "{}: {off}", measured.name);
    }
    let (same, other, _) = correlation_errors(&found.together);
    assert!(same < -0.4 && other < -0.1, "{same} {other}");
    assert_eq!(joint_misses(&found.together), [2, 3, 4, 6, 9]);
    // Seen once in 195 s, exponential runs have a ratio of just below 1.
    assert!(found.runs.iter().all(|[_, _, up, down]| *up < 1.1 && *down < 1.1), "{:?}", found.runs);
}

/// Nor does a market of heavy tails without shared shortages pass: the tails alone do not do it.
#[test]
#[cfg_attr(debug_assertions, ignore = "long")]
fn independent_zones_with_heavy_tails_fail() {
    let law = MarketLaw { stresses: Vec::new(), ..measured_market(1) };
    let found = pooled(100, |span, seed| generated(&law, span, seed));
    assert_eq!(joint_misses(&found.together), [2, 3, 4, 6, 9]);
}

//! Replicates until the confidence intervals are narrow enough, up to a cap.
//!
//! Ratios are formed of sums over replicates, quantiles of the merged histogram. Two controls with
//! known means, the arrivals of a replicate and the work they brought, take out the part of the
//! spread that the input explains (control variates: Lavenberg and Welch, "A perspective on the
//! use of control variables", 1981). Replicates are numbered and evaluated in order, so the result
//! does not depend on the number of threads.

use super::error::CaseError;
use super::judge::{Tolerance, is_narrow, is_wrong};
use super::plant::{Plant, Source};
use super::statistic::{Observation, Played, Statistic, quantile};
use flashcrowd_core::Simulation;
use flashcrowd_core::ports::LatencyPart;
use hdrhistogram::Histogram;
use rayon::prelude::*;

/// Fewest replicates of an estimate: enough for the regression, for Student's t, and for a
/// spread that is not narrow by chance.
const FEWEST: u32 = 40;
/// Most requests of an estimate, warm-ups included: some forty seconds of one processor. Only
/// quantiles near saturation and very rare rejections come near.
const MOST_REQUESTS: f64 = 2e8;
/// Replicates after which the spread is known well enough to give up what the cap would not reach.
const PILOT: u32 = 192;
/// How many times too few the cap's replicates must be for that.
const HOPELESS: f64 = 3.0;
/// Most replicates of an estimate, for those that are short.
const MOST: u32 = 100_000;
/// Replicates that are played before their records are dropped.
const AT_ONCE: u32 = 64;

/// A statistic with what it must come to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) key: String,
    pub(super) statistic: Statistic,
    pub(super) expected: f64,
    pub(super) tolerance: Tolerance,
}

/// A value with its 95 % confidence half-width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) half_width: f64,
}

/// The estimates of all targets, and the work they took.
#[derive(Clone, Debug)]
pub(super) struct Estimated {
    pub(super) estimates: Vec<Estimate>,
    pub(super) replicates: u32,
    pub(super) requests: u64,
}

/// One replicate's answers.
struct Sample {
    observations: Vec<Observation>,
    controls: Option<[f64; 2]>,
    waits: Option<Histogram<u64>>,
    requests: u64,
}

/// Plays a plant until every target is settled.
pub(super) fn estimate(plant: &Plant, targets: &[Target]) -> Result<Estimated, CaseError> {
    let Some(plant) = &fitted(plant, targets) else { return Ok(unknown(targets)) };
    let affordable = (MOST_REQUESTS / plant.requests().max(1.0)) as u32;
    let goals: Vec<_> = targets.iter().map(|target| (target.expected, target.tolerance)).collect();
    settle(&goals, affordable, |number| play(plant, targets, number), |pool| pool.estimates(plant, targets))
}

/// Plays worlds other than plants until their goals (an expected value and a tolerance each) are
/// settled, with at most `most` replicates. A replicate gives an observation for each goal, and the
/// number of its requests.
pub(super) fn estimate_each(
    goals: &[(f64, Tolerance)],
    most: u32,
    play: impl Fn(u32) -> Result<(Vec<Observation>, u64), CaseError> + Sync,
) -> Result<Estimated, CaseError> {
    let sample = |number| {
        let (observations, requests) = play(number)?;
        Ok(Sample { observations, controls: None, waits: None, requests })
    };
    settle(goals, most, sample, |pool| pool.plain_estimates(goals.len()))
}

fn settle(
    goals: &[(f64, Tolerance)],
    most: u32,
    play: impl Fn(u32) -> Result<Sample, CaseError> + Sync,
    estimates: impl Fn(&Pool) -> Vec<Estimate>,
) -> Result<Estimated, CaseError> {
    let most = most.clamp(FEWEST, MOST);
    let mut pool = Pool::default();
    let mut wanted = FEWEST;
    loop {
        while pool.replicates() < wanted {
            let from = pool.replicates();
            let numbers: Vec<u32> = (from..wanted.min(from + AT_ONCE)).collect();
            let samples: Vec<_> = numbers.into_par_iter().map(&play).collect();
            for sample in samples {
                pool.add(sample?);
            }
        }
        let estimates = estimates(&pool);
        let widest = goals.iter().zip(&estimates).map(|(goal, found)| shortfall(goal, found)).fold(0.0, f64::max);
        if widest <= 1.0 || wanted >= most {
            return Ok(Estimated { estimates, replicates: wanted, requests: pool.requests });
        }
        // The half-width shrinks with the square root; a tenth more saves a further round.
        let needed = f64::from(wanted) * widest * widest * 1.1 + 1.0;
        if wanted >= PILOT && needed > HOPELESS * f64::from(most) {
            return Ok(Estimated { estimates, replicates: wanted, requests: pool.requests });
        }
        wanted = (needed.min(f64::from(wanted) * 8.0) as u32).max(wanted + 1).min(most);
    }
}

/// The plant with a run as long as can be afforded, and what its targets need.
fn fitted(plant: &Plant, targets: &[Target]) -> Option<Plant> {
    let mut plant = plant.clone().within(MOST_REQUESTS / f64::from(FEWEST))?;
    if !targets.iter().any(|target| target.statistic.needs_levels()) {
        plant.levels = 0;
    }
    // Integrals over time must end with the arrivals; counts of requests may wait until all have
    // ended.
    if targets.iter().any(|target| target.statistic.needs_window()) {
        plant.drain = 0.0;
    }
    Some(plant)
}

/// The estimates of a plant that would take too long: none of them can be judged.
fn unknown(targets: &[Target]) -> Estimated {
    let nothing = Estimate { value: f64::NAN, half_width: f64::INFINITY };
    Estimated { estimates: vec![nothing; targets.len()], replicates: 0, requests: 0 }
}

/// By what factor an interval is too wide; 0 for one that is settled.
fn shortfall((expected, tolerance): &(f64, Tolerance), found: &Estimate) -> f64 {
    let width = tolerance.width(*expected);
    let error = (found.value - expected).abs();
    if is_narrow(found.half_width, width) || is_wrong(error, width, found.half_width) {
        0.0
    } else if width > 0.0 && found.half_width.is_finite() {
        3.0 * found.half_width / width
    } else {
        // No interval is narrow enough for a tolerance of zero: play as many replicates as allowed.
        1e6
    }
}

fn play(plant: &Plant, targets: &[Target], replicate: u32) -> Result<Sample, CaseError> {
    let run = |only_warm: bool| {
        let (world, tally) = plant.world(replicate, only_warm)?;
        let record = Simulation::new(world).run()?;
        Ok::<_, CaseError>((record, tally))
    };
    let windowed = plant.warm > 0.0 && targets.iter().any(|target| target.statistic.needs_window());
    let warm = if windowed { Some(run(true)?.0) } else { None };
    let (whole, tally) = run(false)?;
    let played = Played { whole, warm };
    let observations = targets.iter().map(|target| target.statistic.observe(plant, &played)).collect();
    let arrived =
        |record: &flashcrowd_core::ledger::RunRecord| record.clients.iter().map(|c| c.requests.arrived).sum::<u64>();
    let requests = arrived(&played.whole) + played.warm.as_ref().map_or(0, arrived);
    let controls = match plant.source {
        Source::Poisson(rate) => {
            let ((count, work), mean) = (tally.read(), rate * plant.span);
            Some([count / mean - 1.0, (work / plant.service.mean() - count) / mean])
        }
        Source::Users(..) => None,
    };
    let merges = targets.iter().any(|target| matches!(target.statistic, Statistic::WaitQuantile(_)));
    let of = |service: flashcrowd_core::ledger::ServiceRecord| service.latency.part(LatencyPart::Queue);
    let waits = if merges { played.whole.services.into_iter().next().and_then(of) } else { None };
    Ok(Sample { observations, controls, waits, requests })
}

/// All replicates so far.
#[derive(Default)]
struct Pool {
    observations: Vec<Vec<Observation>>,
    controls: Vec<[f64; 2]>,
    waits: Option<Histogram<u64>>,
    requests: u64,
}

impl Pool {
    fn replicates(&self) -> u32 {
        self.observations.len() as u32
    }

    fn add(&mut self, sample: Sample) {
        self.observations.push(sample.observations);
        self.controls.extend(sample.controls);
        self.requests += sample.requests;
        match (&mut self.waits, sample.waits) {
            // Equal bounds in all replicates: adding cannot fail.
            (Some(all), Some(one)) => drop(all.add(one)),
            (all @ None, one) => *all = one,
            (Some(_), None) => {}
        }
    }

    /// The observations of each goal, by replicate.
    fn columns(&self, goals: usize) -> impl Iterator<Item = Vec<Observation>> {
        (0..goals).map(|i| self.observations.iter().map(move |row| row[i]).collect::<Vec<_>>())
    }

    fn plain_estimates(&self, goals: usize) -> Vec<Estimate> {
        let estimate = |column: Vec<Observation>| {
            let (value, spread) = pooled(&column);
            super::regression::controlled(value, &spread, &self.controls)
        };
        self.columns(goals).map(estimate).collect()
    }

    fn estimates(&self, plant: &Plant, targets: &[Target]) -> Vec<Estimate> {
        let pairs = targets.iter().zip(self.columns(targets.len()));
        pairs
            .map(|(target, column)| {
                let (mut value, spread) = pooled(&column);
                if let (Statistic::WaitQuantile(q), Some(waits)) = (target.statistic, &self.waits) {
                    value = quantile(waits, q) / 1e6 * plant.unit;
                }
                super::regression::controlled(value, &spread, &self.controls)
            })
            .collect()
    }
}

/// The estimate of all replicates, and how far each of them is from it.
fn pooled(column: &[Observation]) -> (f64, Vec<f64>) {
    let n = column.len() as f64;
    if let Some(Observation::Peak(first)) = column.first() {
        let peak = |highest: f64, observation: &Observation| match *observation {
            Observation::Peak(x) => highest.max(x),
            _ => highest,
        };
        return (column.iter().fold(*first, peak), vec![0.0; column.len()]);
    }
    let (mut above, mut below) = (0.0, 0.0);
    for observation in column {
        let (x, weight) = match *observation {
            Observation::Ratio(x, weight) => (x, weight),
            Observation::Value(x) | Observation::Peak(x) => (x, 1.0),
        };
        above += x;
        below += weight;
    }
    let (value, weight) = (above / below, below / n);
    let deviation = |observation: &Observation| match *observation {
        Observation::Ratio(x, own) => (x - value * own) / weight,
        Observation::Value(x) | Observation::Peak(x) => x - value,
    };
    (value, column.iter().map(deviation).collect())
}

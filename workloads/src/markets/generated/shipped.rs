//! The market that was measured: nine AWS zones, V100, 45.5 days from 2023-02-15, every 195 s
//! (skypilot-org/spot-traces @221da1ab, `availability/1-node/aws-02-15-2023`). The figures are derived
//! from it; the recording itself has no licence and is not part of this repository.

use super::burst::BurstLaw;
use super::law::{MarketLaw, Stress, ZoneLaw};
use flashcrowd_core::clock::SimDuration;

/// What was measured of a zone, and what of it the process is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredZone {
    /// Its name.
    pub name: &'static str,
    /// Share of the time that a node could be had.
    pub availability: f64,
    /// The up runs that begin and end within the recording: mean in hours, and standard deviation
    /// over mean.
    pub up: (f64, f64),
    /// The same of down runs.
    pub down: (f64, f64),
    /// Means of the process, in hours. A recording of 45 days cuts its longest runs, so that the
    /// means of whole runs, time over preemptions and the availability contradict each other by up
    /// to a tenth: these are as near to all of them as can be.
    process_h: (f64, f64),
    /// Spreads of the parts of the process, with which runs as a whole have about the measured ones.
    sigma: (f64, f64),
    /// Share of the shortages of its own region, of `wide` and of `us-east` that it is down in.
    hits: [f64; 3],
}

const fn zone(
    name: &'static str,
    availability: f64,
    up: (f64, f64),
    down: (f64, f64),
    (process_h, sigma, hits): ((f64, f64), (f64, f64), [f64; 3]),
) -> MeasuredZone {
    MeasuredZone { name, availability, up, down, process_h, sigma, hits }
}

/// The nine zones. The shares of shortages were fitted to the correlations of all pairs and to the
/// joint unavailability of 3 to 9 zones, both of which are closed forms of them.
pub const MEASURED_ZONES: [MeasuredZone; 9] = [
    zone("us-east-1a", 0.1667, (0.7194, 1.4913), (3.5471, 2.6042), ((0.7194, 3.63), (1.0, 1.9), [0.898, 0.898, 0.895])),
    zone("us-east-1c", 0.4665, (1.483, 2.1245), (1.6406, 1.597), ((1.481, 1.658), (1.1, 1.35), [0.761, 0.643, 0.659])),
    zone("us-east-1d", 0.4473, (1.6649, 2.135), (1.8679, 1.9474), ((1.637, 1.914), (1.1, 1.85), [0.782, 0.832, 0.69])),
    zone("us-east-1f", 0.5912, (2.1802, 2.0146), (1.5184, 1.8267), ((2.2, 1.531), (1.4, 1.6), [0.488, 0.737, 0.616])),
    zone(
        "us-east-2a",
        0.7593,
        (5.5071, 2.4598),
        (1.8092, 1.7248),
        ((5.598, 1.823), (1.5, 1.55), [0.639, 0.151, 0.663]),
    ),
    zone("us-east-2b", 0.6822, (4.2705, 1.7646), (1.9136, 1.439), ((4.28, 1.9285), (0.9, 1.2), [0.876, 0.145, 0.896])),
    zone("us-west-2a", 0.8831, (5.762, 2.6154), (0.808, 1.4177), ((5.9, 0.808), (1.4, 1.2), [0.78, 0.794, 0.027])),
    zone("us-west-2b", 0.905, (9.7477, 2.5831), (1.1041, 1.3443), ((10.15, 1.104), (1.35, 1.2), [0.017, 0.752, 0.043])),
    zone("us-west-2c", 0.8913, (6.4796, 2.6928), (0.8358, 1.4882), ((6.66, 0.836), (1.3, 1.3), [0.548, 0.898, 0.001])),
];

/// A shortage that was fitted: name, share of the time, mean length in hours.
struct Shortage {
    name: &'static str,
    share: f64,
    mean_h: f64,
}

/// Regional shortages first; `wide` and `us-east` span regions.
const STRESSES: [Shortage; 5] = [
    Shortage { name: "us-east-1", share: 0.5088, mean_h: 5.0 },
    Shortage { name: "us-east-2", share: 0.1124, mean_h: 8.0 },
    Shortage { name: "us-west-2", share: 0.0115, mean_h: 8.0 },
    Shortage { name: "wide", share: 0.0777, mean_h: 8.0 },
    Shortage { name: "us-east", share: 0.2177, mean_h: 8.0 },
];
const SIGMA_ON: f64 = 1.0;
const SIGMA_OFF: f64 = 1.3;

fn hours(h: f64) -> SimDuration {
    SimDuration::from_s_f64(h * 3_600.0)
}

fn hits(stress: usize) -> Vec<f64> {
    let of_zone = |zone: &MeasuredZone| match stress {
        3 | 4 => zone.hits[stress - 2],
        _ if zone.name.starts_with(STRESSES[stress].name) => zone.hits[0],
        _ => 0.0,
    };
    MEASURED_ZONES.iter().map(of_zone).collect()
}

/// The measured market, with `nodes` nodes in each zone and the measured bursts.
pub fn measured_market(nodes: u32) -> MarketLaw {
    let zone = |zone: &MeasuredZone| ZoneLaw {
        name: zone.name.to_owned(),
        mean_up: hours(zone.process_h.0),
        mean_down: hours(zone.process_h.1),
        sigma_up: zone.sigma.0,
        sigma_down: zone.sigma.1,
        nodes,
        burst: BurstLaw::measured(nodes),
    };
    let stress = |(index, stress): (usize, &Shortage)| Stress {
        name: stress.name.to_owned(),
        share: stress.share,
        mean: hours(stress.mean_h),
        sigma_on: SIGMA_ON,
        sigma_off: SIGMA_OFF,
        hits: hits(index),
    };
    MarketLaw {
        step: SimDuration::from_s(195),
        zones: MEASURED_ZONES.iter().map(zone).collect(),
        stresses: STRESSES.iter().enumerate().map(stress).collect(),
    }
}

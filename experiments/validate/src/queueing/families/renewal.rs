//! One replica on a spot zone that comes and goes, with an on-demand stand-in: cost and time without
//! any, over whole cycles.
//!
//! A cycle runs from one return of the capacity to the next. The first has no stand-in from the one
//! before, so a run that ends with it is taken off. Hours are scaled to runs of equal length.

use super::super::document::Params;
use super::super::error::CaseError;
use super::super::statistic::Observation;
use super::case::{Case, Finding, Findings};
use crate::closed_forms::spot::SpotReplica;
use flashcrowd_core::clock::{Distribution, Stream};
use flashcrowd_core::fleet::{StageKind, StageWork, StartupStage};
use flashcrowd_core::ports::{CapacityPolicy, CapacityView, Fault, Maker, TimedFault};
use flashcrowd_core::simulation::Simulation;
use flashcrowd_core::units::{Market, PicoUsdPerHour};
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::capacity::{Order, SpotHedge};
use flashcrowd_workloads::faults::Listed;

/// Cycles of one replicate.
const CYCLES: u32 = 500;
/// Most replicates.
const MOST: u32 = 2_000;
/// Mean length of a cycle in simulated seconds.
const CYCLE_S: f64 = 1_000.0;
/// Spread of up and down times around their means; the closed form asks for means only, and for up
/// times that are longer than the cold start.
const SPREAD: f64 = 0.5;

fn read(params: Params<'_>) -> Result<SpotReplica, CaseError> {
    Ok(SpotReplica {
        up: params.positive("U_h")?,
        down: params.positive("D_h")?,
        cold_start: params.not_negative("cold_h")?,
        spot_price: params.not_negative("p_spot")?,
        on_demand_price: params.positive("p_od")?,
    })
}

pub(super) fn formula(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let replica = read(params)?;
    Ok(match key {
        "cost_per_h" => Some(replica.cost()),
        "saving" => Some(replica.saving()),
        "unserved" => Some(replica.unserved()),
        "max_cold_h_for_saving" => Some(replica.longest_cold_start_for_saving()),
        _ => None,
    })
}

/// `SpotHedge` that sees at once what happens to the market.
struct Watching(SpotHedge);

impl CapacityPolicy for Watching {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn period(&self) -> SimDuration {
        SimDuration::MAX
    }

    fn watches(&self) -> bool {
        true
    }

    fn spot_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.0.spot_wanted(seen)
    }

    fn next_place(&mut self, seen: &CapacityView) -> Option<usize> {
        self.0.next_place(seen)
    }

    fn answered(&mut self, place: usize, granted: bool) {
        self.0.answered(place, granted);
    }

    fn preempted(&mut self, place: usize) {
        self.0.preempted(place);
    }

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.0.on_demand_wanted(seen)
    }
}

/// Capacity that comes and goes: its changes, the end of the first cycle and of the last.
struct Zone {
    faults: Vec<TimedFault>,
    first: SimTime,
    last: SimTime,
}

impl Zone {
    fn draw(replica: &SpotReplica, hour_s: f64, mut stream: Stream) -> Self {
        let holds = |at, nodes| TimedFault { at, fault: Fault::Capacity { pool: 0, zone: 0, nodes } };
        let room = 0.9 * (1.0 - replica.cold_start / replica.up);
        let mut draw = |mean: f64, spread: f64| {
            let law = Distribution::Uniform { low: 1.0 - spread, high: 1.0 + spread };
            SimDuration::from_s_f64(mean * hour_s * law.sample(&mut stream))
        };
        let mut now = SimTime::ZERO;
        let mut zone = Zone { faults: vec![holds(now, 1)], first: now, last: now };
        for cycle in 0..=CYCLES {
            now += draw(replica.up, SPREAD.min(room));
            zone.faults.push(holds(now, 0));
            now += draw(replica.down, SPREAD);
            zone.faults.push(holds(now, 1));
            if cycle == 0 {
                zone.first = now;
            }
        }
        zone.last = now;
        zone
    }
}

/// Dollars, and seconds without a ready replica, up to an instant.
fn play(
    case: &Case<'_>,
    replica: &SpotReplica,
    hour_s: f64,
    replicate: u32,
    first: bool,
) -> Result<[f64; 3], CaseError> {
    let mut world = case.bare_world(replicate)?;
    let zone = Zone::draw(replica, hour_s, world.seed.stream(&case.label("zone")));
    world.horizon = if first { zone.first } else { zone.last };
    world.faults = vec![Box::new(Listed::new(zone.faults))];
    let mut spot = world.pools[0].clone();
    (spot.gpus_per_node, spot.max_nodes, spot.idle_timeout) = (1, u32::MAX, SimDuration::ZERO);
    let mut on_demand = spot.clone();
    (spot.market, spot.price) = (Market::Spot, PicoUsdPerHour::from_usd(replica.spot_price));
    (on_demand.name, on_demand.price) = ("on-demand".into(), PicoUsdPerHour::from_usd(replica.on_demand_price));
    world.pools = vec![spot, on_demand];
    let cold = StageWork::Drawn(Distribution::Constant(replica.cold_start * hour_s));
    let service = &mut world.services[0];
    service.initial_replicas = 1;
    service.pools = vec![0, 1];
    service.drain_timeout = SimDuration::ZERO;
    service.startup.stages = vec![StartupStage::plain(StageKind::EngineStart, cold)];
    service.capacity = Some(Maker::new("spot hedge", || -> Box<dyn CapacityPolicy> {
        Box::new(Watching(SpotHedge::new(Order::FewestOwn, 0, true, SimDuration::MAX)))
    }));
    let span_s = world.horizon.as_s_f64();
    let record = Simulation::new(world).run()?;
    Ok([record.bill.usd(|_| true), record.services[0].short.as_s_f64(), span_s])
}

pub(super) fn simulate(case: &Case<'_>) -> Result<Findings, CaseError> {
    let replica = read(case.params)?;
    let knows = ["cost_per_h", "saving", "unserved"];
    if replica.cold_start >= replica.up {
        // With up times this short, a spot replica may never get ready: the closed form does not
        // hold.
        let unknown = |key: &&str| Finding {
            key: (*key).to_owned(),
            variant: "up times within the cold start".to_owned(),
            found: None,
            half_width: 0.0,
        };
        return Ok(Findings { values: knows.iter().map(unknown).collect(), ..Findings::default() });
    }
    let hour_s = CYCLE_S / (replica.up + replica.down);
    case.play_each(MOST, &knows, |keys, replicate| {
        let first = play(case, &replica, hour_s, replicate, true)?;
        let whole = play(case, &replica, hour_s, replicate, false)?;
        // A rate of dollars is the same in scaled hours.
        let [usd, short, span] = [0, 1, 2].map(|i| whole[i] - first[i]);
        let hours = span / 3_600.0;
        let observe = |key: &&str| match *key {
            "cost_per_h" => Observation::Ratio(usd, hours),
            "saving" => {
                let on_demand = replica.on_demand_price * hours;
                Observation::Ratio(on_demand - usd, on_demand)
            }
            _ => Observation::Ratio(short, span),
        };
        Ok((keys.iter().map(observe).collect(), 0))
    })
}

//! Nodes that the market takes back before or after they are ready: who buys others, and when.

use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{PoolConfig, Reclaim, Region};
use flashcrowd_core::ledger::RunRecord;
use flashcrowd_core::ports::{Area, CapacityPolicy, CapacityView, Fault, Maker, TimedFault};
use flashcrowd_core::serving::{Discipline, ServiceConfig};
use flashcrowd_core::simulation::World;
use flashcrowd_core::units::Market;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::capacity::{OnDemandOnly, Order, SpotHedge, SpotOnly, Where};
use flashcrowd_tests::kit::{pool, run, service, world};
use flashcrowd_workloads::faults::Listed;

const S: fn(u64) -> SimDuration = SimDuration::from_s;

/// Three spot zones, then on-demand nodes, of one GPU each, which boot in 20 s.
fn market(policy: impl CapacityPolicy + Clone + Sync + 'static, faults: &[(u64, Fault)]) -> World {
    let node = PoolConfig {
        gpus_per_node: 1,
        provisioning: Distribution::Constant(20.0),
        idle_timeout: SimDuration::ZERO,
        ..pool()
    };
    let spot = PoolConfig { name: "spot".into(), zones: vec![0, 1, 2], market: Market::Spot, ..node.clone() };
    let faults = faults.iter().map(|&(at, fault)| TimedFault { at: SimTime::from_s(at), fault }).collect();
    let zones = ["a", "b", "c"].map(Into::into).to_vec();
    World {
        regions: vec![Region { name: "here".into(), jurisdiction: "".into(), zones }],
        pools: vec![spot, node],
        services: vec![ServiceConfig {
            pools: vec![0, 1],
            starts_cold: true,
            capacity: Some(Maker::new("the test's", move || -> Box<dyn CapacityPolicy> { Box::new(policy.clone()) })),
            ..service("service", Discipline::Slots { concurrency: 1 })
        }],
        faults: vec![Box::new(Listed::new(faults))],
        ..world(200)
    }
}

const fn holds(zone: u32, nodes: u32) -> Fault {
    Fault::Capacity { pool: 0, zone, nodes }
}

/// Order and loss of each node, in seconds, with its pool and zone.
fn nodes(record: &RunRecord) -> Vec<(u32, u32, u64, Option<u64>)> {
    let s = |at: SimTime| at.as_ps() / 1_000_000_000_000;
    record.nodes.iter().map(|node| (node.pool, node.zone, s(node.ordered), node.gone.map(s))).collect()
}

/// The replica that waits for a node goes with it: else its buyer would count it for ever.
#[test]
fn a_node_that_never_came_is_bought_elsewhere() {
    let mix = SpotHedge::new(Order::FewestOwn, 0, false, S(30));
    let record = run(market(mix, &[(10, holds(0, 0))]));
    assert_eq!(nodes(&record), [(0, 0, 0, Some(10)), (0, 1, 30, None)]);
    assert_eq!(record.services[0].capacity.preempted, 1);
    assert_eq!(record.replicas[1].ready, Some(SimTime::from_s(50)));
}

/// A stock-out of on-demand capacity takes nothing away, and gives nothing either until it is over.
#[test]
fn a_stock_out_refuses_new_nodes_and_keeps_the_old() {
    let stock = |nodes| Fault::Capacity { pool: 1, zone: 0, nodes };
    let lose = Fault::Lose { area: Area { region: 0, zone: None }, share_ppm: 1_000_000 };
    let mix = OnDemandOnly::new(S(30));
    let record = run(market(mix, &[(25, stock(0)), (65, lose), (130, stock(1))]));
    assert_eq!(nodes(&record), [(1, 0, 0, Some(65)), (1, 0, 150, None)]);
    assert_eq!(record.services[0].capacity.on_demand_refused, 2, "at 90 s and at 120 s");
}

/// An outage is no reclaim, but the buyer goes elsewhere all the same.
#[test]
fn an_outage_drives_a_buyer_away() {
    let lose = Fault::Lose { area: Area { region: 0, zone: Some(0) }, share_ppm: 1_000_000 };
    let mix = SpotHedge::new(Order::FewestOwn, 0, false, S(30));
    let record = run(market(mix, &[(40, lose)]));
    assert_eq!(nodes(&record), [(0, 0, 0, Some(40)), (0, 1, 60, None)]);
}

/// As [`SpotOnly`] in the first place with a stand-in, but it sees at once what happens.
#[derive(Clone)]
struct Watching(SpotOnly);

impl CapacityPolicy for Watching {
    fn name(&self) -> &'static str {
        "watching"
    }

    fn period(&self) -> SimDuration {
        S(1_000)
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

#[test]
fn who_watches_buys_at_the_loss_and_gives_back_when_spot_is_ready() {
    let mix = Watching(SpotOnly::new(Where::Single(0), 0, true, S(1_000)));
    let record = run(market(mix, &[(50, holds(0, 0)), (90, holds(0, 1))]));
    // A stand-in also at the start, until the first spot replica is ready.
    let expected = [(0, 0, 0, Some(50)), (1, 0, 0, Some(20)), (1, 0, 50, Some(110)), (0, 0, 90, None)];
    assert_eq!(nodes(&record), expected);
}

/// A node that drains early leaves its pool below the minimum before its notice is over.
#[test]
fn a_pool_is_refilled_after_an_early_drain() {
    let mut world = market(SpotOnly::new(Where::Single(0), 0, false, S(1_000)), &[(35, holds(0, 1))]);
    world.services[0].capacity = None;
    world.services[0].initial_replicas = 0;
    (world.pools[0].min_nodes, world.pools[0].zones) = (4, vec![0, 1]);
    world.pools[0].reclaim = Reclaim { notice: S(100), missed_ppm: 0 };
    let record = run(world);
    // Two in each zone; the newer of the first zone goes at its notice, and the other zone grants one.
    let lost: Vec<_> = nodes(&record).into_iter().filter(|node| node.3.is_some()).collect();
    assert_eq!(lost, [(0, 0, 0, Some(35))]);
    assert_eq!(nodes(&record).last(), Some(&(0, 1, 40, None)));
}

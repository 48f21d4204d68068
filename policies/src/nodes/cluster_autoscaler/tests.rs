//! Timing of the cluster autoscaler, on fleets changed by hand.

use super::*;
use crate::nodes::fleets::Fleet;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::id::PoolId;
use flashcrowd_core::ports::NodeOrder;

fn autoscaler(config: ClusterAutoscalerConfig) -> ClusterAutoscaler {
    ClusterAutoscaler::new(config, Seed::new(1).stream("node-autoscaler"))
}

fn plain() -> ClusterAutoscaler {
    autoscaler(ClusterAutoscalerConfig::default())
}

fn by_price() -> ClusterAutoscalerConfig {
    ClusterAutoscalerConfig { expanders: vec![Expander::Price], ..Default::default() }
}

/// Looks whenever it wants to in `from..to` seconds, applies its actions, and lists what is not
/// empty by second.
fn play(policy: &mut ClusterAutoscaler, fleet: &mut Fleet, from: u64, to: u64) -> Vec<(u64, NodeDecision)> {
    let mut log = Vec::new();
    let mut at = from;
    while at < to {
        let decision = policy.decide(fleet.now(at));
        fleet.apply(&decision);
        fleet.open(&decision);
        let next = decision.next_wake.expect("it always looks again").as_s_f64() as u64;
        let idle = NodeDecision { next_wake: decision.next_wake, ..Default::default() };
        if decision != idle {
            log.push((at, decision));
        }
        at = next;
    }
    log
}

fn pools(orders: &[NodeOrder]) -> Vec<u32> {
    orders.iter().map(|order| order.offers[0].0).collect()
}

#[test]
fn an_empty_node_goes_after_ten_minutes_and_five_seconds() {
    let mut fleet = Fleet::new(1);
    let node = fleet.node(0, &[]);
    let log = play(&mut plain(), &mut fleet, 0, 1_000);
    let [(tainted, taint), (removed, remove)] = &log[..] else { panic!("two steps: {log:?}") };
    assert_eq!((*tainted, &taint.cordon[..]), (600, &[node][..]));
    assert_eq!((*removed, &remove.remove[..]), (605, &[node][..]));
}

#[test]
fn it_is_unneeded_anew_after_it_was_used() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 4);
    let node = fleet.node(0, &[]);
    let mut policy = plain();
    assert!(play(&mut policy, &mut fleet, 0, 500).is_empty());
    fleet.hold(node, demand);
    assert!(play(&mut policy, &mut fleet, 500, 700).is_empty());
    fleet.at(node).holds.clear();
    fleet.at(node).free_gpus = 8;
    let log = play(&mut policy, &mut fleet, 700, 2_000);
    assert_eq!(log[0].0, 1_300);
}

#[test]
fn after_nodes_were_added_none_goes_for_ten_minutes() {
    let mut fleet = Fleet::new(2);
    let demand = fleet.demand(1, 8);
    fleet.view.demands[0].pools = vec![PoolId::new(1)];
    let node = fleet.node(0, &[]);
    let mut policy = plain();
    assert!(play(&mut policy, &mut fleet, 0, 300).is_empty());
    fleet.view.now = SimTime::from_s(295);
    fleet.wait(demand);
    let added = play(&mut policy, &mut fleet, 300, 310);
    assert_eq!((added[0].0, pools(&added[0].1.orders)), (300, vec![1]));
    // The node comes at once, and what waited is on it.
    fleet.view.orders.clear();
    fleet.view.waiting.clear();
    let _ = fleet.node(1, &[demand]);
    let log = play(&mut policy, &mut fleet, 310, 2_000);
    assert_eq!((log[0].0, &log[0].1.cordon[..]), (900, &[node][..]));
}

#[test]
fn half_used_is_used_and_less_is_drained_one_node_at_a_time() {
    let mut fleet = Fleet::new(1);
    let (half, third) = (fleet.demand(1, 4), fleet.demand(1, 3));
    fleet.node(0, &[half]);
    fleet.node(0, &[third]);
    fleet.node(0, &[third]);
    let roomy = fleet.node(0, &[half]);
    let log = play(&mut plain(), &mut fleet, 0, 700);
    let cordoned: Vec<u32> = log.iter().flat_map(|(_, decision)| decision.cordon.clone()).collect();
    let drained: Vec<(u64, Vec<u32>)> =
        log.iter().filter(|(_, d)| !d.drain.is_empty()).map(|(at, d)| (*at, d.drain.clone())).collect();
    // The second of them waits until the first has gone, which it never does here.
    assert_eq!((cordoned, drained), (vec![1], vec![(605, vec![1])]));
    fleet.lose(1);
    fleet.hold(roomy, third);
    let log = play(&mut ClusterAutoscaler { next_scan: SimTime::ZERO, ..plain() }, &mut fleet, 700, 1_310);
    assert_eq!(log.iter().map(|(at, decision)| (*at, decision.cordon.clone())).next(), Some((1_300, vec![2])));
}

#[test]
fn two_that_fit_on_each_other_do_not_both_go() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 3);
    fleet.node(0, &[demand]);
    fleet.node(0, &[demand]);
    let config = ClusterAutoscalerConfig { max_drain_parallelism: 10, ..Default::default() };
    let log = play(&mut autoscaler(config), &mut fleet, 0, 700);
    assert_eq!(log.iter().map(|(_, decision)| decision.cordon.len()).sum::<usize>(), 1);
}

#[test]
fn ten_empty_nodes_go_at_once_and_a_minimum_stays() {
    let mut fleet = Fleet::new(2);
    for _ in 0..13 {
        fleet.node(0, &[]);
    }
    fleet.view.pools[1].min_nodes = 1;
    fleet.node(1, &[]);
    let log = play(&mut plain(), &mut fleet, 0, 700);
    let sizes: Vec<(u64, usize)> =
        log.iter().filter(|(_, d)| !d.cordon.is_empty()).map(|(at, d)| (*at, d.cordon.len())).collect();
    assert_eq!(sizes, [(600, 10), (610, 3)]);
    assert_eq!(fleet.view.nodes.iter().map(|node| node.pool).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_finds_no_room_elsewhere_is_looked_at_again_after_five_minutes() {
    let mut fleet = Fleet::new(1);
    let (small, large) = (fleet.demand(1, 3), fleet.demand(1, 6));
    let node = fleet.node(0, &[small]);
    let other = fleet.node(0, &[large]);
    let mut policy = plain();
    assert!(play(&mut policy, &mut fleet, 0, 20).is_empty());
    // There is room from 20 s on, which it does not see before 300 s.
    fleet.at(other).holds.clear();
    fleet.at(other).free_gpus = 3;
    let log = play(&mut policy, &mut fleet, 20, 2_000);
    assert_eq!((log[0].0, &log[0].1.cordon[..]), (900, &[node][..]));
}

#[test]
fn a_deletion_that_failed_stops_others_for_three_minutes() {
    let mut fleet = Fleet::new(1);
    fleet.node(0, &[]);
    let mut policy = plain();
    let mut taints = Vec::new();
    let mut at = 0;
    while at < 1_000 {
        let decision = policy.decide(fleet.now(at));
        if !decision.cordon.is_empty() {
            // Nobody obeys.
            taints.push(at);
        }
        at = decision.next_wake.expect("it looks again").as_s_f64() as u64;
    }
    // It is known at 605 s, counts as unneeded anew from 610 s, and three minutes are long over then.
    assert_eq!(taints, [600]);
    let config = ClusterAutoscalerConfig { scale_down_unneeded_time: SimDuration::ZERO, ..Default::default() };
    let mut hasty = autoscaler(config);
    let tainted =
        |policy: &mut ClusterAutoscaler, fleet: &mut Fleet, at| !policy.decide(fleet.now(at)).cordon.is_empty();
    assert!(tainted(&mut hasty, &mut fleet, 0));
    let again = (5..400).find(|&at| tainted(&mut hasty, &mut fleet, at));
    assert_eq!(again, Some(190), "the first scan 180 s after it was noticed at 5 s");
}

#[test]
fn young_replicas_wait_for_a_while_before_they_count() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 8);
    fleet.view.now = SimTime::from_s(5);
    fleet.wait(demand);
    let config = ClusterAutoscalerConfig { new_pod_scale_up_delay: SimDuration::from_s(30), ..Default::default() };
    let log = play(&mut autoscaler(config), &mut fleet, 10, 100);
    assert_eq!(log.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [40]);
}

#[test]
fn upcoming_nodes_count_and_one_group_grows_at_a_scan() {
    let mut fleet = Fleet::new(2);
    let (first, second) = (fleet.demand(1, 3), fleet.demand(1, 8));
    fleet.view.demands[0].pools = vec![PoolId::new(0)];
    fleet.view.demands[1].pools = vec![PoolId::new(1)];
    for demand in [first, first, first, second] {
        fleet.wait(demand);
    }
    // Two nodes for three replicas of pool 0, then one for that of pool 1, then nothing more.
    let config = ClusterAutoscalerConfig { expanders: vec![Expander::MostPods], ..Default::default() };
    let log = play(&mut autoscaler(config), &mut fleet, 0, 600);
    let orders: Vec<(u64, Vec<u32>)> = log.iter().map(|(at, decision)| (*at, pools(&decision.orders))).collect();
    assert_eq!(orders, [(0, vec![0, 0]), (10, vec![1])]);
}

#[test]
fn a_node_that_never_comes_is_given_up_and_its_group_left_alone() {
    let mut fleet = Fleet::new(2);
    let demand = fleet.demand(1, 8);
    fleet.wait(demand);
    let log = play(&mut autoscaler(by_price()), &mut fleet, 0, 5_000);
    let orders: Vec<(u64, Vec<u64>, Vec<u32>)> =
        log.iter().map(|(at, decision)| (*at, decision.cancel.clone(), pools(&decision.orders))).collect();
    // Pool 0 for 15 minutes, then the dearer one for 15; by then pool 0 is trusted again. Its second
    // failure keeps it away for ten minutes, so that pool 1 is there for its turn.
    let expected = [
        (0, vec![], vec![0]),
        (900, vec![0], vec![1]),
        (1_800, vec![1], vec![0]),
        (2_700, vec![2], vec![1]),
        (3_600, vec![3], vec![0]),
        (4_500, vec![4], vec![1]),
    ];
    assert_eq!(orders, expected);
}

#[test]
fn alone_a_group_is_tried_again_after_five_ten_twenty_and_thirty_minutes() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 8);
    fleet.wait(demand);
    let mut policy = plain();
    let log = play(&mut policy, &mut fleet, 0, 10_300);
    let orders: Vec<u64> = log.iter().filter(|(_, d)| !d.orders.is_empty()).map(|(at, _)| *at).collect();
    let minutes = [0, 15 + 5, 35 + 10, 60 + 20, 95 + 30, 140 + 30];
    assert_eq!(orders, minutes.map(|minutes| minutes * 60));
    // When a node comes after all, the next failure counts as the first.
    fleet.view.waiting.clear();
    fleet.view.orders.clear();
    assert!(policy.growing.contains(&0));
    play(&mut policy, &mut fleet, 10_300, 10_310);
    assert!(policy.growing.is_empty());
    policy.backoff.fail(0, SimTime::from_s(20_000));
    assert!(!policy.backoff.holds(0, SimTime::from_s(20_000 + 300)));
}

#[test]
fn a_notice_of_a_reclaim_is_not_heard() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 8);
    let node = fleet.node(0, &[demand]);
    fleet.at(node).reclaimed = Some(SimTime::from_s(120));
    let mut policy = plain();
    assert_eq!(policy.wakes(), NodeWakes::default());
    assert!(play(&mut policy, &mut fleet, 0, 120).is_empty());
}

#[test]
fn a_group_of_several_zones_offers_the_emptiest_first() {
    let mut fleet = Fleet::new(1);
    let zone = fleet.view.pools[0].zones[0];
    fleet.view.pools[0].zones.push(flashcrowd_core::ports::OfferView { zone: 1, ..zone });
    let demand = fleet.demand(1, 8);
    fleet.node(0, &[demand]);
    for _ in 0..3 {
        fleet.wait(demand);
    }
    let config = ClusterAutoscalerConfig { group_spans_zones: true, ..Default::default() };
    let decision = autoscaler(config).decide(fleet.now(0));
    let offers: Vec<_> = decision.orders.into_iter().map(|order| order.offers).collect();
    let (ones, zeros) = (vec![(0, 1), (0, 0)], vec![(0, 0), (0, 1)]);
    assert_eq!(offers, [ones.clone(), zeros, ones]);
}

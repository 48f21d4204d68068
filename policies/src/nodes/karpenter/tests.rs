//! Batches, offers, consolidation and interruptions, on fleets changed by hand.

use super::*;
use crate::nodes::fleets::Fleet;
use flashcrowd_core::ports::OfferView;
use flashcrowd_core::units::PicoUsdPerHour;

fn karpenter() -> Karpenter {
    Karpenter::new(KarpenterConfig::default())
}

/// Looks whenever it wants to in `from..to` seconds, applies its actions, and lists what is not
/// empty by second.
fn play(policy: &mut Karpenter, fleet: &mut Fleet, from: u64, to: u64) -> Vec<(u64, NodeDecision)> {
    let mut log = Vec::new();
    let mut at = from;
    while at < to {
        let decision = policy.decide(fleet.now(at));
        fleet.apply(&decision);
        let next = decision.next_wake.expect("it always looks again").as_s_f64() as u64;
        assert!(next > at, "time goes on");
        let idle = NodeDecision { next_wake: decision.next_wake, ..Default::default() };
        if decision != idle {
            log.push((at, decision));
        }
        at = next;
    }
    log
}

fn offers(decision: &NodeDecision) -> Vec<Vec<(u32, u32)>> {
    decision.orders.iter().map(|order| order.offers.clone()).collect()
}

#[test]
fn a_batch_ends_after_a_second_of_quiet() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 4);
    let mut policy = karpenter();
    assert!(play(&mut policy, &mut fleet, 0, 1).is_empty());
    fleet.now(3);
    fleet.wait(demand);
    let first = policy.decide(&fleet.view);
    assert!(first.orders.is_empty());
    assert_eq!(first.next_wake, Some(SimTime::from_s(4)));
    let second = policy.decide(fleet.now(4));
    assert_eq!(offers(&second), [vec![(0, 0)]]);
}

#[test]
fn who_comes_all_the_time_is_served_after_ten_seconds() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 4);
    let mut policy = karpenter();
    let half = SimDuration::from_ms(500);
    let mut orders = Vec::new();
    for step in 0..=24 {
        fleet.view.now = SimTime::from_s(3) + half * step;
        fleet.wait(demand);
        let decision = policy.decide(&fleet.view);
        if !decision.orders.is_empty() {
            orders.push((step, decision.orders.len()));
        }
    }
    // 21 replicas of half a node have come by then.
    assert_eq!(orders, [(20, 11)]);
}

#[test]
fn the_cheapest_offer_goes_first_and_a_refused_one_is_left_alone_for_three_minutes() {
    let mut fleet = Fleet::new(2);
    fleet.view.pools[0].zones.push(OfferView { zone: 1, price: PicoUsdPerHour::from_usd(3.0) });
    let demand = fleet.demand(1, 8);
    fleet.wait(demand);
    let mut policy = karpenter();
    policy.decide(fleet.now(0));
    let decision = policy.decide(fleet.now(1));
    assert_eq!(offers(&decision), [vec![(0, 0), (1, 0), (0, 1)]]);
    let refused = vec![(0, 0), (1, 0), (0, 1)];
    policy.answered(SimTime::from_s(1), &OrderAnswer { order: decision.orders[0].id, node: None, refused });
    let log = play(&mut policy, &mut fleet, 2, 240);
    // It asks again when the offers are no longer left alone, in the batch of a poll.
    assert_eq!((log[0].0, offers(&log[0].1)), (181, vec![vec![(0, 0), (1, 0), (0, 1)]]));
    // One was granted: the others are still offered at once.
    let granted = OrderAnswer { order: log[0].1.orders[0].id, node: Some(0), refused: vec![(0, 0)] };
    policy.answered(SimTime::from_s(181), &granted);
    assert_eq!(policy.unavailable.keys().collect::<Vec<_>>(), [&(0, 0)]);
}

#[test]
fn replicas_are_packed_onto_room_then_claims_then_new_nodes() {
    let mut fleet = Fleet::new(2);
    fleet.view.pools[0].gpus_per_node = 2;
    let (small, large) = (fleet.demand(1, 2), fleet.demand(1, 6));
    fleet.node(1, &[large]);
    for demand in [small, small, small, large] {
        fleet.wait(demand);
    }
    let mut policy = karpenter();
    policy.decide(fleet.now(0));
    // One small replica has room, the large one needs pool 1 and has room for another small one; the
    // third takes a node of the cheap pool.
    let decision = policy.decide(fleet.now(1));
    assert_eq!(offers(&decision), [vec![(1, 0)], vec![(0, 0), (1, 0)]]);
}

#[test]
fn a_replica_of_several_groups_is_packed_whole_or_not_at_all() {
    let mut fleet = Fleet::new(1);
    fleet.view.pools[0].max_nodes = 1;
    let (whole, part) = (fleet.demand(2, 9), fleet.demand(2, 4));
    fleet.wait(whole);
    fleet.wait(part);
    let mut policy = karpenter();
    policy.decide(fleet.now(0));
    assert_eq!(offers(&policy.decide(fleet.now(1))), [vec![(0, 0)]]);
}

#[test]
fn two_half_empty_nodes_become_one_fifteen_seconds_after_a_poll() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 4);
    fleet.node(0, &[demand]);
    fleet.node(0, &[demand]);
    let log = play(&mut karpenter(), &mut fleet, 0, 60);
    let drains: Vec<(u64, Vec<u32>)> = log.iter().map(|(at, decision)| (*at, decision.drain.clone())).collect();
    assert_eq!(drains, [(15, vec![0])]);
    let config = KarpenterConfig { consolidation: Consolidation::WhenEmpty, ..Default::default() };
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 4);
    fleet.node(0, &[demand]);
    fleet.node(0, &[demand]);
    assert!(play(&mut Karpenter::new(config), &mut fleet, 0, 60).is_empty());
}

#[test]
fn a_plan_is_dropped_if_its_node_is_used_meanwhile() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 8);
    let node = fleet.node(0, &[]);
    let mut policy = karpenter();
    assert!(play(&mut policy, &mut fleet, 0, 14).is_empty());
    fleet.hold(node, demand);
    assert!(play(&mut policy, &mut fleet, 14, 60).is_empty());
}

#[test]
fn it_waits_for_consolidate_after() {
    let mut fleet = Fleet::new(1);
    let node = fleet.node(0, &[]);
    let config = KarpenterConfig { consolidate_after: SimDuration::from_s(300), ..Default::default() };
    let log = play(&mut Karpenter::new(config), &mut fleet, 0, 600);
    assert_eq!(
        log.iter().map(|(at, decision)| (*at, decision.remove.clone())).collect::<Vec<_>>(),
        [(315, vec![node])]
    );
}

#[test]
fn a_cheaper_node_takes_over_once_it_has_booted() {
    let mut fleet = Fleet::new(3);
    let demand = fleet.demand(1, 4);
    let old = fleet.node(2, &[demand]);
    let mut policy = karpenter();
    let log = play(&mut policy, &mut fleet, 0, 16);
    let (at, ordered) = &log[0];
    assert_eq!((*at, &ordered.cordon[..], offers(ordered)), (15, &[old][..], vec![vec![(0, 0), (1, 0)]]));
    let new = fleet.grant(ordered)[0];
    assert!(play(&mut policy, &mut fleet, 16, 100).is_empty(), "it boots");
    fleet.at(new).ready = Some(SimTime::from_s(100));
    let log = play(&mut policy, &mut fleet, 100, 130);
    assert_eq!((log[0].0, &log[0].1.drain[..]), (100, &[old][..]));
}

#[test]
fn a_replacement_that_nobody_grants_lets_the_old_node_go_on() {
    let mut fleet = Fleet::new(2);
    let demand = fleet.demand(1, 4);
    let old = fleet.node(1, &[demand]);
    let mut policy = karpenter();
    let (_, ordered) = play(&mut policy, &mut fleet, 0, 16).remove(0);
    let answer = OrderAnswer { order: ordered.orders[0].id, node: None, refused: vec![(0, 0)] };
    policy.answered(SimTime::from_s(15), &answer);
    let next = policy.decide(fleet.now(16));
    assert_eq!((next.uncordon, policy.batch), (vec![old], None));
}

#[test]
fn a_tenth_of_the_nodes_rounded_up_may_go_at_once() {
    for (nodes, expected) in [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)] {
        let mut fleet = Fleet::new(1);
        for _ in 0..nodes {
            fleet.node(0, &[]);
        }
        let log = play(&mut karpenter(), &mut fleet, 0, 16);
        assert_eq!(log[0].1.remove.len(), expected, "of {nodes}");
    }
    // Those that are on their way out count.
    let mut fleet = Fleet::new(1);
    for _ in 0..10 {
        fleet.node(0, &[]);
    }
    fleet.at(3).cordoned = true;
    assert!(play(&mut karpenter(), &mut fleet, 0, 60).is_empty());
    let config = KarpenterConfig { budget: Budget::Nodes(4), ..Default::default() };
    assert_eq!(play(&mut Karpenter::new(config), &mut fleet, 60, 76)[0].1.remove.len(), 3);
}

#[test]
fn a_minimum_stays() {
    let mut fleet = Fleet::new(1);
    fleet.view.pools[0].min_nodes = 2;
    for _ in 0..3 {
        fleet.node(0, &[]);
    }
    play(&mut karpenter(), &mut fleet, 0, 200);
    assert_eq!(fleet.view.nodes.len(), 2);
}

#[test]
fn spot_is_not_replaced_by_spot_unless_asked_and_then_only_among_many_types() {
    let run = |types: u32, spot_to_spot| {
        let mut fleet = Fleet::new(types + 1);
        let demand = fleet.demand(1, 4);
        for pool in &mut fleet.view.pools {
            pool.market = Market::Spot;
        }
        fleet.node(types, &[demand]);
        let config = KarpenterConfig { spot_to_spot, ..Default::default() };
        play(&mut Karpenter::new(config), &mut fleet, 0, 16).len()
    };
    assert_eq!([run(20, false), run(14, true), run(15, true)], [0, 0, 1]);
}

#[test]
fn several_nodes_are_replaced_by_one_that_is_cheaper_than_all() {
    let mut fleet = Fleet::new(3);
    let demand = fleet.demand(1, 5);
    fleet.view.pools[0].gpus_per_node = 4;
    fleet.view.pools[1].gpus_per_node = 16;
    for _ in 0..3 {
        fleet.node(2, &[demand]);
    }
    let config = KarpenterConfig { budget: Budget::Percent(100), ..Default::default() };
    let log = play(&mut Karpenter::new(config), &mut fleet, 0, 16);
    assert_eq!((log[0].1.cordon.len(), offers(&log[0].1)), (3, vec![vec![(1, 0)]]));
}

#[test]
fn a_notice_drains_at_once_unless_the_queue_is_lost() {
    for (interruption_queue, expected) in [(true, vec![0]), (false, vec![])] {
        let mut fleet = Fleet::new(1);
        fleet.view.pools[0].market = Market::Spot;
        let demand = fleet.demand(1, 8);
        let node = fleet.node(0, &[demand]);
        let mut policy = Karpenter::new(KarpenterConfig { interruption_queue, ..Default::default() });
        policy.decide(fleet.now(0));
        fleet.at(node).reclaimed = Some(SimTime::from_s(123));
        assert_eq!(policy.wakes().notices, interruption_queue);
        assert_eq!(policy.decide(fleet.now(3)).drain, expected);
        assert_eq!(policy.unavailable.contains_key(&(0, 0)), interruption_queue);
    }
}

#[test]
fn old_nodes_expire_and_those_that_never_boot_are_given_back() {
    let mut fleet = Fleet::new(1);
    let demand = fleet.demand(1, 8);
    let (old, stuck) = (fleet.node(0, &[demand]), fleet.node(0, &[]));
    fleet.at(stuck).ready = None;
    let log = play(&mut karpenter(), &mut fleet, 0, 1_000);
    assert_eq!(log.iter().map(|(at, d)| (*at, d.remove.clone())).collect::<Vec<_>>(), [(900, vec![stuck])]);
    let mut policy = karpenter();
    assert!(policy.decide(fleet.now(720 * 3_600 - 1)).drain.is_empty());
    assert_eq!(policy.decide(fleet.now(720 * 3_600)).drain, [old]);
}

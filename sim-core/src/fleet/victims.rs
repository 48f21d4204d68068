//! Which replicas a scale-down deletes first.
//!
//! [`ScaleDownOrder::ReplicaSet`]: unassigned before assigned, pending before running, not ready before
//! ready, lower deletion cost, more replicas of the same service on the node, ready for the shorter
//! time (by powers of two), more restarts, newer (by powers of two); replicas that are still equal
//! go by UID. Source: kubernetes 1.28 `pkg/controller/controller_utils.go`,
//! `ActivePodsWithRanks.Less` with the feature `LogarithmicScaleDown` (on by default). That
//! comparison is not a total order if some pairs have equal ready times and others only similar
//! ones. Here UIDs decide among all ready replicas of one power of two, which is what upstream does
//! unless two ready times are equal. A pod's random UID is a fixed hash of its number in its service
//! here, so that other services do not change it.
//!
//! [`ScaleDownOrder::SparsestNode`]: not ready before ready; then the node with the fewest replicas of
//! all services of this order. Source: Ray Serve `serve/_private/deployment_scheduler.py`,
//! `DefaultDeploymentScheduler._get_replicas_to_stop`. Upstream leaves the head node to the last (no
//! node here is one); of nodes with as many it takes the one that had a running replica first; on a
//! node it goes through a set, which has no order: here the newest goes first.

use crate::clock::{SimDuration, SimTime};
use crate::id::PodId;
use std::cmp::Ordering;

/// In which order replicas are given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaleDownOrder {
    /// As a Kubernetes `ReplicaSet` does.
    #[default]
    ReplicaSet,
    /// From the node with the fewest replicas first, as Ray Serve does: nodes become empty sooner.
    SparsestNode,
}

/// What the order needs of a replica.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) pod: PodId,
    /// Its number among the replicas of its service.
    pub(crate) ordinal: u64,
    pub(crate) assigned: bool,
    /// Whether its process runs.
    pub(crate) running: bool,
    pub(crate) ready: Option<SimTime>,
    pub(crate) deletion_cost: i32,
    /// Active replicas of the same service on its node, itself included.
    pub(crate) related: u32,
    pub(crate) restarts: u32,
    pub(crate) created: SimTime,
    /// The node's company, where the order asks for it.
    pub(crate) company: Company,
}

/// The ready replicas on a node of all services that are scaled down in the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    pub(crate) count: u32,
    /// When the first of them became ready.
    pub(crate) since: SimTime,
    /// The node, to tell nodes of equal company apart.
    pub(crate) node: u32,
}

/// Sorts the candidates: the first ones are deleted first.
pub(crate) fn rank_victims(candidates: &mut [Candidate], order: ScaleDownOrder, now: SimTime) {
    match order {
        ScaleDownOrder::ReplicaSet => candidates.sort_by(|a, b| by_replica_set(a, b, now)),
        ScaleDownOrder::SparsestNode => candidates.sort_by(by_company),
    }
}

fn by_company(a: &Candidate, b: &Candidate) -> Ordering {
    let node = |c: &Candidate| (c.company.count, c.company.since, c.company.node);
    let newest = |c: &Candidate| std::cmp::Reverse((c.ready, c.created, c.ordinal));
    match (a.ready, b.ready) {
        (Some(_), Some(_)) => node(a).cmp(&node(b)).then_with(|| newest(a).cmp(&newest(b))),
        _ => a
            .ready
            .is_some()
            .cmp(&b.ready.is_some())
            .then(a.assigned.cmp(&b.assigned))
            .then_with(|| newest(a).cmp(&newest(b))),
    }
}

fn by_replica_set(a: &Candidate, b: &Candidate, now: SimTime) -> Ordering {
    a.assigned
        .cmp(&b.assigned)
        .then(a.running.cmp(&b.running))
        .then(a.ready.is_some().cmp(&b.ready.is_some()))
        .then(a.deletion_cost.cmp(&b.deletion_cost))
        .then(b.related.cmp(&a.related))
        .then_with(|| match (a.ready, b.ready) {
            (Some(x), Some(y)) => magnitude(now.since(x)).cmp(&magnitude(now.since(y))).then(by_uid(a, b)),
            _ => Ordering::Equal,
        })
        .then(b.restarts.cmp(&a.restarts))
        .then_with(|| magnitude(now.since(a.created)).cmp(&magnitude(now.since(b.created))))
        .then_with(|| by_uid(a, b))
}

/// The power of two of an age in nanoseconds; -1 for none.
fn magnitude(age: SimDuration) -> i64 {
    (age.as_ps() / 1_000).checked_ilog2().map_or(-1, i64::from)
}

fn by_uid(a: &Candidate, b: &Candidate) -> Ordering {
    uid(a.ordinal).cmp(&uid(b.ordinal))
}

fn uid(ordinal: u64) -> u64 {
    let x = ordinal.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PodSlot;
    use proptest::prelude::*;

    fn old(replica: u32) -> Candidate {
        Candidate {
            pod: PodId::new(replica, PodSlot::NONE),
            ordinal: u64::from(replica),
            assigned: true,
            running: true,
            ready: Some(SimTime::from_s(1)),
            deletion_cost: 0,
            related: 1,
            restarts: 0,
            created: SimTime::ZERO,
            company: Company::default(),
        }
    }

    fn first(mut candidates: Vec<Candidate>) -> u32 {
        rank_victims(&mut candidates, ScaleDownOrder::ReplicaSet, SimTime::from_s(10_000));
        candidates[0].pod.serial()
    }

    #[test]
    fn each_rule_decides_before_the_next() {
        let ladder = [
            Candidate { assigned: false, running: false, ready: None, ..old(1) },
            Candidate { running: false, ready: None, ..old(2) },
            Candidate { restarts: 3, ready: None, ..old(3) },
            Candidate { created: SimTime::from_s(9_000), ready: None, ..old(4) },
            Candidate { ready: None, ..old(5) },
            Candidate { deletion_cost: -1, ..old(6) },
            Candidate { related: 2, ..old(7) },
            Candidate { ready: Some(SimTime::from_s(9_000)), ..old(8) },
            old(9),
        ];
        for (i, rung) in ladder.iter().enumerate() {
            assert_eq!(first(ladder[i..].iter().rev().copied().collect()), rung.pod.serial());
        }
    }

    #[test]
    fn ready_times_within_one_power_of_two_are_equal() {
        let young = Candidate { ready: Some(SimTime::from_s(2)), ..old(1) };
        let pair = [young, old(2)];
        let by_uid = if uid(1) < uid(2) { 1 } else { 2 };
        assert_eq!(first(pair.to_vec()), by_uid);
    }

    #[test]
    fn the_sparsest_node_gives_up_first_and_of_equal_ones_the_first_taken() {
        let on = |node, count, since| Company { count, since: SimTime::from_s(since), node };
        let mut candidates = [
            Candidate { company: on(0, 4, 1), ..old(1) },
            Candidate { company: on(2, 1, 9), ..old(2) },
            Candidate { company: on(1, 1, 5), ..old(3) },
            Candidate { company: on(0, 4, 1), ready: Some(SimTime::from_s(7)), ..old(4) },
            Candidate { ready: None, ..old(5) },
            Candidate { ready: None, assigned: false, ..old(6) },
        ];
        rank_victims(&mut candidates, ScaleDownOrder::SparsestNode, SimTime::from_s(10_000));
        assert_eq!(candidates.map(|c| c.pod.serial()), [6, 5, 3, 2, 4, 1]);
    }

    proptest! {
        /// The standard sort panics if the order is not total.
        #[test]
        fn it_is_a_total_order(
            rows in prop::collection::vec((0_u64..40, 0_u64..40, 0_u32..3, any::<bool>()), 2..80),
            sparsest in any::<bool>(),
        ) {
            let order = if sparsest { ScaleDownOrder::SparsestNode } else { ScaleDownOrder::ReplicaSet };
            let mut candidates: Vec<Candidate> = rows.iter().zip(0..).map(|(&(ready, created, restarts, is_ready), id)| {
                let ready = is_ready.then_some(SimTime::from_s(9_960 + ready));
                let company = Company { count: restarts, since: SimTime::from_s(created), node: restarts };
                Candidate { ready, created: SimTime::from_s(9_900 + created), restarts, company, ..old(id) }
            }).collect();
            let mut reversed: Vec<Candidate> = candidates.iter().rev().copied().collect();
            rank_victims(&mut candidates, order, SimTime::from_s(10_000));
            rank_victims(&mut reversed, order, SimTime::from_s(10_000));
            let ids = |list: &[Candidate]| list.iter().map(|c| c.pod).collect::<Vec<_>>();
            prop_assert_eq!(ids(&candidates), ids(&reversed));
        }
    }
}

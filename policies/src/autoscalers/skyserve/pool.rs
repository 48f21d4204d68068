//! A pool of workers, scaled by the length of its queue (`QueueLengthAutoscaler`).

use super::policy::ReplicaPolicy;
use super::replica::{Replica, victims};

/// How many workers `pending` jobs ask for, before the bounds.
pub(super) fn propose(policy: &ReplicaPolicy, target: i64, pending: u64) -> i64 {
    let threshold = policy.queue_threshold();
    let pending = i64::try_from(pending).unwrap_or(i64::MAX);
    let wanted = match pending.cmp(&threshold) {
        _ if pending == 0 => return 0,
        std::cmp::Ordering::Greater => target + 1,
        std::cmp::Ordering::Less => target - 1,
        std::cmp::Ordering::Equal => target,
    };
    // Jobs wait: one worker stays.
    if wanted == 0 { 1 } else { wanted }
}

/// Only workers without jobs go.
pub(super) fn idle_victims(live: Vec<&Replica>, count: usize) -> Vec<u32> {
    victims(live.into_iter().filter(|replica| replica.jobs == 0).collect(), count)
}

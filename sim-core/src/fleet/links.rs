//! Links that transfers share. Each transfer gets its max-min fair share, until a transfer comes or
//! goes.
//!
//! A transfer has its own highest rate, and crosses any number of links. Rates are found by
//! progressive filling (Bertsekas and Gallager, *Data Networks*, section 6.5): all rates grow alike
//! until a link is full or a transfer has reached its own rate; those transfers keep their rates,
//! and the others grow on.

use crate::clock::{SimDuration, SimTime};
use crate::id::PodId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A link whose rate concurrent transfers share: a bucket, a registry, a network card, a bus. Links
/// with the same name, scope and place are one link; the first use sets its rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: Arc<str>,
    /// Bytes per second, for all transfers across it together.
    pub bytes_per_s: u64,
    /// How many links of this name there are.
    pub scope: LinkScope,
}

/// How many links of one name there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkScope {
    /// One for the whole fleet.
    Fleet,
    /// One in each region.
    Region,
    /// One in each pool.
    Pool,
    /// Two at each node: one for incoming and one for outgoing data.
    Node,
}

/// Rates are fixed point: units of 2^-20 bytes per second.
const FRACTION_BITS: u32 = 20;

/// The highest rate of a transfer, in bytes per second. Keeps rate times time below 2^128.
const FASTEST: f64 = 1e15;

/// A rate in fixed point.
pub(crate) fn fixed_rate(bytes_per_s: f64) -> u128 {
    ((bytes_per_s.clamp(0.0, FASTEST) * f64::from(1_u32 << FRACTION_BITS)) as u128).max(1)
}

/// A transfer in progress.
#[derive(Clone, Debug)]
struct Flow {
    /// Links that it crosses, each once.
    path: Vec<u32>,
    /// The transfer's own highest rate.
    cap: u128,
    /// Its present rate, as of the last [`Links::share`]; 0 before that.
    rate: u128,
    /// What is left to transfer, in rate times picoseconds.
    left: u128,
}

/// The links and the transfers that cross them.
#[derive(Debug, Default)]
pub(crate) struct Links {
    capacity: Vec<u128>,
    /// By pod: a pod is in one stage at a time.
    flows: BTreeMap<PodId, Flow>,
    /// The instant up to which transferred data was subtracted.
    counted: SimTime,
}

impl Links {
    /// Adds a link and returns its number.
    pub(crate) fn add(&mut self, bytes_per_s: u64) -> u32 {
        self.capacity.push(fixed_rate(bytes_per_s as f64));
        (self.capacity.len() - 1) as u32
    }

    /// Starts a transfer of `who` that would take `alone` at its own rate `cap`. It gets a rate at
    /// the next [`Links::share`].
    pub(crate) fn start(&mut self, who: PodId, cap: u128, alone: SimDuration, mut path: Vec<u32>) {
        path.sort_unstable();
        path.dedup();
        let left = cap.saturating_mul(u128::from(alone.as_ps()));
        self.flows.insert(who, Flow { path, cap, rate: 0, left });
    }

    /// Cancels a transfer; true if there was one.
    pub(crate) fn cancel(&mut self, who: PodId) -> bool {
        self.flows.remove(&who).is_some()
    }

    /// Subtracts what was transferred up to `now`, and takes out the transfers that have ended, in
    /// the order of their pods.
    pub(crate) fn advance(&mut self, now: SimTime) -> Vec<PodId> {
        let span = u128::from(now.since(self.counted).as_ps());
        self.counted = now;
        let mut ended = Vec::new();
        for (who, flow) in &mut self.flows {
            flow.left = flow.left.saturating_sub(flow.rate.saturating_mul(span));
            if flow.left == 0 {
                ended.push(*who);
            }
        }
        for who in &ended {
            self.flows.remove(who);
        }
        ended
    }

    /// Gives each transfer its share, and returns when the first one will end if nothing changes.
    /// Call after [`Links::advance`] to the same instant.
    pub(crate) fn share(&mut self) -> Option<SimTime> {
        let wanted: Vec<(u128, &[u32])> = self.flows.values().map(|flow| (flow.cap, flow.path.as_slice())).collect();
        let rates = max_min(&self.capacity, &wanted);
        let mut first = None::<u128>;
        for (flow, rate) in self.flows.values_mut().zip(rates) {
            flow.rate = rate;
            if rate > 0 {
                let span = flow.left.div_ceil(rate);
                first = Some(first.map_or(span, |first| first.min(span)));
            }
        }
        let span = u64::try_from(first?).unwrap_or(u64::MAX);
        Some(self.counted + SimDuration::from_ps(span))
    }
}

/// The state of one link during progressive filling.
struct Filling {
    left: u128,
    /// Transfers across it whose rates still grow.
    growing: u128,
}

impl Filling {
    /// The rate that each growing transfer could get on it.
    fn level(&self) -> Option<u128> {
        self.left.checked_div(self.growing)
    }
}

/// Max-min fair rates of transfers `(own limit, links crossed)`, rounded down.
fn max_min(capacity: &[u128], flows: &[(u128, &[u32])]) -> Vec<u128> {
    let mut rates = vec![0; flows.len()];
    let mut links: BTreeMap<u32, Filling> = BTreeMap::new();
    for (_, path) in flows {
        for &link in *path {
            links.entry(link).or_insert(Filling { left: capacity[link as usize], growing: 0 }).growing += 1;
        }
    }
    // Lowest own rate first: the next transfer to reach its own rate is at the front.
    let mut growing: Vec<usize> = (0..flows.len()).collect();
    growing.sort_by_key(|&flow| (flows[flow].0, flow));
    while let Some(&slowest) = growing.first() {
        let level = links.values().filter_map(Filling::level).min();
        let level = level.unwrap_or(u128::MAX);
        let full: BTreeSet<u32> =
            links.iter().filter(|(_, filling)| filling.level() == Some(level)).map(|(&link, _)| link).collect();
        let own = flows[slowest].0 <= level;
        growing.retain(|&flow| {
            let (cap, path) = flows[flow];
            let stays = if own { cap <= level } else { path.iter().any(|link| full.contains(link)) };
            if stays {
                rates[flow] = cap.min(level);
                for link in path {
                    if let Some(filling) = links.get_mut(link) {
                        filling.left = filling.left.saturating_sub(rates[flow]);
                        filling.growing -= 1;
                    }
                }
            }
            !stays
        });
    }
    rates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PodSlot;
    use proptest::prelude::*;

    const GB: f64 = 1e9;

    fn pod(serial: u32) -> PodId {
        PodId::new(serial, PodSlot::NONE)
    }

    /// Plays transfers `(start in ps, bytes, own rate in bytes per second, path)`: when each ends.
    fn play(capacity: &[u64], transfers: &[(u64, f64, f64, Vec<u32>)]) -> Vec<SimTime> {
        let mut links = Links::default();
        for &rate in capacity {
            links.add(rate);
        }
        let mut ends = vec![SimTime::MAX; transfers.len()];
        let mut starts: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (i, transfer) in transfers.iter().enumerate() {
            starts.entry(transfer.0).or_default().push(i);
        }
        let mut next = None;
        loop {
            let start = starts.keys().next().copied().map(SimTime::from_ps);
            let Some(now) = [start, next].into_iter().flatten().min() else { return ends };
            for who in links.advance(now) {
                ends[who.serial() as usize] = now;
            }
            for i in starts.remove(&now.as_ps()).unwrap_or_default() {
                let (_, bytes, cap, path) = &transfers[i];
                links.start(pod(i as u32), fixed_rate(*cap), SimDuration::from_s_f64(bytes / cap), path.clone());
            }
            next = links.share();
        }
    }

    fn s(seconds: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_s_f64(seconds)
    }

    #[test]
    fn equal_transfers_take_size_over_the_smaller_of_cap_and_share() {
        let load = || (0, 16.0 * GB, 12.0 * GB, vec![0]);
        let four = play(&[25_000_000_000], &[load(), load(), load(), load()]);
        assert_eq!(four, [s(2.56); 4]);
        assert_eq!(play(&[25_000_000_000], &[load()]), [s(16.0 / 12.0)]);
        // Two at 12 fit into 25: neither is slowed down.
        assert_eq!(play(&[25_000_000_000], &[load(), load()]), [s(16.0 / 12.0); 2]);
    }

    #[test]
    fn who_leaves_gives_its_share_to_the_others() {
        // 10 GB each over 10 GB/s, the second 0.5 s later: alone 5 GB, then 5 GB/s each; the first ends
        // at 1.5 s, the second has 5 GB left and ends at 2 s.
        let loads = [(0, 10.0 * GB, 20.0 * GB, vec![0]), (500_000_000_000, 10.0 * GB, 20.0 * GB, vec![0])];
        assert_eq!(play(&[10_000_000_000], &loads), [s(1.5), s(2.0)]);
    }

    #[test]
    fn a_transfer_held_back_elsewhere_leaves_room() {
        // The textbook case: links of 10 and 4; A crosses both, B the first, C the second.
        let fixed = |gb: f64| fixed_rate(gb * GB);
        let flows: [(u128, &[u32]); 3] = [(fixed(100.0), &[0, 1]), (fixed(100.0), &[0]), (fixed(100.0), &[1])];
        assert_eq!(max_min(&[fixed(10.0), fixed(4.0)], &flows), [fixed(2.0), fixed(8.0), fixed(2.0)]);
        let limited: [(u128, &[u32]); 2] = [(fixed(1.0), &[0]), (fixed(100.0), &[0])];
        assert_eq!(max_min(&[fixed(10.0)], &limited), [fixed(1.0), fixed(9.0)]);
        assert_eq!(max_min(&[], &[(fixed(3.0), &[])]), [fixed(3.0)]);
    }

    #[test]
    fn a_cancelled_transfer_frees_its_share() {
        let mut links = Links::default();
        let link = links.add(10);
        links.start(pod(1), fixed_rate(10.0), SimDuration::from_s(1), vec![link]);
        links.start(pod(2), fixed_rate(10.0), SimDuration::from_s(1), vec![link]);
        assert_eq!(links.share(), Some(SimTime::from_s(2)));
        assert!(links.advance(SimTime::from_s(1)).is_empty());
        assert!(links.cancel(pod(2)) && !links.cancel(pod(2)));
        assert_eq!(links.share(), Some(s(1.5)));
        assert_eq!(links.advance(s(1.5)), [pod(1)]);
        assert_eq!(links.share(), None);
    }

    /// Capacities, and flows of an own limit and a path.
    fn networks() -> impl Strategy<Value = (Vec<u128>, Vec<(u128, Vec<u32>)>)> {
        prop::collection::vec(1_u128..2_000, 1..6).prop_flat_map(|capacity| {
            let link = 0..capacity.len() as u32;
            let path = prop::collection::btree_set(link, 0..4).prop_map(|path| path.into_iter().collect::<Vec<_>>());
            let flows = prop::collection::vec((1_u128..1_500, path), 1..12);
            // In fixed point the rounding, a unit for each flow, is far below the rates.
            let scale = |x: u128| x << 40;
            (Just(capacity), flows).prop_map(move |(capacity, flows)| {
                let capacity = capacity.into_iter().map(scale).collect();
                (capacity, flows.into_iter().map(|(cap, path)| (scale(cap), path)).collect())
            })
        })
    }

    proptest! {
        #[test]
        fn shares_are_feasible_and_every_transfer_has_a_bottleneck((capacity, flows) in networks()) {
            let wanted: Vec<(u128, &[u32])> = flows.iter().map(|(cap, path)| (*cap, path.as_slice())).collect();
            let rates = max_min(&capacity, &wanted);
            let paths = &flows;
            let across = |link: u32| (0..paths.len()).filter(move |&i| paths[i].1.contains(&link));
            let unit = flows.len() as u128 * 2;
            for (link, &limit) in capacity.iter().enumerate() {
                prop_assert!(across(link as u32).map(|i| rates[i]).sum::<u128>() <= limit);
            }
            for (i, (cap, path)) in flows.iter().enumerate() {
                prop_assert!(rates[i] <= *cap && rates[i] > 0);
                // Max-min: a transfer has its own rate, or crosses a full link on which no other
                // has more.
                let bottleneck = path.iter().any(|&link| {
                    let used: u128 = across(link).map(|i| rates[i]).sum();
                    used + unit >= capacity[link as usize] && across(link).all(|j| rates[j] <= rates[i] + unit)
                });
                prop_assert!(rates[i] == *cap || bottleneck, "{i}: {rates:?}");
            }
        }

        #[test]
        fn a_link_works_without_rest_while_anyone_waits(
            loads in prop::collection::vec((0_u64..50, 1_u32..100, 1_u32..40), 1..10),
            rate in 1_u32..60,
        ) {
            // All over one link; times in 0.1 s. The link's busy time times its rate bounds what it moved.
            let transfer = |&(at, gb, cap): &(u64, u32, u32)| {
                (at * 100_000_000_000, f64::from(gb) * GB, f64::from(cap) * GB, vec![0])
            };
            let transfers: Vec<_> = loads.iter().map(transfer).collect();
            let ends = play(&[u64::from(rate) * 1_000_000_000], &transfers);
            let total: f64 = loads.iter().map(|load| f64::from(load.1)).sum();
            let last = ends.iter().max().map_or(0.0, |end| end.as_s_f64());
            prop_assert!(last + 1e-9 >= total / f64::from(rate));
            for (end, load) in ends.iter().zip(&loads) {
                let (start, alone) = (load.0 as f64 / 10.0, f64::from(load.1) / f64::from(load.2.min(rate)));
                prop_assert!(end.as_s_f64() + 1e-9 >= start + alone);
                // Never worse than waiting for all the others first.
                let others = total / f64::from(loads.iter().map(|load| load.2).min().unwrap_or(1).min(rate));
                prop_assert!(end.as_s_f64() <= start + others + 1e-6);
            }
            // Where no own rate limits a transfer, the link is always busy while there is work:
            // bytes are conserved.
            if loads.iter().all(|load| load.2 >= rate) {
                let mut order: Vec<_> = loads.iter().map(|load| (load.0 as f64 / 10.0, f64::from(load.1))).collect();
                order.sort_by(|a, b| a.0.total_cmp(&b.0));
                let busy_until = order.iter().fold(0.0_f64, |until, load| until.max(load.0) + load.1 / f64::from(rate));
                prop_assert!((busy_until - last).abs() < 1e-6, "{busy_until} {last}");
            }
        }

        #[test]
        fn alone_it_takes_exactly_its_own_time(ps in 0_u64..10_000_000_000_000, cap in 1_u64..100_000_000_000) {
            let mut links = Links::default();
            let link = links.add(100_000_000_000);
            links.start(pod(7), fixed_rate(cap as f64), SimDuration::from_ps(ps), vec![link]);
            let end = links.share();
            prop_assert_eq!(end, Some(SimTime::from_ps(ps)));
            prop_assert_eq!(links.advance(SimTime::from_ps(ps)), [pod(7)]);
        }
    }
}

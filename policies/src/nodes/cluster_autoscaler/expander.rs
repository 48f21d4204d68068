//! The choice among node groups that would help.

use super::config::{ClusterAutoscalerConfig, Expander};
use flashcrowd_core::clock::Stream;
use flashcrowd_core::ports::FleetView;
use rand::RngExt;

/// What one group would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expansion {
    pub(super) group: usize,
    pub(super) pool: u32,
    /// Nodes that it would add.
    pub(super) nodes: u32,
    /// What they cost in all, in pico-dollars per hour.
    pub(super) price: u128,
    /// Replicas that find room, and the GPUs that they ask for.
    pub(super) replicas: u32,
    pub(super) gpus: u32,
}

/// The chosen one, by all expanders in turn and then by chance.
pub(super) fn choose(
    mut options: Vec<Expansion>,
    seen: &FleetView,
    config: &ClusterAutoscalerConfig,
    stream: &mut Stream,
) -> Option<Expansion> {
    for &expander in &config.expanders {
        options = narrow(options, expander, seen, config);
    }
    if options.len() < 2 {
        return options.pop();
    }
    Some(options.swap_remove(stream.random_range(0..options.len())))
}

fn narrow(
    options: Vec<Expansion>,
    expander: Expander,
    seen: &FleetView,
    config: &ClusterAutoscalerConfig,
) -> Vec<Expansion> {
    let all =
        |option: &Expansion| u128::from(option.nodes) * u128::from(seen.pools[option.pool as usize].gpus_per_node);
    // A smaller quotient is better.
    let quotient = |option: &Expansion| match expander {
        Expander::Random => (0, 1),
        Expander::MostPods => (1, u128::from(option.replicas.max(1))),
        // Most of what is added is asked for.
        Expander::LeastWaste => (all(option), u128::from(option.gpus.max(1))),
        Expander::Price => (option.price, u128::from(option.gpus.max(1))),
        Expander::Priority => {
            let given = config.priorities.get(&*seen.pools[option.pool as usize].name);
            (given.map_or(u128::MAX >> 1, |&priority| (i128::from(i64::MAX) - i128::from(priority)) as u128), 1)
        }
    };
    // Quotients are small enough for their products: prices are below 2^96, counts below 2^32.
    let less = |(a, b): (u128, u128), (c, d): (u128, u128)| a.saturating_mul(d) < c.saturating_mul(b);
    let best = options.iter().map(quotient).reduce(|best, next| if less(next, best) { next } else { best });
    let Some(best) = best else { return options };
    options.into_iter().filter(|option| !less(best, quotient(option))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::fleets::Fleet;
    use flashcrowd_core::clock::Seed;

    fn chosen(expanders: &[Expander], priorities: &[(&str, i64)]) -> Vec<u32> {
        let mut fleet = Fleet::new(4);
        fleet.view.pools[1].gpus_per_node = 4;
        let option = |pool, nodes, price, replicas, gpus| Expansion { group: 0, pool, nodes, price, replicas, gpus };
        // By pool: 16 GPUs for 9 at 20, 4 for 4 at 11, 8 for 7 at 17, 8 for 7 at 18.
        let options =
            vec![option(0, 2, 20, 9, 9), option(1, 1, 11, 1, 4), option(2, 1, 17, 7, 7), option(3, 1, 18, 7, 7)];
        let priorities = priorities.iter().map(|&(name, priority)| (name.to_owned(), priority)).collect();
        let config = ClusterAutoscalerConfig { expanders: expanders.to_vec(), priorities, ..Default::default() };
        let mut stream = Seed::new(1).stream("expander");
        let mut pools: Vec<u32> = (0..50)
            .filter_map(|_| choose(options.clone(), &fleet.view, &config, &mut stream).map(|option| option.pool))
            .collect();
        pools.sort_unstable();
        pools.dedup();
        pools
    }

    #[test]
    fn each_expander_chooses_what_it_is_named_for() {
        assert_eq!(chosen(&[Expander::Random], &[]), [0, 1, 2, 3]);
        assert_eq!(chosen(&[Expander::MostPods], &[]), [0]);
        assert_eq!(chosen(&[Expander::LeastWaste], &[]), [1]);
        assert_eq!(chosen(&[Expander::Price], &[]), [0]);
        assert_eq!(chosen(&[Expander::Priority], &[("pool-2", 10), ("pool-3", 10), ("pool-0", -5)]), [2, 3]);
        assert_eq!(chosen(&[Expander::Priority, Expander::Price], &[("pool-2", 10), ("pool-3", 10)]), [2]);
        assert_eq!(chosen(&[Expander::Priority], &[]), [0, 1, 2, 3]);
    }
}

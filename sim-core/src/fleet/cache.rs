//! The caches of a node for start-ups: host memory and local disk. Each holds a number of bytes and
//! evicts the entry that was not used for the longest time.

use super::startup::CacheKey;
use std::collections::BTreeMap;

/// Room for start-up caches on one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheSizes {
    /// Bytes of host memory; `None` for unlimited.
    pub memory: Option<u64>,
    /// Bytes of local disk; `None` for unlimited.
    pub disk: Option<u64>,
}

/// Where a node has what a stage needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Held {
    Memory,
    Disk,
    Nowhere,
}

#[derive(Debug)]
struct Entry {
    bytes: u64,
    pinned: bool,
    /// Number of its last use; uses are counted.
    used: u64,
}

/// One tier.
#[derive(Debug)]
struct Tier {
    capacity: Option<u64>,
    held: BTreeMap<CacheKey, Entry>,
}

impl Tier {
    fn touch(&mut self, key: &CacheKey, used: u64) -> bool {
        let entry = self.held.get_mut(key);
        entry.map(|entry| entry.used = used).is_some()
    }

    /// Keeps a key, if there is room or room can be made by evicting entries that are not pinned.
    fn keep(&mut self, key: &CacheKey, entry: Entry) {
        self.held.remove(key);
        let Some(capacity) = self.capacity else {
            self.held.insert(key.clone(), entry);
            return;
        };
        let pinned: u64 = self.held.values().filter(|held| held.pinned).map(|held| held.bytes).sum();
        if pinned.saturating_add(entry.bytes) > capacity {
            return;
        }
        let mut total: u64 = self.held.values().map(|held| held.bytes).sum();
        while total.saturating_add(entry.bytes) > capacity {
            let loose = self.held.iter().filter(|(_, held)| !held.pinned);
            let Some(oldest) = loose.min_by_key(|(_, held)| held.used).map(|(key, _)| key.clone()) else { return };
            total -= self.held.remove(&oldest).map_or(0, |held| held.bytes);
        }
        self.held.insert(key.clone(), entry);
    }
}

/// The caches of one node. Everything that is fetched goes into both tiers.
#[derive(Debug)]
pub(crate) struct NodeCache {
    memory: Tier,
    disk: Tier,
    uses: u64,
}

impl NodeCache {
    pub(crate) fn new(sizes: CacheSizes) -> Self {
        let tier = |capacity| Tier { capacity, held: BTreeMap::new() };
        NodeCache { memory: tier(sizes.memory), disk: tier(sizes.disk), uses: 0 }
    }

    /// Where a key is held; this counts as a use.
    pub(crate) fn find(&mut self, key: &CacheKey) -> Held {
        self.uses += 1;
        let (memory, disk) = (self.memory.touch(key, self.uses), self.disk.touch(key, self.uses));
        match (memory, disk) {
            (true, _) => Held::Memory,
            (false, true) => Held::Disk,
            (false, false) => Held::Nowhere,
        }
    }

    /// Keeps what was fetched in each tier that has room.
    pub(crate) fn keep(&mut self, key: &CacheKey, bytes: u64, pinned: bool) {
        self.uses += 1;
        let used = self.uses;
        self.memory.keep(key, Entry { bytes, pinned, used });
        self.disk.keep(key, Entry { bytes, pinned, used });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str) -> CacheKey {
        name.into()
    }

    #[test]
    fn the_longest_unused_goes_first_and_stays_on_disk() {
        let mut cache = NodeCache::new(CacheSizes { memory: Some(10), disk: None });
        cache.keep(&key("a"), 5, false);
        cache.keep(&key("b"), 5, false);
        assert_eq!(cache.find(&key("a")), Held::Memory);
        cache.keep(&key("c"), 5, false);
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| cache.find(&key(name))),
            [Held::Memory, Held::Disk, Held::Memory, Held::Nowhere]
        );
    }

    #[test]
    fn what_is_pinned_stays_and_what_is_too_large_is_not_kept() {
        let mut cache = NodeCache::new(CacheSizes { memory: Some(10), disk: Some(0) });
        cache.keep(&key("a"), 6, true);
        cache.keep(&key("b"), 5, false);
        cache.keep(&key("c"), 11, false);
        cache.keep(&key("d"), 4, false);
        assert_eq!(
            ["a", "b", "c", "d"].map(|name| cache.find(&key(name))),
            [Held::Memory, Held::Nowhere, Held::Nowhere, Held::Memory]
        );
    }

    proptest! {
        #[test]
        fn no_tier_holds_more_than_its_bytes(
            keeps in prop::collection::vec((0_u8..8, 0_u64..12, any::<bool>()), 1..60),
            room in 0_u64..30,
        ) {
            let mut cache = NodeCache::new(CacheSizes { memory: Some(room), disk: None });
            for (name, bytes, pinned) in keeps {
                cache.keep(&key(&name.to_string()), bytes, pinned);
                prop_assert!(cache.memory.held.values().map(|held| held.bytes).sum::<u64>() <= room);
                // The newest entry stays, unless pinned ones leave it no room.
                let others = cache.memory.held.iter().filter(|(held, _)| ***held != *name.to_string());
                let pinned: u64 = others.filter(|(_, held)| held.pinned).map(|(_, held)| held.bytes).sum();
                let kept = cache.memory.held.contains_key(name.to_string().as_str());
                prop_assert_eq!(kept, pinned + bytes <= room);
            }
        }
    }
}

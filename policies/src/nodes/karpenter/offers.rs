//! Offers: pools and zones where a node may be had, by price.

use super::state::Karpenter;
use flashcrowd_core::id::{PoolId, ZoneId};
use flashcrowd_core::ports::{Demand, FleetView};

/// One pool in one zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offer {
    /// In pico-dollars per hour.
    pub(super) price: u64,
    pub(super) pool: u32,
    pub(super) zone: u32,
}

/// A node that is yet to be: what is to be on it, and the offers on which that fits.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    pub(super) offers: Vec<Offer>,
    gpus: u32,
}

impl Karpenter {
    /// Offers that are not left alone, of pools with headroom: the cheapest first.
    pub(super) fn offers(&self, seen: &FleetView) -> Vec<Offer> {
        let mut offers = Vec::new();
        for (pool, view) in (0..).zip(&seen.pools) {
            if seen.headroom(pool) > 0 {
                let zones = view.zones.iter().filter(|offer| !self.unavailable.contains_key(&(pool, offer.zone)));
                offers.extend(zones.map(|offer| Offer { price: offer.price.0, pool, zone: offer.zone }));
            }
        }
        offers.sort_unstable();
        offers
    }
}

impl Claim {
    /// A claim with nothing on it yet.
    pub(super) fn new(offers: &[Offer]) -> Self {
        Claim { offers: offers.to_vec(), gpus: 0 }
    }

    /// Puts a group on it, if an offer is left on which all of it fits.
    pub(super) fn takes(&mut self, demand: &Demand, seen: &FleetView) -> bool {
        let gpus = self.gpus.saturating_add(demand.shape.gpus());
        let fits = |offer: &&Offer| {
            let pool = &seen.pools[offer.pool as usize];
            demand.allows(PoolId::new(offer.pool), Some(ZoneId::new(offer.zone)))
                && pool.gpus_per_node >= gpus
                && pool.memory_per_gpu >= demand.bytes
        };
        let left: Vec<Offer> = self.offers.iter().filter(fits).copied().collect();
        if left.is_empty() {
            return false;
        }
        (self.offers, self.gpus) = (left, gpus);
        true
    }
}

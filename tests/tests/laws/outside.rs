//! What surrounds a random small world: regions and routes, faults, markets, buyers.

use super::worlds::WorldSpec;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{Reclaim, Region};
use flashcrowd_core::network::Geography;
use flashcrowd_core::network::{ClientPlace, HealthConfig, RouteConfig};
use flashcrowd_core::ports::{Area, CapacityPolicy, CapacityView, Fault, FaultSource, GlobalRouter, Maker, TimedFault};
use flashcrowd_core::serving::ServiceTime;
use flashcrowd_core::units::PicoUsdPerHour;
use flashcrowd_core::{SimDuration, SimTime};
use flashcrowd_policies::capacity::{Foresight, Future, OnDemandOnly, Order, SpotHedge, SpotOnly, Where};
use flashcrowd_policies::routers::regions::{LatencyAware, LeastLoaded, Nearest, PrefixAffinity, SpillOver, Weighted};
use flashcrowd_tests::kit::{at_ms, ms};
use flashcrowd_workloads::faults::Listed;
use flashcrowd_workloads::faults::outages::{Kind, Outage};
use proptest::prelude::*;

/// Memory of each GPU of a small pool.
const SMALL_GIB: u64 = 10;

#[expect(clippy::struct_excessive_bools, reason = "independent choices of a random world")]
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    /// At most so many regions; pools take them in turn.
    regions: usize,
    /// Whether clients call services by a route.
    pub(crate) routed: bool,
    router: u8,
    health: Option<HealthConfig>,
    connect_ms: u64,
    elsewhere: bool,
    /// By client, repeated: origin, bits of the regions allowed, round trips of a request.
    places: Vec<(u32, u8, u32)>,
    pub(crate) faults: Vec<Trouble>,
    pub(crate) notice_ms: u64,
    pub(crate) missed_ppm: u32,
    pub(crate) requeues: u32,
    /// By service: who buys its capacity.
    buyers: Vec<Option<BuyerSpec>>,
    propagates: bool,
    per_attempt: bool,
    /// Whether work takes the same time for all, which then is known.
    pub(crate) constant: bool,
    /// Whether the second pool has small GPUs.
    small: bool,
}

#[derive(Clone, Copy, Debug)]
struct BuyerSpec {
    mix: u8,
    period_ms: u64,
    margin: u32,
    fallback: bool,
    warm: bool,
    watches: bool,
}

/// Something that happens; positions are taken modulo what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Outage { at_ms: u64, lasts_ms: u64, region: u32, zone: Option<u32>, kind: u8 },
    Link { at_ms: u64, lasts_ms: u64, between: (u32, u32), delay_ms: u64, loss_ppm: u32 },
    Node { at_ms: u64, pool: u32 },
    Capacity { at_ms: u64, pool: u32, zone: u32, nodes: u32 },
    Price { at_ms: u64, pool: u32, zone: u32, cents: u32 },
}

impl Outside {
    /// One region and nothing that happens.
    pub(crate) fn calm() -> Self {
        Outside {
            regions: 1,
            routed: false,
            router: 0,
            health: None,
            connect_ms: 0,
            elsewhere: false,
            places: vec![(0, 0, 1)],
            faults: Vec::new(),
            notice_ms: 0,
            missed_ppm: 0,
            requeues: 0,
            buyers: vec![None],
            propagates: false,
            per_attempt: false,
            constant: false,
            small: false,
        }
    }
}

fn trouble() -> impl Strategy<Value = Trouble> {
    // Mostly in the middle, at times of their own.
    let at = || prop_oneof![1 => Just(0_u64), 9 => 1_u64..120_000];
    let place = (0_u32..4, 0_u32..2);
    prop_oneof![
        (at(), 1_u64..40_000, 0_u32..3, prop::option::of(0_u32..2), 0_u8..3)
            .prop_map(|(at_ms, lasts_ms, region, zone, kind)| Trouble::Outage { at_ms, lasts_ms, region, zone, kind }),
        (at(), 1_u64..60_000, (0_u32..3, 0_u32..3), 0_u64..2_000, prop_oneof![Just(1_000_000_u32), 0..1_000_000_u32])
            .prop_map(|(at_ms, lasts_ms, between, delay_ms, loss_ppm)| {
                Trouble::Link { at_ms, lasts_ms, between, delay_ms, loss_ppm }
            }),
        (at(), 0_u32..4).prop_map(|(at_ms, pool)| Trouble::Node { at_ms, pool }),
        (at(), place.clone(), 0_u32..4).prop_map(|(at_ms, (pool, zone), nodes)| Trouble::Capacity {
            at_ms,
            pool,
            zone,
            nodes
        }),
        (at(), place, 1_u32..500).prop_map(|(at_ms, (pool, zone), cents)| Trouble::Price { at_ms, pool, zone, cents }),
    ]
}

fn health() -> impl Strategy<Value = HealthConfig> {
    let spans = (500_u64..10_000, 0_u64..3_000, 0_u64..20_000, 0_u64..20_000);
    (spans, 1_u32..4, 1_u32..4, any::<bool>()).prop_map(
        |((interval, timeout, hold, ttl), failures, successes, ready)| HealthConfig {
            interval: ms(interval),
            timeout: ms(timeout),
            failures,
            successes,
            hold: ms(hold),
            time_to_live: ms(ttl),
            needs_ready: ready,
        },
    )
}

fn buyer() -> impl Strategy<Value = BuyerSpec> {
    let flags = any::<(bool, bool, bool)>();
    (0_u8..7, 200_u64..20_000, 0_u32..3, flags).prop_map(|(mix, period_ms, margin, (fallback, warm, watches))| {
        BuyerSpec { mix, period_ms, margin, fallback, warm, watches }
    })
}

prop_compose! {
    fn troubled()(
        (regions, routed, router) in (1_usize..4, any::<bool>(), 0_u8..6),
        health in prop::option::of(health()),
        (connect_ms, elsewhere) in (0_u64..3_000, any::<bool>()),
        places in prop::collection::vec((0_u32..3, any::<u8>(), 1_u32..4), 3),
        faults in prop::collection::vec(trouble(), 0..10),
        notice_ms in prop_oneof![Just(0_u64), 1_u64..30_000],
        missed_ppm in prop_oneof![Just(0_u32), 0_u32..1_000_000],
        requeues in 0_u32..3,
        buyers in prop::collection::vec(prop::option::of(buyer()), 2),
        (propagates, per_attempt, constant, small) in any::<(bool, bool, bool, bool)>(),
    ) -> Outside {
        Outside {
            regions, routed, router, health, connect_ms, elsewhere, places, faults, notice_ms, missed_ppm, requeues,
            buyers, propagates, per_attempt, constant, small,
        }
    }
}

pub(crate) fn outside() -> impl Strategy<Value = Outside> {
    prop_oneof![1 => Just(Outside::calm()), 2 => troubled()]
}

impl WorldSpec {
    pub(crate) fn regions(&self) -> u32 {
        self.outside.regions.min(self.pools.len()) as u32
    }

    pub(crate) fn region_of_pool(&self, pool: usize) -> u32 {
        pool as u32 % self.regions()
    }

    /// The region of a service that stands in one.
    pub(crate) fn home(&self, service: usize) -> u32 {
        self.owner(service).unwrap_or(service) as u32 % self.regions()
    }

    /// Pools that may host a service: a cell of a route stands in one region.
    pub(crate) fn pools_of(&self, service: usize) -> Vec<u32> {
        let here = |pool: &usize| !self.outside.routed || self.region_of_pool(*pool) == self.home(service);
        (0..self.pools.len()).filter(here).map(|pool| pool as u32).collect()
    }

    pub(crate) fn memory_gib(&self, pool: usize) -> u64 {
        if self.outside.small && pool == 1 { SMALL_GIB } else { 80 }
    }

    /// Where a client may be served: in the region of its service, and in others by chance.
    pub(crate) fn allowed(&self, client: usize) -> Vec<u32> {
        let (_, bits, _) = self.outside.places[client % self.outside.places.len()];
        let home = self.home(self.clients[client].service);
        (0..self.regions()).filter(|region| *region == home || bits >> region & 1 == 1).collect()
    }

    pub(crate) fn place(&self, client: usize) -> Option<ClientPlace> {
        let (origin, _, round_trips) = self.outside.places[client % self.outside.places.len()];
        self.outside.routed.then(|| ClientPlace {
            origin: origin % self.regions(),
            allowed: self.allowed(client),
            route: Some(0),
            round_trips,
            response_bytes: [1_000, 4],
        })
    }

    pub(crate) fn region_configs(&self) -> Vec<Region> {
        let region = |at| Region {
            name: format!("region-{at}").into(),
            jurisdiction: "".into(),
            zones: vec!["a".into(), "b".into()],
        };
        (0..self.regions()).map(region).collect()
    }

    pub(crate) fn geography(&self) -> Geography {
        let regions = 0..u64::from(self.regions());
        let row = |from: u64| regions.clone().map(|to| ms(40 * from.abs_diff(to))).collect();
        let prices = |_| regions.clone().map(|_| 20).collect();
        Geography {
            round_trips: regions.clone().map(row).collect(),
            egress_pico_usd_per_byte: regions.clone().map(prices).collect(),
        }
    }

    pub(crate) fn routes(&self) -> Vec<RouteConfig> {
        let router: Box<dyn GlobalRouter> = match self.outside.router {
            0 => Box::new(Nearest),
            1 => Box::new(Weighted::new(vec![1.0, 3.0])),
            2 => Box::new(LeastLoaded),
            3 => Box::new(SpillOver::new(2.0)),
            4 => Box::new(LatencyAware::new(ms(50))),
            _ => Box::new(PrefixAffinity::new(3.0)),
        };
        let route = RouteConfig {
            name: "route".into(),
            cells: (0..self.services.len() as u32).collect(),
            router,
            health: self.outside.health,
            connect_timeout: ms(self.outside.connect_ms),
            retries_elsewhere: self.outside.elsewhere,
        };
        if self.outside.routed { vec![route] } else { Vec::new() }
    }

    pub(crate) fn reclaim(&self) -> Reclaim {
        Reclaim { notice: ms(self.outside.notice_ms), missed_ppm: self.outside.missed_ppm }
    }

    pub(crate) fn propagates(&self) -> bool {
        self.outside.propagates
    }

    pub(crate) fn service_time(&self, mean: f64) -> ServiceTime {
        let exponential = Distribution::Exponential { mean };
        match (self.outside.constant, self.outside.per_attempt) {
            (true, _) => ServiceTime::Drawn(Distribution::Constant(mean)),
            (false, true) => ServiceTime::DrawnPerAttempt(exponential),
            (false, false) => ServiceTime::Drawn(exponential),
        }
    }

    /// Whether the service's first replicas start with the run.
    pub(crate) fn starts_cold(&self, service: usize) -> bool {
        self.outside.buyers[service % self.outside.buyers.len()].is_some_and(|buyer| !buyer.warm)
    }

    pub(crate) fn capacity(&self, service: usize) -> Option<Maker<dyn CapacityPolicy>> {
        let buyer = self.outside.buyers[service % self.outside.buyers.len()]?;
        self.owner(service).is_none().then(|| Maker::new("a buyer", move || buyer.make()))
    }

    /// Two sources, so that faults of one instant may come from both.
    pub(crate) fn fault_sources(&self) -> Vec<Box<dyn FaultSource>> {
        let mut sources = [Vec::new(), Vec::new()];
        for (n, trouble) in self.outside.faults.iter().enumerate() {
            sources[n % 2].extend(trouble.faults(self.regions(), self.pools.len() as u32));
        }
        sources.map(|faults| Box::new(Listed::new(faults)) as Box<dyn FaultSource>).into()
    }
}

impl Trouble {
    fn faults(self, regions: u32, pools: u32) -> Vec<TimedFault> {
        let once = |at, fault| vec![TimedFault { at: at_ms(at), fault }];
        match self {
            Trouble::Outage { at_ms: at, lasts_ms, region, zone, kind } => {
                let kind = match kind {
                    0 => Kind::Total,
                    1 => Kind::Partial { share_ppm: 500_000 },
                    _ => Kind::ControlPlane,
                };
                let area = Area { region: region % regions, zone };
                Outage { at: at_ms(at), lasts: ms(lasts_ms), area, kind }.faults()
            }
            Trouble::Link { at_ms: at, lasts_ms, between: (from, to), delay_ms, loss_ppm } => {
                let (from, to) = (from % regions, to % regions);
                let link = |delay, loss_ppm| Fault::Link { from, to, delay, loss_ppm };
                let mut faults = once(at, link(ms(delay_ms), loss_ppm));
                faults.extend(once(at + lasts_ms, link(SimDuration::ZERO, 0)));
                faults
            }
            Trouble::Node { at_ms: at, pool } => once(at, Fault::Node { pool: pool % pools }),
            Trouble::Capacity { at_ms: at, pool, zone, nodes } => {
                // Mostly of a spot pool, where it is a reclaim.
                let spot = pools > 1 && nodes < 3;
                let pool = if spot { 1 + pool % (pools - 1) } else { pool % pools };
                once(at, Fault::Capacity { pool, zone, nodes })
            }
            Trouble::Price { at_ms: at, pool, zone, cents } => {
                let price = PicoUsdPerHour::from_usd(f64::from(cents) / 100.0);
                once(at, Fault::Price { pool: pool % pools, zone, price })
            }
        }
    }

    /// Whether it leaves alone what runs, but for reclaims with their notice.
    pub(crate) fn is_gentle(self) -> bool {
        matches!(self, Trouble::Capacity { .. } | Trouble::Price { .. } | Trouble::Outage { kind: 2, .. })
    }
}

impl BuyerSpec {
    fn make(self) -> Box<dyn CapacityPolicy> {
        let BuyerSpec { margin, fallback, watches, .. } = self;
        let period = ms(self.period_ms);
        let places = vec![vec![(SimTime::ZERO, 2), (SimTime::from_s(50), 0)]; 2];
        let mix: Box<dyn CapacityPolicy> = match self.mix {
            0 => Box::new(OnDemandOnly::new(period)),
            1 => Box::new(SpotOnly::new(Where::Single(0), margin, fallback, period)),
            2 => Box::new(SpotOnly::new(Where::Spread, margin, fallback, period)),
            3 => Box::new(SpotOnly::new(Where::RoundRobin, margin, fallback, period)),
            4 => Box::new(SpotHedge::new(Order::FewestOwn, margin, fallback, period)),
            5 => Box::new(SpotHedge::new(Order::Cheapest, margin, fallback, period)),
            _ => Box::new(Foresight::new(Future { places }, ms(5_000), period)),
        };
        Box::new(Watching { mix, watches })
    }
}

/// Any buyer, with or without an eye on the market.
struct Watching {
    mix: Box<dyn CapacityPolicy>,
    watches: bool,
}

impl CapacityPolicy for Watching {
    fn name(&self) -> &str {
        self.mix.name()
    }

    fn period(&self) -> SimDuration {
        self.mix.period()
    }

    fn watches(&self) -> bool {
        self.watches
    }

    fn spot_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.mix.spot_wanted(seen)
    }

    fn next_place(&mut self, seen: &CapacityView) -> Option<usize> {
        self.mix.next_place(seen)
    }

    fn answered(&mut self, place: usize, granted: bool) {
        self.mix.answered(place, granted);
    }

    fn preempted(&mut self, place: usize) {
        self.mix.preempted(place);
    }

    fn on_demand_wanted(&mut self, seen: &CapacityView) -> u32 {
        self.mix.on_demand_wanted(seen)
    }
}

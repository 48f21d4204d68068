//! From a resolved variant to the world of one replicate.

use crate::autoscaler::resolved::{MakeError, Making};
use crate::capacity::place::{ResolvedCapacity, places};
use crate::network::resolve::ResolvedRoute;
use crate::resolved::Resolved;
use crate::service::resolved::ResolvedService;
use crate::traffic::foresight::oracle;
use flashcrowd_core::World;
use flashcrowd_core::clock::Seed;
use flashcrowd_core::ports::{SourceError, TargetId};
use flashcrowd_core::serving::ServiceConfig;
use flashcrowd_policies::capacity::Future;

impl Resolved {
    /// The world of one replicate.
    ///
    /// # Errors
    /// A trace that can no longer be read.
    pub fn world(&self, replicate: u32) -> Result<World, SourceError> {
        let seed = Seed { seed: self.seed, replicate };
        let clients: Result<Vec<_>, _> =
            self.traffic.iter().map(|traffic| traffic.client(seed, self.horizon)).collect();
        let mut controllers = Vec::new();
        for (service, target) in self.services.iter().zip(0..) {
            if let Some(autoscaler) = &service.autoscaler {
                let oracle = || oracle(self, target, seed);
                match autoscaler.make(&Making { target: TargetId(target), seed, oracle: &oracle }) {
                    Ok(made) => controllers.extend(made),
                    Err(MakeError::Source(error)) => return Err(error),
                    Err(error @ (MakeError::Setting(_) | MakeError::Refused(_))) => {
                        let place = format!("services.{}.autoscaler", service.config.name).into();
                        return Err(SourceError { place, message: error.to_string(), hint: None });
                    }
                }
            }
        }
        Ok(World {
            seed,
            horizon: self.horizon,
            warmup: self.warmup,
            regions: self.regions.clone(),
            pools: self.pools.clone(),
            services: self.service_configs(seed)?,
            clients: clients?,
            controllers,
            geography: self.geography.clone(),
            routes: self.routes.iter().map(ResolvedRoute::config).collect(),
            faults: self.faults.sources(seed)?,
            placement: self.placement.make(),
            node_scan_period: self.node_scan_period,
            node_autoscaler: self.nodes.make(seed),
            drains_on_notice: self.nodes.drains_on_notice,
            series_period: self.series_period,
            limits: self.limits,
            occupancy_levels: 0,
            keep_history: false,
            request_sample: self.request_sample,
        })
    }

    fn service_configs(&self, seed: Seed) -> Result<Vec<ServiceConfig>, SourceError> {
        let config = |service: &ResolvedService| {
            let foresees = service.capacity.as_ref().is_some_and(ResolvedCapacity::foresees);
            let places = if foresees { places(&service.config.pools, &self.pools) } else { Vec::new() };
            let future = if foresees { self.faults.future(&places, seed, self.horizon)? } else { Future::default() };
            let capacity = service.capacity.as_ref().map(|capacity| capacity.maker(future));
            Ok(ServiceConfig { capacity, ..service.config.clone() })
        };
        self.services.iter().map(config).collect()
    }
}

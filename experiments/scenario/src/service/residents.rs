//! Services that are resident on the replicas of another: their engines share its GPUs.

use crate::errors::unknown;
use crate::service::resolved::ResolvedService;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::fleet::PoolConfig;
use flashcrowd_core::units::Bytes;
use flashcrowd_language::Diagnostic;
use flashcrowd_language::units::ByteSize;
use std::collections::BTreeMap;

type Services = BTreeMap<String, spec::Service>;

/// Which services share GPUs, by name.
pub(crate) struct Residents<'a> {
    services: &'a Services,
}

impl<'a> Residents<'a> {
    /// Checks every `resident_on`.
    pub(crate) fn new(notes: &mut Notes<'_>, services: &'a Services) -> Result<Self, Diagnostic> {
        for (name, service) in services {
            if let Some(owner) = &service.resident_on {
                check(notes, services, name, service, owner)?;
            }
        }
        Ok(Residents { services })
    }

    /// A service as it is resolved: a resident has the size and the pools of its owner.
    pub(crate) fn effective(&self, service: &spec::Service) -> spec::Service {
        let mut effective = service.clone();
        if let Some(owner) = service.resident_on.as_ref().and_then(|owner| self.services.get(owner)) {
            effective.gpus = owner.gpus;
            effective.pools.clone_from(&owner.pools);
        }
        effective
    }

    /// How many engines share a GPU of a service.
    pub(crate) fn engines(&self, name: &str) -> u32 {
        let owner = self.services.get(name).and_then(|service| service.resident_on.as_deref()).unwrap_or(name);
        let residents = self.services.values().filter(|other| other.resident_on.as_deref() == Some(owner));
        1 + residents.count() as u32
    }

    /// The position of the service on whose replicas `service` is resident.
    pub(crate) fn owner(&self, service: &spec::Service) -> Option<u32> {
        let owner = service.resident_on.as_ref()?;
        self.services.keys().position(|name| name == owner).map(|position| position as u32)
    }
}

fn check(
    notes: &mut Notes<'_>,
    services: &Services,
    name: &str,
    service: &spec::Service,
    owner: &str,
) -> Result<(), Diagnostic> {
    let path = |field: &str| format!("services.{name}.{field}");
    notes.given(&path("resident_on"), owner);
    let tokens = |service: &spec::Service| matches!(service.serving, spec::Serving::ContinuousBatch(_));
    let others =
        services.iter().filter(|(other, service)| *other != name && tokens(service)).map(|(other, _)| &**other);
    let Some(host) = services.get(owner).filter(|_| owner != name) else {
        return Err(unknown(notes, &path("resident_on"), "other service", owner, others));
    };
    if let Some(next) = &host.resident_on {
        let error = notes.error(&path("resident_on"), format!("`{owner}` has no replicas of its own"));
        return Err(error.with_help(format!("it is resident on `{next}`: name that one")));
    }
    for (who, serving) in [(name, service), (owner, host)] {
        if !tokens(serving) {
            let at = format!("services.{who}.serving");
            return Err(notes.error(&at, "engines that share a GPU take turns by iterations: expected ContinuousBatch"));
        }
    }
    let own = [
        ("replicas", service.replicas.is_some()),
        ("autoscaler", service.autoscaler.is_some()),
        ("pools", service.pools.is_some()),
        ("gpus", service.gpus.is_some()),
        ("groups", service.groups.is_some()),
        ("drain_timeout", service.drain_timeout.is_some()),
    ];
    match own.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => {
            let message = format!("`{name}` is resident on `{owner}` and has its `{field}`: leave this one out");
            Err(notes.error(&path(field), message))
        }
        None => Ok(()),
    }
}

/// Fills in what residents have from their owners, and checks that all fit on a GPU together.
pub(crate) fn join(
    notes: &Notes<'_>,
    services: &mut [ResolvedService],
    pools: &[PoolConfig],
) -> Result<(), Diagnostic> {
    for resident in 0..services.len() {
        if let Some(owner) = services[resident].config.resident_on {
            let owner = &services[owner as usize];
            let (replicas, drain) = (owner.config.initial_replicas, owner.config.drain_timeout);
            services[resident].config.initial_replicas = replicas;
            services[resident].config.drain_timeout = drain;
        }
    }
    for (owner, position) in services.iter().zip(0..) {
        let residents = services.iter().filter(|other| other.config.resident_on == Some(position));
        let memory = residents
            .map(|resident| resident.config.memory_per_gpu.0)
            .fold(owner.config.memory_per_gpu.0, u64::saturating_add);
        for &pool in &owner.config.pools {
            let pool = &pools[pool as usize];
            if memory > owner.config.memory_per_gpu.0 && Bytes(memory) > pool.memory_per_gpu {
                let message = format!(
                    "`{}` and what is resident on it take {} of each GPU, and those of pool `{}` have {}",
                    owner.config.name,
                    ByteSize(memory),
                    pool.name,
                    ByteSize(pool.memory_per_gpu.0)
                );
                let error = notes.error(&format!("services.{}", owner.config.name), message);
                return Err(error.with_help("lower `serving.gpu_memory_utilization` of one of them"));
            }
        }
    }
    Ok(())
}

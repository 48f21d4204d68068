//! Regions and pools.

use super::catalog;
use crate::errors::unknown;
use crate::settings::Notes;
use crate::spec;
use flashcrowd_core::SimDuration;
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::fleet::{CacheSizes, PoolConfig, Reclaim, Region};
use flashcrowd_core::units::{Bytes, Market, PicoUsdPerHour};
use flashcrowd_language::units::{ByteSize, Duration, Fraction, Price};
use flashcrowd_language::{Diagnostic, list, nearest};
use flashcrowd_profiles::tables::{Cloud, gpu_price, jurisdiction};
use std::collections::BTreeMap;

/// Most GPUs of one node: the engine keeps them as bits of one word.
const MAX_GPUS: u64 = 64;
/// Most regions.
const MAX_REGIONS: usize = 1_000;

pub(crate) fn regions(notes: &Notes<'_>, given: &BTreeMap<String, spec::Region>) -> Result<Vec<Region>, Diagnostic> {
    if given.is_empty() {
        return Ok(vec![Region { name: "local".into(), jurisdiction: "".into(), zones: vec!["a".into()] }]);
    }
    // Distances are a square table, and an attempt has two bytes for its origin.
    if given.len() > MAX_REGIONS {
        return Err(notes.error("regions", format!("{} regions; expected at most {MAX_REGIONS}", given.len())));
    }
    let mut regions = Vec::new();
    for (name, region) in given {
        if region.zones.is_empty() {
            return Err(notes.error(&format!("regions.{name}.zones"), "a region needs at least one zone"));
        }
        let zones = region.zones.iter().map(|zone| zone.as_str().into()).collect();
        let cloud = cloud(notes, name, region)?;
        let known = || cloud.and_then(|cloud| jurisdiction(cloud, name)).unwrap_or_default();
        let jurisdiction = region.jurisdiction.as_deref().unwrap_or_else(known).into();
        regions.push(Region { name: name.as_str().into(), jurisdiction, zones });
    }
    Ok(regions)
}

/// The cloud that a region is of: the one it names, or the first that knows its name.
pub(crate) fn cloud(notes: &Notes<'_>, name: &str, region: &spec::Region) -> Result<Option<Cloud>, Diagnostic> {
    let Some(wanted) = &region.cloud else { return Ok(cloud_of(name)) };
    let names = Cloud::ALL.into_iter().map(Cloud::name);
    let found = Cloud::from_name(wanted);
    found.map(Some).ok_or_else(|| unknown(notes, &format!("regions.{name}.cloud"), "cloud", wanted, names))
}

/// The first cloud whose tables know a region of that name.
pub(crate) fn cloud_of(region: &str) -> Option<Cloud> {
    Cloud::ALL.into_iter().find(|&cloud| jurisdiction(cloud, region).is_some())
}

pub(crate) fn pools(
    notes: &mut Notes<'_>,
    given: &BTreeMap<String, spec::Pool>,
    regions: &[Region],
    max_nodes: u64,
) -> Result<Vec<PoolConfig>, Diagnostic> {
    given.iter().map(|(name, pool)| resolve_pool(notes, name, pool, regions, max_nodes)).collect()
}

fn resolve_pool(
    notes: &mut Notes<'_>,
    name: &str,
    pool: &spec::Pool,
    regions: &[Region],
    max_entities: u64,
) -> Result<PoolConfig, Diagnostic> {
    let path = |field: &str| format!("pools.{name}.{field}");
    notes.given(&path("gpu"), &pool.gpu);
    let gpus_per_node =
        notes.or(&path("gpus_per_node"), pool.gpus_per_node, 8, "nodes of eight GPUs, as clouds sell them");
    notes.within(&path("gpus_per_node"), u64::from(gpus_per_node), 1, MAX_GPUS)?;
    notes.within(&path("max_nodes"), u64::from(pool.max_nodes), 1, max_entities)?;
    notes.given(&path("max_nodes"), &pool.max_nodes.to_string());
    let min_nodes = notes.or(&path("min_nodes"), pool.min_nodes, 0, "no node is kept without need");
    if min_nodes > pool.max_nodes {
        let message = format!("`min_nodes` is {min_nodes}, more than `max_nodes`, which is {}", pool.max_nodes);
        return Err(notes.error(&path("min_nodes"), message));
    }
    let (region, zones) = place(notes, name, pool, regions)?;
    let listed = price(notes, name, pool, gpus_per_node, &regions[region as usize].name)?;
    Ok(PoolConfig {
        name: name.into(),
        region,
        zones,
        gpu: pool.gpu.as_str().into(),
        gpus_per_node,
        memory_per_gpu: memory(notes, name, pool)?,
        cache: cache(notes, name, pool),
        price: discounted(notes, name, pool, listed),
        market: market(notes, name, pool.market),
        min_nodes,
        max_nodes: pool.max_nodes,
        provisioning: provisioning(notes, name, pool),
        idle_timeout: notes
            .or(
                &path("idle_timeout"),
                pool.idle_timeout,
                Duration(SimDuration::from_s(600)),
                "scale-down-unneeded-time of the Kubernetes cluster autoscaler",
            )
            .get(),
        minimum_charge: notes
            .or(
                &path("minimum_charge"),
                pool.minimum_charge,
                Duration(SimDuration::ZERO),
                "billing by the second without a minimum",
            )
            .get(),
        reclaim: reclaim(notes, name, pool),
        committed: committed(notes, name, pool, min_nodes)?,
    })
}

fn memory(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool) -> Result<Bytes, Diagnostic> {
    let path = format!("pools.{name}.gpu_memory");
    let known = catalog::find(&pool.gpu).map(|gpu| ByteSize(gpu.memory_gib << 30));
    match (pool.gpu_memory, known) {
        (Some(given), _) => {
            notes.given(&path, &given.to_string());
            Ok(Bytes(given.0))
        }
        (None, Some(known)) => {
            notes.default(&path, &known.to_string(), "nominal memory of the product", false);
            Ok(Bytes(known.0))
        }
        (None, None) => Err(unknown_gpu(notes, name, pool, ("gpu_memory", "48GB"))),
    }
}

fn cache(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool) -> CacheSizes {
    if pool.node_cache.is_some() {
        notes.given(&format!("pools.{name}.node_cache"), "");
    }
    let given = pool.node_cache.unwrap_or(spec::NodeCache { memory: None, disk: None });
    CacheSizes { memory: given.memory.map(|size| size.0), disk: given.disk.map(|size| size.0) }
}

/// A GPU of which the catalogue does not have a field, with a value as it is written.
fn unknown_gpu(notes: &Notes<'_>, name: &str, pool: &spec::Pool, (field, value): (&str, &str)) -> Diagnostic {
    let names: Vec<&str> = catalog::GPUS.iter().map(|gpu| gpu.name).collect();
    let error = notes.error(
        &format!("pools.{name}.gpu"),
        format!("no {field} is known for the GPU `{}`, and the pool gives none", pool.gpu),
    );
    let error = error.with_label(format!("known: {}", list(names.iter().copied())));
    let add = format!("add `{field}: \"{value}\"` to pool `{name}`");
    match nearest(&pool.gpu, names) {
        Some(near) => error.with_help(format!("did you mean `{near}`? Otherwise {add}")),
        None => error.with_help(add),
    }
}

fn price(
    notes: &mut Notes<'_>,
    name: &str,
    pool: &spec::Pool,
    gpus: u32,
    region: &str,
) -> Result<PicoUsdPerHour, Diagnostic> {
    let path = |field: &str| format!("pools.{name}.{field}");
    match (pool.node_price, pool.gpu_price) {
        (Some(_), Some(_)) => {
            Err(notes.error(&path("node_price"), "give either `gpu_price` or `node_price`, not both"))
        }
        (Some(node), None) => {
            notes.given(&path("node_price"), &node.to_string());
            Ok(node.get())
        }
        (None, Some(gpu)) => {
            notes.given(&path("gpu_price"), &gpu.to_string());
            let node = gpu.get().0.checked_mul(u64::from(gpus));
            node.map(PicoUsdPerHour).ok_or_else(|| notes.error(&path("gpu_price"), "this price is too high to add up"))
        }
        (None, None) => {
            if let Some((price, source)) = listed_price(region, pool) {
                notes.default(&path("gpu_price"), &Price(price).to_string(), source, true);
                return Ok(PicoUsdPerHour(price.0 * u64::from(gpus)));
            }
            let known = catalog::find(&pool.gpu).and_then(|gpu| Some((gpu.usd_per_h?, gpu.price_source)));
            let Some((usd, source)) = known else {
                return Err(unknown_gpu(notes, name, pool, ("gpu_price", "1.86/h")));
            };
            let price = PicoUsdPerHour::from_usd(usd);
            notes.default(&path("gpu_price"), &Price(price).to_string(), source, true);
            Ok(PicoUsdPerHour(price.0 * u64::from(gpus)))
        }
    }
}

/// The price of the catalogue for a GPU in a region, in the pool's market.
fn listed_price(region: &str, pool: &spec::Pool) -> Option<(PicoUsdPerHour, &'static str)> {
    let listed = gpu_price(cloud_of(region)?, region, &pool.gpu)?;
    match pool.market {
        Some(spec::Market::Spot) => Some((listed.spot?, "spot price of its region in the price catalogue")),
        _ => Some((listed.on_demand, "on-demand price of its region in the price catalogue")),
    }
}

fn market(notes: &mut Notes<'_>, name: &str, given: Option<spec::Market>) -> Market {
    let path = format!("pools.{name}.market");
    match given {
        Some(spec::Market::OnDemand) => Market::OnDemand,
        Some(spec::Market::Reserved) => Market::Reserved,
        Some(spec::Market::Spot) => Market::Spot,
        None => {
            notes.default(&path, "OnDemand", "bought by the hour", false);
            Market::OnDemand
        }
    }
}

/// What is left of a price after the negotiated discount.
fn discounted(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool, price: PicoUsdPerHour) -> PicoUsdPerHour {
    if pool.discount.is_some() {
        notes.given(&format!("pools.{name}.discount"), "");
    }
    PicoUsdPerHour((price.0 as f64 * paid_share(pool)).round() as u64)
}

/// The share of a price that a pool's negotiated discount leaves.
pub(crate) fn paid_share(pool: &spec::Pool) -> f64 {
    pool.discount.map_or(1.0, |discount| 1.0 - discount.get())
}

/// Nodes that are paid for at all times.
fn committed(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool, min_nodes: u32) -> Result<u32, Diagnostic> {
    let path = format!("pools.{name}.committed_nodes");
    let reserved = matches!(pool.market, Some(spec::Market::Reserved));
    if pool.committed_nodes.is_some_and(|nodes| nodes > 0) && matches!(pool.market, Some(spec::Market::Spot)) {
        return Err(notes.error(&path, "spot capacity cannot be committed to; expected `market: Reserved`"));
    }
    let default = if reserved { min_nodes } else { 0 };
    let source = if reserved { "what is reserved is paid for" } else { "nothing is committed to" };
    let committed = notes.or(&path, pool.committed_nodes, default, source);
    notes.within(&path, u64::from(committed), 0, u64::from(pool.max_nodes))?;
    Ok(committed)
}

/// How the market takes nodes back.
fn reclaim(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool) -> Reclaim {
    let path = |field: &str| format!("pools.{name}.{field}");
    if !matches!(pool.market, Some(spec::Market::Spot)) {
        return Reclaim::default();
    }
    let notice = Duration(SimDuration::from_s(120));
    let notice = notes.or(&path("notice"), pool.notice, notice, "AWS's notice; GCP and Azure give 30s").get();
    let missed = pool.missed_notices.map(Fraction::get);
    let missed = notes.or(&path("missed_notices"), missed, 0.0, "every notice is received");
    Reclaim { notice, missed_ppm: (missed * 1e6).round() as u32 }
}

fn provisioning(notes: &mut Notes<'_>, name: &str, pool: &spec::Pool) -> Distribution {
    let path = format!("pools.{name}.provisioning");
    if let Some(law) = &pool.provisioning {
        notes.given(&path, "");
        return law.distribution().clone();
    }
    notes.default(
        &path,
        "LogNormal(median: \"180s\", sigma: 0.5)",
        "a guess inside the 60 to 600 s that operators report for GPU nodes",
        true,
    );
    Distribution::LogNormal { mu: 180_f64.ln(), sigma: 0.5 }
}

fn place(notes: &Notes<'_>, name: &str, pool: &spec::Pool, regions: &[Region]) -> Result<(u32, Vec<u32>), Diagnostic> {
    let path = |field: &str| format!("pools.{name}.{field}");
    let region = match &pool.region {
        Some(wanted) => {
            let found = regions.iter().position(|region| &*region.name == wanted.as_str());
            found.ok_or_else(|| unknown(notes, &path("region"), "region", wanted, regions.iter().map(|r| &*r.name)))?
        }
        None if regions.len() == 1 => 0,
        None => {
            let message = "there are several regions: say which one this pool is in, by `region`";
            return Err(notes.error(&format!("pools.{name}"), message));
        }
    };
    let all = &regions[region].zones;
    let Some(given) = &pool.zones else { return Ok((region as u32, (0..all.len() as u32).collect())) };
    let mut zones = Vec::new();
    for (zone, i) in given.iter().zip(0..) {
        let found = all.iter().position(|known| &**known == zone.as_str());
        let path = format!("{}.{i}", path("zones"));
        zones.push(found.ok_or_else(|| unknown(notes, &path, "zone", zone, all.iter().map(|z| &**z)))? as u32);
    }
    if zones.is_empty() {
        return Err(notes.error(&path("zones"), "a pool needs at least one zone"));
    }
    Ok((region as u32, zones))
}

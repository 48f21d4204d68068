//! Below which price spot capacity would have been cheaper than on-demand, by what a run saw.

use crate::run::Run;
use flashcrowd_core::units::Market;
use flashcrowd_scenario::Resolved;

/// The spot price of one replica and hour, in dollars, at which a service's spot replicas with a
/// stand-in bought at each loss cost what on-demand costs: `po (1 - s / U)`, where `U` is the mean life
/// between losses and `s` the mean time to start. `None` without losses, or without both markets.
pub(crate) fn spot_usd_per_h(resolved: &Resolved, run: &Run, service: usize) -> Option<f64> {
    let config = &resolved.services[service];
    let pool_of = |node: u32| &resolved.pools[run.record.nodes[node as usize].pool as usize];
    let buys_spot = config.config.pools.iter().any(|&pool| resolved.pools[pool as usize].market == Market::Spot);
    // Nearly no service does: then its replicas need not be found among all.
    let all = if buys_spot { run.record.replicas.as_slice() } else { &[] };
    let spot = all.iter().filter(|replica| {
        replica.service as usize == service && replica.node.is_some_and(|node| pool_of(node).market == Market::Spot)
    });
    let (mut up_s, mut start_s, mut ready, mut lost) = (0.0, 0.0, 0_u32, 0_u32);
    for replica in spot {
        let Some(at) = replica.ready else { continue };
        let gone = replica.gone.unwrap_or(run.record.ended);
        up_s += gone.since(at).as_s_f64();
        start_s += at.since(replica.created).as_s_f64();
        ready += 1;
        let node = replica.node.map(|node| run.record.nodes[node as usize]);
        lost += u32::from(node.is_some_and(|node| node.reclaimed.is_some()) && replica.gone.is_some());
    }
    let gpus = f64::from(config.config.gpus_per_group * config.config.groups);
    let demand = config.config.pools.iter().map(|&pool| &resolved.pools[pool as usize]);
    let demand = demand.filter(|pool| pool.market != Market::Spot);
    let price = demand.map(|pool| pool.price.as_usd() / f64::from(pool.gpus_per_node) * gpus).reduce(f64::min)?;
    let (life_s, start_s) = (up_s / f64::from(lost), start_s / f64::from(ready));
    (lost > 0).then(|| price * (1.0 - start_s / life_s).max(0.0))
}

//! Spot replicas with an on-demand base, and on-demand replicas in place of spot ones that are not
//! ready (`FallbackRequestRateAutoscaler`).

use super::controller::{Controller, Plan};
use super::replica::{Replica, Status, live, victims};

/// Which replicas are added and removed at the controller's present target.
pub(super) fn plan(controller: &Controller, replicas: &[Replica]) -> Plan {
    let policy = controller.policy();
    let base = i64::from(policy.base_ondemand_fallback_replicas.unwrap_or(0));
    let mut spots_wanted = controller.final_target() - base;
    if !controller.quirks().base_above_target_fails {
        spots_wanted = spots_wanted.max(0);
    }
    let (spot, on_demand): (Vec<&Replica>, Vec<&Replica>) = live(replicas).into_iter().partition(|r| r.is_spot);
    let ready = spot.iter().filter(|replica| replica.status == Status::Ready).count() as i64;

    let mut on_demand_wanted = base;
    if policy.dynamic_ondemand_fallback == Some(true) {
        // A replica that still starts may fail: only ready ones replace a stand-in.
        on_demand_wanted += (spots_wanted - ready).max(0);
    }
    // Replicas above the target do not justify an on-demand replica.
    let cap = if controller.rules.fallback_caps_at_target { controller.target() } else { controller.final_target() };
    on_demand_wanted = on_demand_wanted.min(cap);

    if spots_wanted < 0 {
        let message = format!(
            "the on-demand base of {base} is above the {} replicas wanted: the controller fails to give up {} of {} \
             spot replicas, and does nothing",
            controller.final_target(),
            spot.len() as i64 - spots_wanted,
            spot.len()
        );
        return Plan { error: Some(message), ..Plan::default() };
    }
    let mut plan = Plan::default();
    balance(&mut plan, spot, spots_wanted, true);
    balance(&mut plan, on_demand, on_demand_wanted, false);
    plan
}

fn balance(plan: &mut Plan, live: Vec<&Replica>, wanted: i64, use_spot: bool) {
    let missing = wanted - live.len() as i64;
    if missing > 0 {
        plan.launch(missing, Some(use_spot));
    } else {
        plan.scale_down.extend(victims(live, missing.unsigned_abs() as usize));
    }
}

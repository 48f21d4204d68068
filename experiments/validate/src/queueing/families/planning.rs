//! Families of the planner: staffing, approximations, cost and retries. Closed forms only.

use super::super::document::Params;
use super::super::error::CaseError;
use crate::closed_forms::approximations::GeneralQueue;
use crate::closed_forms::economics::{Retries, Swing, usd_per_million_tokens};
use crate::closed_forms::staffing::{halfin_whitt_beta, servers_for, square_root_staffing};

pub(super) fn sqrt_staff(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (load, target) = (params.positive("offered_load")?, params.positive("target_pwait")?);
    if load > 1e7 {
        return Err(CaseError::out_of_range("offered_load", load, "at most 1e7"));
    }
    Ok(match key {
        "beta" => halfin_whitt_beta(target),
        "c_sqrt" => square_root_staffing(load, target),
        "c_exact" => servers_for(load, target).map(|(servers, _)| servers as f64),
        "pwait_at_c_exact" => servers_for(load, target).map(|(_, waiting)| waiting),
        _ => None,
    })
}

pub(super) fn ggc(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let queue = GeneralQueue {
        arrival_rate: params.positive("lam")?,
        mean_service: params.mean_service()?,
        servers: u64::from(params.count("c")?),
        arrival_cv2: params.not_negative("ca2")?,
        service_cv2: params.not_negative("cs2")?,
    };
    Ok(match key {
        "allen_cunneen_Wq" => Some(queue.allen_cunneen()),
        "sakasegawa_Wq" => Some(queue.sakasegawa()),
        // The reference data writes 0 where the bound does not apply.
        "kingman_ub_if_c1" => Some(queue.kingman().unwrap_or(0.0)),
        _ => None,
    })
}

pub(super) fn cost_mtok(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let price = params.not_negative("price_per_gpu_h")?;
    let cost = usd_per_million_tokens(price, params.positive("tokens_per_s")?, params.positive("utilisation")?);
    Ok((key == "usd_per_mtok").then_some(cost))
}

pub(super) fn oracle_gpuh(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let swing = Swing {
        mean: params.positive("A0")?,
        amplitude: params.positive("A1")?,
        per_replica: params.positive("cap_per_replica")?,
        period: params.positive("period_h")?,
    };
    if swing.amplitude > swing.mean || swing.most() > 1e6 {
        let Swing { mean, amplitude, .. } = swing;
        return Err(CaseError::Swing { mean, amplitude });
    }
    Ok(match key {
        "replica_hours" => Some(swing.replica_time()),
        "n_min" => Some(swing.fewest()),
        "n_max" => Some(swing.most()),
        "static_peak_hours" => Some(swing.static_time()),
        "saving_vs_static" => Some(1.0 - swing.replica_time() / swing.static_time()),
        _ => None,
    })
}

pub(super) fn retry(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let failure = params.not_negative("p")?;
    let max_retries = params.not_negative("max_retries")?;
    if failure > 1.0 || max_retries > 1e6 || max_retries.fract() != 0.0 {
        return Err(CaseError::Retries { max_retries, failure });
    }
    let retries = Retries { failure, max_retries: max_retries as u32 };
    Ok(match key {
        "load_factor" => Some(retries.load_factor()),
        "budgeted_load_factor" => Some(retries.budgeted_load_factor(params.not_negative("budget")?)),
        "success_unlimited" => Some(retries.success()),
        _ => None,
    })
}

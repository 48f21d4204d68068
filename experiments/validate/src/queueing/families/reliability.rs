//! Families of availability: k out of n, regions, demand that peaks at different hours. Closed forms
//! only.

use super::super::document::Params;
use super::super::error::CaseError;
use super::case::count_in_key;
use crate::closed_forms::reliability::{Regions, k_out_of_n, peak_of_sum};

pub(super) fn koutofn(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    const MOST: u32 = 10_000_000;
    let (need, up) = (params.count("need")?, probability(params, "a")?);
    let Some(spare) = count_in_key(key, "avail_over_") else { return Ok(None) };
    let total = need.checked_add(spare).filter(|total| *total <= MOST);
    let total = total.ok_or_else(|| CaseError::TooManySpares { key: key.to_owned(), need, spare, most: MOST })?;
    Ok(Some(k_out_of_n(need, total, up)))
}

pub(super) fn region(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let regions = Regions {
        availability: probability(params, "A")?,
        regions: params.count("R")?,
        window: params.not_negative("window_s")? / 3_600.0,
        repair: params.positive("MTTR_h")?,
    };
    if regions.availability >= 1.0 {
        return Err(CaseError::out_of_range("A", regions.availability, "regions that fail at times"));
    }
    Ok(match key {
        "MTBF_h" => Some(regions.mean_time_between_failures()),
        "err_detection" => Some(regions.errors_before_detection()),
        "err_all_down" => Some(regions.errors_all_down()),
        "err_total" => Some(regions.errors_before_detection() + regions.errors_all_down()),
        "no_failover_err" => Some(regions.errors_without_failover()),
        "n_plus_1_capacity_factor" => Some(regions.spare_capacity_factor()),
        "max_util_per_region" => Some(regions.highest_utilisation()),
        _ => None,
    })
}

pub(super) fn diurnal_agg(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let (mean, amplitude) = (params.positive("A0")?, params.not_negative("A1")?);
    let phases = params.numbers("phase_h")?;
    let (together, apart) = (peak_of_sum(mean, amplitude, &phases), phases.len() as f64 * (mean + amplitude));
    Ok(match key {
        "global_peak" => Some(together),
        "sum_of_peaks" => Some(apart),
        "saving" => Some(1.0 - together / apart),
        _ => None,
    })
}

fn probability(params: Params<'_>, name: &str) -> Result<f64, CaseError> {
    let value = params.not_negative(name)?;
    if value <= 1.0 { Ok(value) } else { Err(CaseError::out_of_range(name, value, "from 0 to 1")) }
}

//! Memory of an engine: what vLLM logs, by the same code that sizes the cache of a profile.

use super::super::document::Params;
use super::super::error::CaseError;
use flashcrowd_profiles::{EngineLimits, Memory};

const GIB: f64 = (1_u64 << 30) as f64;

/// Blocks of one token of this size, so that the result is exact within it.
const TOKEN_BYTES: f64 = 1024.0;

pub(super) fn kv_budget(params: Params<'_>, key: &str) -> Result<Option<f64>, CaseError> {
    let total_gib = params.positive("total_gib")?;
    let utilization = params.positive("util")?;
    if total_gib > 1e6 || utilization > 1.0 {
        return Err(CaseError::Memory { utilization, total_gib });
    }
    let memory = Memory {
        weights_bytes: params.not_negative("weights")? * GIB,
        kv_bytes_per_token: TOKEN_BYTES,
        fixed_bytes: (params.not_negative("non_torch")? + params.not_negative("act")?) * GIB,
        bytes_per_batched_token: 0.0,
        bytes_per_sequence: 0.0,
    };
    let limits = EngineLimits { utilization, block_tokens: 1, ..EngineLimits::default() };
    let tokens = memory.kv_tokens((total_gib * GIB) as u64, limits);
    Ok(match key {
        "budget" => Some(total_gib * utilization),
        "kv" => Some(tokens as f64 * TOKEN_BYTES / GIB),
        _ => None,
    })
}

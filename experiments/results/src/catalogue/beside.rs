//! What a variant has beside the bound.

use crate::figure::{Better, FigureDef, Of, Unit};
use crate::part::Pool;
use crate::scope::ScopeKind;

const ALL: &[ScopeKind] = &[ScopeKind::All];

const fn beside(id: &'static str, words: &'static str, unit: Unit, pool: Pool) -> FigureDef {
    FigureDef { id, words, unit, better: Better::Lower, scopes: ALL, pool, scale: 1.0, of: Of::Bound }
}

pub(super) const FIGURES: &[FigureDef] = &[
    beside("cost_over_bound", "cost over that of the bound", Unit::Share, Pool::SumOverSum),
    beside("over_provisioned_gpu_h", "ready GPU-hours beyond those of the bound", Unit::Number, Pool::Mean),
    beside("under_provisioned_gpu_h", "ready GPU-hours missing to those of the bound", Unit::Number, Pool::Mean),
    beside("not_ready_gpu_h", "GPU-hours paid for and not ready, beyond those of the bound", Unit::Number, Pool::Mean),
];

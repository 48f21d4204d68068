//! What is known of each family of reference tests: its closed forms, and how it is simulated.

mod case;
mod closed;
mod health;
mod infinite;
mod linkshare;
mod loss;
mod memory;
mod planning;
mod pooling;
mod reliability;
mod renewal;
mod repairman;
mod sharing;
mod startup;
mod surge;
mod waiting;

pub(crate) use startup::play as play_phases;

use super::document::Params;
use super::error::CaseError;
pub(super) use case::{Case, Finding, Findings};

/// A value by the closed form; `None` for a key that has none.
type Formula = fn(Params<'_>, &str) -> Result<Option<f64>, CaseError>;
/// Values by running the engine.
type Simulate = fn(&Case<'_>) -> Result<Findings, CaseError>;

/// A family.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) formula: Formula,
    pub(super) simulate: Option<Simulate>,
}

const fn simulated(name: &'static str, formula: Formula, simulate: Simulate) -> Family {
    Family { name, formula, simulate: Some(simulate) }
}

const fn computed(name: &'static str, formula: Formula) -> Family {
    Family { name, formula, simulate: None }
}

/// All that are modelled.
const FAMILIES: [Family; 24] = [
    simulated("erlang_b", loss::erlang_b, loss::simulate_erlang_b),
    simulated("mmck", loss::mmck, loss::simulate_mmck),
    simulated("erlang_c", waiting::erlang_c, waiting::simulate_erlang_c),
    simulated("mg1_pk", waiting::mg1_pk, waiting::simulate_mg1_pk),
    simulated("md1_tail", waiting::md1_tail, waiting::simulate_md1_tail),
    simulated("mginf", infinite::formula, infinite::simulate),
    simulated("mg1_ps", sharing::formula, sharing::simulate),
    simulated("mva", closed::formula, closed::simulate),
    simulated("pooling", pooling::formula, pooling::simulate),
    simulated("coldstart_tensorfuse", startup::formula, startup::simulate),
    simulated("linkshare", linkshare::formula, linkshare::simulate),
    simulated("surge", surge::formula, surge::simulate),
    simulated("repairman", repairman::formula, repairman::simulate),
    simulated("renewal", renewal::formula, renewal::simulate),
    simulated("health", health::formula, health::simulate),
    computed("sqrt_staff", planning::sqrt_staff),
    computed("ggc", planning::ggc),
    computed("cost_mtok", planning::cost_mtok),
    computed("kv_budget", memory::kv_budget),
    computed("retry", planning::retry),
    computed("oracle_gpuh", planning::oracle_gpuh),
    computed("koutofn", reliability::koutofn),
    computed("region", reliability::region),
    computed("diurnal_agg", reliability::diurnal_agg),
];

/// The family of that name.
pub(super) fn find(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

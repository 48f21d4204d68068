//! The laws that the policy keeps, and what it claims.

use flashcrowd_kit::laws::{self, CostClaim};
use flashcrowd_kit::{Broken, Subject};
use serde_json::json;

#[test]
fn it_keeps_the_laws() -> Result<(), Broken> {
    let subject = Subject::new(&my_policy::registry(), "steady", json!({ "in_flight": 2, "max": 8 }));
    laws::bounds(&subject, 1..=8)?;
    laws::robust(&subject)?;
    laws::determinism(&subject)?;
    laws::no_future(&subject)?;
    laws::no_oscillation(&subject, 600, 6)?;
    laws::recovery_from_zero(&subject, 30)?;
    laws::monotone(&subject, 0.25)?;
    laws::cost_bound(&subject, CostClaim::default())
}

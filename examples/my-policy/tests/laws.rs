//! The laws that the policy keeps, and what it claims.

use flashcrowd_kit::laws::{self, CostClaim};
use flashcrowd_kit::{Broken, Subject};

#[test]
fn it_keeps_the_laws() -> Result<(), Broken> {
    let subject = Subject::new(&my_policy::registry(), "steady", "(in_flight: 2, max: 8)");
    laws::bounds(&subject, 1..=8)?;
    laws::robust(&subject)?;
    laws::determinism(&subject)?;
    laws::no_future(&subject)?;
    laws::no_oscillation(&subject, 600, 6)?;
    laws::recovery_from_zero(&subject, 30)?;
    laws::monotone(&subject, 0.25)?;
    laws::cost_bound(&subject, CostClaim::default())
}

#[test]
fn its_program_plays_a_scenario_with_it() {
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/steady.ron");
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_my-policy")).args(["check", scenario]).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("scaled by steady"), "{report}");
}

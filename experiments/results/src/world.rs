//! Whether two variants play the same world, so that their replicates may be paired.

use flashcrowd_scenario::Resolved;

/// In which ways the worlds of two variants differ; empty if replicate for replicate the same requests
/// come, and the same happens to the fleet.
pub fn unlike(one: &Resolved, other: &Resolved) -> Vec<&'static str> {
    let mut differs = Vec::new();
    let mut note = |is: bool, words| {
        if is {
            differs.push(words);
        }
    };
    note(one.seed != other.seed, "another seed");
    note(one.horizon != other.horizon, "another horizon");
    note(one.warmup != other.warmup, "another warm-up");
    note(!one.has_traffic_of(other), "other traffic");
    note(!one.has_faults_of(other), "other faults");
    differs
}

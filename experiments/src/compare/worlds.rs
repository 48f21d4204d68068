//! Whether two variants play the same world, so that their replicates may be paired, and whether they
//! promise the same, so that who holds may be compared.

use crate::results::{groups, promise_name};
use crate::scenario::resolve::Resolved;

/// In which ways the worlds of two variants differ; empty if replicate for replicate the same requests
/// come, and the same befalls the fleet.
pub(crate) fn unlike(one: &Resolved, other: &Resolved) -> Vec<&'static str> {
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

/// What one variant promises and another does not, as `chat: e2e p90 < 2s`.
pub(crate) fn promised_beyond(one: &Resolved, other: &Resolved) -> Vec<String> {
    let theirs = promised(other);
    promised(one).into_iter().filter(|name| !theirs.contains(name)).collect()
}

fn promised(resolved: &Resolved) -> Vec<String> {
    let of_group = |group: crate::results::Group| {
        let names: Vec<String> = group.slos(resolved).iter().map(|slo| promise_name(&group.name, slo)).collect();
        names
    };
    groups(resolved).into_iter().flat_map(of_group).collect()
}

/// How the promises of a variant differ from the baseline's, in words; `None` if they do not.
pub(crate) fn promised_otherwise(baseline: &Resolved, own: &Resolved) -> Option<String> {
    const SHOWN: usize = 4;
    let told = |words: &str, names: &[String]| {
        let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
        let names: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
        (!names.is_empty()).then(|| format!("{words} {}{more}", names.join(", ")))
    };
    let more = told("promises", &promised_beyond(own, baseline));
    let less = told("does not promise", &promised_beyond(baseline, own));
    let facts: Vec<String> = [more, less].into_iter().flatten().collect();
    (!facts.is_empty()).then(|| facts.join("; "))
}

//! Every policy of the program's own: what a scenario may name, and what stands behind manifests.

use crate::autoscaler::{Autoscaler, manifest};
use crate::capacity::Capacity;
use crate::fleet::placement::Placement;
use crate::network::routing::Routing;
use crate::nodes::NodeAutoscaler;
use crate::service::router::Router;
use flashcrowd_policies::PolicyInfo;

/// All policies, by port and name.
///
/// ```
/// let policies = flashcrowd_scenario::policies();
/// assert!(policies.iter().any(|policy| policy.reproduces.contains("Kubernetes 1.28")));
/// ```
pub fn policies() -> Vec<PolicyInfo> {
    let ports = [
        Autoscaler::POLICIES,
        Router::POLICIES,
        Placement::POLICIES,
        NodeAutoscaler::POLICIES,
        Routing::POLICIES,
        Capacity::POLICIES,
    ];
    let named = ports.into_iter().flatten().flat_map(|part| part.iter().copied());
    let mut all: Vec<PolicyInfo> = named.chain(manifest::policies()).collect();
    all.sort_unstable_by_key(|policy| (policy.port, policy.name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stands_twice_behind_a_port() {
        let all = policies();
        assert!(all.len() > 40, "{all:?}");
        assert!(all.windows(2).all(|pair| (pair[0].port, pair[0].name) < (pair[1].port, pair[1].name)));
    }

    #[test]
    fn what_a_scenario_names_is_called_the_same_in_the_list() {
        let schema = crate::form::schema();
        for (choice, port) in [("Router", "router"), ("Placement", "placement"), ("Routing", "routing")] {
            let variants = schema["$defs"][choice]["oneOf"].as_array().unwrap();
            let mut words: Vec<String> = variants.iter().map(|variant| kebab(&variant.to_string())).collect();
            words.sort();
            let named: Vec<&str> = policies().iter().filter(|p| p.port.name() == port).map(|p| p.name).collect();
            assert_eq!(words, named);
        }
    }

    /// The first word of a variant's schema that begins with a capital letter, in small letters with hyphens.
    fn kebab(schema: &str) -> String {
        let words = schema.split('"').filter(|word| word.starts_with(char::is_uppercase) && !word.contains(' '));
        let mut name = String::new();
        for letter in words.min_by_key(|word| word.len()).unwrap().chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }
}

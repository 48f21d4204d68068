//! A test that is simulated, what was found of it, and numbers in its keys.

use crate::queueing::document::{Goal, Params};
use crate::queueing::error::CaseError;
use crate::queueing::plant::Plant;
use crate::queueing::replicates::{Estimate, Target, estimate, estimate_each};
use crate::queueing::statistic::{Observation, Statistic};
use flashcrowd_core::clock::Distribution;
use flashcrowd_core::simulation::World;

/// A test that is to be simulated.
pub(in super::super) struct Case<'a> {
    /// Its name, which is also that of its random streams.
    pub(in super::super) id: &'a str,
    pub(in super::super) params: Params<'a>,
    pub(in super::super) goals: &'a [Goal],
}

/// A value that was found.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Finding {
    /// Of which goal.
    pub(in super::super) key: String,
    /// Of which of several set-ups, such as a service-time distribution; empty if there is one.
    pub(in super::super) variant: String,
    /// `None` if this set-up is not known, which leaves the check out.
    pub(in super::super) found: Option<f64>,
    pub(in super::super) half_width: f64,
}

/// What a simulated test gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in super::super) struct Findings {
    pub(in super::super) values: Vec<Finding>,
    pub(in super::super) replicates: u64,
    pub(in super::super) requests: u64,
}

impl Case<'_> {
    /// Plays one plant and adds its findings for all goals that `statistic` can measure.
    pub(super) fn play(
        &self,
        into: &mut Findings,
        variant: &str,
        plant: &Plant,
        statistic: impl Fn(&str) -> Option<Statistic>,
    ) -> Result<(), CaseError> {
        let target = |goal: &Goal| {
            let statistic = statistic(&goal.key)?;
            Some(Target { key: goal.key.clone(), statistic, expected: goal.expected, tolerance: goal.tolerance })
        };
        let targets: Vec<Target> = self.goals.iter().filter_map(target).collect();
        if targets.is_empty() {
            return Ok(());
        }
        let played = estimate(plant, &targets)?;
        into.replicates += u64::from(played.replicates);
        into.requests += played.requests;
        for (target, found) in targets.into_iter().zip(played.estimates) {
            into.values.push(Finding {
                key: target.key,
                variant: variant.to_owned(),
                found: Some(found.value),
                half_width: found.half_width,
            });
        }
        Ok(())
    }

    /// Plays worlds of this family's own until all goals that `knows` names are settled. `play` gives the
    /// observations of those keys for one replicate, and how many requests it had.
    pub(super) fn play_each(
        &self,
        most: u32,
        knows: &[&str],
        play: impl Fn(&[&str], u32) -> Result<(Vec<Observation>, u64), CaseError> + Sync,
    ) -> Result<Findings, CaseError> {
        let goals: Vec<&Goal> = self.goals.iter().filter(|goal| knows.contains(&goal.key.as_str())).collect();
        if goals.is_empty() {
            return Ok(Findings::default());
        }
        let keys: Vec<&str> = goals.iter().map(|goal| goal.key.as_str()).collect();
        let wanted: Vec<_> = goals.iter().map(|goal| (goal.expected, goal.tolerance)).collect();
        let played = estimate_each(&wanted, most, |replicate| play(&keys, replicate))?;
        let finding = |(key, found): (&&str, Estimate)| Finding {
            key: (*key).to_owned(),
            variant: String::new(),
            found: Some(found.value),
            half_width: found.half_width,
        };
        let values = keys.iter().zip(played.estimates).map(finding).collect();
        Ok(Findings { values, replicates: u64::from(played.replicates), requests: played.requests })
    }

    /// A world of one region, one pool and one service, without clients.
    pub(super) fn bare_world(&self, replicate: u32) -> Result<World, CaseError> {
        let mut plant = Plant::open(self.label("bare"), 0.0, Distribution::Constant(0.0), 1, 1.0);
        plant.span = 1.0;
        let (mut world, _) = plant.world(replicate, false)?;
        world.clients.clear();
        Ok(world)
    }

    /// The name of a set-up's random streams.
    pub(super) fn label(&self, variant: &str) -> String {
        format!("{}/{variant}", self.id)
    }
}

/// In how many mean service times a system of `servers` forgets its state, about: the relaxation
/// time of M/M/c grows as `1 / (c (1 - rho)^2)`, and with the variance of service.
pub(super) fn relaxation(utilisation: f64, servers: f64, service_cv2: f64) -> f64 {
    1.0 + service_cv2 + (1.0 + service_cv2) * utilisation / (servers * (1.0 - utilisation).powi(2))
}

/// A number in a key, `p` for the decimal point: `0p5` is 0.5.
pub(super) fn number_in_key(key: &str, prefix: &str) -> Option<f64> {
    let text = key.strip_prefix(prefix)?.replace('p', ".");
    text.parse().ok().filter(|x: &f64| x.is_finite() && *x >= 0.0)
}

/// A whole number in a key: `P_N_ge5` has 5.
pub(super) fn count_in_key(key: &str, prefix: &str) -> Option<u32> {
    key.strip_prefix(prefix)?.parse().ok()
}

/// A quantile in a key: `Wq_p99` is 0.99, `Wq_p999` is 0.999.
pub(super) fn quantile_in_key(key: &str, prefix: &str) -> Option<f64> {
    let digits = key.strip_prefix(prefix)?.strip_prefix("_p")?;
    let all_digits = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { format!("0.{digits}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_carry_numbers() {
        assert_eq!(quantile_in_key("Wq_p99", "Wq"), Some(0.99));
        assert_eq!(quantile_in_key("Wq_p5", "Wq"), Some(0.5));
        assert_eq!(quantile_in_key("Wq_p", "Wq"), None);
        assert_eq!(number_in_key("P_wait_gt_0p5", "P_wait_gt_"), Some(0.5));
        assert_eq!(number_in_key("P_W_le_12", "P_W_le_"), Some(12.0));
        assert_eq!(count_in_key("P_N_ge5", "P_N_ge"), Some(5));
        assert_eq!(count_in_key("P_N_ge", "P_N_ge"), None);
    }
}

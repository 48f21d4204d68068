//! Ready GPUs of each trial over time, kept to be held against those of the bound.

use crate::run::finished::Run;
use flashcrowd_scenario::{Loaded, Resolved, ResolvedAutoscaler, ResolvedService};
use std::collections::BTreeMap;

/// Ready GPUs over time, by service: changes at instants in picoseconds, in any order.
type Steps = Vec<Vec<(u64, i64)>>;

/// What is kept of each trial to hold it against the bound's; nothing where there is no bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ready {
    variant: Option<usize>,
    steps: BTreeMap<(usize, u32), Steps>,
}

impl Ready {
    pub(crate) fn new(loaded: &Loaded) -> Self {
        let is_bound =
            |service: &ResolvedService| service.autoscaler.as_ref().is_some_and(ResolvedAutoscaler::is_bound);
        let variant = loaded.variants.iter().position(|variant| variant.services.iter().any(is_bound));
        Ready { variant, steps: BTreeMap::new() }
    }

    pub(crate) fn variant(&self) -> Option<usize> {
        self.variant
    }

    pub(crate) fn add(&mut self, resolved: &Resolved, run: &Run) {
        if self.variant.is_some() {
            self.steps.insert((run.variant, run.replicate()), steps(resolved, run));
        }
    }

    /// GPU-picoseconds that a trial had ready beyond those of the bound, and those that it lacked.
    pub(crate) fn beside(&self, variant: usize, replicate: u32) -> Option<[i128; 2]> {
        let own = self.steps.get(&(variant, replicate))?;
        let best = self.steps.get(&(self.variant?, replicate))?;
        let pairs = own.iter().zip(best).map(|(own, best)| over_and_under(own, best));
        Some(pairs.fold([0; 2], |sum, pair| [sum[0] + pair[0], sum[1] + pair[1]]))
    }
}

/// Changes of a service's ready GPUs. What is resident on others' GPUs adds none.
fn steps(resolved: &Resolved, run: &Run) -> Steps {
    let mut steps: Steps = vec![Vec::new(); resolved.services.len()];
    let end = run.record.ended;
    for replica in &run.record.replicas {
        let service = &resolved.services[replica.service as usize];
        let Some(ready) = replica.ready.filter(|_| service.config.resident_on.is_none()) else { continue };
        let until = [replica.deleted, replica.gone, Some(end)].into_iter().flatten().min().unwrap_or(end);
        let gpus = i64::from(service.config.gpus_per_group * service.config.groups);
        if until > ready {
            steps[replica.service as usize].extend([(ready.as_ps(), gpus), (until.as_ps(), -gpus)]);
        }
    }
    steps
}

fn over_and_under(own: &[(u64, i64)], best: &[(u64, i64)]) -> [i128; 2] {
    let mut changes: Vec<(u64, i64)> = own.to_vec();
    changes.extend(best.iter().map(|(at, gpus)| (*at, -gpus)));
    changes.sort_unstable();
    let (mut more, mut since, mut sums) = (0_i64, 0_u64, [0_i128; 2]);
    for (at, change) in changes {
        let area = i128::from(more.unsigned_abs()) * i128::from(at - since);
        sums[usize::from(more < 0)] += area;
        (more, since) = (more + change, at);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is too many less what is too few is the difference of the integrals, exactly.
        #[test]
        fn over_and_under_differ_by_the_areas(
            own in prop::collection::vec((0_u64..1_000, 1_u64..500, 1_i64..9), 0..20),
            best in prop::collection::vec((0_u64..1_000, 1_u64..500, 1_i64..9), 0..20),
        ) {
            let area = |lives: &[(u64, u64, i64)]| lives.iter().map(|(_, span, gpus)| i128::from(*span) * i128::from(*gpus)).sum::<i128>();
            let steps = |lives: &[(u64, u64, i64)]| {
                let mut steps: Vec<(u64, i64)> =
                    lives.iter().flat_map(|(at, span, gpus)| [(*at, *gpus), (at + span, -gpus)]).collect();
                steps.sort_unstable();
                steps
            };
            let [over, under] = over_and_under(&steps(&own), &steps(&best));
            prop_assert!(over >= 0 && under >= 0);
            prop_assert_eq!(over - under, area(&own) - area(&best));
        }
    }
}

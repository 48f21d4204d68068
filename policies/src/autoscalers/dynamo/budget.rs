//! The GPU budget: a hard ceiling and a soft floor, held by shrinking or growing in proportion.
//!
//! Follows `dynamo/planner/core/budget.py` of `ai-dynamo` 1.6.1, by reading.

/// Bounds on the GPUs of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// `min_gpu_budget`; `None` for no floor.
    pub min_gpus: Option<u32>,
    /// `max_gpu_budget`; `None` for no ceiling.
    pub max_gpus: Option<u32>,
    /// `min_endpoint`: fewest engines of each role.
    pub min_endpoint: u32,
}

impl Budget {
    /// Whether the fewest engines of these sizes, in GPUs, fit under the ceiling.
    pub fn is_feasible(&self, gpus: &[u32]) -> bool {
        let least: u64 = gpus.iter().map(|gpus| u64::from(*gpus) * u64::from(self.min_endpoint)).sum();
        self.max_gpus.is_none_or(|max| least <= u64::from(max))
    }

    /// Of engines of `gpus` GPUs each, the count nearest to `engines` that the budget allows.
    ///
    /// ```
    /// use flashcrowd_policies::autoscalers::dynamo::Budget;
    /// let budget = Budget { min_gpus: None, max_gpus: Some(8), min_endpoint: 1 };
    /// assert_eq!((budget.fit_one(5, 2), budget.fit_two((3, 3), (2, 2))), (4, (2, 2)));
    /// ```
    pub fn fit_one(&self, engines: u32, gpus: u32) -> u32 {
        let size = gpus.max(1);
        let mut fitted = engines;
        if let Some(min) =
            self.min_gpus.filter(|min| fitted.saturating_mul(size) < min.saturating_sub(self.slack(size)))
        {
            fitted = min.div_ceil(size).max(self.min_endpoint);
        }
        match self.max_gpus {
            Some(max) if fitted.saturating_mul(size) > max => (max / size).max(self.min_endpoint),
            _ => fitted,
        }
    }

    /// The floor gives way by one engine where a ceiling stands over it: steps need not meet both.
    fn slack(&self, largest: u32) -> u32 {
        if self.max_gpus.is_some() { largest } else { 0 }
    }

    /// The same for prefill and decode engines together.
    pub fn fit_two(&self, engines: (u32, u32), gpus: (u32, u32)) -> (u32, u32) {
        let (prefill_size, decode_size) = (f64::from(gpus.0.max(1)), f64::from(gpus.1.max(1)));
        let total = f64::from(engines.0) * prefill_size + f64::from(engines.1) * decode_size;
        let least = f64::from(self.min_endpoint);
        let max = self.max_gpus.map(f64::from);
        if let Some(max) = max.filter(|max| total > *max) {
            let room = ((max - least * decode_size) / prefill_size).floor();
            let prefill = (f64::from(engines.0) * max / total).floor().min(room).max(least);
            let decode = ((max - prefill * prefill_size) / decode_size).floor().max(least);
            return (prefill as u32, decode as u32);
        }
        let Some(floor) = self.min_gpus.map(f64::from) else { return engines };
        if total >= floor - f64::from(self.slack(gpus.0.max(gpus.1).max(1))) {
            return engines;
        }
        // Without engines the floor is split evenly; decode gets the remainder.
        let share = if total > 0.0 { f64::from(engines.0) * floor / total } else { floor / 2.0 / prefill_size };
        let prefill = share.ceil().max(least);
        let decode = ((floor - prefill * prefill_size).max(0.0) / decode_size).ceil().max(least);
        if max.is_some_and(|max| prefill * prefill_size + decode * decode_size > max) {
            return engines;
        }
        (prefill as u32, decode as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceiling_shrinks_both_roles_in_proportion() {
        let budget = Budget { min_gpus: None, max_gpus: Some(12), min_endpoint: 1 };
        assert_eq!(budget.fit_two((4, 12), (1, 1)), (3, 9));
        // Prefill leaves decode its last engine.
        assert_eq!(budget.fit_two((20, 1), (1, 4)), (8, 1));
        assert_eq!(budget.fit_two((4, 8), (1, 1)), (4, 8));
        assert!(!Budget { min_endpoint: 2, ..budget }.is_feasible(&[4, 4]));
    }

    #[test]
    fn a_floor_grows_and_gives_way_by_one_engine() {
        let budget = Budget { min_gpus: Some(8), max_gpus: Some(8), min_endpoint: 1 };
        assert_eq!((budget.fit_one(3, 2), budget.fit_one(2, 2)), (3, 4));
        assert_eq!(budget.fit_two((1, 1), (1, 1)), (4, 4));
        assert_eq!(budget.fit_two((0, 0), (2, 2)), (2, 2));
    }

    proptest::proptest! {
        #[test]
        fn no_count_exceeds_a_feasible_ceiling(
            prefill in 0_u32..50, decode in 0_u32..50, sizes in (1_u32..9, 1_u32..9), max in 0_u32..200,
            min in proptest::option::of(0_u32..200), least in 0_u32..4,
        ) {
            let budget = Budget { min_gpus: min, max_gpus: Some(max), min_endpoint: least };
            if budget.is_feasible(&[sizes.0, sizes.1]) {
                let (p, d) = budget.fit_two((prefill, decode), sizes);
                proptest::prop_assert!(p * sizes.0 + d * sizes.1 <= max);
            }
            if budget.is_feasible(&[sizes.0]) {
                proptest::prop_assert!(budget.fit_one(prefill, sizes.0) * sizes.0 <= max);
            }
        }
    }
}

//! `SpotHedge`: where the next spot replica goes (`DynamicFallbackSpotPlacer`, skypilot 0.14.1,
//! `sky/serve/spot_placer.py`).

/// Locations, each active or shunned after a preemption.
///
/// ```
/// use flashcrowd_policies::capacity::SpotPlacer;
/// let mut placer = SpotPlacer::new(vec![1.0, 0.5, 2.0]);
/// assert_eq!(placer.select(&[]), Some(1));
/// placer.preempted(1);
/// assert_eq!(placer.select(&[0]), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpotPlacer {
    costs: Vec<f64>,
    active: Vec<bool>,
    /// With fewer active locations than these, all become active again.
    pub fewest_active: usize,
}

/// As `SkyPilot` has it.
const FEWEST_ACTIVE: usize = 2;

impl SpotPlacer {
    /// Locations by their price in dollars per hour; all are active.
    pub fn new(costs: Vec<f64>) -> Self {
        SpotPlacer { active: vec![true; costs.len()], costs, fewest_active: FEWEST_ACTIVE }
    }

    /// Prices have changed.
    pub fn set_costs(&mut self, costs: impl IntoIterator<Item = f64>) {
        for (own, cost) in self.costs.iter_mut().zip(costs) {
            *own = cost;
        }
    }

    /// The cheapest active location that is not among `current`, or the cheapest active one; the
    /// first of equals. `None` if there is no location.
    pub fn select(&self, current: &[usize]) -> Option<usize> {
        let cheapest = |free: bool| {
            let candidates = self.active().into_iter().filter(|at| !free || !current.contains(at));
            candidates.min_by(|a, b| self.costs[*a].total_cmp(&self.costs[*b]))
        };
        cheapest(true).or_else(|| cheapest(false))
    }

    /// A replica was preempted there, or failed to launch.
    pub fn preempted(&mut self, location: usize) {
        if let Some(active) = self.active.get_mut(location) {
            *active = false;
        }
        if self.active().len() < self.fewest_active {
            self.active.fill(true);
        }
    }

    /// A replica came up there.
    pub fn succeeded(&mut self, location: usize) {
        if let Some(active) = self.active.get_mut(location) {
            *active = true;
        }
    }

    /// The active locations, in order.
    pub fn active(&self) -> Vec<usize> {
        (0..self.costs.len()).filter(|at| self.active[*at]).collect()
    }
}

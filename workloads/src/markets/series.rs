//! Capacity of one place as a step function of time.

use flashcrowd_core::clock::{SimDuration, SimTime};

/// How many nodes a market holds, from the start of a recording to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacitySeries {
    steps: Vec<(SimTime, u32)>,
    end: SimTime,
}

impl CapacitySeries {
    /// Takes samples in order of time. Equal neighbours become one step; of several at one instant
    /// the last holds. Samples that go back in time are moved to the instant before them.
    pub fn from_samples(samples: impl IntoIterator<Item = (SimTime, u32)>, end: SimTime) -> Self {
        let mut steps: Vec<(SimTime, u32)> = Vec::new();
        for (at, nodes) in samples {
            let at = steps.last().map_or(at, |last| at.max(last.0));
            if steps.last().is_some_and(|last| last.0 == at) {
                steps.pop();
            }
            if steps.last().is_none_or(|last| last.1 != nodes) {
                steps.push((at, nodes));
            }
        }
        let end = steps.last().map_or(end, |last| end.max(last.0));
        CapacitySeries { steps, end }
    }

    /// Instants at which the capacity changes, with what it becomes; the first is its start.
    pub fn steps(&self) -> &[(SimTime, u32)] {
        &self.steps
    }

    /// When the recording ends.
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// The highest capacity; 0 if there is none.
    pub fn most(&self) -> u32 {
        self.steps.iter().map(|step| step.1).max().unwrap_or(0)
    }

    /// The capacity at an instant; 0 before the first step.
    pub fn at(&self, at: SimTime) -> u32 {
        let after = self.steps.partition_point(|step| step.0 <= at);
        after.checked_sub(1).map_or(0, |index| self.steps[index].1)
    }

    /// The capacity on a grid: at 0, `gap`, two `gap`s and so on, before the end. Empty if `gap` is
    /// no time at all.
    pub fn samples(&self, gap: SimDuration) -> impl Iterator<Item = u32> + '_ {
        let ticks = self
            .end
            .as_ps()
            .checked_div(gap.as_ps())
            .map_or(0, |whole| whole + u64::from(!self.end.as_ps().is_multiple_of(gap.as_ps())));
        let (mut index, mut nodes) = (0, 0);
        (0..ticks).map(move |tick| {
            let now = tick * gap.as_ps();
            while self.steps.get(index).is_some_and(|step| step.0.as_ps() <= now) {
                nodes = self.steps[index].1;
                index += 1;
            }
            nodes
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_neighbours_and_equal_instants_become_one_step() {
        let s = SimTime::from_s;
        let samples = [(s(0), 2), (s(10), 2), (s(20), 1), (s(20), 0), (s(30), 0), (s(30), 3)];
        let series = CapacitySeries::from_samples(samples, s(35));
        assert_eq!(series.steps(), [(s(0), 2), (s(20), 0), (s(30), 3)]);
        assert_eq!((series.at(s(19)), series.at(s(20)), series.most(), series.end()), (2, 0, 3, s(35)));
        let grid: Vec<u32> = series.samples(SimDuration::from_s(10)).collect();
        assert_eq!(grid, [2, 2, 0, 3]);
        assert_eq!(series.samples(SimDuration::ZERO).count(), 0);
    }
}

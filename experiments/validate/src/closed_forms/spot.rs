//! A replica on spot capacity with an on-demand stand-in, in closed form (renewal-reward).

/// A replica whose spot node comes and goes. A stand-in is bought when it is preempted and given back
/// when the next spot replica is ready. Times have one unit, prices are for that unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpotReplica {
    /// Mean time that spot capacity is there; longer than the cold start almost surely.
    pub up: f64,
    /// Mean time that it is not; longer than the cold start almost surely.
    pub down: f64,
    /// From buying a replica to its first request.
    pub cold_start: f64,
    /// Price on spot.
    pub spot_price: f64,
    /// Price on demand.
    pub on_demand_price: f64,
}

impl SpotReplica {
    /// Cost of a unit of time: spot for `up`, on demand for `down` and the cold start after it.
    pub fn cost(&self) -> f64 {
        let stand_in = (self.down + self.cold_start) * self.on_demand_price;
        (self.up * self.spot_price + stand_in) / (self.up + self.down)
    }

    /// What is saved against on-demand only, as a share; negative if it costs more.
    pub fn saving(&self) -> f64 {
        1.0 - self.cost() / self.on_demand_price
    }

    /// Share of the time that nothing serves: a cold start after each preemption.
    pub fn unserved(&self) -> f64 {
        self.cold_start / (self.up + self.down)
    }

    /// The cold start at which spot costs as much as on-demand only.
    pub fn longest_cold_start_for_saving(&self) -> f64 {
        self.up * (1.0 - self.spot_price / self.on_demand_price)
    }

    /// The mean time between preemptions at which spot costs as much as on-demand only, for this cold
    /// start; infinite if spot is not cheaper.
    pub fn shortest_up_for_saving(&self) -> f64 {
        let share = 1.0 - self.spot_price / self.on_demand_price;
        if share > 0.0 { self.cold_start / share } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_break_even_where_they_say() {
        let replica =
            SpotReplica { up: 5.0, down: 1.5, cold_start: 1.0 / 12.0, spot_price: 0.92, on_demand_price: 3.06 };
        assert!((replica.cost() - 1.453_076_923_076_923_2).abs() < 1e-12);
        assert!((replica.saving() - 0.525_138_260_432_378_1).abs() < 1e-12);
        assert!((replica.unserved() - 0.012_820_512_820_512_82).abs() < 1e-12);
        assert!((replica.longest_cold_start_for_saving() - 3.496_732_026_143_791).abs() < 1e-12);
        let slow = SpotReplica { cold_start: replica.longest_cold_start_for_saving(), ..replica };
        let brief = SpotReplica { up: replica.shortest_up_for_saving(), ..replica };
        assert!(slow.saving().abs() < 1e-12 && brief.saving().abs() < 1e-12);
    }
}

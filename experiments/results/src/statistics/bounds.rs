//! The two ends of an interval that need not lie evenly around a mean.

/// From the lowest to the highest value that is still believed, both among them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The lower end, in the unit of the values.
    pub low: f64,
    /// The upper end, in the unit of the values.
    pub high: f64,
}

impl Bounds {
    /// Whether `value` lies within, the ends included.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// From end to end, in the unit of the values.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_belong_to_it() {
        let bounds = Bounds { low: 1.0, high: 3.0 };
        assert_eq!(
            [0.9, 1.0, 2.0, 3.0, 3.1, f64::NAN].map(|value| bounds.contains(value)),
            [false, true, true, true, false, false]
        );
        assert_eq!(bounds.width(), 2.0);
    }
}

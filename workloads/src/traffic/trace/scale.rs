//! Multiplies instants by a factor in exact arithmetic: in floats, long traces would lose their
//! last digits.

/// A positive factor `mantissa * 2^exponent`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    mantissa: u128,
    exponent: i32,
}

impl Scale {
    /// The factor that a normal positive float stands for, exactly.
    pub(super) fn new(factor: f64) -> Scale {
        let bits = factor.to_bits();
        let mantissa = u128::from(bits & ((1 << 52) - 1) | 1 << 52);
        let exponent = ((bits >> 52) & 0x7ff) as i32 - 1_075;
        Scale { mantissa, exponent }
    }

    /// `ps` times the factor, rounded down; `None` past the end of simulated time.
    pub(super) fn apply(self, ps: u64) -> Option<u64> {
        // 64 and 53 bits fit into 128; factors up to 1e6 leave room for the rest.
        let product = u128::from(ps) * self.mantissa;
        let scaled = if self.exponent < 0 {
            product.checked_shr(self.exponent.unsigned_abs()).unwrap_or(0)
        } else {
            product.checked_mul(1_u128.checked_shl(self.exponent.unsigned_abs())?)?
        };
        u64::try_from(scaled).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_is_exact() {
        assert_eq!(Scale::new(1.0).apply(u64::MAX), Some(u64::MAX));
        assert_eq!(Scale::new(0.5).apply(u64::MAX), Some(u64::MAX / 2));
        assert_eq!(Scale::new(2.0).apply(u64::MAX), None);
        assert_eq!(Scale::new(3.0).apply(1_000_000_000_000_000_001), Some(3_000_000_000_000_000_003));
        assert_eq!(Scale::new(1e6).apply(7), Some(7_000_000));
        assert_eq!(Scale::new(1e-6).apply(7_000_001), Some(7));
    }
}

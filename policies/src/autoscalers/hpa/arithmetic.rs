//! Go's number conversions, where Rust's differ.

/// `int32(x)` as Go compiles it for amd64: what does not fit, and NaN, becomes `i32::MIN`.
pub(super) fn int32(x: f64) -> i32 {
    let whole = x.trunc();
    if whole >= f64::from(i32::MIN) && whole <= f64::from(i32::MAX) { whole as i32 } else { i32::MIN }
}

/// `int64(x)` as Go compiles it for amd64: what does not fit, and NaN, becomes `i64::MIN`.
pub(super) fn int64(x: f64) -> i64 {
    // 2^63 itself does not fit; the largest f64 below it does.
    if x >= i64::MIN as f64 && x < i64::MAX as f64 { x as i64 } else { i64::MIN }
}

/// `int32(ceil(x))`.
pub(super) fn ceil32(x: f64) -> i32 {
    int32(x.ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_becomes_the_least_value() {
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            assert_eq!((int32(x), int64(x)), (i32::MIN, i64::MIN), "{x}");
        }
        assert_eq!((int32(2_147_483_647.9), int32(2_147_483_648.0)), (i32::MAX, i32::MIN));
        assert_eq!((int32(-1.9), int64(-1.9), ceil32(1.1)), (-1, -1, 2));
    }
}

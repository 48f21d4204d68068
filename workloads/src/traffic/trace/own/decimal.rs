//! Numbers as they are written, exact in decimal: a float would lose the last digits of an instant.

/// A number that is not below zero: `digits` divided by ten to the power `scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: u128,
    scale: i32,
}

/// Largest power of ten in 128 bits.
const MOST_ZEROS: u32 = 38;

impl Decimal {
    /// Reads digits with an optional fraction and exponent: `1762128000.25`, `1.76e9`. `None` if it is anything
    /// else, below zero, or beyond 128 bits.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let next = |sum: u128, digit: u8| sum.checked_mul(10)?.checked_add(u128::from(digit - b'0'));
        let mut digits = whole.bytes().try_fold(0, next)?;
        let mut scale = -i32::from(exponent);
        for digit in fraction.trim_end_matches('0').bytes() {
            // What 128 bits do not hold lies far below a picosecond.
            let Some(longer) = next(digits, digit) else { break };
            (digits, scale) = (longer, scale + 1);
        }
        (!negative || digits == 0).then_some(Decimal { digits, scale })
    }

    /// The number times ten to the power `power`, rounded down; `None` beyond what fits.
    pub(super) fn scaled(self, power: i32) -> Option<i128> {
        if self.digits == 0 {
            return Some(0);
        }
        let zeros = power - self.scale;
        let ten = 10_u128.checked_pow(zeros.unsigned_abs()).filter(|_| zeros.unsigned_abs() <= MOST_ZEROS);
        let value = match (zeros < 0, ten) {
            (true, ten) => ten.map_or(0, |ten| self.digits / ten),
            (false, ten) => self.digits.checked_mul(ten?)?,
        };
        i128::try_from(value).ok()
    }

    /// The number, if it is a whole one: `12` and `12.0` are.
    pub(super) fn whole(self) -> Option<i128> {
        let value = self.scaled(0)?;
        let back = Decimal { digits: value.unsigned_abs(), scale: 0 };
        // Both have the same value exactly if they agree in the smaller unit.
        let unit = self.scale.max(0);
        (back.scaled(unit)? == self.scaled(unit)?).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let ps = |text: &str| Decimal::parse(text).and_then(|number| number.scaled(12));
        assert_eq!(ps("1762128000.5"), Some(1_762_128_000_500_000_000_000));
        assert_eq!(ps("1762128000.000000000001"), Some(1_762_128_000_000_000_000_001));
        assert_eq!(ps("1762128000.0000000000019"), Some(1_762_128_000_000_000_000_001));
        assert_eq!(ps("1.762128e9"), Some(1_762_128_000_000_000_000_000));
        assert_eq!(ps("17621280000E-1"), ps("1762128000"));
        assert_eq!(ps(&format!("0.1{}", "0".repeat(60))), Some(100_000_000_000));
        assert_eq!(ps(&format!("0.{}", "3".repeat(60))), Some(333_333_333_333));
        assert_eq!((ps(".5"), ps("5."), ps("-0"), ps("1e-30000")), (ps("0.5"), ps("5"), Some(0), Some(0)));
        for text in ["", ".", "-", "-1", "1,5", "NaN", "inf", "0x10", "1e", "1e99999", "1 2", "1e40", "٣"] {
            assert_eq!(ps(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_may_have_an_empty_fraction() {
        let whole = |text| Decimal::parse(text).and_then(Decimal::whole);
        assert_eq!(
            (whole("374"), whole("374.000"), whole("3.74e2"), whole("0")),
            (Some(374), Some(374), Some(374), Some(0))
        );
        assert_eq!((whole("374.5"), whole("374.0000000001"), whole("1e-3"), whole("")), (None, None, None, None));
    }

    proptest! {
        #[test]
        fn a_text_is_worth_what_integer_arithmetic_says(
            whole in 0_u64..1 << 50, fraction in "[0-9]{1,15}", power in prop::sample::select(vec![3, 6, 9, 12]),
        ) {
            let digits: i128 = format!("{fraction:0<15}").parse().unwrap();
            let expected = i128::from(whole) * 10_i128.pow(power) + digits / 10_i128.pow(15 - power);
            let number = Decimal::parse(&format!("{whole}.{fraction}")).unwrap();
            prop_assert_eq!(number.scaled(power as i32), Some(expected));
        }

        #[test]
        fn no_text_panics(text in "[0-9.eE+-]{0,60}", power in -40..40) {
            if let Some(number) = Decimal::parse(&text) {
                let _ = (number.scaled(power), number.whole());
            }
        }
    }
}

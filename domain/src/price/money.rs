//! Money: exact decimals.

use rust_decimal::RoundingStrategy;

pub use rust_decimal::Decimal;

/// The most digits after the point of an amount that is not a total, as in AWS cost and usage reports.
const DIGITS: u32 = 10;

/// A total, rounded half-up to cents: `211.24`.
pub fn cents(total: Decimal) -> String {
    let rounded = total.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    format!("{rounded:.2}")
}

/// Any other number, exact up to ten digits after the point and without zeros at its end: `0.1367`.
pub fn amount(number: Decimal) -> String {
    let rounded = number.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointAwayFromZero);
    rounded.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    #[test]
    fn totals_are_rounded_half_up_to_cents() {
        for (exact, rounded) in [
            ("0", "0.00"),
            ("211.24", "211.24"),
            ("0.004999999999", "0.00"),
            ("0.005", "0.01"),
            ("0.015", "0.02"),
            ("0.025", "0.03"),
            ("2.675", "2.68"),
            ("1", "1.00"),
            ("99.995", "100.00"),
        ] {
            assert_eq!(cents(decimal(exact)), rounded, "{exact}");
        }
    }

    #[test]
    fn other_amounts_have_as_many_digits_as_they_need() {
        for (exact, written) in [
            ("0.00", "0"),
            ("0.1367", "0.1367"),
            ("210.240", "210.24"),
            ("730", "730"),
            ("0.0387316666666666667", "0.0387316667"),
        ] {
            assert_eq!(amount(decimal(exact)), written, "{exact}");
        }
    }
}

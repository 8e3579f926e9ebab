//! The encoding of a row of samples.
//!
//! A row begins with its kind. Then come runs of slots: how many slots are left out, how many follow, and their numbers.
//! Most numbers are small and whole, percentages have at most three decimals, so a number is a varint whose last two
//! bits tell what it is: whole, thousandths, or eight bytes that follow. A row of statistics has a usual count; the
//! statistics of equal values are one number.

use brokerd_domain::metric::StatisticSet;

/// The kind of a row of values.
const VALUES: u8 = 1;
/// The kind of a row of statistics.
const STATISTICS: u8 = 2;

const WHOLE: u64 = 0;
const THOUSANDTHS: u64 = 1;
const EIGHT_BYTES: u64 = 2;

/// All values are equal.
const EQUAL: u8 = 1;
/// The count is not the usual one.
const OWN_COUNT: u8 = 2;

/// Up to here every whole number is a floating-point number.
const MAX_WHOLE_NUMBER: f64 = 9_007_199_254_740_992.0;

/// A row that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the row of samples is damaged, or a later version has written it")]
pub(super) struct Damaged;

/// A row of values, by slots in ascending order.
pub(super) fn encode_values(values: &[(i32, f64)]) -> Vec<u8> {
    let mut row = vec![VALUES];
    for run in runs(values) {
        write_run(&mut row, &run);
        for (_, value) in run.items {
            write_number(&mut row, *value);
        }
    }
    row
}

/// A row of statistics, by slots in ascending order.
pub(super) fn encode_statistics(statistics: &[(i32, StatisticSet)]) -> Vec<u8> {
    let usual = statistics.iter().map(|(_, set)| set.count).max().unwrap_or(1);
    let mut row = vec![STATISTICS];
    write_varint(&mut row, u64::from(usual));
    for run in runs(statistics) {
        write_run(&mut row, &run);
        for (_, set) in run.items {
            write_statistics(&mut row, set, usual);
        }
    }
    row
}

/// Hands what a row has to `each`, by slots in ascending order. A value is the statistics of itself.
pub(super) fn decode(row: &[u8], mut each: impl FnMut(i32, StatisticSet)) -> Result<(), Damaged> {
    let (kind, mut rest) = row.split_first().ok_or(Damaged)?;
    let usual = match *kind {
        VALUES => None,
        STATISTICS => Some(read_count(&mut rest)?),
        _ => return Err(Damaged),
    };
    let mut slot: i32 = 0;
    while !rest.is_empty() {
        let skipped = i32::try_from(read_varint(&mut rest)?).map_err(|_| Damaged)?;
        slot = slot.checked_add(skipped).ok_or(Damaged)?;
        for _ in 0..read_varint(&mut rest)? {
            let set = match usual {
                None => StatisticSet::of(read_number(&mut rest)?),
                Some(usual) => read_statistics(&mut rest, usual)?,
            };
            each(slot, set);
            slot = slot.checked_add(1).ok_or(Damaged)?;
        }
    }
    Ok(())
}

/// Neighbouring slots.
struct Run<'a, T> {
    skipped: u64,
    items: &'a [(i32, T)],
}

fn runs<T>(mut items: &[(i32, T)]) -> Vec<Run<'_, T>> {
    let mut runs = Vec::new();
    let mut next = 0;
    while let Some((first, _)) = items.first() {
        let length = items.iter().zip(*first..).take_while(|((slot, _), at)| slot == at).count();
        let (run, rest) = items.split_at(length);
        let skipped = u64::try_from(first.saturating_sub(next)).unwrap_or(0);
        runs.push(Run { skipped, items: run });
        next = run.last().map_or(next, |(last, _)| last.saturating_add(1));
        items = rest;
    }
    runs
}

fn write_run<T>(row: &mut Vec<u8>, run: &Run<'_, T>) {
    write_varint(row, run.skipped);
    write_varint(row, u64::try_from(run.items.len()).unwrap_or(0));
}

fn write_statistics(row: &mut Vec<u8>, set: &StatisticSet, usual: u32) {
    let equal = set.minimum == set.maximum;
    let mut head = 0;
    if equal {
        head |= EQUAL;
    }
    if set.count != usual {
        head |= OWN_COUNT;
    }
    row.push(head);
    if set.count != usual {
        write_varint(row, u64::from(set.count));
    }
    write_number(row, set.minimum);
    if !equal {
        write_number(row, set.maximum);
        write_number(row, without_noise(set.sum));
    }
}

fn read_statistics(rest: &mut &[u8], usual: u32) -> Result<StatisticSet, Damaged> {
    let (head, after) = rest.split_first().ok_or(Damaged)?;
    *rest = after;
    if head & !(EQUAL | OWN_COUNT) != 0 {
        return Err(Damaged);
    }
    let count = if head & OWN_COUNT == 0 { usual } else { read_count(rest)? };
    let minimum = read_number(rest)?;
    if head & EQUAL != 0 {
        let sum = minimum * f64::from(count);
        return Ok(StatisticSet { sum, count, minimum, maximum: minimum });
    }
    let maximum = read_number(rest)?;
    Ok(StatisticSet { sum: read_number(rest)?, count, minimum, maximum })
}

fn read_count(rest: &mut &[u8]) -> Result<u32, Damaged> {
    u32::try_from(read_varint(rest)?).ok().filter(|count| *count > 0).ok_or(Damaged)
}

/// A sum of thousandths without what adding them up has left of a millionth of a thousandth.
fn without_noise(sum: f64) -> f64 {
    let rounded = (sum * 1000.0).round() / 1000.0;
    if (sum - rounded).abs() <= 1e-12 * sum.abs().max(1.0) { rounded } else { sum }
}

fn write_number(row: &mut Vec<u8>, number: f64) {
    let thousandths = (number * 1000.0).round();
    if number.fract() == 0.0 && number.abs() < MAX_WHOLE_NUMBER {
        write_varint(row, tagged(number, WHOLE));
    } else if thousandths.abs() < MAX_WHOLE_NUMBER && thousandths / 1000.0 == number {
        write_varint(row, tagged(thousandths, THOUSANDTHS));
    } else {
        write_varint(row, EIGHT_BYTES);
        row.extend_from_slice(&number.to_le_bytes());
    }
}

/// A whole number of less than 53 bits with its sign in the third-last bit.
#[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
fn tagged(whole: f64, tag: u64) -> u64 {
    let whole = whole as i64;
    (whole.unsigned_abs() << 3) | (u64::from(whole < 0) << 2) | tag
}

#[expect(clippy::cast_precision_loss, reason = "what was written is small enough")]
fn read_number(rest: &mut &[u8]) -> Result<f64, Damaged> {
    let word = read_varint(rest)?;
    let sign = if word & 4 == 0 { 1.0 } else { -1.0 };
    let whole = (word >> 3) as f64 * sign;
    match word & 3 {
        WHOLE => Ok(whole),
        THOUSANDTHS => Ok(whole / 1000.0),
        EIGHT_BYTES => {
            let (bytes, after) = rest.split_first_chunk::<8>().ok_or(Damaged)?;
            *rest = after;
            Ok(f64::from_le_bytes(*bytes))
        }
        _ => Err(Damaged),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit into a byte")]
fn write_varint(row: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        row.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    row.push(number as u8);
}

fn read_varint(rest: &mut &[u8]) -> Result<u64, Damaged> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(Damaged)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(row: &[u8]) -> Result<Vec<(i32, StatisticSet)>, Damaged> {
        let mut all = Vec::new();
        decode(row, |slot, set| all.push((slot, set)))?;
        Ok(all)
    }

    #[test]
    fn values_are_read_as_they_were_written() {
        let numbers = [
            0.0,
            1.0,
            -1.0,
            0.001,
            -99.999,
            12.5,
            100.0 / 3.0,
            1e-9,
            9_007_199_254_740_991.0,
            9_007_199_254_740_992.0,
            -9_007_199_254_740_993.0,
            1e300,
            f64::MIN_POSITIVE,
            f64::MAX,
        ];
        let values: Vec<(i32, f64)> = numbers
            .iter()
            .enumerate()
            .map(|(at, n)| (at as i32 * (at as i32 % 3 + 1), *n))
            .collect();
        let mut values = values;
        values.sort_by_key(|(slot, _)| *slot);
        values.dedup_by_key(|(slot, _)| *slot);
        let expected: Vec<_> = values.iter().map(|(s, v)| (*s, StatisticSet::of(*v))).collect();
        assert_eq!(decoded(&encode_values(&values)), Ok(expected));
        assert_eq!(decoded(&encode_values(&[])), Ok(Vec::new()));
        let last = [(i32::MAX - 1, 5.0)];
        assert_eq!(decoded(&encode_values(&last)), Ok(vec![(i32::MAX - 1, StatisticSet::of(5.0))]));
    }

    #[test]
    fn statistics_are_read_as_they_were_written() {
        let sets = [
            StatisticSet { sum: 15.0, count: 5, minimum: 3.0, maximum: 3.0 },
            StatisticSet { sum: 7.5, count: 5, minimum: -1.0, maximum: 4.0 },
            StatisticSet { sum: 1.0 / 3.0, count: 2, minimum: 0.1, maximum: 7.0 / 30.0 },
            StatisticSet { sum: 0.0, count: 1, minimum: 0.0, maximum: 0.0 },
        ];
        let all: Vec<_> = (3..).zip(sets).collect();
        assert_eq!(decoded(&encode_statistics(&all)), Ok(all));
    }

    #[test]
    fn sums_of_thousandths_lose_what_adding_them_up_has_left() {
        let sum: f64 = (0..10).map(|_| 0.1).sum();
        assert_ne!(sum.to_string(), "1");
        let set = StatisticSet { sum, count: 10, minimum: 0.05, maximum: 0.15 };
        let read = decoded(&encode_statistics(&[(0, set)])).expect("whole");
        assert_eq!(read[0].1.sum.to_string(), "1");
    }

    #[test]
    fn usual_rows_are_small() {
        let values: Vec<(i32, f64)> = (0..20).map(|slot| (slot, f64::from(slot * 10))).collect();
        assert_eq!(encode_values(&values).len(), 1 + 2 + 2 + 18 * 2);
        let equal: Vec<_> = (0..20)
            .map(|slot| (slot, StatisticSet { sum: 5.0, count: 5, minimum: 1.0, maximum: 1.0 }))
            .collect();
        assert_eq!(encode_statistics(&equal).len(), 2 + 2 + 20 * 2);
    }

    #[test]
    fn whatever_a_damaged_row_has_is_an_error_or_read_and_never_endless() {
        let set = StatisticSet { sum: 7.25, count: 4, minimum: -1.0, maximum: 1.0 / 3.0 };
        let rows =
            [encode_values(&[(0, 1.0), (5, 0.3), (6, 1.0 / 3.0)]), encode_statistics(&[(2, set)])];
        for row in rows {
            for end in 0..row.len() {
                // What is cut between two runs can't be told from a whole row.
                let _ = decoded(&row[..end]);
            }
            for at in 0..row.len() {
                for byte in 0..=u8::MAX {
                    let mut damaged = row.clone();
                    damaged[at] = byte;
                    let _ = decoded(&damaged);
                }
            }
        }
        for damaged in [&[][..], &[0], &[3], &[2], &[2, 0], &[1, 0], &[1, 0, 1], &[1, 0, 1, 3]] {
            assert_eq!(decoded(damaged), Err(Damaged), "{damaged:?}");
        }
    }
}

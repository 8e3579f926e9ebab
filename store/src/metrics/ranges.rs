//! Which table answers for which part of a range.

use super::table::Table;

/// What a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Which one.
    pub(super) table: Table,
    /// Nothing earlier is kept.
    pub(super) kept_from: i32,
    /// Nothing from here on has been rolled up. Of the finest table it says nothing.
    pub(super) filled_to: i32,
}

/// A part of a range, and the table that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) table: Table,
    pub(super) from: i32,
    pub(super) to: i32,
}

/// The parts of `from..to`, in their order, without gap and overlap, for periods of so many minutes that begin at
/// `from`.
///
/// The coarsest table whose rows fit into the periods has the fewest rows to read. What it has not yet is in a finer
/// one; what it has no more is in a coarser one, whose rows may be longer than the periods.
pub(super) fn parts(extents: &[Extent; 3], from: i32, to: i32, period: i32) -> Vec<Part> {
    let fits = |extent: &Extent| {
        let minutes = extent.table.minutes();
        period % minutes == 0 && from % minutes == 0
    };
    let best = extents.iter().rposition(fits).unwrap_or(0);
    let mut ends = Vec::new();
    for coarser in (best + 1..extents.len()).rev() {
        // Where the finer one begins with a whole row of the coarser one, as far as there is one.
        let minutes = extents[coarser].table.minutes();
        let begin = extents[coarser - 1].kept_from;
        let begin = begin.saturating_add((-begin).rem_euclid(minutes));
        ends.push((coarser, begin.min(extents[coarser].filled_to)));
    }
    for finer in (1..=best).rev() {
        ends.push((finer, extents[finer].filled_to));
    }
    ends.push((0, i32::MAX));
    let mut parts = Vec::new();
    let mut from = from;
    for (index, end) in ends {
        let end = end.min(to);
        if end > from {
            parts.push(Part { table: extents[index].table, from, to: end });
            from = end;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 days after the beginning: a day of minutes, 15 days of five minutes, and all hours.
    const NOW: i32 = 100 * 1440 + 37;

    fn extents() -> [Extent; 3] {
        [
            Extent { table: Table::Minute, kept_from: 99 * 1440, filled_to: 0 },
            Extent { table: Table::FiveMinutes, kept_from: 85 * 1440, filled_to: NOW - 7 },
            Extent { table: Table::Hour, kept_from: 0, filled_to: NOW - 37 },
        ]
    }

    fn told(from: i32, to: i32, period: i32) -> Vec<(Table, i32, i32)> {
        parts(&extents(), from, to, period).iter().map(|p| (p.table, p.from, p.to)).collect()
    }

    #[test]
    fn recent_minutes_are_read_from_the_finest_table() {
        assert_eq!(told(NOW - 180, NOW, 1), [(Table::Minute, NOW - 180, NOW)]);
        // Periods of five minutes that do not begin where rows of five minutes do.
        assert_eq!(told(NOW - 180, NOW, 5), [(Table::Minute, NOW - 180, NOW)]);
    }

    #[test]
    fn long_periods_are_read_from_the_coarsest_table_as_far_as_it_is_filled() {
        let from = 98 * 1440;
        assert_eq!(
            told(from, NOW, 120),
            [
                (Table::Hour, from, NOW - 37),
                (Table::FiveMinutes, NOW - 37, NOW - 7),
                (Table::Minute, NOW - 7, NOW)
            ]
        );
        assert_eq!(
            told(from, NOW, 10),
            [(Table::FiveMinutes, from, NOW - 7), (Table::Minute, NOW - 7, NOW)]
        );
    }

    #[test]
    fn what_is_kept_no_more_is_read_from_the_next_coarser_table() {
        assert_eq!(
            told(1440, NOW, 1),
            [
                (Table::Hour, 1440, 85 * 1440),
                (Table::FiveMinutes, 85 * 1440, 99 * 1440),
                (Table::Minute, 99 * 1440, NOW)
            ]
        );
    }

    #[test]
    fn a_table_that_was_never_filled_answers_for_nothing() {
        let new = Table::ALL.map(|table| Extent { table, kept_from: 0, filled_to: 0 });
        let all = parts(&new, 60, 240, 60);
        assert_eq!(all, [Part { table: Table::Minute, from: 60, to: 240 }]);
    }

    #[test]
    fn parts_follow_each_other_without_gap_for_every_range_and_period() {
        for extents in
            [extents(), Table::ALL.map(|table| Extent { table, kept_from: 0, filled_to: 0 })]
        {
            for period in [1, 2, 5, 7, 15, 60, 90, 1440] {
                for from in (0..NOW).step_by(997).chain(NOW - 130..NOW) {
                    for to in [from, from + 1, from + 61, NOW, NOW + 100] {
                        let parts = parts(&extents, from, to, period);
                        let mut at = from;
                        for part in &parts {
                            assert_eq!(part.from, at);
                            assert!(part.to > part.from);
                            at = part.to;
                        }
                        assert_eq!(at, to.max(from), "{from}..{to} by {period}");
                    }
                }
            }
        }
    }
}

//! How much of a broker's logs is kept.

/// The limits of one broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLimits {
    /// How many lines a second in the long run.
    pub lines_per_second: u32,
    /// How many lines at once after a quiet time.
    pub burst_lines: u32,
    /// How many bytes a day.
    pub bytes_per_day: u64,
}

/// Why a line is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// There were too many lines.
    Rate,
    /// There were too many bytes that day.
    Size,
}

const SECOND: i128 = 1_000_000_000;
const DAY: i64 = 86_400_000_000_000;

/// What a broker has used of its limits. Time is that of the lines, so that what was printed while nobody listened is
/// judged as if somebody had.
#[derive(Debug, Clone)]
pub struct LineBudget {
    limits: LogLimits,
    /// When the bucket of lines is full again, in nanoseconds since 1970.
    full_at: i128,
    day: i64,
    bytes: u64,
}

impl LineBudget {
    /// Of a broker of which `bytes` of the day are kept, a number of days since 1970.
    pub const fn new(limits: LogLimits, day: i64, bytes: u64) -> Self {
        Self { limits, full_at: 0, day, bytes }
    }

    /// The day of a moment in nanoseconds since 1970.
    pub const fn day_of(at: i64) -> i64 {
        at.div_euclid(DAY)
    }

    /// The day, a number of days since 1970, and how many bytes of it are kept.
    pub const fn used(&self) -> (i64, u64) {
        (self.day, self.bytes)
    }

    /// Whether a line of as many bytes is kept that was printed then, in nanoseconds since 1970.
    ///
    /// # Errors
    /// Which limit it exceeds.
    pub fn admit(&mut self, at: i64, bytes: u64) -> Result<(), Dropped> {
        let day = Self::day_of(at);
        if day > self.day {
            (self.day, self.bytes) = (day, 0);
        }
        if self.bytes.saturating_add(bytes) > self.limits.bytes_per_day {
            return Err(Dropped::Size);
        }
        let interval = SECOND / i128::from(self.limits.lines_per_second.max(1));
        let full_at = self.full_at.max(i128::from(at)) + interval;
        if full_at - i128::from(at) > interval * i128::from(self.limits.burst_lines.max(1)) {
            return Err(Dropped::Rate);
        }
        self.full_at = full_at;
        self.bytes += bytes;
        Ok(())
    }

    /// The sentence that stands for what was not kept.
    pub fn sentence(&self, why: Dropped, lines: u64, bytes: u64) -> String {
        let limit = match why {
            Dropped::Rate => format!("more than {} lines a second", self.limits.lines_per_second),
            Dropped::Size => {
                format!("more than {} megabytes a day", self.limits.bytes_per_day / 1_000_000)
            }
        };
        format!("brokerd: {lines} lines of {bytes} bytes were dropped here: {limit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LogLimits =
        LogLimits { lines_per_second: 10, burst_lines: 3, bytes_per_day: 100 };
    const NOW: i64 = 1_790_000_000_000_000_000;

    fn budget() -> LineBudget {
        LineBudget::new(LIMITS, LineBudget::day_of(NOW), 0)
    }

    #[test]
    fn after_a_burst_lines_come_at_the_rate() {
        let mut budget = budget();
        let admitted = |budget: &mut LineBudget, at| budget.admit(at, 1).is_ok();
        assert!((0..3).all(|_| admitted(&mut budget, NOW)));
        assert_eq!(budget.admit(NOW, 1), Err(Dropped::Rate));
        assert!(admitted(&mut budget, NOW + 100_000_000));
        assert!(!admitted(&mut budget, NOW + 100_000_001));
        assert!((0..3).all(|_| admitted(&mut budget, NOW + 10_000_000_000)));
    }

    #[test]
    fn a_day_has_so_many_bytes() {
        let mut budget = budget();
        assert_eq!(budget.admit(NOW, 100), Ok(()));
        assert_eq!(budget.admit(NOW, 1), Err(Dropped::Size));
        assert_eq!(budget.admit(NOW + DAY, 100), Ok(()), "a new day");
        assert_eq!(budget.admit(NOW, 1), Err(Dropped::Size), "a late line is of this day");
        let mut used = LineBudget::new(LIMITS, LineBudget::day_of(NOW), 99);
        assert_eq!(used.admit(NOW, 2), Err(Dropped::Size), "what was kept before counts");
    }

    #[test]
    fn the_sentence_names_the_limit() {
        let budget = budget();
        assert_eq!(
            budget.sentence(Dropped::Rate, 7, 700),
            "brokerd: 7 lines of 700 bytes were dropped here: more than 10 lines a second"
        );
        assert!(budget.sentence(Dropped::Size, 1, 1).ends_with("more than 0 megabytes a day"));
    }
}

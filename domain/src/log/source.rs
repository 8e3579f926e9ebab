//! Where a line of an engine comes from, and how far its output was read.

/// One of the two outputs of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogSource {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A place in one output of a container: the moment of a line, and how many lines of that moment there are up to it. The
/// runtime keeps the order of the lines of one output, not of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinePosition {
    /// Nanoseconds since 1970.
    pub at: i64,
    /// From 1 on; 0: none was read.
    pub ordinal: i32,
}

impl LinePosition {
    /// The place of the next line, which was printed then.
    #[must_use]
    pub const fn next(self, at: i64) -> Self {
        if at == self.at {
            Self { at, ordinal: self.ordinal.saturating_add(1) }
        } else {
            Self { at, ordinal: 1 }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_same_moment_are_counted() {
        let first = LinePosition::default().next(5);
        assert_eq!(first, LinePosition { at: 5, ordinal: 1 });
        assert_eq!(first.next(5), LinePosition { at: 5, ordinal: 2 });
        assert_eq!(first.next(5).next(6), LinePosition { at: 6, ordinal: 1 });
        // The clock of the host may be set back.
        assert_eq!(first.next(4), LinePosition { at: 4, ordinal: 1 });
    }
}

//! Which lines were read before.

use brokerd_domain::log::{LinePosition, LogSource};
use brokerd_store::ReadPosition;

/// What a line is that the runtime tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It was read before.
    Old,
    /// It was not.
    New,
    /// It was not, and neither were others before it, which the runtime has not any more.
    AfterGap,
}

/// Leaves out what was read before, of the lines of a container that are told anew from that moment on.
#[derive(Debug)]
pub(super) struct Resume {
    stdout: Output,
    stderr: Output,
}

#[derive(Debug)]
struct Output {
    read: LinePosition,
    /// How many lines of that moment were told.
    told: i32,
    is_over: bool,
}

impl Resume {
    pub(super) const fn at(position: &ReadPosition) -> Self {
        Self { stdout: Output::at(position.stdout), stderr: Output::at(position.stderr) }
    }

    /// What the next line of an output is, which was printed then.
    pub(super) fn next(&mut self, source: LogSource, at: i64) -> Line {
        match source {
            LogSource::Stdout => self.stdout.next(at),
            LogSource::Stderr => self.stderr.next(at),
        }
    }
}

impl Output {
    const fn at(read: LinePosition) -> Self {
        Self { read, told: 0, is_over: read.ordinal == 0 }
    }

    fn next(&mut self, at: i64) -> Line {
        if self.is_over {
            return Line::New;
        }
        if at < self.read.at {
            return Line::Old;
        }
        if at == self.read.at && self.told < self.read.ordinal {
            self.told += 1;
            return Line::Old;
        }
        // From here on every line is new, whatever the clock says.
        self.is_over = true;
        if self.told < self.read.ordinal { Line::AfterGap } else { Line::New }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(at: i64, ordinal: i32) -> ReadPosition {
        ReadPosition { stdout: LinePosition { at, ordinal }, ..ReadPosition::default() }
    }

    fn told(position: ReadPosition, moments: &[i64]) -> Vec<Line> {
        let mut resume = Resume::at(&position);
        moments.iter().map(|at| resume.next(LogSource::Stdout, *at)).collect()
    }

    #[test]
    fn nothing_was_read_of_an_output_without_a_position() {
        assert_eq!(told(ReadPosition::default(), &[1, 1, 0]), [Line::New; 3]);
        let mut resume = Resume::at(&position(5, 1));
        assert_eq!(resume.next(LogSource::Stderr, 1), Line::New, "each output has its own");
    }

    #[test]
    fn lines_up_to_the_position_are_old() {
        use Line::{New, Old};
        assert_eq!(told(position(5, 2), &[3, 4, 5, 5, 5, 6]), [Old, Old, Old, Old, New, New]);
        assert_eq!(told(position(5, 1), &[5, 6]), [Old, New]);
        // The clock was set back.
        assert_eq!(told(position(5, 1), &[5, 6, 4, 5]), [Old, New, New, New]);
    }

    #[test]
    fn a_position_that_is_not_there_any_more_is_a_gap() {
        use Line::{AfterGap, New, Old};
        assert_eq!(told(position(5, 1), &[6, 7]), [AfterGap, New]);
        assert_eq!(told(position(5, 2), &[5, 6, 7]), [Old, AfterGap, New]);
    }
}

//! The output of a container.

use bollard::{container::LogOutput, query_parameters::LogsOptions};
use brokerd_domain::{Timestamp, instance::RuntimeId, log::LogSource};
use futures_util::{StreamExt as _, stream::BoxStream};

use super::{DockerRuntime, error::named};
use crate::runtime::{LogLine, RuntimeError};

const OPERATION: &str = "read the output of an instance";

impl DockerRuntime {
    pub(super) async fn read_logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        // The stream would tell only when it is polled that there is no such container.
        self.seen(OPERATION, id).await?;
        let options = LogsOptions {
            follow,
            stdout: true,
            stderr: true,
            timestamps: true,
            since: i32::try_from(since.as_seconds()).unwrap_or(i32::MAX),
            ..LogsOptions::default()
        };
        let mut lines = Lines::default();
        let output = self.docker.logs(&id.0, Some(options));
        let lines = output.filter_map(move |part| {
            std::future::ready(match part {
                Ok(part) => lines.add(part).map(Ok),
                Err(cause) => Some(Err(named(OPERATION)(cause))),
            })
        });
        Ok(lines.boxed())
    }
}

/// Puts lines together that the engine tells in parts of 16 KiB, each with the moment of the line.
#[derive(Debug, Default)]
struct Lines {
    stdout: Option<LogLine>,
    stderr: Option<LogLine>,
}

impl Lines {
    /// The line that is complete with this part.
    fn add(&mut self, part: LogOutput) -> Option<LogLine> {
        let (source, begun, message) = match part {
            LogOutput::StdOut { message } | LogOutput::Console { message } => {
                (LogSource::Stdout, &mut self.stdout, message)
            }
            LogOutput::StdErr { message } => (LogSource::Stderr, &mut self.stderr, message),
            LogOutput::StdIn { .. } => return None,
        };
        let text = String::from_utf8_lossy(&message);
        let (moment, text) = text.split_once(' ')?;
        let moment: jiff::Timestamp = moment.parse().ok()?;
        let at = i64::try_from(moment.as_nanosecond()).ok()?;
        let (text, is_end) = match text.strip_suffix('\n') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let mut line = begun.take().unwrap_or_else(|| LogLine { source, at, text: String::new() });
        let room = LogLine::MAX_LENGTH.saturating_sub(line.text.len());
        line.text.push_str(&text[..text.floor_char_boundary(room)]);
        if is_end {
            if line.text.ends_with('\r') {
                line.text.pop();
            }
            return Some(line);
        }
        *begun = Some(line);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    fn err(text: &str) -> LogOutput {
        LogOutput::StdErr { message: text.to_owned().into() }
    }

    const AT: &str = "2026-09-30T12:00:00.123456789Z";

    #[test]
    fn a_line_has_its_moment_and_its_text() {
        let line = Lines::default().add(err(&format!("{AT} two words \r\n"))).expect("a line");
        assert_eq!((line.source, line.text.as_str()), (LogSource::Stderr, "two words "));
        assert_eq!(line.at, 1_790_769_600_123_456_789);
        let empty = Lines::default().add(out(&format!("{AT} \n"))).expect("a line");
        assert_eq!(empty.text, "");
    }

    #[test]
    fn parts_of_a_line_are_put_together_for_each_output() {
        let mut lines = Lines::default();
        assert_eq!(lines.add(out(&format!("{AT} one"))), None);
        let other = lines.add(err(&format!("{AT} other\n"))).expect("a line");
        assert_eq!(other.text, "other");
        assert_eq!(lines.add(out(&format!("{AT} , two"))), None);
        assert_eq!(
            lines.add(out(&format!("{AT} , three\n"))).expect("a line").text,
            "one, two, three"
        );
        assert_eq!(lines.add(out(&format!("{AT} new\n"))).expect("a line").text, "new");
    }

    #[test]
    fn a_line_has_an_end() {
        let mut lines = Lines::default();
        for _ in 0..20 {
            assert_eq!(lines.add(out(&format!("{AT} {}", "ä".repeat(8192)))), None);
        }
        let line = lines.add(out(&format!("{AT} end\n"))).expect("a line");
        assert!(
            line.text.len() <= LogLine::MAX_LENGTH && line.text.len() > LogLine::MAX_LENGTH - 4
        );
    }

    #[test]
    fn what_has_no_moment_is_no_line() {
        for odd in ["", "x", "x y\n", "2026 y\n"] {
            assert_eq!(Lines::default().add(out(odd)), None, "{odd}");
        }
    }
}

//! The output of an instance. Kubernetes keeps that of its present life, and does not tell its two outputs apart.

use std::time::Duration;

use brokerd_domain::{Timestamp, instance::RuntimeId, log::LogSource};
use futures_util::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _,
    stream::{self, BoxStream, StreamExt as _},
};
use k8s_openapi::jiff;
use kube::api::LogParams;

use super::{
    KubernetesRuntime,
    error::{answered, error, gone},
    found::Found,
    render::ENGINE,
};
use crate::runtime::{
    LogLine, RuntimeError, RuntimeErrorClass,
    last_log_lines::{BYTES_READ, LINES_READ, excerpt},
};

const OPERATION: &str = "read the output of an instance";

/// How long the last output of what has ended is waited for.
const LAST_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest line that is read, with its moment.
const MAX_LENGTH: usize = LogLine::MAX_LENGTH + 64;

impl KubernetesRuntime {
    pub(super) async fn read_logs(
        &self,
        id: &RuntimeId,
        since: Timestamp,
        follow: bool,
    ) -> Result<BoxStream<'static, Result<LogLine, RuntimeError>>, RuntimeError> {
        let waits = |why: &str| error(RuntimeErrorClass::Transient, OPERATION, why);
        let found =
            self.seen(OPERATION, id).await?.ok_or_else(|| waits("it was not started yet"))?;
        let since_time = jiff::Timestamp::from_second(since.as_seconds())
            .map_err(|_| error(RuntimeErrorClass::Rejected, OPERATION, "no such moment"))?;
        let parameters = LogParams {
            container: Some(ENGINE.to_owned()),
            follow,
            timestamps: true,
            since_time: Some(since_time),
            ..LogParams::default()
        };
        let output = match answered(self.pods().log_stream(&found.name, &parameters)).await {
            Ok(output) => output,
            Err(cause) if cause.is_missing_object() => return Err(gone(OPERATION)),
            // Of a container that does not run yet.
            Err(cause) if cause.code == Some(400) => return Err(waits(&cause.message)),
            Err(cause) => return Err(cause.named(OPERATION)),
        };
        Ok(lines(Box::pin(output)).boxed())
    }

    /// The last lines that what has ended printed, as far as they can be had.
    pub(super) async fn last_output(&self, found: &Found) -> Option<String> {
        let parameters = LogParams {
            container: Some(ENGINE.to_owned()),
            tail_lines: Some(LINES_READ.into()),
            ..LogParams::default()
        };
        let read = async {
            let output = self.pods().log_stream(&found.name, &parameters).await.ok()?;
            let mut output = Box::pin(output);
            let (mut text, mut part) = (Vec::new(), vec![0; 16 * 1024]);
            while let Ok(read @ 1..) = output.read(&mut part).await {
                text.extend_from_slice(&part[..read]);
                let excess = text.len().saturating_sub(BYTES_READ);
                text.drain(..excess);
            }
            Some(excerpt(&text))
        };
        tokio::time::timeout(LAST_TIMEOUT, read).await.ok().flatten()
    }
}

/// The lines of an output, until it ends or breaks.
fn lines<R: AsyncBufRead + Unpin + Send>(
    output: R,
) -> impl stream::Stream<Item = Result<LogLine, RuntimeError>> {
    stream::unfold(Some(output), async |output| {
        let mut output = output?;
        loop {
            match next_line(&mut output).await {
                Ok(Some(raw)) => {
                    if let Some(line) = parse(&raw) {
                        return Some((Ok(line), Some(output)));
                    }
                }
                Ok(None) => return None,
                Err(cause) => {
                    let broken = error(RuntimeErrorClass::Transient, OPERATION, cause.to_string());
                    return Some((Err(broken), None));
                }
            }
        }
    })
}

/// The next line with its end, as far as it is not too long; none: there is no more.
async fn next_line<R: AsyncBufRead + Unpin>(output: &mut R) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let part = output.fill_buf().await?;
        if part.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(part.len(), |end| end + 1);
        let room = MAX_LENGTH.saturating_sub(line.len()).min(taken);
        line.extend_from_slice(&part[..room]);
        output.consume_unpin(taken);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// Reads `2026-09-30T12:00:00.123456789Z what was printed`.
fn parse(raw: &[u8]) -> Option<LogLine> {
    let text = String::from_utf8_lossy(raw);
    let (moment, text) = text.split_once(' ')?;
    let moment: jiff::Timestamp = moment.parse().ok()?;
    let at = i64::try_from(moment.as_nanosecond()).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let text = text[..text.floor_char_boundary(LogLine::MAX_LENGTH)].to_owned();
    Some(LogLine { source: LogSource::Stdout, at, text })
}

#[cfg(test)]
mod tests {
    use futures_util::io::Cursor;

    use super::*;

    const AT: &str = "2026-09-30T12:00:00.123456789Z";

    async fn read(text: &str) -> Vec<LogLine> {
        lines(Cursor::new(text.as_bytes().to_vec()))
            .map(|line| line.expect("a line"))
            .collect()
            .await
    }

    #[tokio::test]
    async fn lines_have_their_moments_and_their_texts() {
        let read = read(&format!("{AT} two words \r\n{AT} \nx\n\nx y\n{AT} without an end")).await;
        let texts: Vec<_> = read.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["two words ", "", "without an end"]);
        assert!(read.iter().all(|line| line.at == 1_790_769_600_123_456_789));
    }

    #[tokio::test]
    async fn a_line_has_an_end() {
        let long = "ä".repeat(LogLine::MAX_LENGTH);
        let read = read(&format!("{AT} {long}\n{AT} next\n")).await;
        assert!(read[0].text.len() <= LogLine::MAX_LENGTH + 3, "{}", read[0].text.len());
        assert_eq!((read.len(), read[1].text.as_str()), (2, "next"));
    }
}

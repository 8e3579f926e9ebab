//! What an ended container printed last.

use bollard::{Docker, query_parameters::LogsOptions};
use futures_util::StreamExt;

use super::error::SHORT;
use crate::runtime::last_log_lines::{BYTES_READ, LINES_READ, excerpt};

/// The last lines a container printed, as far as they can be had.
pub(super) async fn last_log_lines(docker: &Docker, id: &str) -> String {
    let options = LogsOptions {
        stdout: true,
        stderr: true,
        tail: LINES_READ.to_string(),
        ..LogsOptions::default()
    };
    let mut lines = docker.logs(id, Some(options));
    let mut text = Vec::new();
    let read = async {
        while let Some(Ok(line)) = lines.next().await {
            text.extend_from_slice(line.as_ref());
            let excess = text.len().saturating_sub(BYTES_READ);
            text.drain(..excess);
        }
    };
    // What has come until then will do.
    let _ = tokio::time::timeout(SHORT, read).await;
    excerpt(&text)
}

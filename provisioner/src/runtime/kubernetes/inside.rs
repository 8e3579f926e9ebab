//! Short commands inside an instance, for what Kubernetes itself has no word for. They take a right of their own
//! (`pods/exec`), which an operator may withhold, and a shell in the image.

use std::time::Duration;

use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    KubernetesRuntime,
    error::{Failure, error},
    render::ENGINE,
};
use crate::runtime::{RuntimeError, RuntimeErrorClass};

/// How long a command may take. A node that is lost answers nothing.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How much of what a command prints is read.
const MAX_BYTES: u64 = 64 * 1024;

/// What became of a command.
#[derive(Debug)]
pub(super) struct Ran {
    /// What it printed.
    pub(super) output: String,
    /// Why it failed, if it did.
    pub(super) failure: Option<String>,
}

impl KubernetesRuntime {
    /// Runs a script of the shell as the engine's user.
    ///
    /// # Errors
    /// When it could not be begun or did not end in time.
    pub(super) async fn run_inside(
        &self,
        operation: &'static str,
        pod: &str,
        script: &str,
    ) -> Result<Ran, RuntimeError> {
        let ran = tokio::time::timeout(TIMEOUT, self.run_to_its_end(operation, pod, script));
        ran.await.unwrap_or_else(|_| {
            let message = "a command inside the instance did not end in time";
            Err(error(RuntimeErrorClass::Transient, operation, message))
        })
    }

    async fn run_to_its_end(
        &self,
        operation: &'static str,
        pod: &str,
        script: &str,
    ) -> Result<Ran, RuntimeError> {
        let parameters = AttachParams::default().container(ENGINE).stdin(false).stderr(true);
        let shell = self.pods().exec(pod, ["/bin/sh", "-c", script], &parameters).await;
        let mut shell = shell.map_err(|cause| Failure::from(cause).named(operation))?;
        let (stdout, stderr, status) = (shell.stdout(), shell.stderr(), shell.take_status());
        let (output, complaint) = tokio::join!(all(stdout), all(stderr));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let failed = status.filter(|status| status.status.as_deref() == Some("Failure"));
        let failure =
            failed.map(|status| format!("{} {complaint}", status.message.unwrap_or_default()));
        Ok(Ran { output, failure })
    }
}

/// What a stream has, as far as it is text and not too much.
async fn all(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut text = Vec::new();
    if let Some(stream) = stream {
        // The way to a process that was killed may break.
        let _ = stream.take(MAX_BYTES).read_to_end(&mut text).await;
    }
    String::from_utf8_lossy(&text).into_owned()
}

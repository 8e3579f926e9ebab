//! What the command line can do: a file per command.

pub(crate) mod account;
pub(crate) mod authority;
pub(crate) mod console;
pub(crate) mod env;
mod host_calls;
pub(crate) mod key;
pub(crate) mod logs;
pub(crate) mod master_key;
pub(crate) mod ready;
pub(crate) mod serve;

use std::io::{self, Write as _};

use anyhow::Context as _;

/// Writes to standard output.
///
/// # Errors
/// When it is closed.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    io::stdout().lock().write_all(text.as_bytes()).context("can't write to standard output")
}

/// The text in single quotes, as a shell reads it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_values_back_as_they_were() {
        for text in ["plain", "with space", "it's", "$(x) `y` \"z\" \\"] {
            let out = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(text))])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}

//! What the command line can do: a file per command.

pub(crate) mod account;
pub(crate) mod authority;
pub(crate) mod env;
pub(crate) mod key;
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

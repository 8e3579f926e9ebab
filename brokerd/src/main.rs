//! `brokerd`: the one binary.
//!
//! `cli` parses the command line and calls `commands/`; these call `roles/` and `foundation/`. Nothing calls up.

mod cli;
mod commands;
mod config;
mod data_dir;
mod descriptors;
mod foundation;
mod http;
mod logging;
mod role;
mod roles;
mod service_manager;
mod supervise;
mod system;
mod telemetry;
mod urls;

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

/// A background thread returns unused pages to the system, also those of idle threads. With the C library's allocator a
/// process stays as large as it once was.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The only place that reads the environment. No variable of brokerd's is other than UTF-8.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    match cli.run(&environment).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error is ignored.
            let _ = writeln!(io::stderr(), "brokerd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `brokerd`: the one binary.

mod authority;
mod cli;
mod config;
mod descriptors;
mod home;
mod http;
mod https;
mod log_file;
mod lone_gateway;
mod master_key;
mod notify;
mod ready;
mod roles;
mod serve;
mod store_metrics;
mod supervise;
mod system;
mod telemetry;

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::Parser as _;

/// A thread of its own gives unused pages back, also those that another thread has freed and those of idle threads. With the C library's
/// allocator a process stays as large as it once was.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Fails only if there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // The one place that reads the environment. Text that is not UTF-8 is nothing of ours.
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    match cli.run(&environment).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if standard error is closed.
            let _ = writeln!(io::stderr(), "brokerd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

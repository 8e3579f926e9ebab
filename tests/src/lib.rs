//! What the scenarios share: a running brokerd with a database, a data directory and ports of its own,
//! the containers it makes, and clients that others wrote.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! brokerd_tests::scenario("a broker is created", &[], |world| {
//!     let id = world.api.create(&brokerd_tests::NewBroker::rabbitmq("orders"))?;
//!     world.api.wait_until_running(&id)?;
//!     Ok(())
//! })
//! # }
//! ```

pub mod api;
pub mod aws;
pub mod broken;
pub mod changes;
pub mod chaos_proxy;
pub mod chart;
pub mod checkout;
pub mod clients;
pub mod collector;
pub mod compose;
mod database;
mod defaults;
pub mod directory;
pub mod docker;
pub mod engine;
pub mod engine_proxy;
pub mod faults;
pub mod http;
pub mod inside;
pub mod kubernetes;
pub mod machine;
pub mod management;
pub mod metrics_pages;
pub mod owner;
pub mod pair;
mod ports;
mod process;
pub mod prometheus;
pub mod registry;
pub mod sdk;
pub mod steady;
pub mod unix_socket;
mod user;
pub mod world;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub use api::{Api, NewBroker};
pub use changes::{NewUser, Revision};
pub use clients::Messenger;
pub use defaults::Defaults;
pub use management::Management;
pub use owner::Owner;
pub use steady::{Pauses, Steady};
pub use world::{World, scenario, scenario_with_database};

/// The user every broker of a scenario has, unless it says otherwise.
pub const USER: &str = "admin";

/// That user's password: rare enough to be found wherever it does not belong.
pub const PASSWORD: &str = "Zebra-Harbour-93-Lantern";

/// The setting of scenarios that kill brokerd: who waited for the end of its leases would wait too long.
pub const LONG_LEASES: &[(&str, &str)] = &[("BROKERD_PROVISIONER_LEASE_SECONDS", "600")];

/// The setting of scenarios with versions that Amazon MQ does not offer, which are here to be upgraded and to
/// behave as old ones do.
pub const WITNESSES: (&str, &str) = ("BROKERD_ENGINES_ALSO_OFFER", "4.0,3.10");

/// How often a condition is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long anything may take on a busy machine before it counts as never.
pub const TIMEOUT: Duration = Duration::from_secs(90);

/// Looks until there is something to see.
///
/// # Errors
/// When `look` fails, at once; when nothing is seen within `deadline`.
pub fn eventually<T>(
    what: &str,
    deadline: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(seen) = look().with_context(|| format!("while waiting until {what}"))? {
            return Ok(seen);
        }
        if start.elapsed() > deadline {
            bail!("after {deadline:?} it is still not true that {what}");
        }
        sleep(LOOK_AGAIN);
    }
}

/// Tries until it works.
///
/// # Errors
/// The last failure, when nothing worked within `deadline`.
pub fn retry<T>(
    what: &str,
    deadline: Duration,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(error) if start.elapsed() > deadline => {
                return Err(error.context(format!("after {deadline:?} it still fails: {what}")));
            }
            Err(_) => sleep(LOOK_AGAIN),
        }
    }
}

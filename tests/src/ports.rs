//! Ports that no two worlds share, whichever process they are in.

use std::{
    fs::{self, File},
    net::TcpListener,
    ops::RangeInclusive,
    path::Path,
};

use anyhow::{Context, Result};

/// Below what operating systems hand out by themselves, and beside brokerd's own default range.
const FIRST: u16 = 12_000;
const BLOCKS: u16 = 160;
const SIZE: u16 = 50;
/// The service's own ports.
const STANDARD: [u16; 11] =
    [443, 5671, 8162, 8883, 15671, 16001, 16002, 16003, 61614, 61617, 61619];
/// How many ports worlds with names need for them.
const RESERVED: u16 = 11;

/// A block of ports, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Ports {
    first: u16,
    /// The operating system unlocks it when the process ends, however it ends.
    _lock: File,
}

impl Ports {
    /// Takes a block that nobody uses.
    pub(crate) fn take() -> Result<Self> {
        let directory = std::env::temp_dir().join("brokerd-tests-ports");
        fs::create_dir_all(&directory)?;
        (0..BLOCKS)
            .find_map(|block| Self::try_take(&directory, FIRST + block * SIZE))
            .context("no block of ports is free for a world")
    }

    fn try_take(directory: &Path, first: u16) -> Option<Self> {
        let options = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(first.to_string()));
        let lock = options.ok()?;
        lock.try_lock().ok()?;
        let free = (first..first + SIZE).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
        free.then_some(Self { first, _lock: lock })
    }

    /// Where the API listens.
    pub(crate) fn api(&self) -> u16 {
        self.first
    }

    /// Where a second brokerd's API listens.
    pub(crate) fn second_api(&self) -> u16 {
        self.first + 1
    }

    /// Where health and metrics are.
    pub(crate) fn operations(&self) -> u16 {
        self.first + 2
    }

    /// Where a gateway of its own tells how it is, in worlds with names.
    pub(crate) fn gateway(&self) -> u16 {
        self.first + SIZE - 1
    }

    /// Where each of the service's standard ports is listened on, in worlds with names.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (u16, u16)> {
        STANDARD.into_iter().zip(self.first + SIZE - 1 - RESERVED..)
    }

    /// What the brokers' endpoints are given in worlds with names.
    pub(crate) fn endpoints_beside_names(&self) -> RangeInclusive<u16> {
        self.first + 4..=self.first + SIZE - 2 - RESERVED
    }

    /// What the brokers' endpoints are given.
    pub(crate) fn endpoints(&self) -> RangeInclusive<u16> {
        self.first + 4..=self.first + SIZE - 1
    }
}

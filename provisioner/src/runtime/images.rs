//! Images, and how far they are fetched.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInfo {
    /// The runtime's own name for what is behind the image's name now.
    pub id: String,
    /// By which names and digests registries know it, `name@sha256:…`; empty, if it never was in one.
    pub digests: Vec<String>,
    /// The full version of the engine, if the image tells.
    pub true_version: Option<String>,
    /// The modules of the engine and their versions, as the image's label has them, or nothing.
    pub modules: Option<String>,
}

/// How far a pull has got, for whoever waits for it.
#[derive(Debug, Default)]
pub struct Pulled {
    layers: Mutex<BTreeMap<String, (u64, u64)>>,
}

impl Pulled {
    /// Notes how many bytes of a layer are there, and how many it has.
    pub(crate) fn note(&self, layer: &str, done: u64, all: u64) {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.insert(layer.to_owned(), (done, all));
    }

    /// How many megabytes are there, and how many there are in all of what has begun.
    pub fn megabytes(&self) -> (u64, u64) {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |of: fn(&(u64, u64)) -> u64| layers.values().map(of).sum::<u64>() / 1_000_000;
        (sum(|layer| layer.0), sum(|layer| layer.1))
    }
}

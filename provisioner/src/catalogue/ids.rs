//! Which image is behind a name.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// The runtime's own names for the images that are there, by the names that the catalogue has for them.
#[derive(Debug, Default)]
pub struct ImageIds(Mutex<BTreeMap<String, String>>);

impl ImageIds {
    /// The runtime's own name for what is behind a name, as far as it was looked at.
    pub fn get(&self, reference: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(reference).cloned()
    }

    /// Notes what is behind a name now; none: nothing.
    pub fn set(&self, reference: &str, id: Option<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match id {
            Some(id) => known.insert(reference.to_owned(), id),
            None => known.remove(reference),
        };
    }
}

impl From<BTreeMap<String, String>> for ImageIds {
    fn from(ids: BTreeMap<String, String>) -> Self {
        Self(Mutex::new(ids))
    }
}

//! The uses of access keys that are not written yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use brokerd_domain::{Region, Timestamp, identity::KeyUse};

/// The noted uses that are not written yet, by key ID.
#[derive(Debug, Default)]
pub(crate) struct KeyUses(Mutex<HashMap<String, KeyUse>>);

impl KeyUses {
    fn noted(&self) -> MutexGuard<'_, HashMap<String, KeyUse>> {
        // The state of a thread that panicked is valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a key was used.
    pub(crate) fn note(&self, id: &str, service: &'static str, region: &Region, at: Timestamp) {
        let mut noted = self.noted();
        let Some(known) = noted.get_mut(id) else {
            let used = KeyUse { at, service: service.into(), region: region.clone() };
            noted.insert(id.to_owned(), used);
            return;
        };
        known.at = known.at.max(at);
        if known.service != service {
            known.service = service.into();
        }
        if known.region != *region {
            known.region = region.clone();
        }
    }

    /// The noted use of a key that is not written yet.
    pub(crate) fn of(&self, id: &str) -> Option<KeyUse> {
        self.noted().get(id).cloned()
    }

    /// Removes and returns all noted uses.
    pub(crate) fn take(&self) -> HashMap<String, KeyUse> {
        std::mem::take(&mut *self.noted())
    }

    /// Notes uses again that could not be written, except for keys that were used since.
    pub(crate) fn put_back(&self, uses: HashMap<String, KeyUse>) {
        let mut noted = self.noted();
        for (id, used) in uses {
            noted.entry(id).or_insert(used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_use_of_each_key_is_noted() {
        let [virginia, ireland] =
            ["us-east-1", "eu-west-1"].map(|name| name.parse::<Region>().expect("a region"));
        let at = Timestamp::from_micros;
        let uses = KeyUses::default();
        uses.note("AKIA1", "mq", &virginia, at(5));
        uses.note("AKIA1", "sts", &ireland, at(7));
        uses.note("AKIA2", "iam", &virginia, at(6));
        let taken = uses.take();
        let expected = KeyUse { at: at(7), service: "sts".into(), region: ireland };
        assert_eq!((taken.len(), &taken["AKIA1"]), (2, &expected));
        uses.note("AKIA2", "mq", &virginia, at(9));
        uses.put_back(taken);
        let noted = uses.noted();
        assert_eq!((noted["AKIA1"].at, noted["AKIA2"].at), (at(7), at(9)));
    }
}

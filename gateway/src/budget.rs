//! Memory that strangers may fill, and no more of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use prometheus_client::metrics::gauge::Gauge;

/// So many bytes for all who share it. Clones are handles to the same budget.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    used: AtomicUsize,
    /// What this one is a part of.
    whole: Option<Budget>,
    shown: Gauge,
}

impl Budget {
    /// A budget of its own, and where to show what is used of it.
    pub(crate) fn new(most: usize, shown: Gauge) -> Self {
        Self(Arc::new(Shared { most, used: AtomicUsize::new(0), whole: None, shown }))
    }

    /// A part of this one: what it takes counts for both.
    pub(crate) fn part(&self, most: usize) -> Self {
        let shown = Gauge::default();
        let whole = Some(self.clone());
        Self(Arc::new(Shared { most, used: AtomicUsize::new(0), whole, shown }))
    }

    /// Whether something is left.
    pub(crate) fn has_room(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) < self.0.most
            && self.0.whole.as_ref().is_none_or(Self::has_room)
    }

    /// Takes as much, left or not: whoever wants more asks first.
    pub(crate) fn take(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
        self.0.shown.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        if let Some(whole) = &self.0.whole {
            whole.take(bytes);
        }
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        self.0.shown.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        if let Some(whole) = &self.0.whole {
            whole.give_back(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_room_only_while_the_whole_has() {
        let shown = Gauge::default();
        let whole = Budget::new(10, shown.clone());
        let (one, other) = (whole.part(8), whole.part(8));
        one.take(8);
        assert!(!one.has_room() && other.has_room());
        other.take(2);
        assert!(!other.has_room() && !whole.has_room());
        assert_eq!(shown.get(), 10);
        one.give_back(8);
        assert!(one.has_room() && other.has_room());
        other.give_back(2);
        assert_eq!(shown.get(), 0);
    }
}

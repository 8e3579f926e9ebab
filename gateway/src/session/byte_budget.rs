//! A bound on memory that unauthenticated peers may fill.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use prometheus_client::metrics::gauge::Gauge;

/// A bound on bytes in use, shared by all clones.
#[derive(Debug, Clone)]
pub(crate) struct ByteBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit: usize,
    used: AtomicUsize,
    parent: Option<ByteBudget>,
    gauge: Gauge,
}

impl ByteBudget {
    /// A budget of `limit` bytes; `gauge` shows how many are in use.
    pub(crate) fn new(limit: usize, gauge: Gauge) -> Self {
        Self(Arc::new(Shared { limit, used: AtomicUsize::new(0), parent: None, gauge }))
    }

    /// A budget within this one: its bytes count for both.
    pub(crate) fn child(&self, limit: usize) -> Self {
        let gauge = Gauge::default();
        let parent = Some(self.clone());
        Self(Arc::new(Shared { limit, used: AtomicUsize::new(0), parent, gauge }))
    }

    /// Whether this budget and its parents are below their limits.
    pub(crate) fn has_capacity(&self) -> bool {
        self.0.used.load(Ordering::Relaxed) < self.0.limit
            && self.0.parent.as_ref().is_none_or(Self::has_capacity)
    }

    /// Counts `bytes` as used, beyond the limit too: callers ask [`Self::has_capacity`] first.
    pub(crate) fn reserve(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
        self.0.gauge.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        if let Some(parent) = &self.0.parent {
            parent.reserve(bytes);
        }
    }

    /// Counts `bytes` that were reserved as free again.
    pub(crate) fn release(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        self.0.gauge.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
        if let Some(parent) = &self.0.parent {
            parent.release(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_capacity_only_while_its_parent_has() {
        let gauge = Gauge::default();
        let parent = ByteBudget::new(10, gauge.clone());
        let (one, other) = (parent.child(8), parent.child(8));
        one.reserve(8);
        assert!(!one.has_capacity() && other.has_capacity());
        other.reserve(2);
        assert!(!other.has_capacity() && !parent.has_capacity());
        assert_eq!(gauge.get(), 10);
        one.release(8);
        assert!(one.has_capacity() && other.has_capacity());
        other.release(2);
        assert_eq!(gauge.get(), 0);
    }
}

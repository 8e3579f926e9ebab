//! Why the store could not do it.

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database can't be reached, or has no connection to spare; the same call may work later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The lease expired or somebody else took the broker over: stop, and record nothing.
    #[error("the lease on the broker is lost")]
    LeaseLost,
    /// Every port of the range belongs to an endpoint or to another program.
    #[error("no free port is left in {0}-{1}")]
    NoPorts(u16, u16),
    /// A row contradicts the rules of the domain.
    #[error("inconsistent row in {table}: {what}")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// What does not fit.
        what: String,
    },
    /// A sealed value can't be opened: the master key is not the one that sealed it.
    #[error("can't open the sealed {0}: is the master key the right one?")]
    Seal(&'static str),
    /// Anything else.
    #[error("the database refused")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

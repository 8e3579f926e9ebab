//! Secrets at rest.

/// The key that seals every secret in the database.
#[derive(Clone)]
pub struct MasterKey {
    _bytes: [u8; 32],
}

impl MasterKey {
    /// A key of 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self { _bytes: bytes }
    }
}

//! Why a text is no policy.

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// It does not follow the grammar: `MalformedPolicyDocument` of the service. Where IAM has a sentence of its own,
    /// this is it.
    #[error("{0}")]
    Malformed(String),
    /// It is too long: `LimitExceeded` of the service.
    #[error("The policy has {size} characters that count. It can have at most {most}.")]
    TooLong {
        /// How many characters count.
        size: usize,
        /// How many may.
        most: usize,
    },
}

//! Refusals of Amazon CloudWatch.

/// Which of the service's errors it is.
///
/// Source: the errors of the CloudWatch API reference, and its common errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudWatchErrorKind {
    /// A value can't be.
    InvalidParameterValue,
    /// Values can't be together.
    InvalidParameterCombination,
    /// A value is missing.
    MissingParameter,
    /// The request does not meet the service's constraints.
    ValidationError,
    /// A token of another request, or of none.
    InvalidNextToken,
    /// There is no such alarm.
    ResourceNotFound,
    /// There is no such resource, of operations on tags.
    ResourceNotFoundException,
    /// There are as many as there may be.
    LimitExceeded,
    /// A text is not JSON.
    InvalidFormat,
    /// What the service can do and brokerd can't.
    Unsupported,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CloudWatchError {
    /// Which one.
    pub kind: CloudWatchErrorKind,
    /// The sentence for the caller.
    pub message: String,
}

impl CloudWatchErrorKind {
    /// The code, as the query protocol has it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::InvalidParameterCombination => "InvalidParameterCombination",
            Self::MissingParameter => "MissingParameter",
            Self::ValidationError => "ValidationError",
            Self::InvalidNextToken => "InvalidNextToken",
            Self::ResourceNotFound => "ResourceNotFound",
            Self::ResourceNotFoundException => "ResourceNotFoundException",
            Self::LimitExceeded => "LimitExceeded",
            Self::InvalidFormat => "InvalidFormat",
            Self::Unsupported => "UnsupportedOperation",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::ResourceNotFound | Self::ResourceNotFoundException => 404,
            _ => 400,
        }
    }
}

impl CloudWatchError {
    /// A refusal with this sentence.
    pub fn new(kind: CloudWatchErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// A value that can't be.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(CloudWatchErrorKind::InvalidParameterValue, message)
    }

    /// A request that does not meet a constraint.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(CloudWatchErrorKind::ValidationError, message)
    }

    /// A parameter that has to be there.
    pub fn missing(parameter: &str) -> Self {
        Self::new(
            CloudWatchErrorKind::MissingParameter,
            format!("The parameter {parameter} is required."),
        )
    }
}

//! The errors of IAM and AWS STS, without any transport.

/// Which of the errors an [`IamError`] is.
///
/// Source: the error tables of the IAM and AWS STS API references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IamErrorKind {
    /// `NoSuchEntity`, 404.
    NoSuchEntity,
    /// `EntityAlreadyExists`, 409.
    EntityAlreadyExists,
    /// `LimitExceeded`, 409.
    LimitExceeded,
    /// `DeleteConflict`, 409.
    DeleteConflict,
    /// `UnmodifiableEntity`, 400.
    UnmodifiableEntity,
    /// `InvalidInput`, 400.
    InvalidInput,
    /// `InvalidParameterValue`, 400: what STS says of tags that can't be together.
    InvalidParameterValue,
    /// `ValidationError`, 400.
    ValidationError,
    /// `MalformedPolicyDocument`, 400.
    MalformedPolicyDocument,
    /// `PackedPolicyTooLarge`, 400.
    PackedPolicyTooLarge,
    /// `AccessDenied`, 403.
    AccessDenied,
}

impl IamErrorKind {
    /// The code in the answer.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSuchEntity => "NoSuchEntity",
            Self::EntityAlreadyExists => "EntityAlreadyExists",
            Self::LimitExceeded => "LimitExceeded",
            Self::DeleteConflict => "DeleteConflict",
            Self::UnmodifiableEntity => "UnmodifiableEntity",
            Self::InvalidInput => "InvalidInput",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::ValidationError => "ValidationError",
            Self::MalformedPolicyDocument => "MalformedPolicyDocument",
            Self::PackedPolicyTooLarge => "PackedPolicyTooLarge",
            Self::AccessDenied => "AccessDenied",
        }
    }

    /// The HTTP status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::NoSuchEntity => 404,
            Self::EntityAlreadyExists | Self::LimitExceeded | Self::DeleteConflict => 409,
            Self::UnmodifiableEntity
            | Self::InvalidInput
            | Self::InvalidParameterValue
            | Self::ValidationError
            | Self::MalformedPolicyDocument
            | Self::PackedPolicyTooLarge => 400,
            Self::AccessDenied => 403,
        }
    }
}

/// Why a request to IAM or STS is refused, in the words a caller reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IamError {
    /// Which error this is.
    pub kind: IamErrorKind,
    /// The sentence for the caller.
    pub message: String,
}

impl IamError {
    /// An error of that kind.
    pub fn new(kind: IamErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// `InvalidInput`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(IamErrorKind::InvalidInput, message)
    }

    /// `ValidationError`: one member does not have the form of the service model.
    pub fn validation(member: &str, value: &str, constraint: impl std::fmt::Display) -> Self {
        Self::new(
            IamErrorKind::ValidationError,
            format!(
                "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
            ),
        )
    }

    /// `ValidationError`: the request does not have the form of the service model.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(IamErrorKind::ValidationError, message)
    }

    /// The 404 for an entity of that kind (`user`, `group`, `role`) and name.
    pub fn no_such_entity(entity: &str, name: &str) -> Self {
        Self::new(
            IamErrorKind::NoSuchEntity,
            format!("The {entity} with name {name} cannot be found."),
        )
    }

    /// The 409 for a name (`User`, `Group`, `Role`) that is taken.
    pub fn already_exists(entity: &str, name: &str) -> Self {
        Self::new(
            IamErrorKind::EntityAlreadyExists,
            format!("{entity} with name {name} already exists."),
        )
    }

    /// The 409 of an exhausted quota of IAM, such as `AccessKeysPerUser`.
    pub fn limit(quota: &str, most: u32) -> Self {
        Self::new(IamErrorKind::LimitExceeded, format!("Cannot exceed quota for {quota}: {most}"))
    }
}

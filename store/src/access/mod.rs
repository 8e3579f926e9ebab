//! Who may do and reach what: access keys, security groups, secrets.

mod access_keys;
mod secrets;
mod security_groups;

pub use access_keys::AccessKey;
pub use security_groups::{DeleteGroupOutcome, NewGroupOutcome};

//! Access: access keys, security groups, secrets. Accounts, users, roles and policies belong here, too.

mod access_keys;
mod secrets;
mod security_groups;

pub use access_keys::AccessKey;
pub use security_groups::{DeleteGroupOutcome, NewGroupOutcome};

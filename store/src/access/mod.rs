//! Who may do and reach what: accounts and who is in them, security groups, secrets.

mod access_keys;
mod accounts;
mod attached_policies;
mod console_sessions;
mod groups;
mod identity_lock;
mod identity_row;
mod identity_summary;
mod inline_policies;
mod key_uses;
mod policies;
mod policy_versions;
mod principals;
mod roles;
mod secrets;
mod security_groups;
mod sessions;
mod users;

pub use access_keys::{AccessKey, KeyHolderName, NewKeyOutcome};
pub use accounts::{AccountUpdate, DeleteAccountOutcome, NewAccountOutcome, UpdateAccountOutcome};
pub use attached_policies::{AttachOutcome, PolicyEntity, PolicyUse};
pub use console_sessions::{ConsoleSession, ConsoleToken, ConsoleTokenHash};
pub use groups::GroupMemberOutcome;
pub use identity_row::{
    DeleteIdentityOutcome, IamPage, IamPageQuery, IdentityName, IdentityUse, NewIdentityOutcome,
    UpdateIdentityOutcome,
};
pub use identity_summary::IdentitySummary;
pub use inline_policies::PutInlinePolicyOutcome;
pub use policies::{DeletePolicyOutcome, NewPolicyOutcome};
pub use policy_versions::{DeleteVersionOutcome, NewVersionOutcome};
pub use principals::{Caller, KeyCaller};
pub use security_groups::{BrokerWithGroups, DeleteGroupOutcome, NewGroupOutcome};

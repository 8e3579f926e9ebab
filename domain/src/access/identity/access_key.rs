//! Access keys: what signs the requests of a user or of an account's root, until it is withdrawn or expires.

use std::borrow::Cow;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::id::{AccessKeyId, IdentityId};
use crate::kernel::{Entropy, Region, Timestamp};

/// Access keys a user, and an account's root, may have.
///
/// Source: "IAM and AWS STS quotas".
pub const MAX_ACCESS_KEYS: u32 = 2;

/// Whether a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccessKeyState {
    /// It does.
    Active,
    /// It does not, until it is made active again.
    Inactive,
}

impl AccessKeyState {
    /// The spelling of the service model.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }

    /// The state of that spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Inactive].into_iter().find(|state| state.as_str() == name)
    }
}

/// When and for what an access key was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// When.
    pub at: Timestamp,
    /// The service, as the signature names it.
    pub service: Cow<'static, str>,
    /// The region that the request was signed for.
    pub region: Region,
}

/// An access key, all but its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The public part.
    pub id: AccessKeyId,
    /// Whose requests it signs: a user's or an account's root's.
    pub holder: IdentityId,
    /// Whether it signs.
    pub state: AccessKeyState,
    /// When it was created.
    pub created: Timestamp,
    /// From when on it does not sign; none: it does for ever.
    pub expires: Option<Timestamp>,
    /// When it was last used, as far as that is written; none: never.
    pub last_used: Option<KeyUse>,
}

impl AccessKey {
    /// Whether it signs at that moment.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.state == AccessKeyState::Active && self.expires.is_none_or(|end| now < end)
    }
}

/// The secret part of a fresh key: 40 letters of base64, drawn from 240 random bits.
pub fn generate_secret_access_key(entropy: &dyn Entropy) -> SecretString {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = [0; 40];
    entropy.fill(&mut bytes);
    // The alphabet divides 256, so no letter is likelier than another.
    let text: String =
        bytes.iter().map(|byte| char::from(BASE64[usize::from(byte % 64)])).collect();
    SecretString::from(text)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::{super::id::tests::Counting, *};

    #[test]
    fn a_key_signs_while_it_is_active_and_until_it_expires() {
        let at = Timestamp::from_micros;
        let key = AccessKey {
            id: "AKIA1".parse().expect("an identifier"),
            holder: "000000000000".parse().expect("an identity"),
            state: AccessKeyState::Active,
            created: at(0),
            expires: Some(at(10)),
            last_used: None,
        };
        assert!(key.is_usable(at(9)) && !key.is_usable(at(10)));
        let endless = AccessKey { expires: None, ..key.clone() };
        assert!(endless.is_usable(at(i64::MAX)));
        let inactive = AccessKey { state: AccessKeyState::Inactive, ..endless };
        assert!(!inactive.is_usable(at(0)));
    }

    #[test]
    fn secrets_have_forty_letters() {
        let entropy = Counting::default();
        let secret = generate_secret_access_key(&entropy);
        assert_eq!(secret.expose_secret().len(), 40);
        assert_ne!(secret.expose_secret(), generate_secret_access_key(&entropy).expose_secret());
    }
}

//! The access key in the file `credentials`, in the format of AWS tools.

use brokerd_domain::{
    AccountId, Entropy,
    identity::{AccessKeyId, generate_secret_access_key},
};
use brokerd_store::AccessKey;
use secrecy::{ExposeSecret as _, SecretString};

/// A new access key in the format of the service's own.
pub(crate) fn generate_access_key(account: &AccountId, entropy: &dyn Entropy) -> AccessKey {
    AccessKey {
        id: AccessKeyId::generate(entropy).to_string(),
        secret: generate_secret_access_key(entropy),
        account: account.clone(),
    }
}

/// The credentials file of a key.
pub(super) fn text(key: &AccessKey) -> String {
    format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id,
        key.secret.expose_secret()
    )
}

/// The `[default]` profile of a credentials file.
pub(super) fn parse(text: &str, account: &AccountId) -> Option<AccessKey> {
    let mut in_default = false;
    let (mut id, mut secret) = (None, None);
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_default = line == "[default]";
        } else if let Some((name, value)) = line.split_once('=').filter(|_| in_default) {
            match name.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => secret = Some(SecretString::from(value.trim())),
                _ => {}
            }
        }
    }
    let (id, secret) = (id?, secret?);
    let complete = !id.is_empty() && !secret.expose_secret().is_empty();
    complete.then(|| AccessKey { id, secret, account: account.clone() })
}

#[cfg(test)]
mod tests {
    use super::{super::tests::account, *};
    use crate::system::OsEntropy;

    #[test]
    fn access_keys_look_like_the_services_own() {
        let key = generate_access_key(&account(), &OsEntropy);
        assert!(key.id.starts_with("AKIA") && key.id.len() == 20, "{}", key.id);
        assert!(key.id.chars().all(|c| c.is_ascii_uppercase() || ('2'..='7').contains(&c)));
        assert_eq!(key.secret.expose_secret().len(), 40);
    }

    #[test]
    fn credentials_are_read_from_the_default_profile_only() {
        let text = "# ours\n[other]\naws_access_key_id = X\naws_secret_access_key = Y\n\
                    [default]\nregion = r\naws_access_key_id=A\naws_secret_access_key = b=c\n";
        let key = parse(text, &account()).expect("a key");
        assert_eq!((key.id.as_str(), key.secret.expose_secret()), ("A", "b=c"));
        for broken in ["", "[default]\naws_access_key_id = A\n", "[other]\naws_access_key_id = A"] {
            assert!(parse(broken, &account()).is_none());
        }
    }
}

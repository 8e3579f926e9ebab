//! Signing keys.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use super::request::TERMINATOR;

/// The key that signs the requests of one access key on one day in one region to one service.
pub struct SigningKey(SecretBox<[u8; 32]>);

impl SigningKey {
    /// Derives the key: four HMACs, chained from `"AWS4" + secret`.
    pub fn derive(secret: &SecretString, day: &str, region: &str, service: &str) -> Self {
        let start = SecretString::from(format!("AWS4{}", secret.expose_secret()));
        let mut key = mac(start.expose_secret().as_bytes(), day);
        for part in [region, service, TERMINATOR] {
            key = mac(&key, part);
        }
        Self(SecretBox::new(Box::new(key)))
    }

    /// The signature of `text`, in lower-case hexadecimal.
    pub fn sign(&self, text: &str) -> String {
        hex::encode(mac(self.0.expose_secret(), text))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("HMAC is defined for keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_key_is_derived() {
        // "Deriving the signing key" of the AWS general reference.
        let secret = SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let key = SigningKey::derive(&secret, "20150830", "us-east-1", "iam");
        assert_eq!(
            hex::encode(key.0.expose_secret()),
            "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
        );
        assert!(!format!("{key:?}").contains("c4af"));
    }
}

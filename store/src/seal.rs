//! Secrets at rest: AES-256-GCM, bound to the place they are kept in.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use brokerd_domain::Entropy;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::StoreError;

/// The format of a sealed value: version, key id, nonce, ciphertext with tag.
const VERSION: u8 = 1;
const KEY_ID: usize = 8;
const NONCE: usize = 12;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// The key that seals every secret in the database. Who has the database but not the key has no
/// secret; who moves a sealed value to another row can't open it there.
#[derive(Clone)]
pub struct MasterKey {
    bytes: Zeroizing<[u8; 32]>,
    id: [u8; KEY_ID],
}

impl MasterKey {
    /// A key of 32 bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&Sha256::digest(bytes)[..KEY_ID]);
        Self { bytes: Zeroizing::new(bytes), id }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.bytes).into())
    }

    /// Seals `secret` for `place`, such as `access_key.secret/AKIA…`.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        place: &str,
        secret: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: secret, aad: place.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt((&nonce).into(), payload)
            .map_err(|_| StoreError::Seal("value"))?;
        let mut value = Vec::with_capacity(HEADER + sealed.len());
        value.push(VERSION);
        value.extend_from_slice(&self.id);
        value.extend_from_slice(&nonce);
        value.extend_from_slice(&sealed);
        Ok(value)
    }

    /// Opens what was sealed for `place`.
    pub(crate) fn open(
        &self,
        what: &'static str,
        place: &str,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let refused = StoreError::Seal(what);
        let Some((header, sealed)) = value.split_at_checked(HEADER) else { return Err(refused) };
        let (Some(VERSION), id, Ok(nonce)) = (
            header.first().copied(),
            &header[1..=KEY_ID],
            <[u8; NONCE]>::try_from(&header[1 + KEY_ID..]),
        ) else {
            return Err(refused);
        };
        if id != self.id {
            return Err(refused);
        }
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        match self.cipher().decrypt((&nonce).into(), payload) {
            Ok(secret) => Ok(Zeroizing::new(secret)),
            Err(_) => Err(refused),
        }
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", hex::encode(self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    #[test]
    fn what_is_sealed_for_a_place_opens_there_and_only_with_the_key() {
        let key = MasterKey::new([1; 32]);
        let sealed = key.seal(&Counting, "a/1", b"secret").expect("sealed");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_eq!(&**key.open("value", "a/1", &sealed).expect("opened"), b"secret");
        assert!(key.open("value", "a/2", &sealed).is_err(), "moved to another row");
        assert!(MasterKey::new([2; 32]).open("value", "a/1", &sealed).is_err(), "another key");
    }

    #[test]
    fn a_value_that_was_tampered_with_does_not_open() {
        let key = MasterKey::new([1; 32]);
        let sealed = key.seal(&Counting, "a/1", b"secret").expect("sealed");
        for at in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[at] ^= 1;
            assert!(key.open("value", "a/1", &tampered).is_err(), "byte {at}");
            assert!(key.open("value", "a/1", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_key_does_not_show_in_debug_output() {
        let text = format!("{:?}", MasterKey::new([7; 32]));
        assert!(!text.contains("0707") && !text.contains("7, 7"), "{text}");
    }
}

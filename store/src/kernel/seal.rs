//! Secrets at rest: AES-256-GCM, bound to the place they are kept in.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use brokerd_domain::Entropy;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{error::StoreError, sealed_column::Place};

/// The format of a sealed value: version, key id, nonce, ciphertext with tag.
const VERSION: u8 = 1;
/// Where the key id begins, counted from one as SQL does.
pub(crate) const KEY_ID_FROM: i32 = 2;
pub(crate) const KEY_ID: usize = 8;
const NONCE: usize = 12;
const HEADER: usize = 1 + KEY_ID + NONCE;

/// How old the last reading of the master keys may be when a value is sealed.
const CACHE_TTL: Duration = Duration::from_secs(2);

/// How often the keys are read again because of a value that an unknown key sealed.
const READ_AGAIN: Duration = Duration::from_millis(500);

/// A master key.
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

    /// The identifier of the key in sealed values, in hexadecimal digits. It reveals nothing of the key.
    pub fn id(&self) -> String {
        hex::encode(self.id)
    }

    pub(crate) const fn raw_id(&self) -> &[u8; KEY_ID] {
        &self.id
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.bytes).into())
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// Reads the master keys again; `None` if they can't be read now, so that they stay as they are.
pub type ReadKeys = dyn Fn() -> Option<Vec<MasterKey>> + Send + Sync;

/// The master keys: the first one seals, each of them opens. The database without a key reveals no secret, and a sealed
/// value opens only at its own row. Clones share their keys.
#[derive(Clone)]
pub struct MasterKeys(Arc<Inner>);

struct Inner {
    known: Mutex<Known>,
    source: Option<Box<ReadKeys>>,
}

struct Known {
    first: MasterKey,
    others: Vec<MasterKey>,
    read: Instant,
}

impl MasterKeys {
    /// The master keys of a list; `None` if it is empty.
    pub fn of(keys: Vec<MasterKey>) -> Option<Self> {
        Self::with(keys, None)
    }

    /// The master keys that `source` reads: now, and again when a value is sealed or needs an unknown key, because
    /// other processes may change the keys. `None` if it reads none now.
    pub fn read_by(source: Box<ReadKeys>) -> Option<Self> {
        let keys = source()?;
        Self::with(keys, Some(source))
    }

    fn with(keys: Vec<MasterKey>, source: Option<Box<ReadKeys>>) -> Option<Self> {
        let known = Mutex::new(Known::of(keys)?);
        Some(Self(Arc::new(Inner { known, source })))
    }

    /// The keys, the sealing one first.
    pub fn all(&self) -> Vec<MasterKey> {
        self.known(|known| std::iter::once(&known.first).chain(&known.others).cloned().collect())
    }

    /// The key that seals.
    pub fn first(&self) -> MasterKey {
        self.renew(CACHE_TTL);
        self.known(|known| known.first.clone())
    }

    fn known<T>(&self, see: impl FnOnce(&mut Known) -> T) -> T {
        see(&mut self.0.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again if the last reading is older than `age`.
    fn renew(&self, age: Duration) {
        let Some(source) = &self.0.source else { return };
        let is_due = self.known(|known| {
            let is_due = known.read.elapsed() >= age;
            if is_due {
                known.read = Instant::now();
            }
            is_due
        });
        if is_due && let Some(fresh) = source().and_then(Known::of) {
            self.known(|known| *known = fresh);
        }
    }

    fn by_id(&self, id: &[u8]) -> Option<MasterKey> {
        self.known(|known| {
            std::iter::once(&known.first).chain(&known.others).find(|key| key.id == id).cloned()
        })
    }

    /// Seals `secret` for `place` with the first key.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        place: &Place,
        secret: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let key = self.first();
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let payload = Payload { msg: secret, aad: place.as_bytes() };
        let sealed = key
            .cipher()
            .encrypt((&nonce).into(), payload)
            .map_err(|_| StoreError::Seal("value"))?;
        let mut value = Vec::with_capacity(HEADER + sealed.len());
        value.push(VERSION);
        value.extend_from_slice(&key.id);
        value.extend_from_slice(&nonce);
        value.extend_from_slice(&sealed);
        Ok(value)
    }

    /// Opens a value that was sealed for `place`.
    pub(crate) fn open(
        &self,
        place: &Place,
        value: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let refused = StoreError::Seal(place.what());
        let Some((header, sealed)) = value.split_at_checked(HEADER) else { return Err(refused) };
        let (Some(VERSION), id, Ok(nonce)) = (
            header.first().copied(),
            &header[1..=KEY_ID],
            <[u8; NONCE]>::try_from(&header[1 + KEY_ID..]),
        ) else {
            return Err(refused);
        };
        let key = self.by_id(id).or_else(|| {
            self.renew(READ_AGAIN);
            self.by_id(id)
        });
        let Some(key) = key else { return Err(refused) };
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        match key.cipher().decrypt((&nonce).into(), payload) {
            Ok(secret) => Ok(Zeroizing::new(secret)),
            Err(_) => Err(refused),
        }
    }
}

impl MasterKeys {
    /// The same for a text.
    pub(crate) fn open_text(
        &self,
        place: &Place,
        value: &[u8],
    ) -> Result<SecretString, StoreError> {
        let opened = self.open(place, value)?;
        let text = std::str::from_utf8(&opened).map_err(|_| StoreError::Seal(place.what()))?;
        Ok(SecretString::from(text))
    }
}

impl Known {
    fn of(keys: Vec<MasterKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let first = keys.next()?;
        Some(Self { first, others: keys.collect(), read: Instant::now() })
    }
}

impl From<MasterKey> for MasterKeys {
    fn from(key: MasterKey) -> Self {
        let known = Known { first: key, others: Vec::new(), read: Instant::now() };
        Self(Arc::new(Inner { known: Mutex::new(known), source: None }))
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::kernel::sealed_column::ACCESS_KEY_SECRET;

    struct Counting;
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(9);
        }
    }

    fn place(id: &str) -> Place {
        ACCESS_KEY_SECRET.place(&[id])
    }

    fn key(byte: u8) -> MasterKey {
        MasterKey::new([byte; 32])
    }

    #[test]
    fn what_is_sealed_for_a_place_opens_there_and_only_with_the_key() {
        let keys = MasterKeys::from(key(1));
        let sealed = keys.seal(&Counting, &place("1"), b"secret").expect("sealed");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_eq!(&**keys.open(&place("1"), &sealed).expect("opened"), b"secret");
        assert!(keys.open(&place("2"), &sealed).is_err(), "moved to another row");
        assert!(MasterKeys::from(key(2)).open(&place("1"), &sealed).is_err(), "another key");
    }

    #[test]
    fn a_value_that_was_tampered_with_does_not_open() {
        let keys = MasterKeys::from(key(1));
        let sealed = keys.seal(&Counting, &place("1"), b"secret").expect("sealed");
        for at in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[at] ^= 1;
            assert!(keys.open(&place("1"), &tampered).is_err(), "byte {at}");
            assert!(keys.open(&place("1"), &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn every_key_opens_and_the_first_one_seals() {
        let old = MasterKeys::from(key(1));
        let sealed = old.seal(&Counting, &place("1"), b"secret").expect("sealed");
        let both = MasterKeys::of(vec![key(2), key(1)]).expect("keys");
        assert_eq!(&**both.open(&place("1"), &sealed).expect("opened"), b"secret");
        let sealed = both.seal(&Counting, &place("1"), b"secret").expect("sealed");
        assert!(MasterKeys::from(key(2)).open(&place("1"), &sealed).is_ok());
        assert!(old.open(&place("1"), &sealed).is_err());
        assert!(MasterKeys::of(Vec::new()).is_none());
    }

    #[test]
    fn a_value_of_an_unknown_key_makes_the_keys_be_read_again() {
        static ROTATED: AtomicBool = AtomicBool::new(false);
        let source = || {
            Some(if ROTATED.load(Ordering::SeqCst) { vec![key(2), key(1)] } else { vec![key(1)] })
        };
        let keys = MasterKeys::read_by(Box::new(source)).expect("keys");
        let sealed = MasterKeys::from(key(2)).seal(&Counting, &place("1"), b"secret");
        let sealed = sealed.expect("sealed");
        assert!(keys.open(&place("1"), &sealed).is_err());
        ROTATED.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + Duration::from_secs(30);
        while keys.open(&place("1"), &sealed).is_err() {
            assert!(Instant::now() < deadline, "the new key was never read");
            std::thread::yield_now();
        }
        assert_eq!(keys.first(), key(2));
        assert_eq!(keys.all(), [key(2), key(1)]);
    }

    #[test]
    fn a_key_does_not_show_in_debug_output() {
        let text = format!("{:?}", MasterKeys::from(key(7)));
        assert!(!text.contains("0707") && !text.contains("7, 7"), "{text}");
    }
}

//! The sections of keys and certificates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::InvalidSetting};

/// The keys that seal secrets in the database, see [Master keys](keys-and-certificates.md#master-keys).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Secrets {
    /// 64 hexadecimal digits. Several keys are separated by commas; the first one seals.
    pub(crate) master_key: Option<Secret>,
    /// A file that holds them, one key per line; instead of `secrets.master_key`. Without either: `master.key`
    /// in the data directory.
    pub(crate) master_key_file: Option<PathBuf>,
}

impl Secrets {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        if self.master_key.is_some() && self.master_key_file.is_some() {
            return Err((
                "secrets.master_key",
                "is given together with secrets.master_key_file".into(),
            ));
        }
        Ok(())
    }
}

/// Your own certificate authority, see [Your own authority](keys-and-certificates.md#your-own-authority).
/// Without it brokerd makes one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// The certificate of the authority, a PEM file; the certificates above it follow.
    pub(crate) authority_certificate: Option<PathBuf>,
    /// The private key of the authority, a PEM file (PKCS#8, without a password).
    pub(crate) authority_key: Option<PathBuf>,
}

impl Tls {
    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        match (&self.authority_certificate, &self.authority_key) {
            (Some(_), None) => {
                Err(("tls.authority_key", "is missing beside tls.authority_certificate".into()))
            }
            (None, Some(_)) => {
                Err(("tls.authority_certificate", "is missing beside tls.authority_key".into()))
            }
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }
}

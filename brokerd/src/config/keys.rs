//! The sections of keys and certificates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{secret::Secret, sections::Misfit};

/// What seals secrets in the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Secrets {
    /// 64 hexadecimal digits, or several such keys.
    pub(crate) master_key: Option<Secret>,
    /// A file that holds them; `master.key` in the data directory if neither is given.
    pub(crate) master_key_file: Option<PathBuf>,
}

impl Secrets {
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
        if self.master_key.is_some() && self.master_key_file.is_some() {
            return Err((
                "secrets.master_key",
                "is given together with secrets.master_key_file".into(),
            ));
        }
        Ok(())
    }
}

/// The operator's own certificate authority.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Tls {
    /// Its certificate, PEM, with those above it behind it.
    pub(crate) authority_certificate: Option<PathBuf>,
    /// Its key, PEM (PKCS#8).
    pub(crate) authority_key: Option<PathBuf>,
}

impl Tls {
    pub(crate) fn validate(&self) -> Result<(), Misfit> {
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

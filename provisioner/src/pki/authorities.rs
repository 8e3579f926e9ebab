//! The certificate authorities, and which of them issues now.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use brokerd_domain::Timestamp;
use brokerd_store::{CertificateAuthority, StoredAuthority};

use crate::pki::tls;

/// The authorities of the installation. They are replaced while it works, by whoever reads the store.
pub struct Authorities(RwLock<Known>);

struct Known {
    all: Vec<StoredAuthority>,
    status: Option<Arc<AuthorityStatus>>,
}

/// How the authorities stand at a moment.
#[derive(Clone)]
pub struct AuthorityStatus {
    /// The one that issues.
    pub issuing: CertificateAuthority,
    /// When that ends; 1970 for one that can't be read, whose certificates nothing outlasts.
    pub end: Timestamp,
    /// The certificates of all that are trusted, PEM, that of the issuing one first.
    pub trusted: Vec<String>,
    /// When another one is to issue, if one is.
    pub until: Option<Timestamp>,
}

impl AuthorityStatus {
    /// How it stands where this one is the only one.
    pub fn of(issuing: CertificateAuthority) -> Self {
        let end = tls::authority_end(&issuing).unwrap_or(Timestamp::from_micros(0));
        Self { end, trusted: vec![issuing.certificate_pem.clone()], until: None, issuing }
    }

    /// The certificates of all that are trusted, PEM.
    pub fn trusted_pem(&self) -> String {
        self.trusted.concat()
    }
}

impl fmt::Debug for AuthorityStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityStatus").field("end", &self.end).finish_non_exhaustive()
    }
}

impl Authorities {
    /// These authorities. None: there is none among them.
    pub fn new(all: Vec<StoredAuthority>) -> Option<Self> {
        (!all.is_empty()).then(|| Self(RwLock::new(Known { all, status: None })))
    }

    /// Replaces them; by none at all, they stay as they are.
    pub fn replace(&self, all: Vec<StoredAuthority>) {
        if !all.is_empty() {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            *known = Known { all, status: None };
        }
    }

    /// How they stand at `now`.
    pub fn status(&self, now: Timestamp) -> Arc<AuthorityStatus> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(status) = &known.status
                && status.until.is_none_or(|until| now < until)
            {
                return status.clone();
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.all.sort_by_key(|stored| stored.rank(now));
        let trusted: Vec<_> =
            known.all.iter().map(|stored| stored.authority.certificate_pem.clone()).collect();
        let issuing = known.all[0].authority.clone();
        let until = known.all.iter().map(|stored| stored.issues_from).filter(|at| *at > now).min();
        let status = Arc::new(AuthorityStatus { trusted, until, ..AuthorityStatus::of(issuing) });
        known.status = Some(status.clone());
        status
    }

    /// The one that has been trusted for longest of those whose certificates are in `trusted_pem`, which every
    /// instance of a broker trusts, whichever of them it was last made anew with. One that has ended is no help.
    pub fn longest_trusted(
        &self,
        trusted_pem: &str,
        now: Timestamp,
    ) -> Option<CertificateAuthority> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let is_trusted = |stored: &&StoredAuthority| {
            trusted_pem.contains(stored.authority.certificate_pem.as_str())
                && tls::authority_end(&stored.authority).is_ok_and(|end| now < end)
        };
        let first = known.all.iter().filter(is_trusted).min_by_key(|s| (s.issues_from, s.id));
        first.map(|stored| stored.authority.clone())
    }
}

impl From<CertificateAuthority> for Authorities {
    fn from(authority: CertificateAuthority) -> Self {
        let issues_from = Timestamp::from_micros(0);
        let only = StoredAuthority { id: 1, issues_from, authority };
        Self(RwLock::new(Known { all: vec![only], status: None }))
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities")
    }
}

//! The certificate authority and what it issues.
//!
//! Certificates are ECDSA P-256, which Java, Erlang/OTP, Go and Python all accept, and carry subject
//! and authority key identifiers, without which several of them refuse a private authority. A broker has
//! another one for an RSA key, because every suite that the service has is one for RSA. Private
//! keys and signatures take their randomness from the operating system, because *ring* accepts no
//! other source; serial numbers and names take it from [`Entropy`].

use std::{
    net::IpAddr,
    str::FromStr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{Clock, Entropy, Timestamp};
use brokerd_store::{CertificateAuthority, PgStore, StoreError, StoredAuthority};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use secrecy::{ExposeSecret, SecretString};
use x509_parser::prelude::{FromDer, X509Certificate};

/// How long an authority that we make is valid.
const AUTHORITY_VALIDITY: Duration = Duration::from_hours(24 * 3650);

/// How long a broker's certificate is valid: the longest that public authorities may grant, so that
/// no client finds it too long.
const CERTIFICATE_VALIDITY: Duration = Duration::from_hours(24 * 397);

/// How long before its end a certificate is replaced: longer than a month, so that a weekly window comes in time.
const RENEWAL: Duration = Duration::from_hours(24 * 45);

/// By how much another certificate must outlast the one that it replaces. Near its own end an authority issues none
/// that would, however often it is asked.
const MIN_RENEWAL_GAIN: Duration = Duration::from_hours(24);

/// How far back the validity begins, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_hours(1);

/// A certificate can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The key or certificate could not be made or read.
    #[error("can't make the certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// An RSA key could not be made.
    #[error("can't make an RSA key: {0}")]
    Rsa(String),
    /// A certificate is no PEM text.
    #[error("the certificate is not PEM: {0}")]
    Pem(String),
    /// What should be an authority can't be one.
    #[error("this certificate and key can't act as an authority: {0}")]
    NotAnAuthority(String),
}

/// There is no authority to work with.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// It could not be made.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It could not be stored or read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One name a certificate is valid for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectName {
    /// A host name.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl SubjectName {
    /// The name that clients compare with when they connect to `host`: an address if it is one.
    pub fn of(host: &str) -> Self {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        IpAddr::from_str(bare).map_or_else(|_| Self::Dns(host.to_owned()), Self::Ip)
    }

    fn san(&self) -> Result<SanType, rcgen::Error> {
        Ok(match self {
            Self::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
            Self::Ip(address) => SanType::IpAddress(*address),
        })
    }
}

/// A fresh certificate.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// Its key, PEM (PKCS#8).
    pub private_key_pem: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes an authority of our own, valid for ten years.
///
/// # Errors
/// [`TlsError`] when the operating system has no randomness.
pub fn new_authority(
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<CertificateAuthority, TlsError> {
    let key = KeyPair::generate()?;
    let mut tag = [0; 4];
    entropy.fill(&mut tag);
    let mut params = parameters(
        &format!("brokerd CA {}", hex::encode(tag)),
        now,
        now.plus(AUTHORITY_VALIDITY),
        entropy,
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    let certificate = params.self_signed(&key)?;
    Ok(CertificateAuthority {
        certificate_pem: certificate.pem(),
        private_key_pem: SecretString::from(key.serialize_pem()),
    })
}

/// The installation's authorities, the one that issues first: the stored ones, or a new one if there is none. When
/// several processes start at once, the first to store wins and the others use its authority.
///
/// # Errors
/// [`AuthorityError`] when they can be neither read nor made.
pub async fn ensure_authority(
    store: &PgStore,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<StoredAuthority>, AuthorityError> {
    let stored = store.certificate_authorities(clock.now()).await?;
    if !stored.is_empty() {
        return Ok(stored);
    }
    store.certificate_authority(&new_authority(clock.now(), entropy)?).await?;
    Ok(store.certificate_authorities(clock.now()).await?)
}

/// An operator's own authority: any certificate that may issue, with its key as PKCS#8; behind the certificate those
/// above it, each after the one that it has issued. It is tried out here, so that a wrong pair is found at start and
/// not at the first broker.
///
/// # Errors
/// [`TlsError`] when it is malformed, may not issue, has ended, or the key is not its own.
pub fn operator_authority(
    certificate_pem: &str,
    private_key_pem: &SecretString,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<CertificateAuthority, TlsError> {
    let refused = |why: String| TlsError::NotAnAuthority(why);
    let chain = certificates(certificate_pem)?;
    let authority = CertificateAuthority {
        // Remarks between them would make the same certificates look like others.
        certificate_pem: chain.iter().map(pem).collect(),
        private_key_pem: private_key_pem.clone(),
    };
    let (begin, end) = authority_validity(certificate_pem)?;
    let key = KeyPair::from_pem(private_key_pem.expose_secret()).map_err(|error| {
        refused(format!(
            "its key can't be read, which has to be PKCS#8 without a password: {error}"
        ))
    })?;
    let [own, ..] = chain.as_slice() else { return Err(TlsError::Pem("it is empty".to_owned())) };
    let (_, parsed) = X509Certificate::from_der(own).map_err(|e| refused(e.to_string()))?;
    if parsed.public_key().raw != key.subject_public_key_info() {
        return Err(refused("the key is not the certificate's".to_owned()));
    }
    if now < begin || now >= end {
        let why = format!("it is valid from {begin} to {end}");
        return Err(TlsError::NotAnAuthority(why));
    }
    let name = SubjectName::Dns("localhost".to_owned());
    let trial = issue(&authority, "trial", std::slice::from_ref(&name), now, entropy)?;
    let (top, between) = chain.split_last().unwrap_or((own, &[]));
    verify_chain(top, between, &certificate(&trial.certificate_pem)?, "localhost", now)
        .map_err(|e| refused(format!("what it issues is not accepted: {e}")))?;
    Ok(authority)
}

/// When an authority is valid, and those above it, if they may issue certificates at all.
fn authority_validity(pem: &str) -> Result<(Timestamp, Timestamp), TlsError> {
    let refused = |why: String| TlsError::NotAnAuthority(why);
    let moment = |seconds: i64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
    let mut valid = None;
    for (below, der) in (0_u32..).zip(certificates(pem)?) {
        let (_, parsed) = X509Certificate::from_der(&der).map_err(|e| refused(e.to_string()))?;
        let usage = parsed.key_usage().map_err(|e| refused(e.to_string()))?;
        if !parsed.is_ca() || usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
            return Err(refused("it may not issue certificates".to_owned()));
        }
        let constraints = parsed.basic_constraints().map_err(|e| refused(e.to_string()))?;
        let longest = constraints.and_then(|constraints| constraints.value.path_len_constraint);
        if longest.is_some_and(|longest| longest < below) {
            let subject = parsed.subject();
            return Err(refused(format!(
                "{subject} permits no path of {below} authorities below it"
            )));
        }
        let validity = parsed.validity();
        let (begin, end) =
            (moment(validity.not_before.timestamp()), moment(validity.not_after.timestamp()));
        let (first, last) = valid.unwrap_or((begin, end));
        valid = Some((begin.max(first), end.min(last)));
    }
    valid.ok_or_else(|| TlsError::Pem("there is no certificate in it".to_owned()))
}

/// Issues a server certificate for `names`, valid from an hour ago for 397 days, or as long as the
/// authority if that ends earlier.
///
/// # Errors
/// [`TlsError`] when the authority is malformed or none, or a name is not ASCII.
pub fn issue(
    authority: &CertificateAuthority,
    common_name: &str,
    names: &[SubjectName],
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Issued, TlsError> {
    sign(authority, common_name, &KeyPair::generate()?, server(names), now, entropy)
}

/// The same for an RSA key, which clients may also encrypt to, as suites without ephemeral keys have it.
///
/// # Errors
/// As [`issue`], and when the key is no key.
pub(crate) fn issue_rsa(
    authority: &CertificateAuthority,
    common_name: &str,
    key_pem: &SecretString,
    names: &[SubjectName],
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Issued, TlsError> {
    let subject = |params: &mut CertificateParams| {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
        server(names)(params)
    };
    let key = KeyPair::from_pem(key_pem.expose_secret())?;
    sign(authority, common_name, &key, subject, now, entropy)
}

fn server(names: &[SubjectName]) -> impl FnOnce(&mut CertificateParams) -> Result<(), TlsError> {
    |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = names.iter().map(SubjectName::san).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Issues a client certificate, valid as long as a server's.
///
/// # Errors
/// [`TlsError`] when the authority is malformed or none.
pub(crate) fn issue_client(
    authority: &CertificateAuthority,
    common_name: &str,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Issued, TlsError> {
    let subject = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(())
    };
    sign(authority, common_name, &KeyPair::generate()?, subject, now, entropy)
}

fn sign(
    authority: &CertificateAuthority,
    common_name: &str,
    key: &KeyPair,
    subject: impl FnOnce(&mut CertificateParams) -> Result<(), TlsError>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Issued, TlsError> {
    let authority_key = KeyPair::from_pem(authority.private_key_pem.expose_secret())?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate_pem, authority_key)?;
    let (_, authority_end) = authority_validity(&authority.certificate_pem)?;
    if authority_end <= now {
        return Err(TlsError::NotAnAuthority(format!("it has ended at {authority_end}")));
    }
    let expires_at = now.plus(CERTIFICATE_VALIDITY).min(authority_end);
    let mut params = parameters(common_name, now, expires_at, entropy);
    // Explicitly none, because only then the subject's key identifier is written.
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    subject(&mut params)?;
    let certificate = params.signed_by(key, &issuer)?;
    Ok(Issued {
        certificate_pem: certificate.pem(),
        private_key_pem: SecretString::from(key.serialize_pem()),
        expires_at,
    })
}

/// Whether a client that trusts only this authority would accept this certificate from `host`.
///
/// # Errors
/// What such a client would say.
pub fn verify(
    authority_pem: &str,
    certificate_pem: &str,
    host: &str,
    now: Timestamp,
) -> Result<(), TlsError> {
    let (authority, certificate) = (certificate(authority_pem)?, certificate(certificate_pem)?);
    verify_chain(&authority, &[], &certificate, host, now)
}

fn verify_chain(
    top: &CertificateDer<'static>,
    between: &[CertificateDer<'static>],
    certificate: &CertificateDer<'static>,
    host: &str,
    now: Timestamp,
) -> Result<(), TlsError> {
    let refused = |e: &dyn std::fmt::Display| TlsError::NotAnAuthority(e.to_string());
    let mut roots = RootCertStore::empty();
    roots.add(top.clone()).map_err(|e| refused(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|e| refused(&e))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|e| refused(&e))?;
    let seconds = u64::try_from(now.as_seconds()).unwrap_or(0);
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier.verify_server_cert(certificate, between, &name, &[], time).map_err(|e| refused(&e))?;
    Ok(())
}

/// The authorities that Mozilla trusts, PEM.
pub fn public_authorities_pem() -> &'static str {
    static PEM: LazyLock<String> =
        LazyLock::new(|| webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(pem).collect());
    &PEM
}

/// RFC 7468, with lines of 64 characters.
fn pem(certificate: &CertificateDer<'_>) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in BASE64.encode(certificate).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// The first certificate of a PEM text.
///
/// # Errors
/// [`TlsError::Pem`] when there is none.
pub fn certificate(pem: &str) -> Result<CertificateDer<'static>, TlsError> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| TlsError::Pem(e.to_string()))
}

/// All certificates of a PEM text, one at least.
///
/// # Errors
/// [`TlsError::Pem`] when there is none, or one is none.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|e| TlsError::Pem(e.to_string()))?;
    if all.is_empty() {
        return Err(TlsError::Pem("there is no certificate in it".to_owned()));
    }
    Ok(all)
}

/// Whether this is a certificate at all.
///
/// # Errors
/// [`TlsError::Pem`] when it is none.
pub fn check(certificate: &CertificateDer<'_>) -> Result<(), TlsError> {
    match X509Certificate::from_der(certificate) {
        Ok(_) => Ok(()),
        Err(error) => Err(TlsError::Pem(error.to_string())),
    }
}

fn parameters(
    common_name: &str,
    now: Timestamp,
    end: Timestamp,
    entropy: &dyn Entropy,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut serial = [0; 16];
    entropy.fill(&mut serial);
    // A serial number is a positive number without leading zeros (RFC 5280, 4.1.2.2).
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    // rcgen's type of moments comes from a crate that only rcgen names here.
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let moment =
        |at: Timestamp| epoch + Duration::from_secs(u64::try_from(at.as_seconds()).unwrap_or(0));
    params.not_before = moment(now) - BACKDATED;
    params.not_after = moment(end);
    params
}

/// When the authority itself ends.
///
/// # Errors
/// [`TlsError`] when it is malformed or none.
pub fn authority_end(authority: &CertificateAuthority) -> Result<Timestamp, TlsError> {
    authority_validity(&authority.certificate_pem).map(|(_, end)| end)
}

/// The subject of the first certificate of a PEM text.
///
/// # Errors
/// [`TlsError`] when it is none.
pub fn subject(pem: &str) -> Result<String, TlsError> {
    let der = certificate(pem)?;
    let (_, parsed) = X509Certificate::from_der(&der).map_err(|e| TlsError::Pem(e.to_string()))?;
    Ok(parsed.subject().to_string())
}

/// From when on a certificate that ends at `expires_at` is to be replaced by another one of an authority that ends at
/// `authority_end`: 45 days before its end. None: another one would not outlast it by a day.
pub fn renewal(expires_at: Timestamp, authority_end: Timestamp) -> Option<Timestamp> {
    let before = i64::try_from(RENEWAL.as_micros()).unwrap_or(i64::MAX);
    let from = Timestamp::from_micros(expires_at.as_micros().saturating_sub(before));
    (authority_end >= expires_at.plus(MIN_RENEWAL_GAIN)).then_some(from)
}

//! What is made once for a broker and can't be made again: certificate, keys, salts, cookie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{
    ActionRequired, Broker, BrokerUser, EngineType, Entropy, Timestamp, instance::host_name,
};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::{
    catalogue::Image,
    pki::{
        authorities::AuthorityStatus,
        password_hash::stored_password,
        tls::{self, SubjectName, TlsError},
    },
};

/// The alias of the ECDSA key and its chain in the PKCS#12.
pub const KEYSTORE_ALIAS: &str = "broker";

/// That of the RSA key and its chain.
pub const KEYSTORE_ALIAS_RSA: &str = "broker-rsa";

/// Rounds for the PKCS#12. Its password is random, so that stretching it adds nothing but time to
/// each start of the engine.
const KEYSTORE_ROUNDS: u32 = 1_000;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The materials of one broker. They are stored, sealed, before they are used.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Materials {
    /// The certificate of the issuing authority, PEM, with those above it, if there are any.
    pub authority_pem: String,
    /// Those of all authorities that were trusted when this was issued; empty: of the issuing one alone.
    #[serde(default)]
    pub trusted_pem: String,
    /// The broker's certificate for its ECDSA key, PEM.
    pub certificate_pem: String,
    /// That key, PEM (PKCS#8).
    pub private_key_pem: String,
    /// The same for an RSA key; a broker of before there were any gets it with its next reboot.
    #[serde(default)]
    pub rsa: Option<Identity>,
    /// Certificates and keys as PKCS#12, base64; only ActiveMQ has one.
    #[serde(default)]
    pub keystore: Option<String>,
    /// The password of the PKCS#12. It is stored as an empty text where there is none, because a former brokerd that
    /// reads it expects a text.
    #[serde(default, deserialize_with = "unless_empty", serialize_with = "or_empty")]
    pub keystore_password: Option<String>,
    /// What RabbitMQ's nodes know each other by; only RabbitMQ has one.
    #[serde(default)]
    pub erlang_cookie: Option<String>,
    /// The password of each user as the engine's image expects it, by username.
    #[serde(default)]
    pub passwords: BTreeMap<String, PreparedPassword>,
    /// The user by which brokerd asks a RabbitMQ broker how it is; the service has one of the same name.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// What the broker began with ([`crate::engine::Engine::seed`]); only RabbitMQ has something.
    #[serde(default)]
    pub seed: Option<String>,
    /// What its configuration names by ARN.
    #[serde(default)]
    pub resolved: Resolved,
    /// Whether its data is on disks of its own of its tier's size, as it was decided when it was created.
    #[serde(default)]
    pub own_disk: bool,
    /// When the certificate ends, in seconds since 1970.
    pub certificate_expires_at: i64,
}

/// What a configuration names by ARN, as it was when it was fetched.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// For which reboot it was fetched.
    pub reboot: u32,
    /// By ARN.
    pub values: BTreeMap<String, String>,
    /// The values in force before that reboot, to which the broker goes back when the reboot fails.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub previous: BTreeMap<String, String>,
    /// What could not be had then: what was there before is used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unusable: Vec<Unusable>,
    /// What is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
}

impl Resolved {
    /// What is in force when so many reboots are done.
    pub const fn in_force(&self, reboots_done: u32) -> &BTreeMap<String, String> {
        if self.reboot > reboots_done { &self.previous } else { &self.values }
    }
}

/// The values that can't be fetched, and the required actions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unusable {
    /// The ARN that names it.
    pub arn: String,
    /// The required action.
    pub action: ActionRequired,
}

/// That something which is named by ARN can't be had yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// For which reboot.
    pub reboot: u32,
    /// Since when.
    pub since: Timestamp,
    /// When it was last asked for.
    pub asked: Timestamp,
    /// What, and why it can't be had.
    pub why: String,
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved").field("reboot", &self.reboot).finish_non_exhaustive()
    }
}

/// A key and the certificate for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The key, PEM (PKCS#8).
    pub private_key_pem: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

/// brokerd's own user of a RabbitMQ broker.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    /// The password.
    pub password: String,
    /// The same in the form that RabbitMQ keeps.
    pub stored: String,
}

/// A password in the form that an engine keeps. Salts make it another one each time it is prepared, so it is
/// stored, together with what tells whether it is still that of the same password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparedPassword {
    /// What the engine is given.
    pub stored: String,
    /// A digest of form, name and password, keyed by the broker's private key.
    pub of: String,
}

impl fmt::Debug for PreparedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreparedPassword")
    }
}

fn unless_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Some(String::deserialize(from)?).filter(|text| !text.is_empty()))
}

fn or_empty<S: Serializer>(text: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(text.as_deref().unwrap_or_default())
}

impl fmt::Debug for Materials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Materials")
            .field("certificate_expires_at", &self.certificate_expires_at)
            .finish_non_exhaustive()
    }
}

impl Materials {
    /// Whether every one of these users has a password that was prepared for this image.
    pub fn cover(&self, users: &[BrokerUser], image: &Image) -> bool {
        users.iter().all(|user| {
            let prepared = self.passwords.get(user.username.as_str());
            prepared.is_some_and(|p| p.of == self.digest(user, image))
        })
    }

    /// The same with the passwords of these users and no others. Passwords that were prepared before stay.
    #[must_use]
    pub fn with_passwords(
        mut self,
        users: &[BrokerUser],
        image: &Image,
        entropy: &dyn Entropy,
    ) -> Self {
        let mut passwords = BTreeMap::new();
        for user in users {
            let name = user.username.as_str();
            let of = self.digest(user, image);
            let prepared = match self.passwords.remove(name) {
                Some(prepared) if prepared.of == of => prepared,
                _ => {
                    PreparedPassword { stored: stored_password(image, &user.password, entropy), of }
                }
            };
            passwords.insert(name.to_owned(), prepared);
        }
        self.passwords = passwords;
        self
    }

    /// The certificates of the authorities whose brokers and probes this broker trusts, PEM.
    pub fn trusted(&self) -> &str {
        if self.trusted_pem.is_empty() { &self.authority_pem } else { &self.trusted_pem }
    }

    /// Whether certificates should be issued anew when the broker is rebooted anyway.
    pub fn is_outdated(&self, authorities: &AuthorityStatus, now: Timestamp) -> bool {
        self.rsa.is_none()
            || self.trusted() != authorities.trusted_pem()
            || self.need_renewal(authorities, now)
    }

    /// Whether the next maintenance window should have certificates issued anew: they end soon, are not of the
    /// authority that issues now, or there is an authority that the broker does not trust yet.
    pub fn need_renewal(&self, authorities: &AuthorityStatus, now: Timestamp) -> bool {
        self.renewal_due(authorities).is_some_and(|from| from <= now)
    }

    /// From when on that is so, as far as it can be told now.
    pub(crate) fn renewal_due(&self, authorities: &AuthorityStatus) -> Option<Timestamp> {
        let is_strange = |pem: &String| !self.trusted().contains(pem.as_str());
        if self.authority_pem != authorities.issuing.certificate_pem
            || authorities.trusted.iter().any(is_strange)
        {
            return Some(Timestamp::from_micros(0));
        }
        self.renewal(authorities.end).into_iter().chain(authorities.until).min()
    }

    /// From when on the certificate should be replaced at the next opportunity, by an authority that ends at
    /// `authority_end`; none: that would be of no use.
    pub fn renewal(&self, authority_end: Timestamp) -> Option<Timestamp> {
        let expires_at = self.certificate_expires_at.saturating_mul(1_000_000);
        tls::renewal(Timestamp::from_micros(expires_at), authority_end)
    }

    fn digest(&self, user: &BrokerUser, image: &Image) -> String {
        let hash = Sha256::new()
            .chain_update(&self.private_key_pem)
            .chain_update(format!("{:?} {:?}\0", image.engine, image.login_module))
            .chain_update(user.username.as_str())
            .chain_update("\0")
            .chain_update(user.password.expose_secret());
        hex::encode(hash.finalize())
    }
}

/// Materials can't be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The certificate could not be issued.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The PKCS#12 could not be written.
    #[error("can't write the PKCS#12: {0}")]
    Keystore(String),
}

/// What materials are made of.
#[derive(Clone, Copy)]
pub struct IssueInputs<'a> {
    /// The issuers of certificates, and the trusted authorities.
    pub authorities: &'a AuthorityStatus,
    /// An RSA key for this broker alone, PEM (PKCS#8).
    pub rsa_key: &'a SecretString,
    /// The present moment.
    pub now: Timestamp,
    /// Randomness.
    pub entropy: &'a dyn Entropy,
}

impl fmt::Debug for IssueInputs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssueInputs")
    }
}

/// Makes the materials of a broker. Its addresses must be allocated before, because the certificates
/// name them.
///
/// # Errors
/// [`IssueError`] when the authority or the RSA key is unusable.
pub fn issue(
    inputs: IssueInputs<'_>,
    broker: &Broker,
    users: &[BrokerUser],
    image: &Image,
) -> Result<Materials, IssueError> {
    let IssueInputs { authorities, rsa_key, now, entropy } = inputs;
    let authority = &authorities.issuing;
    let (name, names) = (common_name(broker), subject_names(broker));
    let issued = tls::issue(authority, &name, &names, now, entropy)?;
    let rsa = tls::issue_rsa(authority, &name, rsa_key, &names, now, entropy)?;
    let mut materials = Materials {
        authority_pem: authority.certificate_pem.clone(),
        trusted_pem: authorities.trusted_pem(),
        certificate_pem: issued.certificate_pem,
        private_key_pem: issued.private_key_pem.expose_secret().to_owned(),
        rsa: Some(Identity {
            certificate_pem: rsa.certificate_pem,
            private_key_pem: rsa_key.expose_secret().to_owned(),
        }),
        keystore: None,
        keystore_password: None,
        erlang_cookie: None,
        passwords: BTreeMap::new(),
        monitoring: None,
        seed: None,
        resolved: Resolved::default(),
        own_disk: false,
        certificate_expires_at: issued.expires_at.as_seconds(),
    };
    match broker.spec.engine_type {
        EngineType::ActiveMq => {
            let password = random_text(entropy, ALPHANUMERIC, 32);
            materials.keystore = Some(BASE64.encode(pkcs12(&materials, &password)?));
            materials.keystore_password = Some(password);
        }
        EngineType::RabbitMq => {
            materials.erlang_cookie = Some(random_text(entropy, &ALPHANUMERIC[..26], 32));
            let password = random_text(entropy, ALPHANUMERIC, 32);
            let stored = stored_password(image, &SecretString::from(password.clone()), entropy);
            materials.monitoring = Some(Monitoring { password, stored });
        }
    }
    Ok(materials.with_passwords(users, image, entropy))
}

/// Makes the materials of a broker anew, because a certificate ends or is missing. Its nodes go on knowing
/// each other.
///
/// # Errors
/// As [`issue`].
pub fn renew(
    former: Materials,
    inputs: IssueInputs<'_>,
    broker: &Broker,
    users: &[BrokerUser],
    image: &Image,
) -> Result<Materials, IssueError> {
    let issued = issue(inputs, broker, users, image)?;
    Ok(Materials {
        erlang_cookie: former.erlang_cookie.or(issued.erlang_cookie.clone()),
        monitoring: former.monitoring,
        seed: former.seed,
        resolved: former.resolved,
        own_disk: former.own_disk,
        ..issued
    })
}

/// Every name by which somebody may call the broker: clients by its endpoints, its own instances by
/// their host names, containers on this host by the usual one for it. `brokerd.internal` is what containers
/// beside a gateway that runs in one call it. Loopback is named only where clients are told it: whoever trusts
/// the authority takes the engine for whatever its certificate names.
pub(crate) fn subject_names(broker: &Broker) -> Vec<SubjectName> {
    let mut names: BTreeSet<SubjectName> =
        broker.instances.iter().map(|instance| SubjectName::of(&instance.host)).collect();
    names.extend(
        broker.instances.iter().filter_map(|i| i.ip_address.as_deref()).map(SubjectName::of),
    );
    names.extend(
        (1..=broker.spec.deployment_mode.instances())
            .map(|ordinal| SubjectName::Dns(host_name(broker.id, ordinal))),
    );
    names.insert(SubjectName::Dns(broker.id.to_string()));
    for usual in ["host.docker.internal", "brokerd.internal"] {
        names.insert(SubjectName::of(usual));
    }
    let loopback = ["localhost", "127.0.0.1"].map(SubjectName::of);
    if loopback.iter().any(|name| names.contains(name)) {
        names.extend(loopback);
    }
    names.into_iter().collect()
}

/// The broker's own name; where clients are told an address, that: some (those of Qpid Proton) compare it with this
/// and with host names only.
fn common_name(broker: &Broker) -> String {
    let host = broker.instances.first().map(|instance| instance.host.as_str());
    let address = host.filter(|host| matches!(SubjectName::of(host), SubjectName::Ip(_)));
    address.map_or_else(|| broker.id.to_string(), str::to_owned)
}

/// Keys and chains as Java's keystores expect them. Java takes the one that fits the suite, and if both do, the
/// first by its alias.
fn pkcs12(materials: &Materials, password: &str) -> Result<Vec<u8>, IssueError> {
    let failed = |e: &dyn fmt::Display| IssueError::Keystore(e.to_string());
    let ecdsa = (KEYSTORE_ALIAS, &materials.certificate_pem, &materials.private_key_pem);
    let rsa = materials
        .rsa
        .as_ref()
        .map(|rsa| (KEYSTORE_ALIAS_RSA, &rsa.certificate_pem, &rsa.private_key_pem));
    let mut store = KeyStore::new();
    for (alias, certificate_pem, key_pem) in [ecdsa].into_iter().chain(rsa) {
        let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|e| failed(&e))?;
        let key = PrivateKey::from_der(key.secret_pkcs8_der()).map_err(|e| failed(&e))?;
        let mut chain = Vec::new();
        let authorities = tls::certificates(&materials.authority_pem)?;
        for der in std::iter::once(tls::certificate(certificate_pem)?).chain(authorities) {
            chain.push(Certificate::from_der(&der).map_err(|e| failed(&e))?);
        }
        let entry = PrivateKeyChain::new(alias, key, chain);
        store.add_entry(alias, KeyStoreEntry::PrivateKeyChain(entry));
    }
    store
        .writer(password)
        .encryption_iterations(KEYSTORE_ROUNDS)
        .mac_iterations(KEYSTORE_ROUNDS)
        .write()
        .map_err(|e| failed(&e))
}

fn random_text(entropy: &dyn Entropy, alphabet: &[u8], length: usize) -> String {
    (0..length)
        .map(|_| {
            let index = entropy.below(alphabet.len() as u64);
            char::from(alphabet[usize::try_from(index).unwrap_or_default()])
        })
        .collect()
}

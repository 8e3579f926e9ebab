//! Certificates, keystores and password hashes, checked by somebody else's means where possible.

use std::{io::Write as _, net::IpAddr, process::Command, time::Duration};

use crate::example::{NOW, Scripted, broker, user};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{EngineType, EngineVersion, Timestamp};
use brokerd_provisioner::{
    catalogue::{Catalogue, Image, LoginModule},
    pki::{
        authorities::{Authorities, AuthorityStatus},
        materials::{self, IssueInputs, KEYSTORE_ALIAS, KEYSTORE_ALIAS_RSA, Materials},
        password_hash,
        tls::{self, SubjectName},
    },
};
use brokerd_store::{CertificateAuthority, StoredAuthority};
use p12_keystore::{KeyStore, KeyStoreEntry, Pkcs12ImportPolicy};
use proptest::{prop_assert, proptest};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use secrecy::{ExposeSecret, SecretString};

fn image(kind: EngineType, version: EngineVersion) -> Image {
    let catalogue = Catalogue::built_in().expect("well-formed");
    catalogue.image(kind, version).expect("offered").clone()
}

fn inputs<'a>(
    authorities: &'a AuthorityStatus,
    now: Timestamp,
    entropy: &'a Scripted,
) -> IssueInputs<'a> {
    IssueInputs { authorities, rsa_key: crate::example::rsa_key(), now, entropy }
}

/// How it stands where these are of the only authority.
fn only(materials: &Materials) -> AuthorityStatus {
    AuthorityStatus::of(CertificateAuthority {
        certificate_pem: materials.authority_pem.clone(),
        private_key_pem: SecretString::from("not asked for"),
    })
}

fn issued(kind: EngineType) -> Materials {
    let (version, host) = match kind {
        EngineType::ActiveMq => (EngineVersion::new(5, 19), "mq.t3.micro"),
        EngineType::RabbitMq => (EngineVersion::new(4, 3), "mq.m7g.medium"),
    };
    let entropy = Scripted::new(&[]);
    let authority = tls::new_authority(NOW, &entropy).expect("made");
    let users = [user(kind, "alice", "correct-horse-battery", &[])];
    let broker = broker(kind, version, host);
    let authorities = AuthorityStatus::of(authority);
    materials::issue(inputs(&authorities, NOW, &entropy), &broker, &users, &image(kind, version))
        .expect("issued")
}

#[test]
fn clients_that_trust_the_authority_accept_every_name_of_the_broker() {
    let issued = issued(EngineType::RabbitMq);
    let rsa = &issued.rsa.as_ref().expect("a certificate for RSA").certificate_pem;
    let verify = |host: &str, at| {
        tls::verify(&issued.authority_pem, rsa, host, at)?;
        tls::verify(&issued.authority_pem, &issued.certificate_pem, host, at)
    };
    for host in [
        "mq.example.test",
        "192.0.2.7",
        "host.docker.internal",
        "b-1234a5b6-78cd-401e-af00-314506001789",
        "b-1234a5b6-78cd-401e-af00-314506001789-1",
    ] {
        verify(host, NOW).unwrap_or_else(|e| panic!("{host}: {e}"));
    }
    for host in ["other.example.test", "localhost", "127.0.0.1"] {
        assert!(verify(host, NOW).is_err(), "{host}");
    }
    assert!(verify("192.0.2.8", NOW).is_err());

    let day = Duration::from_hours(24);
    assert!(verify("192.0.2.7", NOW.plus(397 * day)).is_ok());
    assert!(verify("192.0.2.7", NOW.plus(398 * day)).is_err());
    assert_eq!(issued.certificate_expires_at, NOW.plus(397 * day).as_seconds());
    let behind = Timestamp::from_micros(NOW.as_micros() - 3_500_000_000);
    assert!(verify("192.0.2.7", behind).is_ok(), "a clock that is behind");

    let stranger = tls::new_authority(NOW, &Scripted::new(b"another")).expect("made");
    assert!(
        tls::verify(&stranger.certificate_pem, &issued.certificate_pem, "192.0.2.7", NOW).is_err()
    );
}

#[test]
fn names_are_addresses_when_they_look_like_one() {
    let ip = |text: &str| SubjectName::Ip(text.parse::<IpAddr>().expect("an address"));
    assert_eq!(SubjectName::of("127.0.0.1"), ip("127.0.0.1"));
    assert_eq!(SubjectName::of("::1"), ip("::1"));
    assert_eq!(SubjectName::of("[::1]"), ip("::1"));
    assert_eq!(SubjectName::of("a.b"), SubjectName::Dns("a.b".to_owned()));
}

#[test]
fn an_operators_authority_is_tried_out() {
    let entropy = Scripted::new(&[]);
    let good = tls::new_authority(NOW, &entropy).expect("made");
    let other = tls::new_authority(NOW, &entropy).expect("made");
    let use_it = |certificate: &str, key: &SecretString| {
        tls::operator_authority(certificate, key, NOW, &entropy)
    };
    assert!(use_it(&good.certificate_pem, &good.private_key_pem).is_ok());
    assert!(use_it(&good.certificate_pem, &other.private_key_pem).is_err(), "another key");
    assert!(use_it("not PEM", &good.private_key_pem).is_err());
    let leaf = tls::issue(&good, "x", &[SubjectName::of("localhost")], NOW, &entropy);
    let leaf = leaf.expect("issued");
    assert!(use_it(&leaf.certificate_pem, &leaf.private_key_pem).is_err(), "no authority");
    let later = NOW.plus(Duration::from_hours(24 * 3651));
    assert!(
        tls::operator_authority(&good.certificate_pem, &good.private_key_pem, later, &entropy)
            .is_err(),
        "expired"
    );

    let near_its_end = NOW.plus(Duration::from_hours(24 * 3649));
    let short = tls::issue(&good, "x", &[SubjectName::of("localhost")], near_its_end, &entropy);
    let ends = NOW.plus(Duration::from_hours(24 * 3650));
    assert_eq!(short.expect("issued").expires_at, ends, "no longer than the authority");
}

#[test]
fn renewal_is_due_before_the_end_and_ends_with_the_authority() {
    let day = Duration::from_hours(24);
    let end = NOW.plus(397 * day);
    let of = |days: u32| NOW.plus(days * day);
    assert_eq!(tls::renewal(end, of(3650)), Some(of(397 - 45)));
    assert_eq!(tls::renewal(end, of(398)), Some(of(397 - 45)));
    for days in [1, 396, 397] {
        assert_eq!(tls::renewal(end, of(days)), None, "an authority of {days} days");
    }
}

proptest! {
    /// However much longer than its certificates an authority lasts.
    #[test]
    fn near_its_authority_s_end_a_certificate_is_not_renewed_again_and_again(
        days in 1u32..2000, look in 1u32..60,
    ) {
        let day = Duration::from_hours(24);
        let authority_end = NOW.plus(days * day);
        let (mut now, mut renewals) = (NOW, 0);
        let issue = |now: Timestamp| now.plus(397 * day).min(authority_end);
        let mut ends = issue(now);
        while now < authority_end {
            if tls::renewal(ends, authority_end).is_some_and(|from| from <= now) {
                let next = issue(now);
                prop_assert!(next >= ends.plus(day), "in vain");
                (ends, renewals) = (next, renewals + 1);
            }
            let is_last = authority_end < ends.plus(day);
            prop_assert!(ends > now || is_last || look > 45, "it ended");
            now = now.plus(look * day);
        }
        prop_assert!(renewals <= days / (397 - 45 - 60) + 1, "{renewals} in {days} days");
    }
}

/// The vectors are those of the images' own examples, which were computed by Python.
#[test]
fn passwords_are_stored_as_the_engines_expect() {
    let password = SecretString::from("example-password".to_owned());
    let rabbit = image(EngineType::RabbitMq, EngineVersion::new(4, 3));
    assert_eq!(
        password_hash::stored_password(&rabbit, &password, &Scripted::new(b"salt")),
        "c2FsdMMfU9udwvPc2rCs2Z5FLl8/AeMJc/yMUV4uIkQIK8Gn"
    );
    let mut active = image(EngineType::ActiveMq, EngineVersion::new(5, 19));
    assert_eq!(
        password_hash::stored_password(&active, &password, &Scripted::new(b"example-salt-16b")),
        "pbkdf2-sha256$10000$ZXhhbXBsZS1zYWx0LTE2Yg==$2yjWSecDxbd3hPO7Ox7voMy1+3e/x4Lc9qqe8xHX4Qc="
    );
    active.login_module = Some(LoginModule::Properties);
    let plain = password_hash::stored_password(&active, &password, &Scripted::new(b""));
    assert_eq!(plain, password.expose_secret());
}

#[test]
fn each_engine_gets_what_it_needs_and_secrets_stay_out_of_debug_output() {
    let rabbit = issued(EngineType::RabbitMq);
    let cookie = rabbit.erlang_cookie.as_deref().expect("a cookie");
    assert!(cookie.len() >= 20 && cookie.chars().all(|c| c.is_ascii_uppercase()));
    assert!(rabbit.keystore.is_none());
    assert!(!format!("{rabbit:?}").contains(cookie));

    let active = issued(EngineType::ActiveMq);
    assert!(active.erlang_cookie.is_none());
    let password = active.keystore_password.as_deref().expect("a password");
    assert!(password.len() == 32 && password.chars().all(|c| c.is_ascii_alphanumeric()));
    assert!(active.passwords.contains_key("alice"));
}

#[test]
fn where_there_is_no_keystore_its_password_is_stored_as_a_former_brokerd_reads_it() {
    let issued = issued(EngineType::RabbitMq);
    assert_eq!(issued.keystore_password, None);
    let stored = serde_json::to_value(&issued).expect("stored");
    assert_eq!(stored["keystore_password"], "");
    let read: Materials = serde_json::from_value(stored).expect("read");
    assert_eq!(read, issued);
}

#[test]
fn what_entropy_decides_is_the_same_for_the_same_entropy() {
    for kind in [EngineType::ActiveMq, EngineType::RabbitMq] {
        let (one, two) = (issued(kind), issued(kind));
        assert_eq!(one.keystore_password, two.keystore_password);
        assert_eq!(one.erlang_cookie, two.erlang_cookie);
        assert_eq!(one.passwords["alice"].stored, two.passwords["alice"].stored);
        assert_ne!(one.private_key_pem, two.private_key_pem, "keys come from the system");
    }
}

#[test]
fn a_password_is_prepared_again_only_when_it_changes() {
    let image = image(EngineType::ActiveMq, EngineVersion::new(5, 19));
    let user = |name: &str, password: &str| user(EngineType::ActiveMq, name, password, &[]);
    let [old, other] = ["correct-horse-battery", "another-password-2"];
    let entropy = Scripted::new(b"salt");
    let materials = issued(EngineType::ActiveMq).with_passwords(&[], &image, &entropy);
    let before = [user("alice", old), user("bob", old)];
    assert!(!materials.cover(&before, &image));
    let materials = materials.with_passwords(&before, &image, &entropy);
    assert!(materials.cover(&before, &image));
    let after = [user("alice", old), user("bob", other), user("carol", old)];
    assert!(!materials.cover(&after, &image));
    let renewed = materials.clone().with_passwords(&after, &image, &entropy);
    assert!(renewed.cover(&after, &image) && !renewed.cover(&before, &image));
    assert_eq!(renewed.passwords["alice"], materials.passwords["alice"], "as it was");
    assert_ne!(renewed.passwords["bob"].of, materials.passwords["bob"].of);
    let mut stock = image.clone();
    stock.login_module = Some(LoginModule::Properties);
    assert!(!renewed.cover(&after, &stock), "another image keeps passwords in another form");
    let fewer = renewed.with_passwords(&after[..1], &image, &entropy);
    assert_eq!(fewer.passwords.len(), 1);
}

#[test]
fn a_certificate_is_renewed_in_time_and_nodes_go_on_knowing_each_other() {
    let mut former = issued(EngineType::RabbitMq);
    former.own_disk = true;
    let day = Duration::from_hours(24);
    let authority_end = NOW.plus(3650 * day);
    let from = former.renewal(authority_end).expect("some day");
    assert!(from > NOW.plus(350 * day) && from < NOW.plus(355 * day));
    assert!(former.is_outdated(&only(&former), NOW.plus(500 * day)));
    let (kind, version) = (EngineType::RabbitMq, EngineVersion::new(4, 3));
    let (entropy, later) = (Scripted::new(&[]), NOW.plus(360 * day));
    let authority = tls::new_authority(later, &entropy).expect("made");
    let users = [user(kind, "alice", "correct-horse-battery", &[])];
    let (broker, image) = (broker(kind, version, "mq.m7g.medium"), image(kind, version));
    let renewed = materials::renew(
        former.clone(),
        inputs(&AuthorityStatus::of(authority.clone()), later, &entropy),
        &broker,
        &users,
        &image,
    )
    .expect("renewed");
    assert!(!renewed.is_outdated(&only(&renewed), later));
    assert_eq!(renewed.erlang_cookie, former.erlang_cookie);
    assert_eq!(renewed.own_disk, former.own_disk, "its data is where it is");
    assert_ne!(renewed.certificate_pem, former.certificate_pem);
    assert!(renewed.cover(&users, &image));
}

#[test]
fn when_authorities_change_brokers_first_trust_the_next_one_then_have_its_certificates() {
    let (kind, version) = (EngineType::RabbitMq, EngineVersion::new(4, 3));
    let entropy = Scripted::new(&[]);
    let authority = || tls::new_authority(NOW, &entropy).expect("made");
    let (old, new) = (authority(), authority());
    let stored = |id: i64, issues_from: Timestamp, authority: &CertificateAuthority| {
        StoredAuthority { id, issues_from, authority: authority.clone() }
    };
    let day = Duration::from_hours(24);
    let (begin, switch) = (Timestamp::from_micros(0), NOW.plus(14 * day));
    let authorities = Authorities::from(old.clone());
    let (broker, image) = (broker(kind, version, "mq.m7g.medium"), image(kind, version));
    let made = |former: Option<Materials>, now: Timestamp| {
        let status = authorities.status(now);
        let inputs = inputs(&status, now, &entropy);
        match former {
            None => materials::issue(inputs, &broker, &[], &image),
            Some(former) => materials::renew(former, inputs, &broker, &[], &image),
        }
        .expect("issued")
    };
    let is = |materials: &Materials, now: Timestamp| {
        let status = authorities.status(now);
        assert!(materials.is_outdated(&status, now) || !materials.need_renewal(&status, now));
        (materials.is_outdated(&status, now), materials.need_renewal(&status, now))
    };
    let first = made(None, NOW);
    assert_eq!(is(&first, NOW), (false, false));

    authorities.replace(vec![stored(1, begin, &old), stored(2, switch, &new)]);
    assert_eq!(is(&first, NOW), (true, true), "it does not trust the next one");
    let second = made(Some(first.clone()), NOW);
    assert_eq!(second.authority_pem, old.certificate_pem);
    assert_eq!(second.trusted(), format!("{}{}", old.certificate_pem, new.certificate_pem));
    assert_eq!(is(&second, NOW), (false, false));

    let just_before = Timestamp::from_micros(switch.as_micros() - 1);
    assert_eq!(is(&second, just_before), (false, false));
    assert_eq!(is(&second, switch), (true, true), "another one issues");
    let third = made(Some(second), switch);
    assert_eq!(third.authority_pem, new.certificate_pem);
    tls::verify(&new.certificate_pem, &third.certificate_pem, "192.0.2.7", switch).expect("its");
    assert_eq!(is(&third, switch), (false, false));

    // Every instance trusts who has been trusted for longest, whichever it was made anew with.
    for (materials, longest) in [(&first, &old), (&third, &old)] {
        let found = authorities.longest_trusted(materials.trusted(), switch).expect("known");
        assert_eq!(found.certificate_pem, longest.certificate_pem);
    }
    authorities.replace(vec![stored(2, switch, &new)]);
    let found = authorities.longest_trusted(third.trusted(), switch).expect("known");
    assert_eq!(found.certificate_pem, new.certificate_pem);
    assert!(authorities.longest_trusted(first.trusted(), switch).is_none());
    assert_eq!(is(&third, switch), (true, false), "trust ends with any reboot and needs none");
    let fourth = made(Some(third), switch);
    assert_eq!((fourth.trusted(), is(&fourth, switch)), (&*new.certificate_pem, (false, false)));

    authorities.replace(Vec::new());
    assert_eq!(authorities.status(switch).issuing.certificate_pem, new.certificate_pem);
    // Near its end, and behind it.
    for days in [3649, 3650, 3660] {
        let now = NOW.plus(days * day);
        let last = Materials {
            certificate_expires_at: NOW.plus(3650 * day).as_seconds(),
            ..fourth.clone()
        };
        assert_eq!(is(&last, now), (false, false), "{days} days: another one would be in vain");
    }
    let behind = NOW.plus(3650 * day);
    let refused = tls::issue(&new, "x", &[], behind, &entropy).expect_err("it has ended");
    assert!(refused.to_string().contains("it has ended"), "{refused}");
}

/// A certificate that `above` has issued, or nobody else.
fn authority_below(
    above: Option<&CertificateAuthority>,
    name: &str,
    path: BasicConstraints,
) -> CertificateAuthority {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(path);
    params.use_authority_key_identifier_extension = true;
    let certificate = match above {
        None => params.self_signed(&key),
        Some(above) => {
            let signing = KeyPair::from_pem(above.private_key_pem.expose_secret()).expect("a key");
            let issuer = Issuer::from_ca_cert_pem(&above.certificate_pem, signing).expect("one");
            params.signed_by(&key, &issuer)
        }
    };
    CertificateAuthority {
        certificate_pem: certificate.expect("signed").pem(),
        private_key_pem: SecretString::from(key.serialize_pem()),
    }
}

#[test]
fn an_operators_authority_may_be_below_others_as_far_as_they_permit() {
    let entropy = Scripted::new(&[]);
    let free = BasicConstraints::Unconstrained;
    let top = authority_below(None, "top", BasicConstraints::Constrained(1));
    let middle = authority_below(Some(&top), "middle", free);
    let low = authority_below(Some(&middle), "low", free);
    let use_it = |chain: &[&CertificateAuthority]| {
        let pem: String = chain.iter().map(|one| format!("# {}", one.certificate_pem)).collect();
        let pem = pem.replace("# ", "a remark\n");
        tls::operator_authority(&pem, &chain[0].private_key_pem, NOW, &entropy)
            .map_err(|error| error.to_string())
    };
    let good = use_it(&[&middle, &top]).expect("good");
    assert_eq!(good.certificate_pem, format!("{}{}", middle.certificate_pem, top.certificate_pem));
    use_it(&[&middle]).expect("clients may know it without those above it");
    let refused = use_it(&[&low, &middle, &top]).expect_err("too long a path");
    assert!(refused.contains("CN=top permits no path of 2 authorities below it"), "{refused}");
    let stranger = authority_below(None, "stranger", free);
    let refused = use_it(&[&middle, &stranger]).expect_err("of another");
    assert!(refused.contains("what it issues is not accepted"), "{refused}");
    let other = CertificateAuthority { private_key_pem: low.private_key_pem, ..middle.clone() };
    let refused = use_it(&[&other, &top]).expect_err("another key");
    assert!(refused.contains("the key is not the certificate's"), "{refused}");
    let no_key = CertificateAuthority { private_key_pem: "no key".into(), ..middle };
    let refused = use_it(&[&no_key, &top]).expect_err("no key");
    assert!(refused.contains("PKCS#8"), "{refused}");
}

#[test]
fn who_has_no_certificate_for_rsa_gets_one_with_the_next_reboot() {
    let mut former = issued(EngineType::ActiveMq);
    let authority_end = NOW.plus(Duration::from_hours(24 * 3650));
    assert!(!former.is_outdated(&only(&former), NOW));
    former.rsa = None;
    assert!(former.is_outdated(&only(&former), NOW));
    assert!(former.renewal(authority_end).is_some_and(|from| from > NOW), "it needs no window");
}

#[test]
fn the_keystore_holds_key_and_chain() {
    let issued = issued(EngineType::ActiveMq);
    let bytes = BASE64.decode(issued.keystore.expect("a keystore")).expect("base64");
    let open = |password: &str| KeyStore::from_pkcs12(&bytes, password, Pkcs12ImportPolicy::Strict);
    assert!(open("wrong").is_err());
    let store = open(issued.keystore_password.as_deref().expect("a password")).expect("opens");
    let rsa = issued.rsa.expect("a certificate for RSA");
    for (alias, pem) in
        [(KEYSTORE_ALIAS, issued.certificate_pem), (KEYSTORE_ALIAS_RSA, rsa.certificate_pem)]
    {
        let entry = store.entry(alias).expect("an entry");
        let KeyStoreEntry::PrivateKeyChain(chain) = entry else { panic!("{alias}: {entry:?}") };
        assert_eq!(chain.certs().len(), 2, "{alias}");
        let leaf = tls::certificate(&pem).expect("PEM");
        assert_eq!(chain.certs()[0].as_der(), &leaf[..], "{alias}");
    }
}

#[test]
fn java_reads_the_keystore() {
    let issued = issued(EngineType::ActiveMq);
    let bytes = BASE64.decode(issued.keystore.expect("a keystore")).expect("base64");
    let path = std::env::temp_dir().join(format!("brokerd-test-{}.p12", std::process::id()));
    std::fs::write(&path, bytes).expect("written");
    let password = issued.keystore_password.expect("a password");
    let listing = Command::new("keytool")
        .args(["-list", "-v", "-storetype", "PKCS12", "-storepass", &password])
        .arg("-keystore")
        .arg(&path)
        .output();
    std::fs::remove_file(&path).expect("removed");
    let Ok(listing) = listing else {
        assert!(std::env::var_os("CI").is_none(), "keytool is missing");
        // Past the capture: a check that is left out is told.
        let _ =
            std::io::stderr().write_all(b"SKIPPED: Java reads the keystore: keytool is missing\n");
        return;
    };
    let text = String::from_utf8_lossy(&listing.stdout);
    for needed in [
        "Alias name: broker",
        "Alias name: broker-rsa",
        "256-bit EC",
        "2048-bit RSA",
        "PrivateKeyEntry",
        "Certificate chain length: 2",
        "AuthorityKeyIdentifier",
        "SubjectKeyIdentifier",
        "serverAuth",
        "DNSName: mq.example.test",
        "IPAddress: 192.0.2.7",
    ] {
        assert!(text.contains(needed), "{needed} is missing in\n{text}");
    }
}

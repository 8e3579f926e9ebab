//! What the authentication keys must be together.
//!
//! Source: the pages on OAuth 2.0, LDAP, HTTP and client certificates of the developer guide; the
//! schema files of RabbitMQ, where a contradiction keeps a broker from booting.

use std::collections::BTreeMap;

use super::{permitted::ARNS, syntax::Setting};

/// An error is a line and what is wrong there.
pub(super) fn check(settings: &[Setting]) -> Result<(), (usize, String)> {
    // The last one counts.
    let values: BTreeMap<&str, &Setting> = settings.iter().map(|s| (s.key.as_str(), s)).collect();
    contradictions(&values)?;
    client_certificates(&values)?;
    arn_references(&values)?;
    bind_users(&values)?;
    ldap(&values)
}

/// A backend for everything is one for logins and one for permissions too.
fn contradictions(values: &BTreeMap<&str, &Setting>) -> Result<(), (usize, String)> {
    for (key, setting) in values {
        let Some((whole, "authn" | "authz")) = key.rsplit_once('.') else { continue };
        if values.contains_key(whole) {
            return Err((
                setting.line,
                format!(
                    "[{key}] can't be set together with [{whole}]; set [{whole}], or both of \
                         [{whole}.authn] and [{whole}.authz]"
                ),
            ));
        }
    }
    Ok(())
}

/// A listener that insists on certificates and does not verify them does not open.
fn client_certificates(values: &BTreeMap<&str, &Setting>) -> Result<(), (usize, String)> {
    let key = "ssl_options.fail_if_no_peer_cert";
    let verifies = values.get("ssl_options.verify").is_some_and(|s| s.value == "verify_peer");
    match values.get(key) {
        Some(setting) if setting.value == "true" && !verifies => Err((
            setting.line,
            format!("[{key}] can only be true where [ssl_options.verify] is [verify_peer]"),
        )),
        _ => Ok(()),
    }
}

/// Values of other services are fetched as a role. A certificate and its key need each other.
fn arn_references(values: &BTreeMap<&str, &Setting>) -> Result<(), (usize, String)> {
    let role = format!("{ARNS}assume_role_arn");
    let needs = |setting: &Setting, needed: &str| {
        Err((setting.line, format!("[{}] needs [{needed}]", setting.key)))
    };
    for (key, setting) in values.iter().filter(|(key, _)| key.starts_with(ARNS)) {
        if !values.contains_key(role.as_str()) {
            return needs(setting, &role);
        }
        let other = match key.rsplit_once('.') {
            Some((prefix, "certfile")) => format!("{prefix}.keyfile"),
            Some((prefix, "keyfile")) => format!("{prefix}.certfile"),
            Some((prefix, "password")) => {
                format!("{}.user_dn", prefix.trim_start_matches(ARNS))
            }
            _ => continue,
        };
        if !values.contains_key(other.as_str()) {
            return needs(setting, &other);
        }
    }
    Ok(())
}

/// A user to bind as needs a password, which a configuration can't hold.
fn bind_users(values: &BTreeMap<&str, &Setting>) -> Result<(), (usize, String)> {
    for bind in ["auth_ldap.dn_lookup_bind", "auth_ldap.other_bind"] {
        let key = format!("{bind}.user_dn");
        let password = format!("{ARNS}{bind}.password");
        if let Some(setting) = values.get(key.as_str())
            && !values.contains_key(password.as_str())
        {
            return Err((setting.line, format!("[{key}] needs [{password}]")));
        }
    }
    Ok(())
}

/// Passwords go to a directory, so the way there must be encrypted.
fn ldap(values: &BTreeMap<&str, &Setting>) -> Result<(), (usize, String)> {
    let uses = |s: &&&Setting| {
        s.key.starts_with("auth_ldap.")
            || ((s.key.starts_with("auth_backends.") || s.key.starts_with("auth_cache."))
                && s.value == "ldap")
    };
    let Some(first) = values.values().filter(uses).min_by_key(|s| s.line) else { return Ok(()) };
    let on = |key: &str| values.get(key).is_some_and(|s| s.value == "true");
    if on("auth_ldap.use_ssl") || on("auth_ldap.use_starttls") {
        return Ok(());
    }
    Err((
        first.line,
        "LDAP is only possible over TLS: [auth_ldap.use_ssl] or [auth_ldap.use_starttls] must be \
         [true]"
            .to_owned(),
    ))
}

//! Credentials and callers as answers show them.

use brokerd_domain::{identity::TemporaryCredentials, policy::Principal};
use secrecy::ExposeSecret as _;

use crate::{iam::moment, query::Xml};

/// The only answer that has the secret and the token of a session.
pub(super) fn credentials(xml: &mut Xml, credentials: &TemporaryCredentials) {
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", &credentials.key);
        xml.text("SecretAccessKey", credentials.secret.expose_secret());
        xml.text("SessionToken", credentials.token.expose_secret());
        xml.text("Expiration", moment(credentials.expires));
    });
}

/// Who somebody is.
pub(super) fn caller(xml: &mut Xml, principal: &Principal) {
    xml.text("Arn", principal.arn());
    xml.text("UserId", principal.user_id());
    xml.text("Account", &principal.account);
}

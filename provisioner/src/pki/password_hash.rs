//! What engines keep of the passwords of their users.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{EngineType, Entropy};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::catalogue::{Image, LoginModule};

/// Rounds of PBKDF2. As many as the images spend on an unknown user, so that time does not tell
/// known names from unknown ones; passwords have at least twelve characters.
const PBKDF2_ROUNDS: u32 = 10_000;

/// What the engine keeps of a password.
///
/// RabbitMQ: "Computing the password hash" of its access control guide, with SHA-256. ActiveMQ: the
/// format of the login module in the images built here, or the password itself for a stock image.
pub fn stored_password(image: &Image, password: &SecretString, entropy: &dyn Entropy) -> String {
    let password = password.expose_secret();
    match (image.engine, image.login_module) {
        (EngineType::RabbitMq, _) => {
            let mut salt = [0; 4];
            entropy.fill(&mut salt);
            let hash = Sha256::new().chain_update(salt).chain_update(password).finalize();
            let mut salted = salt.to_vec();
            salted.extend_from_slice(&hash);
            BASE64.encode(salted)
        }
        (EngineType::ActiveMq, Some(LoginModule::Properties)) => password.to_owned(),
        (EngineType::ActiveMq, Some(LoginModule::Hashed) | None) => {
            let mut salt = [0; 16];
            entropy.fill(&mut salt);
            let hash: [u8; 32] =
                pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), &salt, PBKDF2_ROUNDS);
            let (salt, hash) = (BASE64.encode(salt), BASE64.encode(hash));
            format!("pbkdf2-sha256${PBKDF2_ROUNDS}${salt}${hash}")
        }
    }
}

//! Authorities, keys, certificates, and what else is issued once for each broker.

pub mod authorities;
pub mod materials;
pub mod password_hash;
pub mod rsa_keys;
pub mod tls;

//! Whom a broker trusts when it connects to another, as a keystore of Java.

/// The file's name.
pub(super) const FILE: &str = "authorities.jks";

/// Java's name of the format. PKCS#12 would need a random salt, and the same inputs would no longer
/// give the same bytes.
pub(super) const TYPE: &str = "JKS";

/// A keystore that holds the certificate of one authority, given as DER. It is read without a password,
/// so that nothing follows the entries.
///
/// Source: `sun.security.provider.JavaKeyStore`.
pub(super) fn trusting(certificate: &[u8]) -> Vec<u8> {
    let length = u32::try_from(certificate.len()).expect("a certificate is smaller than 4 GiB");
    let mut bytes = Vec::with_capacity(certificate.len() + 64);
    bytes.extend(0xFEED_FEED_u32.to_be_bytes());
    // Version, number of entries, and that the first is a certificate.
    for number in [2_u32, 1, 2] {
        bytes.extend(number.to_be_bytes());
    }
    text(&mut bytes, b"brokerd");
    // When it was made.
    bytes.extend(0_u64.to_be_bytes());
    text(&mut bytes, b"X.509");
    bytes.extend(length.to_be_bytes());
    bytes.extend(certificate);
    bytes
}

fn text(bytes: &mut Vec<u8>, text: &'static [u8]) {
    bytes.extend([0, text.len() as u8]);
    bytes.extend(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keystore_is_the_one_that_keytool_lists() {
        let mut expected = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        expected.extend(b"\0\x07brokerd\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x04TEST");
        assert_eq!(trusting(b"TEST"), expected);
    }
}

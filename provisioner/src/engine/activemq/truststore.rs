//! The trust stores of a broker's outgoing connections, as Java keystores. Each kind of peer has its own,
//! because an authority that issues for directories is not trusted for brokers.

/// The file with the authority of brokers.
pub(super) const BROKERS: &str = "authorities.jks";

/// The file with the authorities of directories.
pub(super) const DIRECTORIES: &str = "directories.jks";

/// Java's name of the format. PKCS#12 would need a random salt, and the same inputs would no longer
/// give the same bytes.
pub(super) const TYPE: &str = "JKS";

/// A keystore that holds certificates of authorities, given as DER. It is read without a password, so
/// that nothing follows the entries.
///
/// Source: `sun.security.provider.JavaKeyStore`.
pub(super) fn trusting<'a>(
    certificates: impl ExactSizeIterator<Item = (String, &'a [u8])>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(0xFEED_FEED_u32.to_be_bytes());
    // The version, and the number of entries.
    for number in [2_u32, size(certificates.len())] {
        bytes.extend(number.to_be_bytes());
    }
    for (alias, certificate) in certificates {
        // That this is a certificate.
        bytes.extend(2_u32.to_be_bytes());
        text(&mut bytes, &alias);
        // When it was made.
        bytes.extend(0_u64.to_be_bytes());
        text(&mut bytes, "X.509");
        bytes.extend(size(certificate.len()).to_be_bytes());
        bytes.extend(certificate);
    }
    bytes
}

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("certificates are smaller than 4 GiB")
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names are short");
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keystore_is_the_one_that_keytool_lists() {
        let mut expected = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2];
        expected.extend(b"\0\x07brokerd\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x04TEST");
        expected.extend(b"\0\0\0\x02\0\x01b\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x05TEST2");
        let entries = [("brokerd".to_owned(), &b"TEST"[..]), ("b".to_owned(), b"TEST2")];
        assert_eq!(trusting(entries.into_iter()), expected);
    }
}

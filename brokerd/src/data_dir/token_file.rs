//! The file of the tokens with which Prometheus reads.

use std::{fs, path::Path};

use secrecy::SecretString;

use super::error::DataDirError;

/// How short a token may be: what is guessed in fewer tries than there are of it is none.
const MIN_LENGTH: usize = 16;

/// The tokens in a file, one per line. Lines that begin with `#` are remarks.
///
/// # Errors
/// When the file can't be read, or a token is too short or holds a blank.
pub(crate) fn tokens_in(path: &Path) -> Result<Vec<SecretString>, DataDirError> {
    let text =
        fs::read_to_string(path).map_err(|error| DataDirError::Read(path.to_path_buf(), error))?;
    parse(&text).ok_or_else(|| DataDirError::Token(path.to_path_buf()))
}

fn parse(text: &str) -> Option<Vec<SecretString>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tokens = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let is_one = line.len() >= MIN_LENGTH && line.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| SecretString::from(line))
    });
    tokens.collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_file_holds_a_token_per_line_and_remarks() {
        let read = |text: &str| {
            let tokens = parse(text)?;
            Some(tokens.iter().map(|t| t.expose_secret().to_owned()).collect::<Vec<_>>())
        };
        let both = "# since May\n0123456789abcdef\n\n  fedcba9876543210  \n";
        let expected = ["0123456789abcdef", "fedcba9876543210"].map(str::to_owned).to_vec();
        assert_eq!(read(both), Some(expected));
        assert_eq!(read(""), Some(Vec::new()));
        for wrong in ["short", "0123456789 abcdef", "0123456789abcd\u{e9}f"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}

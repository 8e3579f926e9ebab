//! `brokerd env`: the variables that AWS tools need.

use std::fmt::Write as _;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use super::print;
use crate::{config::Configuration, data_dir::DataDir, urls};

/// Prints the variables as shell exports.
///
/// # Errors
/// When there is no access key in the data directory yet.
pub(crate) fn run(configuration: &Configuration) -> anyhow::Result<()> {
    print(&exports(configuration)?)
}

fn exports(configuration: &Configuration) -> anyhow::Result<String> {
    let data_dir = DataDir::at(&configuration.data_dir);
    let key = data_dir.access_key(&configuration.account)?.with_context(|| {
        format!(
            "there are no credentials in {} yet: start brokerd first (`make run` or `brokerd serve`)",
            configuration.data_dir.display()
        )
    })?;
    let region = configuration.region.as_str();
    let ca = data_dir.ca_path();
    let variables = [
        ("AWS_ENDPOINT_URL_MQ", urls::client_url(configuration)?),
        ("AWS_ACCESS_KEY_ID", key.id),
        ("AWS_SECRET_ACCESS_KEY", key.secret.expose_secret().to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("BROKERD_CA_FILE", ca.to_string_lossy().into_owned()),
    ];
    let mut text = String::new();
    for (name, value) in variables {
        writeln!(text, "export {name}={}", quoted(&value))?;
    }
    // A session token of other credentials would make every signature wrong.
    writeln!(text, "unset AWS_SESSION_TOKEN")?;
    Ok(text)
}

/// The text in single quotes, as a shell reads it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_values_back_as_they_were() {
        for text in ["plain", "with space", "it's", "$(x) `y` \"z\" \\"] {
            let out = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(text))])
                .output()
                .expect("a shell");
            assert_eq!(String::from_utf8_lossy(&out.stdout), text);
        }
    }
}

//! What the configuration names by ARN, as it was fetched.

use std::collections::BTreeMap;

use brokerd_domain::{RabbitMqSettings, instance::InjectedFile};

use crate::engine::{
    blueprint::{Blueprint, Unsupported},
    common,
};

/// What clients' certificates are verified with. brokerd's own authorities are among it, whose certificate the probe has.
const OF_CLIENTS: [&str; 2] = ["ssl_options.cacertfile", "management.ssl.cacertfile"];

/// Values by the keys that they are for.
#[derive(Debug)]
pub(super) struct ResolvedArns<'a> {
    values: BTreeMap<&'a str, &'a str>,
    root: &'a str,
}

impl<'a> ResolvedArns<'a> {
    pub(super) fn of(
        blueprint: &'a Blueprint<'_>,
        settings: &'a RabbitMqSettings,
    ) -> Result<Self, Unsupported> {
        let known = &blueprint.materials.resolved.values;
        let values = settings.references().map(|(key, arn)| match known.get(arn) {
            Some(value) => Ok((key, value.as_str())),
            None => Err(Unsupported(format!("[{arn}] of [aws.arns.{key}] was not fetched"))),
        });
        Ok(Self { values: values.collect::<Result<_, _>>()?, root: &blueprint.image.config_root })
    }

    /// A password.
    pub(super) fn value(&self, key: &str) -> Option<&'a str> {
        self.values.get(key).copied()
    }

    /// The path of the file for a key, if there is one.
    pub(super) fn path(&self, key: &str) -> Option<String> {
        self.values.contains_key(key).then(|| format!("{}/{}", self.root, file(key)))
    }

    pub(super) fn files(&self, trusted_pem: &str) -> Vec<InjectedFile> {
        let files = self.values.iter().filter(|(key, _)| !key.ends_with(".password"));
        files
            .map(|(key, value)| {
                let mode = if key.ends_with(".keyfile") { 0o400 } else { 0o640 };
                let content = if OF_CLIENTS.contains(key) {
                    format!("{trusted_pem}{value}")
                } else {
                    (*value).to_owned()
                };
                common::file(self.root, &file(key), mode, content)
            })
            .collect()
    }
}

fn file(key: &str) -> String {
    format!("tls/{key}.pem")
}

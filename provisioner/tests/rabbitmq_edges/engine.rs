//! RabbitMQ, asked whether it takes a configuration.

use brokerd_domain::{EngineType, EngineVersion};
use brokerd_provisioner::{catalogue::Catalogue, pki::tls};
use secrecy::ExposeSecret as _;

use crate::{
    asked_engine::{AskedEngine, length},
    example::{NOW, Scripted},
};

/// The file that a node reads, by the functions with which it reads it.
const CHECK: &str = include_str!("check.erl");

/// One process that reads configurations one after the other.
pub(crate) struct Engine(pub(crate) AskedEngine);

impl Engine {
    /// Of that version; none: it can't be had here.
    pub(crate) fn start(version: EngineVersion) -> Option<Self> {
        let catalogue = Catalogue::built_in().expect("well-formed");
        let image = &catalogue.image(EngineType::RabbitMq, version).expect("known").image;
        let authority = tls::new_authority(NOW, &Scripted::new(&[])).expect("made");
        let key = authority.private_key_pem.expose_secret();
        let pem = format!("PEM={}{key}", authority.certificate_pem);
        let options = ["--env", &pem, "--tmpfs", "/etc/rabbitmq:mode=1777", "--entrypoint", "erl"];
        let command = ["-noshell", "-noinput", "-eval", CHECK];
        AskedEngine::start(&options, image, &command, &message("heartbeat = 60\n", "")).map(Self)
    }

    /// Why a node does not take these two files (`advanced` may be empty); nothing if it does.
    pub(crate) fn why_not(&mut self, conf: &str, advanced: &str) -> String {
        let answer = self.0.ask(&message(conf, advanced));
        let answer = answer.unwrap_or_else(|| panic!("it died of {conf}"));
        answer.strip_prefix('-').unwrap_or_default().to_owned()
    }
}

/// The length of the first file, and both.
fn message(conf: &str, advanced: &str) -> Vec<u8> {
    [&length(conf.as_bytes()), conf.as_bytes(), advanced.as_bytes()].concat()
}

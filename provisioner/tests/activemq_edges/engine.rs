//! ActiveMQ, asked whether it starts.

use brokerd_domain::{EngineType, EngineVersion};
use brokerd_provisioner::catalogue::Catalogue;

use crate::asked_engine::AskedEngine;

/// Brokers that live for some milliseconds are not worth optimised code: without, they take half the time.
const OPTIONS: [&str; 2] = ["--env", "JAVA_TOOL_OPTIONS=-XX:TieredStopAtLevel=1"];

/// One process that starts brokers one after the other.
pub(crate) struct Engine(pub(crate) AskedEngine);

impl Engine {
    /// Of that version; none: it can't be had here.
    pub(crate) fn start(version: EngineVersion) -> Option<Self> {
        Self::run(version, "check")
    }

    /// One whose answers tell what a broker has that has started.
    pub(crate) fn describing(version: EngineVersion) -> Option<Self> {
        Self::run(version, "describe")
    }

    fn run(version: EngineVersion, command: &str) -> Option<Self> {
        let catalogue = Catalogue::built_in().expect("well-formed");
        let image = &catalogue.image(EngineType::ActiveMq, version).expect("offered").image;
        AskedEngine::start(&OPTIONS, image, &[command], b"no document").map(Self)
    }

    /// Why a broker does not start with the document; if it does, nothing, or what it has.
    pub(crate) fn why_not(&mut self, document: &str) -> String {
        self.0.ask(document.as_bytes()).unwrap_or_else(|| panic!("the engine died of {document}"))
    }
}

//! The engine that really runs for a broker.

use super::engine::{EngineType, EngineVersion};
use crate::kernel::Timestamp;

/// The engine that runs for a broker, as it was last seen to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningEngine {
    /// The version that was asked for then, which the service's operations show.
    pub asked: EngineVersion,
    /// The version that runs: another one if that stands in.
    pub version: EngineVersion,
    /// The same down to the patch, as far as the image tells.
    pub true_version: String,
    /// The name of the image.
    pub image: String,
    /// The container engine's own name for what was behind that name.
    pub image_id: String,
    /// Since when.
    pub since: Timestamp,
}

impl RunningEngine {
    /// Whether another version runs than the one that was asked for.
    pub fn stands_in(&self) -> bool {
        self.version != self.asked
    }

    /// A sentence for events and logs.
    pub fn sentence(&self, engine: EngineType) -> String {
        let (name, version) = (engine.display_name(), &self.true_version);
        let mut text = format!("{name} {version} serves ({})", self.image);
        if self.stands_in() {
            text.push_str(&format!("; it stands in for {}, which was asked for", self.asked));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_names_the_running_version() {
        let mut runs = RunningEngine {
            asked: EngineVersion::new(4, 3),
            version: EngineVersion::new(4, 3),
            true_version: "4.3.6".to_owned(),
            image: "brokerd/rabbitmq:4.3".to_owned(),
            image_id: "sha256:1".to_owned(),
            since: Timestamp::from_micros(0),
        };
        let sentence = runs.sentence(EngineType::RabbitMq);
        assert_eq!(sentence, "RabbitMQ 4.3.6 serves (brokerd/rabbitmq:4.3)");
        runs.asked = EngineVersion::new(3, 13);
        assert_eq!(
            runs.sentence(EngineType::RabbitMq),
            "RabbitMQ 4.3.6 serves (brokerd/rabbitmq:4.3); it stands in for 3.13, which was asked for"
        );
    }
}

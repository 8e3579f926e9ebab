//! CRITICAL_ACTION_REQUIRED: the actions that a broker needs from its owner.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// A code of CRITICAL_ACTION_REQUIRED.
        ///
        /// Source: "Troubleshooting" of the developer guide, for all that begin with `RABBITMQ`, and for `BROKER_OOM`.
        /// The others are brokerd's own.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ActionCode {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
            /// One that only a later brokerd knows.
            #[serde(untagged)]
            Other(String),
        }

        impl ActionCode {
            /// All that this brokerd knows.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The spelling in answers.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)+ Self::Other(code) => code }
            }
        }
    };
}

codes! {
    /// A loop of restarts for want of memory. The guide has it for ActiveMQ alone, whose cure, another instance type and
    /// a reboot, it permits; of a node of RabbitMQ that the kernel kills it says nothing.
    BrokerOom = "BROKER_OOM",
    /// No instance serves, because the engine does not boot. The service repairs such brokers by itself; here
    /// the owner may have to choose another configuration, version or instance type.
    BrokerDoesNotBoot = "BROKER_DOES_NOT_BOOT",
    /// The last reboot ended without having changed every instance. The service has no such code: its engines can always
    /// be made anew.
    BrokerNotRebooted = "BROKER_NOT_REBOOTED",
    /// The broker could not be created. The service tells of it by the state alone.
    BrokerCreationFailed = "BROKER_CREATION_FAILED",
    /// A reboot could not apply what waits. The service's own model of it is
    /// `RABBITMQ_DISK_USAGE_TOO_HIGH_FOR_CHANGE`: the change waits on, the broker serves, and taking the change
    /// back clears the state.
    BrokerChangesNotApplied = "BROKER_CHANGES_NOT_APPLIED",
    /// RabbitMQ uses more memory than its watermark.
    RabbitmqMemoryAlarm = "RABBITMQ_MEMORY_ALARM",
    /// RabbitMQ has less free disk than its limit.
    RabbitmqDiskAlarm = "RABBITMQ_DISK_ALARM",
    /// Something that the configuration names by ARN can't be fetched or used.
    RabbitmqInvalidArn = "RABBITMQ_INVALID_ARN",
    /// The same, for HTTP authentication.
    RabbitmqInvalidArnHttp = "RABBITMQ_INVALID_ARN_HTTP",
    /// The same, for LDAP.
    RabbitmqInvalidArnLdap = "RABBITMQ_INVALID_ARN_LDAP",
    /// The same, for TLS.
    RabbitmqInvalidArnSsl = "RABBITMQ_INVALID_ARN_SSL",
    /// The role that the configuration names can't be assumed.
    RabbitmqInvalidAssumeRole = "RABBITMQ_INVALID_ASSUMEROLE",
}

impl fmt::Display for ActionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for ActionCode {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

/// An action that the owner must take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequired {
    /// The code.
    pub code: ActionCode,
    /// What the owner should do.
    pub info: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stored_as_they_are_answered() {
        let later = ActionCode::Other("BROKER_ON_FIRE".to_owned());
        for code in ActionCode::ALL.iter().chain([&later]) {
            let text = serde_json::to_string(code).expect("JSON");
            assert_eq!(text, format!("{:?}", code.as_str()));
            assert_eq!(serde_json::from_str::<ActionCode>(&text).expect("read"), *code);
        }
    }
}

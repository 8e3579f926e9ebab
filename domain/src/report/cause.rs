//! Why a broker, or an instance of it, did not serve.

/// Why a broker, or an instance of it, did not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutageCause {
    /// It was rebooted, because its owner asked for that or in its maintenance window.
    Reboot,
    /// A fault was injected.
    InjectedFault,
    /// The engine had ended.
    EngineEnded,
    /// The engine ran out of memory.
    OutOfMemory,
    /// The engine ran, or its container was paused, and did not answer.
    EngineSilent,
    /// The container was gone.
    ContainerGone,
    /// The container engine did not tell how the instances are.
    Unseen,
    /// No provisioner watched the broker.
    Unwatched,
    /// Something else, which the detail tells.
    Other,
}

impl OutageCause {
    /// Every cause.
    pub const ALL: [Self; 9] = [
        Self::Reboot,
        Self::InjectedFault,
        Self::EngineEnded,
        Self::OutOfMemory,
        Self::EngineSilent,
        Self::ContainerGone,
        Self::Unseen,
        Self::Unwatched,
        Self::Other,
    ];

    /// The name in the database and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reboot => "REBOOT",
            Self::InjectedFault => "INJECTED_FAULT",
            Self::EngineEnded => "ENGINE_ENDED",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::EngineSilent => "ENGINE_SILENT",
            Self::ContainerGone => "CONTAINER_GONE",
            Self::Unseen => "UNSEEN",
            Self::Unwatched => "UNWATCHED",
            Self::Other => "OTHER",
        }
    }

    /// The cause of that name; one that a later brokerd has written is another one.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name).unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_read_as_they_were_written() {
        for cause in OutageCause::ALL {
            assert_eq!(OutageCause::from_name(cause.as_str()), cause);
        }
        assert_eq!(OutageCause::from_name("METEORITE"), OutageCause::Other);
    }
}

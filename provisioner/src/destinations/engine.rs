//! The engine of a broker, as far as calls need it.

use std::time::Duration;

use brokerd_domain::destination::{EngineAnswer, EngineCallKind, EngineRefusal, RefusalKind};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::{
    health::{ExchangeError, HttpAnswer, HttpCall, Login, Probe, ProbeTarget},
    reconcile::Measurable,
};

/// How long connecting to an instance may take before another one is tried.
const CONNECT_WITHIN: Duration = Duration::from_millis(1500);
/// How long a broker that has begun to serve may take until its console listens, which starts behind everything else.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two attempts to find a console that listens.
const PAUSE: Duration = Duration::from_millis(200);
/// The most characters of an engine's own words.
const MAX_REASON_LENGTH: usize = 300;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The engine was not told of it.
    NotSent(String),
    /// The engine was told, and no whole answer came.
    NoAnswer(String),
    /// The engine's answer is none.
    Odd(String),
    /// It is not done, for this reason.
    Refused(EngineRefusal),
}

impl Failure {
    pub(super) fn refused(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self::Refused(EngineRefusal { kind, attribute: None, message: message.into() })
    }

    /// The destination that a call names is not there.
    pub(super) fn not_found() -> Self {
        Self::Refused(EngineRefusal {
            kind: RefusalKind::NotFound,
            attribute: Some("name".to_owned()),
            message: "The broker has no such destination.".to_owned(),
        })
    }

    /// What the caller is told.
    pub(super) fn answer(self, kind: EngineCallKind) -> EngineAnswer {
        let unreachable = |why: String| {
            let message = format!("The broker's engine can't be reached: {why}. Try again.");
            EngineAnswer::refused(RefusalKind::Unavailable, message)
        };
        match self {
            Self::NotSent(why) => unreachable(why),
            Self::NoAnswer(_) | Self::Odd(_) if kind.is_write() => EngineAnswer::unknown(kind),
            Self::NoAnswer(why) | Self::Odd(why) => unreachable(why),
            Self::Refused(refusal) => EngineAnswer::Refused(refusal),
        }
    }
}

/// Whom to ask: the instances of a broker that run.
pub(super) struct Engine<'a> {
    pub(super) probe: &'a dyn Probe,
    pub(super) login: &'a Login,
    consoles: Vec<&'a ProbeTarget>,
    until: Instant,
}

impl<'a> Engine<'a> {
    /// The engine of a broker, asked until then.
    pub(super) fn of(
        probe: &'a dyn Probe,
        broker: &'a Measurable,
        until: Instant,
    ) -> Result<Self, Failure> {
        let Some(login) = broker.login.as_ref() else {
            return Err(Failure::refused(
                RefusalKind::Conflict,
                "brokerd has no user of its own on this broker: its image is not brokerd's, or its users are kept elsewhere.",
            ));
        };
        let consoles: Vec<_> =
            broker.running.iter().filter_map(|instance| instance.console.as_ref()).collect();
        if consoles.is_empty() {
            return Err(Failure::NotSent("no instance of it runs".to_owned()));
        }
        Ok(Self::at(probe, login, consoles, until))
    }

    /// The engine whose instances' consoles are these.
    pub(super) const fn at(
        probe: &'a dyn Probe,
        login: &'a Login,
        consoles: Vec<&'a ProbeTarget>,
        until: Instant,
    ) -> Self {
        Self { probe, login, consoles, until }
    }

    /// How long there is.
    pub(super) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Asks the first instance that listens. A standby does not; and what one was told, no other is. Nobody was told
    /// anything as long as none listens, so that it is tried again for a while.
    pub(super) async fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&[u8]>,
    ) -> Result<HttpAnswer, Failure> {
        let call = HttpCall { method, path, body, connect_within: CONNECT_WITHIN };
        let until = self.until.min(Instant::now() + LISTENS_WITHIN);
        loop {
            let mut last = "silent".to_owned();
            for console in &self.consoles {
                match self.probe.exchange(console, self.login, call, self.left()).await {
                    Ok(answer) => return Ok(answer),
                    Err(ExchangeError::NoAnswer(why)) => return Err(Failure::NoAnswer(why)),
                    Err(ExchangeError::NotSent(why)) => last = why,
                }
            }
            if Instant::now() + PAUSE >= until {
                return Err(Failure::NotSent(last));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// An answer in JSON.
pub(super) fn read<T: DeserializeOwned>(answer: &HttpAnswer) -> Result<T, Failure> {
    // Not what it says: messages may be in it.
    serde_json::from_slice(&answer.body).map_err(|error| {
        Failure::Odd(format!("an unexpected answer, at column {}", error.column()))
    })
}

/// An engine's own words on one line.
pub(super) fn words(text: &str) -> String {
    let line = text.split(|c: char| c.is_control() || c.is_whitespace());
    let line: Vec<&str> = line.filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(MAX_REASON_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_was_sent_and_changes_something_nobody_knows_the_outcome() {
        let refusal = |failure: Failure, kind| match failure.answer(kind) {
            EngineAnswer::Refused(refusal) => refusal.kind,
            other => panic!("{other:?}"),
        };
        let why = || "x".to_owned();
        for kind in EngineCallKind::ALL {
            assert_eq!(refusal(Failure::NotSent(why()), kind), RefusalKind::Unavailable);
            let unsure =
                if kind.is_write() { RefusalKind::Unknown } else { RefusalKind::Unavailable };
            assert_eq!(refusal(Failure::NoAnswer(why()), kind), unsure, "{kind:?}");
            assert_eq!(refusal(Failure::Odd(why()), kind), unsure, "{kind:?}");
            assert_eq!(refusal(Failure::not_found(), kind), RefusalKind::NotFound);
        }
    }

    #[test]
    fn words_of_engines_are_a_short_line() {
        assert_eq!(words(" a\r\n\tb\u{1b}[31m  c "), "a b [31m c");
        assert_eq!(words(&"ä".repeat(1000)).chars().count(), MAX_REASON_LENGTH);
    }
}

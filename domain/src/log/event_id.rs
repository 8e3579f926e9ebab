//! The identity of an event, which is its place in the order of a group's events.

use std::fmt;

use crate::kernel::Timestamp;

/// The digits of the parts of an event id: microseconds since 1970, stream, position in the stream.
const DIGITS: [usize; 3] = [18, 19, 19];

/// The identity of an event. Events of a group are ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// When it was.
    pub at: Timestamp,
    /// Its stream.
    pub stream: i64,
    /// Its position in the stream, from 1 on.
    pub position: i64,
}

impl EventId {
    /// Before every event.
    pub const FIRST: Self = Self { at: Timestamp::from_micros(0), stream: 0, position: 0 };

    /// Reads what its `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS.iter().sum::<usize>() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (at, rest) = text.split_at(DIGITS[0]);
        let (stream, position) = rest.split_at(DIGITS[1]);
        Some(Self {
            at: Timestamp::from_micros(at.parse().ok()?),
            stream: stream.parse().ok()?,
            position: position.parse().ok()?,
        })
    }
}

/// 56 decimal digits, as in the service.
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [at, stream, position] = DIGITS;
        let Self { at: moment, stream: of, position: number } = self;
        write!(f, "{:0at$}{of:0stream$}{number:0position$}", moment.as_micros().max(0))
    }
}

/// A token of GetLogEvents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventToken {
    /// The events after that one: `f/<event-id>/s`.
    Forward(EventId),
    /// The events before that one: `b/<event-id>/s`.
    Backward(EventId),
}

impl EventToken {
    /// Reads a token; none: it is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let (direction, rest) = text.split_once('/')?;
        let id = EventId::parse(rest.strip_suffix("/s")?)?;
        match direction {
            "f" => Some(Self::Forward(id)),
            "b" => Some(Self::Backward(id)),
            _ => None,
        }
    }
}

impl fmt::Display for EventToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forward(id) => write!(f, "f/{id}/s"),
            Self::Backward(id) => write!(f, "b/{id}/s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(at: i64, stream: i64, position: i64) -> EventId {
        EventId { at: Timestamp::from_micros(at), stream, position }
    }

    #[test]
    fn ids_are_read_back_and_ordered_as_their_text_is() {
        let ids = [
            EventId::FIRST,
            id(1, 1, 1),
            id(1, 1, 2),
            id(1, 2, 1),
            id(1_790_000_000_000_000, 9, i64::MAX),
            id(1_790_000_000_000_001, 1, 1),
        ];
        for pair in ids.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string());
        }
        for id in ids {
            assert_eq!(id.to_string().len(), 56);
            assert_eq!(EventId::parse(&id.to_string()), Some(id));
            for token in [EventToken::Forward(id), EventToken::Backward(id)] {
                assert_eq!(EventToken::parse(&token.to_string()), Some(token));
            }
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let good = EventToken::Forward(EventId::FIRST).to_string();
        for odd in
            ["", "f/", "f/1/s", "x", &good[1..], &good[..good.len() - 1], &good.replace('f', "g")]
        {
            assert_eq!(EventToken::parse(odd), None, "{odd}");
        }
        assert_eq!(EventId::parse(&"9".repeat(56)), None, "larger than any position");
        assert_eq!(EventId::parse(&"ä".repeat(28)), None);
    }
}

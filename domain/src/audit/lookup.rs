//! LookupEvents: what may be asked.

use uuid::Uuid;

use crate::kernel::Timestamp;

/// The most events of a page, which is also what a page holds when nothing is said.
///
/// Source: LookupEvents of the CloudTrail API reference.
const MAX_EVENTS: i64 = 50;
/// The longest value of an attribute.
const MAX_VALUE_LENGTH: usize = 2000;

/// What LookupEvents was asked for, as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LookupInput {
    /// `LookupAttributes`: keys and values.
    pub attributes: Vec<(String, String)>,
    /// `StartTime`, in seconds since 1970.
    pub start: Option<f64>,
    /// `EndTime`, in seconds since 1970.
    pub end: Option<f64>,
    /// `MaxResults`.
    pub most: Option<i64>,
    /// `EventCategory`.
    pub category: Option<String>,
    /// `NextToken`.
    pub token: Option<String>,
}

/// By what events are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookupAttribute {
    /// `EventId`.
    EventId(Uuid),
    /// `EventName`.
    EventName(String),
    /// `ReadOnly`.
    ReadOnly(bool),
    /// `Username`.
    Username(String),
    /// `ResourceType`.
    ResourceType(String),
    /// `ResourceName`.
    ResourceName(String),
    /// `EventSource`.
    EventSource(String),
    /// `AccessKeyId`.
    AccessKeyId(String),
    /// A value that no event can have.
    Nothing,
}

/// A place in the events of an account. The greatest is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// When the event was.
    pub at: Timestamp,
    /// The event.
    pub id: Uuid,
}

/// A question of LookupEvents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLookup {
    /// Which events; none: all.
    pub attribute: Option<LookupAttribute>,
    /// Events from then on.
    pub start: Option<Timestamp>,
    /// Events before then.
    pub end: Option<Timestamp>,
    /// How many at most.
    pub most: u32,
    /// After which event of the page before; none: the first page.
    pub after: Option<EventPosition>,
}

/// What is wrong with a question, in the service's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLookup {
    /// The attribute.
    #[error("You can only specify one lookup attribute, with a key and a value that are valid.")]
    Attributes,
    /// The times.
    #[error("The start time must not be after the end time, and both must be possible times.")]
    TimeRange,
    /// The size of the page.
    #[error("The maximum number of results must be between 1 and 50.")]
    MaxResults,
    /// The token.
    #[error("The next token is invalid, or belongs to another request.")]
    NextToken,
    /// The category.
    #[error("There are no events of this category.")]
    EventCategory,
}

impl InvalidLookup {
    /// The exception.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Attributes => "InvalidLookupAttributesException",
            Self::TimeRange => "InvalidTimeRangeException",
            Self::MaxResults => "InvalidMaxResultsException",
            Self::NextToken => "InvalidNextTokenException",
            Self::EventCategory => "InvalidEventCategoryException",
        }
    }
}

impl EventLookup {
    /// Reads a question.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn parse(input: &LookupInput) -> Result<Self, InvalidLookup> {
        let attribute = match input.attributes.as_slice() {
            [] => None,
            [(key, value)] => Some(attribute(key, value)?),
            _ => return Err(InvalidLookup::Attributes),
        };
        let start = input.start.map(moment).transpose()?;
        // Times have whole seconds, and the last one counts.
        let second = std::time::Duration::from_secs(1);
        let end = input.end.map(moment).transpose()?.map(|end| end.plus(second));
        if let (Some(start), Some(end)) = (start, end)
            && start >= end
        {
            return Err(InvalidLookup::TimeRange);
        }
        let most = input.most.unwrap_or(MAX_EVENTS);
        if !(1..=MAX_EVENTS).contains(&most) {
            return Err(InvalidLookup::MaxResults);
        }
        if input.category.is_some() {
            return Err(InvalidLookup::EventCategory);
        }
        let mut lookup = Self {
            attribute,
            start,
            end,
            most: u32::try_from(most).map_err(|_| InvalidLookup::MaxResults)?,
            after: None,
        };
        if let Some(token) = &input.token {
            lookup.after = Some(lookup.position_of(token).ok_or(InvalidLookup::NextToken)?);
        }
        Ok(lookup)
    }

    /// The token of the page after this place. It is bound to the rest of the question.
    pub fn token(&self, last: EventPosition) -> String {
        let EventPosition { at, id } = last;
        format!("{:x}.{}.{:x}", at.as_micros(), id.simple(), self.fingerprint())
    }

    fn position_of(&self, token: &str) -> Option<EventPosition> {
        let mut parts = token.split('.');
        let at = i64::from_str_radix(parts.next()?, 16).ok()?;
        let id = Uuid::try_parse(parts.next()?).ok()?;
        let fingerprint = u64::from_str_radix(parts.next()?, 16).ok()?;
        let is_of_this = parts.next().is_none() && fingerprint == self.fingerprint();
        is_of_this.then_some(EventPosition { at: Timestamp::from_micros(at), id })
    }

    /// FNV-1a of the question: no secret, only told from others.
    fn fingerprint(&self) -> u64 {
        let text = format!("{:?} {:?} {:?}", self.attribute, self.start, self.end);
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

fn attribute(key: &str, value: &str) -> Result<LookupAttribute, InvalidLookup> {
    let length = value.chars().count();
    if length == 0 || length > MAX_VALUE_LENGTH {
        return Err(InvalidLookup::Attributes);
    }
    let text = value.to_owned();
    let known = match key {
        "EventId" => {
            Uuid::try_parse(value).map_or(LookupAttribute::Nothing, LookupAttribute::EventId)
        }
        "EventName" => LookupAttribute::EventName(text),
        "ReadOnly" => match value {
            "true" => LookupAttribute::ReadOnly(true),
            "false" => LookupAttribute::ReadOnly(false),
            _ => return Err(InvalidLookup::Attributes),
        },
        "Username" => LookupAttribute::Username(text),
        "ResourceType" => LookupAttribute::ResourceType(text),
        "ResourceName" => LookupAttribute::ResourceName(text),
        "EventSource" => LookupAttribute::EventSource(text),
        "AccessKeyId" => LookupAttribute::AccessKeyId(text),
        _ => return Err(InvalidLookup::Attributes),
    };
    // The database keeps no zeros.
    Ok(if value.contains('\0') { LookupAttribute::Nothing } else { known })
}

/// Seconds since 1970, from 1970 to 9999.
fn moment(seconds: f64) -> Result<Timestamp, InvalidLookup> {
    const END: f64 = 253_402_300_800.0;
    if !(0.0..END).contains(&seconds) {
        return Err(InvalidLookup::TimeRange);
    }
    let whole = std::time::Duration::try_from_secs_f64(seconds.floor());
    let whole = whole.map_err(|_| InvalidLookup::TimeRange)?;
    Ok(Timestamp::from_micros(0).plus(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_530_224_626_123_456);

    fn asked(key: &str, value: &str) -> LookupInput {
        LookupInput {
            attributes: vec![(key.to_owned(), value.to_owned())],
            ..LookupInput::default()
        }
    }

    #[test]
    fn lookups_follow_the_rules_of_the_service() {
        let none = LookupInput::default();
        let lookup = EventLookup::parse(&none).expect("a question");
        assert_eq!((lookup.attribute, lookup.most, lookup.after), (None, 50, None));
        for (input, refused) in [
            (asked("Colour", "red"), InvalidLookup::Attributes),
            (asked("Username", ""), InvalidLookup::Attributes),
            (asked("Username", &"x".repeat(2001)), InvalidLookup::Attributes),
            (asked("ReadOnly", "yes"), InvalidLookup::Attributes),
            (
                LookupInput { attributes: vec![Default::default(); 2], ..none.clone() },
                InvalidLookup::Attributes,
            ),
            (LookupInput { most: Some(0), ..none.clone() }, InvalidLookup::MaxResults),
            (LookupInput { most: Some(51), ..none.clone() }, InvalidLookup::MaxResults),
            (
                LookupInput { start: Some(5.0), end: Some(4.0), ..none.clone() },
                InvalidLookup::TimeRange,
            ),
            (LookupInput { start: Some(f64::NAN), ..none.clone() }, InvalidLookup::TimeRange),
            (LookupInput { end: Some(1e300), ..none.clone() }, InvalidLookup::TimeRange),
            (LookupInput { end: Some(-1.0), ..none.clone() }, InvalidLookup::TimeRange),
            (LookupInput { token: Some("x".to_owned()), ..none.clone() }, InvalidLookup::NextToken),
            (
                LookupInput { category: Some("insight".to_owned()), ..none.clone() },
                InvalidLookup::EventCategory,
            ),
        ] {
            assert_eq!(EventLookup::parse(&input), Err(refused), "{input:?}");
        }
        let nothing = EventLookup::parse(&asked("EventId", "no event")).expect("a question");
        assert_eq!(nothing.attribute, Some(LookupAttribute::Nothing));
        let same = LookupInput { start: Some(5.0), end: Some(5.0), ..none };
        let same = EventLookup::parse(&same).expect("a second");
        assert_eq!(same.start, Some(Timestamp::from_micros(5_000_000)));
        assert_eq!(same.end, Some(Timestamp::from_micros(6_000_000)));
    }

    #[test]
    fn a_token_belongs_to_its_question() {
        let last = EventPosition { at: AT, id: Uuid::from_u128(7) };
        let input = asked("Username", "root");
        let token = EventLookup::parse(&input).expect("a question").token(last);
        let next = LookupInput { token: Some(token.clone()), most: Some(3), ..input };
        assert_eq!(EventLookup::parse(&next).expect("the next page").after, Some(last));
        let other = LookupInput { token: Some(token), ..asked("Username", "alice") };
        assert_eq!(EventLookup::parse(&other), Err(InvalidLookup::NextToken));
    }
}

//! The parameters of a call: a form whose names tell structures and lists, `Tags.member.1.Key`.

use std::collections::BTreeMap;

use brokerd_domain::{
    Tags,
    identity::{IamError, parse_tags},
};

/// Most parameters of a call: several times as many as the longest list of any operation needs.
const MAX_PARAMETERS: usize = 8192;

/// The parameters of a call, or of one member of a list in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a form.
    ///
    /// # Errors
    /// `ValidationError` where a name is there twice, a text has U+0000, or there are too many.
    pub(crate) fn parse(form: &[u8]) -> Result<Self, IamError> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(form) {
            if name.contains('\0') || value.contains('\0') {
                return Err(IamError::malformed("Text must not contain the character [U+0000]."));
            }
            if parameters.len() >= MAX_PARAMETERS {
                return Err(IamError::malformed(format!(
                    "The request has too many parameters. Send at most {MAX_PARAMETERS}."
                )));
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(IamError::malformed(format!(
                    "Parameter {} appears more than once.",
                    name.escape_debug()
                )));
            }
        }
        Ok(Self(parameters))
    }

    /// Names and values, in the order of the names.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a parameter that has to be there.
    ///
    /// # Errors
    /// `ValidationError`, in the service's words.
    pub(crate) fn required(&self, name: &str) -> Result<&str, IamError> {
        self.text(name).ok_or_else(|| {
            IamError::malformed(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                member(name)
            ))
        })
    }

    /// The value of a parameter that is a whole number, not negative.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u32>, IamError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().map_err(|_| {
            IamError::validation(&member(name), text, "Member must be a whole number")
        })?;
        Ok(Some(number))
    }

    /// The value of a parameter that is `true` or `false`; `false` where it is absent.
    ///
    /// # Errors
    /// `ValidationError`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, IamError> {
        match self.text(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => {
                Err(IamError::validation(&member(name), text, "Member must be true or false"))
            }
        }
    }

    /// Whether a list has members.
    pub(crate) fn has_list(&self, name: &str) -> bool {
        !self.positions(name).is_empty()
    }

    /// The members of a list of texts, in their order.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let positions = self.positions(name);
        positions.values().filter_map(|prefix| self.text(prefix)).collect()
    }

    /// The members of a list of structures, in their order.
    pub(crate) fn members(&self, name: &str) -> Vec<Self> {
        let positions = self.positions(name);
        let members = positions.values().map(|prefix| {
            let own = self.below(prefix);
            let own = own.filter_map(|(key, value)| {
                let key = key.strip_prefix(prefix.as_str())?.strip_prefix('.')?;
                Some((key.to_owned(), value.clone()))
            });
            Self(own.collect())
        });
        members.collect()
    }

    /// A list of tags; none: there are no tags in the call.
    ///
    /// # Errors
    /// `ValidationError` where a key or value is missing, `InvalidInput` where the tags can't be.
    pub(crate) fn tags(&self, name: &str) -> Result<Option<Tags>, IamError> {
        let members = self.members(name);
        if members.is_empty() {
            return Ok(None);
        }
        let pair = |member: &Self| {
            let key = member.required("Key")?.to_owned();
            Ok((key, member.required("Value")?.to_owned()))
        };
        let pairs = members.iter().map(pair).collect::<Result<Vec<_>, IamError>>()?;
        parse_tags(pairs).map(Some)
    }

    /// The prefixes of a list's members, by their numbers.
    fn positions(&self, name: &str) -> BTreeMap<u32, String> {
        let start = format!("{name}.member.");
        let numbers = self.below(&start).filter_map(|(key, _)| {
            let rest = key.strip_prefix(start.as_str())?;
            let number = rest.split('.').next()?;
            // Not "01" beside "1".
            let is_plain = !number.starts_with(['0', '+']);
            let parsed: u32 = number.parse().ok().filter(|_| is_plain)?;
            Some((parsed, format!("{start}{number}")))
        });
        numbers.collect()
    }

    fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a String, &'a String)> {
        let from = self.0.range(prefix.to_owned()..);
        from.take_while(move |(key, _)| key.starts_with(prefix))
    }
}

/// A member as messages name it: `UserName` is `userName`.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use brokerd_domain::identity::IamErrorKind;
    use proptest::prelude::*;

    use super::*;

    fn parsed(form: &str) -> Parameters {
        Parameters::parse(form.as_bytes()).expect("a form")
    }

    #[test]
    fn texts_numbers_and_flags_are_read_as_forms_have_them() {
        let call = parsed(
            "Action=ListUsers&PathPrefix=%2Fred+team%2F&MaxItems=5&SetAsDefault=True&Empty=",
        );
        assert_eq!(call.text("Action"), Some("ListUsers"));
        assert_eq!(call.text("PathPrefix"), Some("/red team/"));
        assert_eq!(call.text("Empty"), Some(""));
        assert_eq!(call.number("MaxItems"), Ok(Some(5)));
        assert_eq!((call.number("Marker"), call.flag("SetAsDefault")), (Ok(None), Ok(true)));
        assert_eq!(call.flag("Absent"), Ok(false));
        assert!(call.number("Action").is_err() && call.flag("Action").is_err());
        let missing = call.required("UserName").expect_err("missing");
        assert_eq!(
            missing.message,
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(missing.kind, IamErrorKind::ValidationError);
    }

    #[test]
    fn lists_are_in_the_order_of_their_numbers() {
        let call = parsed(
            "A.member.10=ten&A.member.2=two&A.member.1=one&A.member.01=no&AB.member.1=other",
        );
        assert_eq!(call.list("A"), ["one", "two", "ten"]);
        assert_eq!(call.list("B"), Vec::<&str>::new());
        assert!(call.has_list("AB") && !call.has_list("B"));
        // That is how botocore writes an empty list.
        assert_eq!(parsed("A=").list("A"), Vec::<&str>::new());
    }

    #[test]
    fn structures_and_lists_in_lists_are_read() {
        let call = parsed(
            "E.member.1.Name=aws%3ASourceIp&E.member.1.Values.member.1=10.0.0.1&E.member.1.Values.member.2=x\
             &E.member.2.Name=b&E.member.11.Name=c",
        );
        let entries = call.members("E");
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].text("Name"), Some("aws:SourceIp"));
        assert_eq!(entries[0].list("Values"), ["10.0.0.1", "x"]);
        assert_eq!((entries[1].text("Name"), entries[2].text("Name")), (Some("b"), Some("c")));
    }

    #[test]
    fn tags_are_pairs_without_regard_to_letter_case() {
        let call = parsed(
            "Tags.member.1.Key=team&Tags.member.1.Value=red&Tags.member.2.Key=x&Tags.member.2.Value=",
        );
        let tags = call.tags("Tags").expect("valid").expect("tags");
        assert_eq!((tags.as_map()["team"].as_str(), tags.as_map()["x"].as_str()), ("red", ""));
        assert_eq!(parsed("Action=x").tags("Tags"), Ok(None));
        assert!(parsed("Tags.member.1.Key=a").tags("Tags").is_err());
        let twice =
            "Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=A&Tags.member.2.Value=";
        let refused = parsed(twice).tags("Tags").expect_err("twice");
        assert_eq!(refused.kind, IamErrorKind::InvalidInput);
    }

    #[test]
    fn forms_that_could_be_read_in_two_ways_are_refused() {
        for form in ["UserName=a&UserName=b", "UserName=a%00", "a%00=b"] {
            assert!(Parameters::parse(form.as_bytes()).is_err(), "{form}");
        }
        let many: String = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=&")).collect();
        assert!(Parameters::parse(many.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn every_list_is_read_back(values in prop::collection::vec("[^\0]{0,8}", 0..30)) {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (value, number) in values.iter().zip(1..) {
                form.append_pair(&format!("L.member.{number}"), value);
            }
            let call = parsed(&form.finish());
            prop_assert_eq!(call.list("L"), values);
        }

        #[test]
        fn no_form_is_read_with_a_panic(form in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(call) = Parameters::parse(&form) {
                call.members("a");
            }
        }
    }
}

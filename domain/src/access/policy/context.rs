//! The context of a request: condition keys and their values.

use std::{borrow::Cow, net::IpAddr};

use super::{principal::Principal, value::instant};
use crate::{
    access::tag::Tags,
    kernel::{AccountId, Region, Timestamp},
};

/// How much of a client's own description policies see.
const MAX_USER_AGENT_LENGTH: usize = 1024;

/// The value of a condition key, as text; operators read numbers, dates and addresses from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// A single-valued key.
    One(String),
    /// A multivalued key, such as `aws:TagKeys`. Without a value it is as if it were absent.
    Many(Vec<String>),
}

/// Condition keys and their values. Letter case in keys does not matter.
///
/// Source: "AWS global condition context keys" of the IAM user guide.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// In the order in which they were given. One after the other, because there are few: every request that policies
    /// decide makes all of them, and asks for one or two.
    values: Vec<(Cow<'static, str>, ContextValue)>,
}

/// What is known of every request.
#[derive(Debug, Clone)]
pub struct Environment {
    /// When it is decided.
    pub now: Timestamp,
    /// The region that it was signed for.
    pub region: Region,
    /// Where it comes from, if that is known.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS.
    pub secure_transport: bool,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
}

impl Context {
    /// The global keys of a request.
    pub fn of(principal: &Principal, environment: &Environment) -> Self {
        let Environment { now, region, source_ip, secure_transport, user_agent } = environment;
        let mut context = Self::default();
        context.set("aws:CurrentTime", instant(*now));
        context.set("aws:EpochTime", now.as_seconds().to_string());
        context.set("aws:RequestedRegion", region.to_string());
        context.set("aws:SecureTransport", secure_transport.to_string());
        context.set("aws:ViaAWSService", "false");
        if let Some(address) = source_ip {
            context.set("aws:SourceIp", address.to_canonical().to_string());
        }
        if let Some(agent) = user_agent {
            let agent: String = agent.chars().take(MAX_USER_AGENT_LENGTH).collect();
            context.set("aws:UserAgent", agent);
        }
        for (key, value) in principal.keys() {
            context.set(key, value);
        }
        context
    }

    /// Gives a single-valued key its value.
    pub fn set(&mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.insert(key.into(), ContextValue::One(value.into()));
    }

    /// Gives a multivalued key its values.
    pub fn set_many(&mut self, key: impl Into<Cow<'static, str>>, values: Vec<String>) {
        self.insert(key.into(), ContextValue::Many(values));
    }

    /// `aws:ResourceAccount`, and `aws:ResourceTag/…` of the tags that the resource has.
    pub fn set_resource(&mut self, account: &AccountId, tags: &Tags) {
        self.set("aws:ResourceAccount", account.to_string());
        for (key, value) in tags.as_map() {
            self.set(format!("aws:ResourceTag/{key}"), value);
        }
    }

    /// `aws:RequestTag/…` and `aws:TagKeys` of the tags that the request brings.
    pub fn set_request_tags(&mut self, tags: &Tags) {
        for (key, value) in tags.as_map() {
            self.set(format!("aws:RequestTag/{key}"), value);
        }
        self.set_tag_keys(tags.as_map().keys().cloned().collect());
    }

    /// `aws:TagKeys` of a request that names tags by their keys alone.
    pub fn set_tag_keys(&mut self, keys: Vec<String>) {
        self.set_many("aws:TagKeys", keys);
    }

    /// The value of a key; none: it is absent. Of keys that differ only in letter case, as tags may, the one that is
    /// spelt alike wins, then the first.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        let exact = self.values.iter().find(|(spelt, _)| spelt == key);
        let found = exact.or_else(|| self.values.iter().find(|(spelt, _)| is_alike(spelt, key)));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// The value of a key that has exactly one.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            ContextValue::One(value) => Some(value),
            ContextValue::Many(values) => match values.as_slice() {
                [value] => Some(value),
                _ => None,
            },
        }
    }

    fn insert(&mut self, key: Cow<'static, str>, value: ContextValue) {
        match self.values.iter_mut().find(|(spelt, _)| *spelt == key) {
            Some((_, known)) => *known = value,
            None => self.values.push((key, value)),
        }
    }
}

/// Whether two keys differ in letter case at most.
fn is_alike(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    one.to_lowercase() == other.to_lowercase()
}

impl ContextValue {
    fn is_null(&self) -> bool {
        matches!(self, Self::Many(values) if values.is_empty())
    }
}

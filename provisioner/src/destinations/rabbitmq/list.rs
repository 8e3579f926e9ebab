//! Lists of queues, page by page.
//!
//! RabbitMQ numbers its pages, and names come and go between two of them. A position therefore is a name, and the place
//! that it had is only where the search for its page begins.

use std::{collections::HashMap, fmt::Write as _};

use brokerd_domain::{
    Timestamp,
    destination::{
        Destination, DestinationKind, DestinationPosition, DestinationStatus, EngineAnswer,
        ListCall,
    },
};
use serde::Deserialize;
use serde_json::Value;

use super::{done, encoded};
use crate::destinations::engine::{Engine, Failure, read};

/// The most pages that are looked at for one answer. A search among a billion queues takes thirty.
const MAX_PAGES: usize = 40;
const KIND: &str = DestinationKind::Queue.as_str();
const COLUMNS: &str = "name,vhost,type,node,leader,messages_ready,messages_unacknowledged,consumers,\
    message_stats.publish_details.rate,message_stats.deliver_get_details.rate,\
    message_stats.ack_details.rate";
const TOTALS: &str = "name,vhost,messages_ready,messages_unacknowledged";

/// A page of the engine's.
#[derive(Default, Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Queue>,
    #[serde(default)]
    page_count: u64,
}

/// A queue. What is not known of it yet is missing.
#[derive(Clone, Deserialize)]
struct Queue {
    name: String,
    vhost: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    leader: Option<String>,
    #[serde(default)]
    messages_ready: Option<u64>,
    #[serde(default)]
    messages_unacknowledged: Option<u64>,
    #[serde(default)]
    consumers: Option<u64>,
    /// An object, or an empty list where there are none.
    #[serde(default)]
    message_stats: Value,
}

impl Queue {
    fn rate(&self, of: &str) -> Option<f64> {
        self.message_stats.get(of)?.get("rate")?.as_f64().filter(|rate| rate.is_finite())
    }

    fn is_after(&self, position: Option<&DestinationPosition>) -> bool {
        position.is_none_or(|position| position.is_before(&self.name, &self.vhost, KIND))
    }
}

impl From<Queue> for DestinationStatus {
    fn from(queue: Queue) -> Self {
        Self {
            publish_rate: queue.rate("publish_details"),
            deliver_rate: queue.rate("deliver_get_details"),
            acknowledge_rate: queue.rate("ack_details"),
            destination: Destination {
                kind: DestinationKind::Queue,
                name: queue.name,
                virtual_host: Some(queue.vhost),
            },
            queue_type: queue.kind,
            ready: queue.messages_ready,
            unacknowledged: queue.messages_unacknowledged,
            consumers: queue.consumers,
            producers: None,
            node: queue.leader.or(queue.node),
        }
    }
}

/// Lists queues.
pub(in crate::destinations) async fn list(
    engine: &Engine<'_>,
    call: &ListCall,
    now: Timestamp,
) -> Result<EngineAnswer, Failure> {
    let size = u64::from(call.most.max(1));
    let mut lister = Lister { engine, call, size, looks: 0 };
    let after = call.after.as_ref();
    let mut destinations: Vec<DestinationStatus> = Vec::new();
    let mut next = None;
    let mut found = lister.first(after).await?;
    while let Some((number, page)) = found.take() {
        let mut last = None;
        for (place, queue) in (0..).zip(page.items) {
            if !queue.is_after(after) {
                continue;
            }
            if destinations.len() as u64 == size {
                next = last.or(next);
                return Ok(EngineAnswer::Listed { destinations, next, sampled_at: now });
            }
            last = Some(DestinationPosition {
                name: queue.name.clone(),
                virtual_host: queue.vhost.clone(),
                kind: KIND.to_owned(),
                rank: (number - 1).saturating_mul(size).saturating_add(place + 1),
            });
            // The engine's filter lets more through where names are not of ASCII.
            if call.is_about(&queue.name) {
                destinations.push(queue.into());
            }
        }
        next = last.or(next);
        if number >= page.page_count {
            next = None;
        } else if lister.looks < MAX_PAGES {
            found = lister.page(number + 1).await?.map(|page| (number + 1, page));
            if found.is_none() {
                next = None;
            }
        }
    }
    Ok(EngineAnswer::Listed { destinations, next, sampled_at: now })
}

struct Lister<'a> {
    engine: &'a Engine<'a>,
    call: &'a ListCall,
    size: u64,
    looks: usize,
}

impl Lister<'_> {
    /// The first page on which something is after the position; none: there is nothing.
    async fn first(
        &mut self,
        after: Option<&DestinationPosition>,
    ) -> Result<Option<(u64, Page)>, Failure> {
        let mut number = after.map_or(0, |position| position.rank / self.size).saturating_add(1);
        // Everything before `low` is before the position, and `high` is the first page seen that is not.
        let (mut low, mut high): (u64, Option<(u64, Page)>) = (1, None);
        while self.looks < MAX_PAGES {
            let page = self.page(number).await?.filter(|page| !page.items.is_empty());
            // The last page that may be the one.
            let last = match page {
                // There are fewer pages by now.
                None if number > low => number - 1,
                None => break,
                Some(page) => {
                    let has_more = page.items.last().is_some_and(|queue| queue.is_after(after));
                    let begins_before =
                        page.items.first().is_some_and(|queue| !queue.is_after(after));
                    if has_more && (begins_before || number <= low) {
                        return Ok(Some((number, page)));
                    }
                    let count = page.page_count;
                    if has_more {
                        high = Some((number, page));
                    } else {
                        low = number.saturating_add(1);
                    }
                    count
                }
            };
            let last = high.as_ref().map_or(last, |(high, _)| last.min(high - 1));
            if low > last {
                break;
            }
            number = low + (last - low) / 2;
        }
        Ok(high)
    }

    /// A page; none: there are fewer.
    async fn page(&mut self, number: u64) -> Result<Option<Page>, Failure> {
        self.looks += 1;
        let Some(mut page) = self.ask(number, COLUMNS, "").await? else { return Ok(None) };
        if page.items.iter().any(|queue| queue.messages_ready.is_none()) {
            // Of new queues, and of some types in old versions, only this tells.
            let plain = "&disable_stats=true&enable_queue_totals=true";
            let totals = self.ask(number, TOTALS, plain).await?.unwrap_or_default();
            let totals: HashMap<_, _> = totals
                .items
                .into_iter()
                .map(|queue| ((queue.vhost.clone(), queue.name.clone()), queue))
                .collect();
            for queue in &mut page.items {
                let total = totals.get(&(queue.vhost.clone(), queue.name.clone()));
                if let Some(total) = total {
                    queue.messages_ready = queue.messages_ready.or(total.messages_ready);
                    queue.messages_unacknowledged =
                        queue.messages_unacknowledged.or(total.messages_unacknowledged);
                }
            }
        }
        Ok(Some(page))
    }

    async fn ask(&self, number: u64, columns: &str, more: &str) -> Result<Option<Page>, Failure> {
        let mut path = "/api/queues".to_owned();
        if let Some(virtual_host) = &self.call.virtual_host {
            path = format!("{path}/{}", encoded(virtual_host));
        }
        let size = self.size;
        let _ = write!(path, "?page={number}&page_size={size}&sort=name&columns={columns}{more}");
        if let Some(pattern) = pattern(self.call) {
            let _ = write!(path, "&use_regex=true&name={}", encoded(&pattern));
        }
        let answer = self.engine.exchange("GET", &path, None).await?;
        if answer.status == 400
            && answer.body.windows(17).any(|window| window == b"page_out_of_range")
        {
            return Ok(None);
        }
        match done(&answer) {
            // Of a virtual host: there is none of that name.
            Err(Failure::Refused(refusal)) if answer.status == 404 => {
                Err(Failure::Refused(brokerd_domain::destination::EngineRefusal {
                    attribute: Some("virtualHost".to_owned()),
                    message: "The broker has no such virtual host.".to_owned(),
                    ..refusal
                }))
            }
            Err(other) => Err(other),
            Ok(()) => read(&answer).map(Some),
        }
    }
}

/// What names match that are asked for, or more. None: all of them.
fn pattern(call: &ListCall) -> Option<String> {
    let part = call.name_contains.as_deref().unwrap_or_default();
    if call.internal && part.is_empty() {
        return None;
    }
    let begin = if call.internal { "^" } else { "^(?!amq\\.|brokerd\\.)" };
    let mut pattern = begin.to_owned();
    if !part.is_empty() {
        pattern.push_str(".*(?i:");
        for c in part.chars() {
            match c {
                c if c.is_ascii_alphanumeric() => pattern.push(c),
                c if c.is_ascii() => {
                    let _ = write!(pattern, "\\x{{{:02x}}}", u32::from(c));
                }
                // Bytes or a character, as the engine reads it.
                _ => pattern.push_str("[^\\x00-\\x7f]+"),
            }
        }
        pattern.push(')');
    }
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_what_is_asked_for() {
        let call = |part: &str, internal| ListCall {
            kind: None,
            name_contains: Some(part.to_owned()).filter(|part| !part.is_empty()),
            virtual_host: None,
            internal,
            after: None,
            most: 20,
        };
        for (part, internal, found) in [
            ("", true, None),
            ("", false, Some(r"^(?!amq\.|brokerd\.)")),
            ("Ab1", true, Some(r"^.*(?i:Ab1)")),
            ("a.*", false, Some(r"^(?!amq\.|brokerd\.).*(?i:a\x{2e}\x{2a})")),
            ("ä)", true, Some(r"^.*(?i:[^\x00-\x7f]+\x{29})")),
        ] {
            assert_eq!(pattern(&call(part, internal)).as_deref(), found, "{part}");
        }
    }
}

//! Where a page of destinations begins.

use serde::{Deserialize, Serialize};

/// The last destination of a page. Destinations are in the order of their names, then of their virtual hosts, then of
/// their kinds, so that a page goes on rightly whatever was created and deleted meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationPosition {
    /// The name.
    pub name: String,
    /// The virtual host; empty in ActiveMQ.
    #[serde(default)]
    pub virtual_host: String,
    /// The kind, as callers name it.
    #[serde(default)]
    pub kind: String,
    /// How many destinations were before the next one when the page was read: where to look first.
    #[serde(default)]
    pub rank: u64,
}

impl DestinationPosition {
    /// Whether a destination comes after it.
    pub fn is_before(&self, name: &str, virtual_host: &str, kind: &str) -> bool {
        (self.name.as_str(), self.virtual_host.as_str(), self.kind.as_str())
            < (name, virtual_host, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_count_first_and_bytes_decide() {
        let at = DestinationPosition {
            name: "b".into(),
            virtual_host: "/".into(),
            kind: "QUEUE".into(),
            rank: 7,
        };
        for (name, virtual_host, kind, is_after) in [
            ("b", "/", "QUEUE", false),
            ("a", "x", "TOPIC", false),
            ("B", "x", "TOPIC", false),
            ("b", "/", "TOPIC", true),
            ("b", "x", "QUEUE", true),
            ("ä", "", "", true),
        ] {
            assert_eq!(at.is_before(name, virtual_host, kind), is_after, "{name} {virtual_host}");
        }
    }
}

//! What brokerd tells of pairs, in verdicts and events.

const WHOLE: &str = " serves, the other one stands by";

/// The instance that serves, if that tells of a pair that is whole: the other one stands by.
#[must_use]
pub fn serving(told: &str) -> Option<u8> {
    told.strip_prefix("instance ")?.split_once(WHOLE)?.0.parse().ok()
}

#[test]
fn only_what_tells_of_a_whole_pair_tells_who_serves() {
    assert_eq!(serving("instance 2 serves, the other one stands by"), Some(2));
    for other in ["instance 2 serves", "instance  serves, the other one stands by", WHOLE, ""] {
        assert_eq!(serving(other), None, "{other}");
    }
}

//! Bounds of what is told of messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use brokerd_domain::destination::{
    BrowsedMessage, EngineAnswer, MessageBody, PropertyValue, RefusalKind,
};
use serde_json::Value;

/// The longest answer, in bytes of JSON.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// The most bytes of a body that are shown.
pub(super) const MAX_BODY_BYTES: usize = 64 << 10;
/// The most bytes of all bodies of an answer that are asked for.
pub(super) const MAX_BYTES: usize = 512 << 10;
/// The most properties of a message that are shown.
pub(super) const MAX_PROPERTIES: usize = 80;
/// The most characters of a name or a value that are shown.
const MAX_TEXT_LENGTH: usize = 1024;

/// A text of a message, cut if it is long.
pub(super) fn text(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_LENGTH) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// A property's value: what is none of the kinds is its JSON.
pub(super) fn property(value: &Value) -> PropertyValue {
    match value {
        Value::Bool(truth) => PropertyValue::Boolean(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => PropertyValue::Integer(whole),
            (None, Some(double)) if double.is_finite() => PropertyValue::Double(double),
            _ => PropertyValue::Text(number.to_string()),
        },
        Value::String(value) => PropertyValue::Text(text(value)),
        other => PropertyValue::Text(text(&other.to_string())),
    }
}

/// The beginning of a body as a text, if it is one. A character that was cut is left out.
pub(super) fn body(mut bytes: Vec<u8>, is_truncated: bool) -> MessageBody {
    let is_plain = |text: &str| !text.chars().any(|c| c < ' ' && !matches!(c, '\n' | '\r' | '\t'));
    let valid = match std::str::from_utf8(&bytes) {
        Ok(text) => is_plain(text).then_some(bytes.len()),
        Err(error) => {
            let end = error.valid_up_to();
            let is_cut = is_truncated && error.error_len().is_none();
            let begin = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
            (is_cut && is_plain(begin)).then_some(end)
        }
    };
    let text = valid.map(|end| {
        bytes.truncate(end);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    text.map_or_else(|| MessageBody::Base64(STANDARD.encode(&bytes)), MessageBody::Text)
}

/// As many messages as fit into an answer, the first ones. None of many: the first one alone is too long.
pub(super) fn bounded(answer: EngineAnswer) -> EngineAnswer {
    let EngineAnswer::Browsed { messages, marks_redelivered } = answer else {
        return if length(&answer) <= MAX_ANSWER_BYTES { answer } else { too_long() };
    };
    // Of what is around the messages.
    let mut left = MAX_ANSWER_BYTES - 1024;
    let all = messages.len();
    let fits = |message: &BrowsedMessage| {
        let length = serde_json::to_vec(message).map_or(usize::MAX, |text| text.len() + 1);
        let fits = length <= left;
        left = left.saturating_sub(length);
        fits
    };
    let messages: Vec<_> = {
        let mut fits = fits;
        messages.into_iter().take_while(|message| fits(message)).collect()
    };
    if messages.is_empty() && all > 0 {
        return too_long();
    }
    EngineAnswer::Browsed { messages, marks_redelivered }
}

fn length(answer: &EngineAnswer) -> usize {
    serde_json::to_vec(answer).map_or(usize::MAX, |text| text.len())
}

fn too_long() -> EngineAnswer {
    EngineAnswer::refused(RefusalKind::Conflict, "The answer would be too long. Ask for less.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_a_text_or_base64() {
        let text = |text: &str| MessageBody::Text(text.to_owned());
        let base64 = |text: &str| MessageBody::Base64(text.to_owned());
        for (bytes, is_truncated, shown) in [
            (&b""[..], false, text("")),
            ("ä\n".as_bytes(), false, text("ä\n")),
            (b"a\xc3", true, text("a")),
            (b"a\xc3", false, base64("YcM=")),
            (b"a\xc3b", true, base64("YcNi")),
            (b"a\0", false, base64("YQA=")),
            (b"\x01\xc3", true, base64("AcM=")),
        ] {
            assert_eq!(body(bytes.to_vec(), is_truncated), shown, "{bytes:?}");
        }
    }

    #[test]
    fn properties_are_texts_numbers_and_truths() {
        for (value, shown) in [
            (json!(true), PropertyValue::Boolean(true)),
            (json!(-5), PropertyValue::Integer(-5)),
            (json!(1.5), PropertyValue::Double(1.5)),
            (json!("x"), PropertyValue::Text("x".into())),
            (json!([1, "a"]), PropertyValue::Text("[1,\"a\"]".into())),
            (json!(null), PropertyValue::Text("null".into())),
        ] {
            assert_eq!(property(&value), shown);
        }
        let PropertyValue::Text(long) = property(&json!("ä".repeat(2000))) else { panic!("text") };
        assert_eq!(long.chars().count(), MAX_TEXT_LENGTH + 1);
    }

    fn message(size: usize) -> BrowsedMessage {
        BrowsedMessage {
            message_id: None,
            correlation_id: None,
            redelivered: false,
            priority: None,
            timestamp_millis: None,
            expiration_millis: None,
            content_type: None,
            persistent: None,
            properties: std::collections::BTreeMap::new(),
            size: 0,
            // Each of them is six bytes of JSON.
            body: MessageBody::Text("\u{1}".repeat(size)),
            is_truncated: false,
        }
    }

    #[test]
    fn an_answer_has_as_many_messages_as_fit() {
        let browsed = |sizes: &[usize]| {
            let messages = sizes.iter().map(|size| message(*size)).collect();
            bounded(EngineAnswer::Browsed { messages, marks_redelivered: true })
        };
        let EngineAnswer::Browsed { messages, .. } = browsed(&[60_000; 5]) else { panic!("some") };
        assert_eq!(messages.len(), 2);
        let EngineAnswer::Browsed { messages, .. } = browsed(&[]) else { panic!("none") };
        assert!(messages.is_empty());
        assert!(matches!(browsed(&[200_000]), EngineAnswer::Refused(_)));
        assert_eq!(bounded(EngineAnswer::Deleted), EngineAnswer::Deleted);
    }
}

//! Where the statements of a policy document are, as a person who reads it would say.

/// A place in a text: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Where each statement begins and where it ends, in their order. Of a document that is no policy, as many as there are.
pub(super) fn of_statements(document: &str) -> Vec<(Position, Position)> {
    let spans = spans(document);
    let mut places = Vec::with_capacity(spans.len());
    for (start, end) in spans {
        places.push((position(document, start), position(document, end)));
    }
    places
}

fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

/// The first and the last byte of the objects that are the value of the member `Statement`, or are in it.
fn spans(text: &str) -> Vec<(usize, usize)> {
    let (mut spans, mut opened) = (Vec::new(), Vec::new());
    // The member of the document that is read, and whether its name has ended.
    let (mut member, mut is_in_value) = (String::new(), false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => {
                let mut end = at;
                while let Some((next, byte)) = bytes.next() {
                    end = next;
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
                if opened.len() == 1 && !is_in_value {
                    member = text.get(at + 1..end).unwrap_or_default().to_owned();
                }
            }
            b':' if opened.len() == 1 => is_in_value = true,
            b',' if opened.len() == 1 => is_in_value = false,
            b'{' | b'[' => opened.push((at, byte)),
            b'}' | b']' => {
                let Some((start, kind)) = opened.pop() else { return spans };
                // A statement is in the document, or in the list that the document has.
                let is_statement = match opened.as_slice() {
                    [_] => true,
                    [_, (_, list)] => *list == b'[',
                    _ => false,
                };
                if is_statement && kind == b'{' && member == "Statement" {
                    spans.push((start, at));
                }
            }
            _ => {}
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(document: &str) -> Vec<[usize; 4]> {
        let places = of_statements(document);
        places.iter().map(|(from, to)| [from.line, from.column, to.line, to.column]).collect()
    }

    #[test]
    fn statements_are_found_by_line_and_column() {
        let document = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "mq:*", "Resource": "*"},
    {
      "Sid": "a \"}] b",
      "Effect": "Deny",
      "Action": ["mq:X", "mq:Y"],
      "Resource": "*",
      "Condition": {"Bool": {"aws:SecureTransport": "false"}}
    }
  ]
}"#;
        assert_eq!(places(document), [[4, 5, 4, 58], [5, 5, 11, 5]]);
    }

    #[test]
    fn a_single_statement_needs_no_list() {
        let document = r#"{"Statement":{"Effect":"Allow","Condition":{"x":{}}},"Id":"a","Version":"2012-10-17"}"#;
        assert_eq!(places(document), [[1, 14, 1, 52]]);
        assert_eq!(places("{}"), [[0; 4]; 0]);
    }

    proptest! {
        #[test]
        fn no_text_is_read_with_a_panic(text in "[\\[\\]{}\":,\\\\aä\n]{0,40}") {
            for (from, to) in of_statements(&text) {
                prop_assert!((from.line, from.column) <= (to.line, to.column));
            }
        }
    }
}

//! Answers of the query protocol.

use super::value::Value;
use crate::query::Xml;

/// Writes the members of a structure as elements. Times are in ISO 8601.
pub(crate) fn write_members(xml: &mut Xml, value: &Value) {
    let Value::Structure(members) = value else { return };
    for (name, value) in members.iter() {
        write(xml, name, value);
    }
}

fn write(xml: &mut Xml, name: &str, value: &Value) {
    match value {
        Value::Absent => {}
        Value::Boolean(is) => xml.text(name, is),
        Value::Integer(number) => xml.text(name, number),
        // With a point, also where it is whole.
        Value::Double(number) => xml.text(name, format_args!("{number:?}")),
        Value::Text(text) | Value::Form(text) => xml.text(name, text),
        Value::Moment(moment) => xml.text(name, iso_8601(moment.as_micros())),
        Value::List(items) => xml.element(name, |xml| {
            for item in items {
                write(xml, "member", item);
            }
        }),
        Value::Structure(_) => xml.element(name, |xml| write_members(xml, value)),
    }
}

/// `2026-09-21T14:13:20Z`, with milliseconds where there are some.
fn iso_8601(micros: i64) -> String {
    let millis = micros.div_euclid(1000);
    let Ok(at) = jiff::Timestamp::from_millisecond(millis) else { return millis.to_string() };
    if millis.rem_euclid(1000) == 0 { format!("{at:.0}") } else { format!("{at:.3}") }
}

#[cfg(test)]
mod tests {
    use brokerd_domain::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        query::Parameters,
        wire::{Members, Shape as _, cbor, form, json, shape},
    };

    shape! {
        Point {
            at: Timestamp = "Timestamp",
            value: f64 = "Value",
        }
    }

    shape! {
        Everything {
            text: String = "Text",
            is: bool = "Is",
            number: i64 = "Number",
            maybe: Option<String> = "Maybe",
            texts: Vec<String> = "Texts",
            points: Vec<Point> = "Points",
        }
    }

    fn structure(pairs: Vec<(&'static str, Value)>) -> Value {
        let mut members = Members::default();
        for (name, value) in pairs {
            members.put(name, value);
        }
        Value::Structure(members)
    }

    fn everything() -> Everything {
        Everything {
            text: "a & b".to_owned(),
            is: true,
            number: -3,
            maybe: None,
            texts: vec!["x".to_owned(), "y".to_owned()],
            points: vec![
                Point { at: Timestamp::from_micros(1_790_000_000_000_000), value: 5.0 },
                Point { at: Timestamp::from_micros(1_790_000_000_250_000), value: 0.5 },
            ],
        }
    }

    #[test]
    fn every_codec_reads_what_it_writes() {
        let value = everything().write();
        let from_json = json::read(json::written(&value).to_string().as_bytes()).expect("JSON");
        assert_eq!(Everything::read(from_json), Ok(everything()));
        let from_cbor = cbor::read(&cbor::written(&value)).expect("CBOR");
        assert_eq!(Everything::read(from_cbor), Ok(everything()));
    }

    #[test]
    fn a_form_is_read_as_the_same_structure() {
        let form = "Text=a+%26+b&Is=true&Number=-3&Texts.member.2=y&Texts.member.1=x\
            &Points.member.1.Timestamp=2026-09-21T14%3A13%3A20Z&Points.member.1.Value=5\
            &Points.member.10.Timestamp=2026-09-21T14%3A13%3A20.250Z&Points.member.10.Value=0.5&Unknown.x=1";
        let parameters = Parameters::parse(form.as_bytes()).expect("a form");
        let value = form::read(&parameters).expect("no contradiction");
        assert_eq!(Everything::read(value), Ok(everything()));
        for wrong in ["A=1&A.B=2", "A.B=2&A.B.C=3", &format!("{}A=1", "A.".repeat(30))] {
            let parameters = Parameters::parse(wrong.as_bytes()).expect("a form");
            assert!(form::read(&parameters).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_have_elements_for_members_and_items() {
        let xml = Xml::document("R", "n", |xml| write_members(xml, &everything().write()));
        assert_eq!(
            xml,
            "<R xmlns=\"n\"><Text>a &amp; b</Text><Is>true</Is><Number>-3</Number>\
             <Texts><member>x</member><member>y</member></Texts>\
             <Points><member><Timestamp>2026-09-21T14:13:20Z</Timestamp><Value>5.0</Value></member>\
             <member><Timestamp>2026-09-21T14:13:20.250Z</Timestamp><Value>0.5</Value></member></Points></R>"
        );
    }

    #[test]
    fn times_are_seconds_in_json_and_tagged_in_cbor() {
        let value =
            Value::List(everything().points.into_iter().map(|one| one.at.write()).collect());
        assert_eq!(json::written(&value).to_string(), "[1790000000,1790000000.25]");
        let bytes = cbor::written(&Value::Moment(Timestamp::from_micros(1_790_000_000_000_000)));
        assert_eq!(bytes[..2], [0xc1, 0xfb], "tag 1, a double");
    }

    #[test]
    fn cbor_of_other_encoders_is_read() {
        for (hex, expected) in [
            // {"a": [1, -1]}, with and without lengths.
            (
                "a161618201 20",
                vec![("a", Value::List(vec![Value::Integer(1), Value::Integer(-1)]))],
            ),
            (
                "bf61619f0120ffff",
                vec![("a", Value::List(vec![Value::Integer(1), Value::Integer(-1)]))],
            ),
            // A text in parts.
            ("a161617f61786179ff", vec![("a", Value::Text("xy".to_owned()))]),
            // A half, a single, whole seconds with a tag, null.
            ("a16161f93e00", vec![("a", Value::Double(1.5))]),
            ("a16161fa3fc00000", vec![("a", Value::Double(1.5))]),
            ("a16161c101", vec![("a", Value::Moment(Timestamp::from_micros(1_000_000)))]),
            ("a16161f6", vec![("a", Value::Absent)]),
            ("a0", vec![]),
            ("", vec![]),
        ] {
            let bytes = hex::decode(hex.replace(' ', "")).expect("hex");
            assert_eq!(cbor::read(&bytes), Ok(structure(expected)), "{hex}");
        }
        for wrong in [
            "01",
            "a1",
            "a161",
            "a16161",
            "a10101",
            "a0a0",
            "ff",
            "a16161ff",
            "a161615f",
            "a16161c201",
            // A list of 2^63 items, and one that is nested too deep.
            "a161619b7fffffffffffffff",
            &format!("a16161{}01", "81".repeat(40)),
            "a161611bffffffffffffffff",
        ] {
            let bytes = hex::decode(wrong).expect("hex");
            assert!(cbor::read(&bytes).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_none() {
        for wrong in ["[]", "7", "{", "null"] {
            assert_eq!(json::read(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(json::read(b""), Some(structure(vec![])));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            any::<i64>().prop_map(Value::Integer),
            (-1e300..1e300f64).prop_map(Value::Double),
            ".{0,8}".prop_map(Value::Text),
            (0..4_000_000_000_000i64)
                .prop_map(|ms| Value::Moment(Timestamp::from_micros(ms * 1000))),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                prop::collection::vec(inner, 0..4).prop_map(|items| {
                    let names = ["a", "b", "c", "d"];
                    structure(names.into_iter().zip(items).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn cbor_is_read_as_it_was_written(value in any_value()) {
            let whole = structure(vec![("x", value)]);
            prop_assert_eq!(cbor::read(&cbor::written(&whole)), Ok(whole));
        }

        #[test]
        fn no_bytes_make_a_codec_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = cbor::read(&bytes);
            let _ = json::read(&bytes);
            if let Ok(parameters) = Parameters::parse(&bytes) {
                let _ = form::read(&parameters);
            }
        }
    }
}

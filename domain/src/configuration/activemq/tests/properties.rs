//! What holds for any text.

use proptest::prelude::*;

use super::*;

/// Pieces of documents, some of them bad, in no sensible order.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("<plugins>".to_owned()),
        Just("</plugins>".to_owned()),
        Just("<plugins/>".to_owned()),
        Just("<destinations><queue physicalName=\"a\"/></destinations>".to_owned()),
        Just("<statisticsBrokerPlugin/>".to_owned()),
        Just("<bean class=\"x\">text</bean>".to_owned()),
        Just("<!-- ${x} -->".to_owned()),
        Just("<!-- comment\r\n -->".to_owned()),
        Just("<![CDATA[ ]]>".to_owned()),
        Just("&#13;".to_owned()),
        Just("&#9;\n  ".to_owned()),
        Just("<?pi?>".to_owned()),
        "[ -~]{0,12}",
        any::<char>().prop_map(|c| format!("<queue physicalName='{c}'/>")),
    ]
}

/// Values of attributes, with everything that must be escaped or removed.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,12}",
        "[$#{}&;'x \t\n]{0,8}",
        (0_u32..0x11_0000).prop_map(|c| format!("&#{c};")),
        Just("&#36;{x}".to_owned()),
        Just("true".to_owned()),
    ]
}

fn check(document: &str) {
    for strategy in [AuthenticationStrategy::Simple, AuthenticationStrategy::Ldap] {
        let Ok(sanitised) = sanitise(version(), strategy, document) else { continue };
        let data = &sanitised.data;
        assert!(data.starts_with(HEAD) && data.ends_with('\n'), "{data:?}");
        assert!(!data.contains("${") && !data.contains("#{"), "{data:?}");
        let again = sanitise(version(), strategy, data);
        assert_eq!(again.as_ref().map(|s| &s.data), Ok(data), "{document:?}");
        assert_eq!(again.map(|s| s.warnings), Ok(Vec::new()), "{data:?}");
        let permitted = permitted(version(), strategy, document);
        assert!(permitted.is_err() || sanitised.warnings.is_empty(), "{document:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        check(&text);
        check(&broker(&format!(">{text}")));
    }

    #[test]
    fn any_markup_is_answered(text in "[<>/=\"'!\\-\\[\\]?&;# a-d:]{0,60}") {
        check(&text);
        check(&broker(&text));
    }

    #[test]
    fn any_mixture_is_answered(pieces in prop::collection::vec(piece(), 0..12)) {
        check(&broker(&format!(">{}", pieces.concat())));
    }

    #[test]
    fn any_value_is_kept_as_it_is_or_removed(value in value()) {
        let value = value.replace('<', "").replace('"', "&quot;");
        let document = broker(&format!("><destinations><queue physicalName=\"{value}\"/></destinations>"));
        check(&document);
        if let (Ok(read), Ok(sanitised)) = (roxmltree::Document::parse(&document), simple(&document)) {
            let written = roxmltree::Document::parse(&sanitised.data).expect("well-formed");
            let name = |xml: &roxmltree::Document<'_>| {
                xml.descendants().find_map(|n| n.attribute("physicalName")).map(str::to_owned)
            };
            prop_assert_eq!(name(&written).is_none(), !sanitised.warnings.is_empty());
            if sanitised.warnings.is_empty() {
                prop_assert_eq!(name(&written), name(&read));
            }
        }
    }
}

//! Documents that are wrong, and documents that are meant to do harm.

use super::*;

#[test]
fn wrong_values_are_said_in_the_words_of_the_validator() {
    let entries = |inner: &str| {
        format!(
            "><destinationPolicy><policyMap><policyEntries>{inner}</policyEntries></policyMap></destinationPolicy>"
        )
    };
    let policy = |attribute: &str| entries(&format!("<policyEntry queue=\"a\" {attribute}/>"));
    for (inner, words) in [
        (
            policy("lazyDispatch=\"maybe\""),
            "cvc-attribute.3: The value 'maybe' of attribute 'lazyDispatch' on element 'policyEntry' \
             is not valid with respect to its type, 'boolean'. and cvc-datatype-valid.1.2.1: 'maybe' \
             is not a valid value for 'boolean'.",
        ),
        (
            policy("queuePrefetch=\"many\""),
            "cvc-attribute.3: The value 'many' of attribute 'queuePrefetch' on element 'policyEntry' \
             is not valid with respect to its type, 'integer'. and cvc-datatype-valid.1.2.1: 'many' \
             is not a valid value for 'integer'.",
        ),
        (
            "><systemUsage><systemUsage><memoryUsage><memoryUsage percentOfJvmHeap=\"71\"/>\
             </memoryUsage></systemUsage></systemUsage>"
                .to_owned(),
            "cvc-attribute.3: The value '71' of attribute 'percentOfJvmHeap' on element 'memoryUsage' \
             is not valid with respect to its type, 'percentOfJvmHeap'. and cvc-maxInclusive-valid: \
             Value '71' is not facet-valid with respect to maxInclusive '70' for type \
             'percentOfJvmHeap'.",
        ),
        (
            entries("<policyEntry queue=\"&gt;\"/><policyEntry queue=\"&gt;\"/>"),
            "cvc-identity-constraint.4.1: Duplicate unique value [>] declared for identity constraint \
             \"uniqueQueue\" of element \"policyMap\".",
        ),
        (
            "><destinationPolicy><policyMap><defaultEntry><policyEntry topic=\"a\"/></defaultEntry>\
             <policyEntries><policyEntry topic=\"a\"/></policyEntries></policyMap></destinationPolicy>"
                .to_owned(),
            "cvc-identity-constraint.4.1: Duplicate unique value [a] declared for identity constraint \
             \"uniqueTopic\" of element \"policyMap\".",
        ),
        (
            "><destinationInterceptors><virtualDestinationInterceptor/></destinationInterceptors>"
                .to_owned(),
            "cvc-complex-type.2.4.b: The content of element 'virtualDestinationInterceptor' is not \
             complete. One of '{\"http://activemq.apache.org/schema/core\":virtualDestinations}' is \
             expected.",
        ),
        (
            "><destinationInterceptors><virtualDestinationInterceptor><virtualDestinations/>\
             </virtualDestinationInterceptor></destinationInterceptors>"
                .to_owned(),
            "cvc-complex-type.2.4.b: The content of element 'virtualDestinations' is not complete. One \
             of '{\"http://activemq.apache.org/schema/core\":compositeQueue, \
             \"http://activemq.apache.org/schema/core\":compositeTopic, \
             \"http://activemq.apache.org/schema/core\":virtualTopic}' is expected.",
        ),
        (
            "><persistenceAdapter><kahaDB/><kahaDB/></persistenceAdapter>".to_owned(),
            "cvc-complex-type.2.4.d: Invalid content was found starting with element 'kahaDB'. No child \
             element is expected at this point.",
        ),
        (
            "><destinationPolicy/><destinationPolicy/>".to_owned(),
            "cvc-complex-type.2.4.d: Invalid content was found starting with element \
             'destinationPolicy'. No child element is expected at this point.",
        ),
        (
            "><transportConnectors><transportConnector/></transportConnectors>".to_owned(),
            "cvc-identity-constraint.4.2.1.a: Element \"broker\" has no value for the key \
             \"transportConnectorName\".",
        ),
        (
            "><transportConnectors><transportConnector name=\"openwire\"/>\
             <transportConnector name=\"openwire\"/></transportConnectors>"
                .to_owned(),
            "cvc-identity-constraint.4.2.2: Duplicate key value [openwire] declared for identity \
             constraint \"transportConnectorName\" of element \"broker\".",
        ),
        (
            "><plugins>x</plugins>".to_owned(),
            "cvc-complex-type.2.3: Element 'plugins' cannot have character [children], because the \
             type's content type is element-only.",
        ),
        (
            "><destinations><queue><![CDATA[x]]></queue></destinations>".to_owned(),
            "cvc-complex-type.2.1: Element 'queue' must have no character or element information item \
             [children], because the type's content type is empty.",
        ),
    ] {
        assert_eq!(refused(&broker(&inner)), words, "{inner}");
    }
    // Any number of these may be there, and the same destination for queues and topics.
    let fine =
        entries("<policyEntry queue=\"a\" topic=\"b\"/><policyEntry queue=\"b\" topic=\"a\"/>");
    accepted(&broker(&format!("{fine}<plugins/><plugins/>")));
}

#[test]
fn what_is_removed_is_not_validated() {
    let inner = " taskRunnerPriority=\"#{x}\"><unknown>text</unknown><queue DLQ=\"maybe\"/>";
    assert_eq!(accepted(&broker(inner)).warnings.len(), 3);
}

#[test]
fn a_refusal_does_not_grow_with_the_document() {
    let inner = format!("><destinations>{}</destinations>", "<queue DLQ=\"maybe\"/>".repeat(5_000));
    assert_eq!(refused(&broker(&inner)).matches("cvc-").count(), 20);
    let inner = format!("><destinations><queue DLQ=\"{}\"/></destinations>", "x".repeat(500_000));
    assert!(refused(&broker(&inner)).len() < 1_000);
    let name = "x".repeat(500_000);
    assert!(refused(&format!("<{name}/>")).len() < 1_000);
    assert!(refused(&format!("<{name}></y>")).len() < 1_000);
}

#[test]
fn only_a_broker_of_activemq_is_one() {
    for (document, root) in [
        ("<broker/>".to_owned(), "broker"),
        (format!("<queue xmlns=\"{CORE}\"/>"), "queue"),
        ("<broker xmlns=\"urn:other\"/>".to_owned(), "broker"),
        (
            format!(
                "<beans xmlns=\"http://www.springframework.org/schema/beans\"><broker xmlns=\"{CORE}\"/></beans>"
            ),
            "beans",
        ),
    ] {
        assert_eq!(
            refused(&document),
            format!("cvc-elt.1: Cannot find the declaration of element '{root}'.")
        );
    }
    for not_xml in
        ["", " ", "consumer_timeout = 1", "{}", "<broker", &broker(""), "<a></b>", "<a/><b/>"]
    {
        let said = refused(not_xml);
        assert!(said.starts_with("The document is not well-formed: "), "{not_xml}: {said}");
    }
}

#[test]
fn documents_with_a_type_declaration_are_refused() {
    let bomb: String = (1..10).fold("<!ENTITY e0 \"ha\">".to_owned(), |all, n| {
        format!("{all}<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10))
    });
    for (declaration, value) in [
        ("<!DOCTYPE broker>", ""),
        ("<!DOCTYPE broker SYSTEM \"http://127.0.0.1/x.dtd\">", ""),
        ("<!DOCTYPE broker PUBLIC \"x\" \"file:///x.dtd\">", ""),
        ("<!DOCTYPE broker [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>", "&x;"),
        ("<!DOCTYPE broker [<!ENTITY % x SYSTEM \"http://127.0.0.1/\"> %x;]>", ""),
        ("<!DOCTYPE broker [<!ENTITY x \"&x;\">]>", "&x;"),
        ("<!DOCTYPE broker [<!ATTLIST broker persistent CDATA \"false\">]>", ""),
        (&format!("<!DOCTYPE broker [{bomb}]>"), "&e9;"),
    ] {
        let document =
            format!("{declaration}{}", broker(&format!(" advisorySupport=\"{value}\">")));
        let said = refused(&document);
        assert_eq!(said, "The document has a document type declaration.", "{document}");
    }
    let said = refused(&broker(" advisorySupport=\"&xxe;\">"));
    assert!(said.contains("unknown entity reference 'xxe'"), "{said}");
}

#[test]
fn beans_are_removed_wherever_they_are() {
    let beans = "http://www.springframework.org/schema/beans";
    for (inner, element) in [
        ("><bean class=\"java.lang.ProcessBuilder\"/>".to_owned(), "bean"),
        (format!("><bean xmlns=\"{beans}\" class=\"java.lang.ProcessBuilder\"/>"), "bean"),
        (format!("><plugins><b:bean xmlns:b=\"{beans}\" class=\"x\"/></plugins>"), "bean"),
        (format!("><property xmlns=\"{beans}\" name=\"brokerName\" value=\"x\"/>"), "property"),
        (
            "><plugins><runtimeConfigurationPlugin/></plugins>".to_owned(),
            "runtimeConfigurationPlugin",
        ),
        (
            format!(
                "><networkConnectors><networkConnector uri=\"static:(ssl://a:1)\"><uri><bean xmlns=\"{beans}\"/></uri>\
                 </networkConnector></networkConnectors>"
            ),
            "uri",
        ),
    ] {
        let sanitised = accepted(&broker(&inner));
        assert_eq!(warnings(&sanitised), [format!("{element} DISALLOWED_ELEMENT_REMOVED")]);
        assert!(!sanitised.data.contains(beans) && !sanitised.data.contains("bean "));
    }
}

#[test]
fn expressions_do_not_even_stay_in_comments() {
    let sanitised =
        accepted(&format!("<!-- ${{a}} -->{}<!-- #{{b}} -->", broker("><!--a--><!--${c}-->")));
    assert_eq!(sanitised.data, format!("{HEAD}<broker xmlns=\"{CORE}\"><!--a--></broker>\n"));
    assert_eq!(sanitised.warnings, []);
}

#[test]
fn processing_instructions_are_refused() {
    for document in [
        format!("<?php x?>{}", broker(">")),
        format!("{}<?xml-stylesheet href=\"x\"?>", broker(">")),
        broker("><?x?>"),
        broker("><unknown><?x?></unknown>"),
    ] {
        assert_eq!(refused(&document), "The document has a processing instruction.");
    }
}

#[test]
fn characters_that_xml_does_not_know_are_refused() {
    for text in [
        "\0", "\u{1}", "\u{b}", "\u{1f}", "\u{fffe}", "&#0;", "&#1;", "&#x1F;", "&#xD800;",
        "&#xFFFE;",
    ] {
        let value = refused(&broker(&format!(" advisorySupport=\"{text}\">")));
        assert!(value.starts_with("The document is not well-formed: "), "{text:?}: {value}");
        // In a comment a reference is nothing but its letters.
        let comment = simple(&broker(&format!("><!-- {text} -->")));
        assert_eq!(comment.is_ok(), text.starts_with('&'), "{text:?}");
    }
    for text in ["\u{7f}", "\u{85}", "\u{2028}", "\u{fffd}", "\u{10ffff}"] {
        let queue = format!("<queue physicalName=\"{text}\"/>");
        let sanitised = accepted(&broker(&format!("><destinations>{queue}</destinations>")));
        assert!(sanitised.data.contains(text), "{text:?}");
    }
}

#[test]
fn depth_harms_nobody() {
    for levels in [1_000, 100_000] {
        let unknown = format!(">{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
        assert_eq!(warnings(&accepted(&broker(&unknown))), ["a DISALLOWED_ELEMENT_REMOVED"]);
        refused(&"<a>".repeat(levels));
        refused(&format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels)));
    }
    let policies = |levels: usize| {
        let (open, close) = (
            "<wrapped><retainedMessageSubscriptionRecoveryPolicy>",
            "</retainedMessageSubscriptionRecoveryPolicy></wrapped>",
        );
        broker(&format!(
            "><destinationPolicy><policyMap><policyEntries><policyEntry topic=\"a\"><subscriptionRecoveryPolicy>\
             <retainedMessageSubscriptionRecoveryPolicy>{}<wrapped>\
             <noSubscriptionRecoveryPolicy/></wrapped>{}\
             </retainedMessageSubscriptionRecoveryPolicy></subscriptionRecoveryPolicy></policyEntry>\
             </policyEntries></policyMap></destinationPolicy>",
            open.repeat(levels),
            close.repeat(levels)
        ))
    };
    assert_eq!(warnings(&accepted(&policies(20))), [""; 0]);
    for levels in [50, 8_000] {
        assert_eq!(refused(&policies(levels)), "The document is nested more than 64 levels deep.");
    }
}

#[test]
fn size_harms_nobody() {
    let comment = |length: usize| broker(&format!("><!--{}-->", "x".repeat(length)));
    let room = MAX_DOCUMENT_BYTES - accepted(&comment(0)).data.len();
    assert_eq!(accepted(&comment(room)).data.len(), MAX_DOCUMENT_BYTES);
    let too_large = "The document is larger than 1048576 bytes.";
    assert_eq!(refused(&comment(room + 200)), too_large);
    assert_eq!(refused(&comment(64 << 20)), too_large);
    // Four times as large when it is written anew.
    let queue = format!("<queue physicalName=\"{}\"/>", ">".repeat(MAX_DOCUMENT_BYTES / 2));
    assert_eq!(refused(&broker(&format!("><destinations>{queue}</destinations>"))), too_large);
}

#[test]
fn numbers_of_attributes_and_prefixes_are_limited() {
    let attributes =
        |count: usize| (0..count).map(|n| format!(" a{n} =\t'{n}'")).collect::<String>();
    assert_eq!(accepted(&broker(&format!("{}>", attributes(500)))).warnings.len(), 500);
    for count in [600, 60_000] {
        let said = refused(&broker(&format!("><x{}/>", attributes(count))));
        assert_eq!(said, "An element has more than 512 attributes.");
    }
    let banner = format!("><!--{}-->", "=".repeat(100_000));
    accepted(&broker(&banner));

    let prefixes =
        |count: usize| (0..count).map(|n| format!(" xmlns:p{n}='u'")).collect::<String>();
    accepted(&broker(&format!("{}>", prefixes(30))));
    for count in [40, 400] {
        let said =
            refused(&broker(&format!("{}>{}", prefixes(count), "<a xmlns=''/>".repeat(50_000))));
        assert_eq!(said, "The document declares more than 32 prefixes.");
    }
    let many = format!("{}>{}", prefixes(31), "<a xmlns=''/>".repeat(70_000));
    assert_eq!(accepted(&broker(&many)).warnings.len(), 70_000);
}

#[test]
fn what_the_engine_is_given_was_permitted_as_it_is() {
    let given = |inner: &str| permitted(version(), AuthenticationStrategy::Simple, &broker(inner));
    let tree = given(
        "><!-- c --> <destinations> <queue physicalName=\"b\" DLQ=\"true\"/>\
         <topic physicalName=\"t\"/></destinations>",
    )
    .expect("permitted");
    let destinations: Vec<_> = tree.elements().flat_map(ActiveMqElement::elements).collect();
    assert_eq!(destinations.len(), 2);
    assert_eq!(destinations[0].attributes[0], ("physicalName".to_owned(), "b".to_owned()));
    assert_eq!(destinations[0].attribute("DLQ"), Some("true"));
    assert_eq!(destinations[1].attribute("DLQ"), None);

    let factories = "><destinationPolicy><policyMap><policyEntries>\
                     <policyEntry queue=\"a\" messageGroupMapFactoryType=\"cached?cacheSize=10\"/>\
                     <policyEntry queue=\"b\" messageGroupMapFactoryType=\"simple\"/>\
                     </policyEntries></policyMap></destinationPolicy>";
    assert!(given(factories).is_ok());
    for (inner, words) in [
        ("><bean/>", "element 'bean' is not permitted where it is."),
        (" start=\"false\">", "attribute 'start' of element 'broker' is not permitted."),
        (
            " advisorySupport=\"${x}\">",
            "the value of attribute 'advisorySupport' of element 'broker' can't be used.",
        ),
        (
            " advisorySupport=\"invalid\">",
            "the value of attribute 'advisorySupport' of element 'broker' can't be used.",
        ),
        (
            " taskRunnerPriority=\"2147483648\">",
            "the value of attribute 'taskRunnerPriority' of element 'broker' can't be used.",
        ),
        (
            " systemUsage=\"usage\">",
            "the value of attribute 'systemUsage' of element 'broker' can't be used.",
        ),
        (
            "><destinationPolicy><policyMap><defaultEntry><policyEntry \
             messageGroupMapFactoryType=\"../x\"/></defaultEntry></policyMap></destinationPolicy>",
            "the value of attribute 'messageGroupMapFactoryType' of element 'policyEntry' can't be used.",
        ),
        (
            " taskRunnerPriority=\"x\">",
            "cvc-attribute.3: The value 'x' of attribute 'taskRunnerPriority' on element 'broker' is \
             not valid with respect to its type, 'integer'. and cvc-datatype-valid.1.2.1: 'x' is not a \
             valid value for 'integer'.",
        ),
    ] {
        let error = given(inner).expect_err(inner);
        assert_eq!(
            error.message,
            format!("The specified XML configuration data is invalid: {words}")
        );
    }
}

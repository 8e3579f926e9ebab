//! Documents through the whole sanitiser.

mod hostile;
mod properties;

use super::*;
use crate::{
    catalogue::EngineType, configuration::default_revision::default_revision, kernel::ErrorKind,
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const CORE: &str = "http://activemq.apache.org/schema/core";

fn version() -> EngineVersion {
    EngineVersion::new(5, 18)
}

fn simple(document: &str) -> Result<Sanitised, Error> {
    sanitise(version(), AuthenticationStrategy::Simple, document)
}

/// A broker with these attributes, an angle bracket and this content.
fn broker(inner: &str) -> String {
    format!("<broker xmlns=\"{CORE}\"{inner}</broker>")
}

fn accepted(document: &str) -> Sanitised {
    let sanitised = simple(document).unwrap_or_else(|e| panic!("{document}: {e}"));
    let again = simple(&sanitised.data).unwrap_or_else(|e| panic!("{}: {e}", sanitised.data));
    assert_eq!(again, Sanitised { data: sanitised.data.clone(), warnings: Vec::new() });
    sanitised
}

/// The sentence after the service's prefix.
fn refused(document: &str) -> String {
    let error = simple(document).expect_err(document);
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert_eq!(error.attribute.as_deref(), Some("data"));
    error
        .message
        .strip_prefix("The specified XML configuration data is invalid: ")
        .unwrap_or_else(|| panic!("{}", error.message))
        .to_owned()
}

/// `element`, `element@attribute` and the reason, one line each.
fn warnings(sanitised: &Sanitised) -> Vec<String> {
    let line = |warning: &SanitizationWarning| {
        let at = warning.attribute_name.iter().fold(String::new(), |_, name| format!("@{name}"));
        format!("{}{at} {}", warning.element_name, warning.reason.as_str())
    };
    sanitised.warnings.iter().map(line).collect()
}

#[test]
fn recorded_documents_get_the_recorded_answers() {
    // what follows `<broker xmlns="…"`, what was removed
    let removing = [
        (" unknownSetting=\"true\">", &["broker@unknownSetting DISALLOWED_ATTRIBUTE_REMOVED"][..]),
        (" brokerName=\"x\">", &["broker@brokerName DISALLOWED_ATTRIBUTE_REMOVED"]),
        ("><unknownSetting/>", &["unknownSetting DISALLOWED_ELEMENT_REMOVED"]),
        (
            "><unknownSetting unsafe=\"..\"><other/><queue/></unknownSetting>",
            &["unknownSetting DISALLOWED_ELEMENT_REMOVED"],
        ),
        ("><queue physicalName=\"..\"/>", &["queue DISALLOWED_ELEMENT_REMOVED"]),
        ("><other xmlns=\"urn:not-activemq\"/>", &["other DISALLOWED_ELEMENT_REMOVED"]),
        (
            " advisorySupport=\"invalid\">",
            // The service keeps this one, and nobody knows what becomes of the broker.
            &["broker@advisorySupport INVALID_ATTRIBUTE_VALUE_REMOVED"],
        ),
        (
            " advisorySupport=\"${value}\" populateJMSXUserID=\"#{value}\">",
            &[
                "broker@advisorySupport INVALID_ATTRIBUTE_VALUE_REMOVED",
                "broker@populateJMSXUserID INVALID_ATTRIBUTE_VALUE_REMOVED",
            ],
        ),
        (
            " zUnknown=\"1\" brokerName=\"x\" aUnknown=\"2\">",
            &[
                "broker@aUnknown DISALLOWED_ATTRIBUTE_REMOVED",
                "broker@brokerName DISALLOWED_ATTRIBUTE_REMOVED",
                "broker@zUnknown DISALLOWED_ATTRIBUTE_REMOVED",
            ],
        ),
    ];
    for (inner, expected) in removing {
        let sanitised = accepted(&broker(inner));
        assert_eq!(warnings(&sanitised), expected, "{inner}");
        assert_eq!(sanitised.data, format!("{HEAD}<broker xmlns=\"{CORE}\"/>\n"), "{inner}");
    }
    let policies = "<destinationPolicy><policyMap><policyEntries>";
    let no_policies = "</policyEntries></policyMap></destinationPolicy>";
    let virtually = "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations>";
    let no_virtually =
        "</virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>";
    let space = |value: &str| {
        format!(
            ">{policies}<policyEntry queue=\"a\" sendFailIfNoSpaceAfterTimeout=\"{value}\"/>{no_policies}"
        )
    };
    let keeping = [
        " schedulerSupport=\"false\">".to_owned(),
        " schedulerSupport=\"true\">".to_owned(),
        " maxSchedulerRepeatAllowed=\"2\">".to_owned(),
        " maxSchedulerRepeatAllowed=\"0\">".to_owned(),
        " rejectDurableConsumers=\"true\">".to_owned(),
        " rejectDurableConsumers=\"false\">".to_owned(),
        space("0"),
        space("1000"),
        space("-1"),
        space("9223372036854775807"),
        format!(
            ">{policies}<policyEntry allConsumersExclusiveByDefault=\"true\" queue=\"a\">\
             <pendingQueuePolicy><vmQueueCursor/></pendingQueuePolicy></policyEntry>{no_policies}"
        ),
        format!(
            ">{virtually}<compositeQueue concurrentSend=\"true\" copyMessage=\"false\" \
             forwardOnly=\"true\" name=\"a\"><forwardTo><filteredDestination queue=\"b\" \
             selector=\"x = 1\"/></forwardTo></compositeQueue><compositeTopic \
             forwardOnly=\"false\" name=\"t\"><forwardTo><topic physicalName=\"u\"/></forwardTo>\
             </compositeTopic><virtualTopic name=\"&gt;\" postfix=\".q\" prefix=\"VTC.*.\" \
             selectorAware=\"true\" transactedSend=\"false\"/>{no_virtually}"
        ),
    ];
    for inner in keeping {
        let sanitised = accepted(&broker(&inner));
        assert_eq!(warnings(&sanitised), [""; 0], "{inner}");
        let kept = inner.trim_end_matches('>').trim_start();
        assert!(sanitised.data.contains(kept), "{inner}: {}", sanitised.data);
    }
    assert_eq!(
        refused(&broker(
            "><transportConnectors><transportConnector name=\"extra\" uri=\"..\"/></transportConnectors>"
        )),
        "cvc-attribute.3: The value 'extra' of attribute 'name' on element 'transportConnector' is \
         not valid with respect to its type, 'protocol'. and cvc-enumeration-valid: Value 'extra' is \
         not facet-valid with respect to enumeration '[openwire]'. It must be a value from the \
         enumeration."
    );
}

#[test]
fn elements_are_permitted_by_place_not_by_name() {
    for (inner, removed) in [
        ("><plugins><queue/><statisticsBrokerPlugin/></plugins>", "queue"),
        ("><plugins><plugins/></plugins>", "plugins"),
        (
            "><persistenceAdapter><jdbcPersistenceAdapter/></persistenceAdapter>",
            "jdbcPersistenceAdapter",
        ),
        ("><destinations><queue physicalName=\"a\"><queue/></queue></destinations>", "queue"),
        ("><systemUsage><systemUsage><storeUsage/></systemUsage></systemUsage>", "storeUsage"),
        ("><destinations><x:queue xmlns:x=\"urn:x\"/></destinations>", "queue"),
        ("><destinations><queue xmlns=\"\"/></destinations>", "queue"),
        (
            "><networkConnectors><networkConnector uri=\"static:(ssl://a:1)\"><uri/></networkConnector>\
             </networkConnectors>",
            "uri",
        ),
    ] {
        let sanitised = accepted(&broker(inner));
        let expected = format!("{removed} DISALLOWED_ELEMENT_REMOVED");
        assert_eq!(warnings(&sanitised), [expected], "{inner}");
    }
    // The same name twice, but one is the property and one the object.
    let nested = "<systemUsage><systemUsage><memoryUsage><memoryUsage percentOfJvmHeap=\"50\"/>\
                  </memoryUsage></systemUsage></systemUsage>";
    let sanitised = accepted(&broker(&format!(">{nested}")));
    assert_eq!(warnings(&sanitised), [""; 0]);
    assert!(sanitised.data.contains(nested));
}

#[test]
fn attributes_are_removed_where_the_service_owns_them() {
    for (inner, removed) in [
        (
            "><networkConnectors><networkConnector name=\"n\" uri=\"static:(ssl://a:1)\" password=\"p\"/></networkConnectors>",
            "networkConnector@password DISALLOWED_ATTRIBUTE_REMOVED",
        ),
        (
            "><transportConnectors><transportConnector name=\"openwire\" uri=\"tcp://0:1\"/>\
             </transportConnectors>",
            "transportConnector@uri DISALLOWED_ATTRIBUTE_REMOVED",
        ),
        (
            "><persistenceAdapter><kahaDB directory=\"/\"/></persistenceAdapter>",
            "kahaDB@directory DISALLOWED_ATTRIBUTE_REMOVED",
        ),
        ("><plugins id=\"x\"/>", "plugins@id DISALLOWED_ATTRIBUTE_REMOVED"),
        (" id=\"x\">", "broker@id DISALLOWED_ATTRIBUTE_REMOVED"),
        (" xml:space=\"preserve\">", "broker@xml:space DISALLOWED_ATTRIBUTE_REMOVED"),
        (
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"a b\">",
            "broker@xsi:schemaLocation DISALLOWED_ATTRIBUTE_REMOVED",
        ),
        (" maxUncommittedCount=\"1\">", "broker@maxUncommittedCount DISALLOWED_ATTRIBUTE_REMOVED"),
        (" systemUsage=\"#usage\">", "broker@systemUsage INVALID_ATTRIBUTE_VALUE_REMOVED"),
        (
            " advisorySupport=\"&#36;{x}\">",
            "broker@advisorySupport INVALID_ATTRIBUTE_VALUE_REMOVED",
        ),
        (
            "><destinationInterceptors><mirroredQueue prefix=\"a.${b\"/></destinationInterceptors>",
            "mirroredQueue@prefix INVALID_ATTRIBUTE_VALUE_REMOVED",
        ),
        // An attribute that is not permitted is that first.
        (" unknown=\"${x}\">", "broker@unknown DISALLOWED_ATTRIBUTE_REMOVED"),
    ] {
        assert_eq!(warnings(&accepted(&broker(inner))), [removed], "{inner}");
    }
    let newer = broker(" maxUncommittedCount=\"1\">");
    let newest = EngineVersion::new(5, 19);
    let kept = sanitise(newest, AuthenticationStrategy::Simple, &newer).expect("permitted in 5.19");
    assert_eq!(kept.warnings, []);
}

#[test]
fn warnings_come_in_the_order_of_the_document() {
    let sanitised =
        accepted(&broker(" b=\"\" a=\"\"><first/><plugins c=\"\"><second/></plugins><third/>"));
    assert_eq!(
        warnings(&sanitised),
        [
            "broker@a DISALLOWED_ATTRIBUTE_REMOVED",
            "broker@b DISALLOWED_ATTRIBUTE_REMOVED",
            "first DISALLOWED_ELEMENT_REMOVED",
            "plugins@c DISALLOWED_ATTRIBUTE_REMOVED",
            "second DISALLOWED_ELEMENT_REMOVED",
            "third DISALLOWED_ELEMENT_REMOVED",
        ]
    );
    let many = format!(">{}", "<x/>".repeat(1000));
    assert_eq!(accepted(&broker(&many)).warnings.len(), 1000, "who answers cuts, not we");
}

#[test]
fn documents_are_written_in_the_services_form() {
    let document = format!(
        "\u{feff}<?xml version='1.0'?><!-- before -->\r\n<b:broker xmlns:b=\"{CORE}\" zzz=\"\"\n  \
         schedulerSupport='true' advisorySupport=\"FALSE\">\r\n  \
         <!-- kept -->\r\n  <gone/>\r\n  <b:plugins>\r\n  </b:plugins>\r\n  <b:destinations><b:queue \
         DLQ=\"true\" physicalName=\"a&#10;b &amp;&quot;'&lt;&gt;\u{e4}\u{1f600}\"></b:queue><![CDATA[ ]]></b:destinations>\r\n\
         </b:broker><!-- after -->"
    );
    let sanitised = accepted(&document);
    assert_eq!(
        sanitised.data,
        format!(
            "{HEAD}<!-- before -->\n<broker advisorySupport=\"FALSE\" \
             schedulerSupport=\"true\" xmlns=\"{CORE}\">\n  <!-- kept -->\n  <plugins/>\n  \
             <destinations><queue DLQ=\"true\" physicalName=\"a&#10;b &amp;&quot;'&lt;&gt;\u{e4}\u{1f600}\"/> \
             </destinations>\n\
             </broker>\n<!-- after -->\n"
        )
    );
    assert_eq!(warnings(&sanitised).len(), 2, "the broker's zzz, and gone");
}

#[test]
fn the_first_revision_is_already_in_that_form() {
    for minor in [17, 18, 19] {
        let version = EngineVersion::new(5, minor);
        let (_, data) = default_revision(EngineType::ActiveMq, version, "c");
        for strategy in [AuthenticationStrategy::Simple, AuthenticationStrategy::Ldap] {
            let sanitised = sanitise(version, strategy, &data).expect("fine");
            assert_eq!(sanitised, Sanitised { data: data.clone(), warnings: Vec::new() });
        }
    }
}

/// What Terraform's provider compares and must find unchanged.
#[test]
fn documents_in_the_services_form_stay_as_they_are() {
    let document = format!(
        r#"{HEAD}<broker xmlns="{CORE}">
  <plugins>
    <!-- who may do what -->
    <authorizationPlugin>
      <map>
        <authorizationMap>
          <authorizationEntries>
            <authorizationEntry admin="guests,users" queue="GUEST.&gt;" read="guests" write="guests,users"/>
            <authorizationEntry admin="guests,users" read="guests,users" topic="ActiveMQ.Advisory.&gt;" write="guests,users"/>
          </authorizationEntries>
          <tempDestinationAuthorizationEntry>
            <tempDestinationAuthorizationEntry admin="tempDestinationAdmins" read="tempDestinationAdmins" write="tempDestinationAdmins"/>
          </tempDestinationAuthorizationEntry>
        </authorizationMap>
      </map>
    </authorizationPlugin>
    <forcePersistencyModeBrokerPlugin persistenceFlag="true"/>
    <statisticsBrokerPlugin/>
    <timeStampingBrokerPlugin ttlCeiling="86400000" zeroExpirationOverride="86400000"/>
  </plugins>
</broker>
"#
    );
    let sanitised = accepted(&document);
    assert_eq!(sanitised, Sanitised { data: document, warnings: Vec::new() });
}

#[test]
fn a_map_in_a_directory_is_for_ldap_only() {
    let map = "<cachedLDAPAuthorizationMap legacyGroupMapping=\"false\" \
               queueSearchBase=\"ou=Queue,ou=Destination\" refreshInterval=\"0\" \
               tempSearchBase=\"ou=Temp\" topicSearchBase=\"ou=Topic\"/>";
    let within = |map: &str| {
        broker(&format!(
            "><plugins><authorizationPlugin><map>{map}</map></authorizationPlugin></plugins>"
        ))
    };
    // Without it the plugin has no map, and the engine does not start with that.
    assert_eq!(
        warnings(&accepted(&within(map))),
        [
            "cachedLDAPAuthorizationMap DISALLOWED_ELEMENT_REMOVED",
            "authorizationPlugin DISALLOWED_ELEMENT_REMOVED",
        ]
    );

    let ldap = |document: &str| sanitise(version(), AuthenticationStrategy::Ldap, document);
    let kept = ldap(&within(map)).expect("permitted");
    assert_eq!(warnings(&kept), [""; 0]);
    assert!(kept.data.contains(map));

    let blocked = within(&map.replace(
        " legacyGroupMapping",
        " connectionURL=\"ldap://x\" connectionUsername=\"u\" connectionPassword=\"p\" legacyGroupMapping",
    ));
    let kept = ldap(&blocked).expect("permitted without them");
    assert_eq!(
        warnings(&kept),
        [
            "cachedLDAPAuthorizationMap@connectionPassword DISALLOWED_ATTRIBUTE_REMOVED",
            "cachedLDAPAuthorizationMap@connectionURL DISALLOWED_ATTRIBUTE_REMOVED",
            "cachedLDAPAuthorizationMap@connectionUsername DISALLOWED_ATTRIBUTE_REMOVED",
        ]
    );
    assert!(kept.data.contains(map));

    let incomplete =
        within("<cachedLDAPAuthorizationMap queueSearchBase=\"a\" topicSearchBase=\"b\"/>");
    let error = ldap(&incomplete).expect_err("tempSearchBase is missing");
    assert!(error.message.ends_with(
        "cvc-complex-type.4: Attribute 'tempSearchBase' must appear on element \
         'cachedLDAPAuthorizationMap'."
    ));
}

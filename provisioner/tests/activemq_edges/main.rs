//! What is saved of a configuration is what the engine starts with: every attribute and element of the permitted
//! schema, with values at and over their edges, is asked of the domain and of ActiveMQ itself, and both have to
//! say the same.
//!
//! `brokerd/activemq check` starts one broker after the other in one process, so that thousands take minutes.
//! Without Docker, or with an image that can't check, the test says so and passes, except under `CI=true`.

#![expect(clippy::print_stderr, reason = "a skipped test must say so")]

#[path = "../asked_engine/mod.rs"]
mod asked_engine;
mod defaults;
mod engine;
#[expect(dead_code, unreachable_pub, reason = "each program uses a part of it")]
#[path = "../example/mod.rs"]
mod example;
mod schema;

use std::{sync::Mutex, thread};

use brokerd_domain::{AuthenticationStrategy, EngineType, EngineVersion, sanitise_activemq};
use engine::Engine;
use example::Example;
use schema::{Attribute, Schema};

/// The attributes of which brokerd takes less than the engine does, because of what it could do with the rest.
const NARROWER: &[(&str, &str)] = &[
    ("networkConnector", "brokerURL"),
    ("networkConnector", "localUri"),
    ("networkConnector", "objectName"),
    ("policyEntry", "messageGroupMapFactoryType"),
];

/// Elements with what is in them, by the collections they are in. The engine decides whether it starts.
const WHOLES: &[&str] = &[
    "<destinations><queue/></destinations>",
    "<destinations><topic physicalName='a,b'/><tempQueue physicalName='c'/></destinations>",
    "<destinationPolicy/>",
    "<destinationPolicy><policyMap/></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry/></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><defaultEntry><policyEntry/></defaultEntry></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry tempQueue='true'/></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry><destination><queue/></destination></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry><destination><queue physicalName='a'/></destination></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry topic='a'><deadLetterStrategy><sharedDeadLetterStrategy><deadLetterQueue><queue/></deadLetterQueue></sharedDeadLetterStrategy></deadLetterStrategy></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry topic='a'><subscriptionRecoveryPolicy><retainedMessageSubscriptionRecoveryPolicy/></subscriptionRecoveryPolicy></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry topic='a'><subscriptionRecoveryPolicy><retainedMessageSubscriptionRecoveryPolicy><wrapped><noSubscriptionRecoveryPolicy/></wrapped></retainedMessageSubscriptionRecoveryPolicy></subscriptionRecoveryPolicy></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<destinationPolicy><policyMap><policyEntries><policyEntry queue='a'><slowConsumerStrategy><abortSlowConsumerStrategy name='x'/></slowConsumerStrategy></policyEntry><policyEntry queue='b'><slowConsumerStrategy><abortSlowConsumerStrategy name='x'/></slowConsumerStrategy></policyEntry></policyEntries></policyMap></destinationPolicy>",
    "<plugins><authorizationPlugin/></plugins>",
    "<plugins><authorizationPlugin><map><authorizationMap/></map></authorizationPlugin></plugins>",
    "<plugins><authorizationPlugin><map><authorizationMap><authorizationEntries><authorizationEntry/></authorizationEntries></authorizationMap></map></authorizationPlugin></plugins>",
    "<plugins><authorizationPlugin><map><authorizationMap><authorizationEntries><authorizationEntry queue='>' read='a,,b'/><authorizationEntry tempTopic='false'/></authorizationEntries><defaultEntry><tempDestinationAuthorizationEntry/></defaultEntry></authorizationMap></map></authorizationPlugin></plugins>",
    "<plugins><authorizationPlugin><map><authorizationMap><authorizationEntries><tempDestinationAuthorizationEntry queue='>'/></authorizationEntries></authorizationMap></map></authorizationPlugin></plugins>",
    "<plugins><authorizationPlugin><map><authorizationMap><defaultEntry><authorizationEntry read='a'/></defaultEntry></authorizationMap></map></authorizationPlugin></plugins>",
    "<plugins><redeliveryPlugin><redeliveryPolicyMap><redeliveryPolicyMap><redeliveryPolicyEntries><redeliveryPolicy/></redeliveryPolicyEntries></redeliveryPolicyMap></redeliveryPolicyMap></redeliveryPlugin></plugins>",
    "<plugins><statisticsBrokerPlugin/><statisticsBrokerPlugin/></plugins>",
    "<destinationInterceptors><mirroredQueue/><mirroredQueue/></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><virtualTopic/></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><virtualTopic name='a'/><virtualTopic name='b,a'/></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeQueue name='a'/></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeTopic><forwardTo><queue physicalName='b'/></forwardTo></compositeTopic></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeQueue name='a'><forwardTo><queue/></forwardTo></compositeQueue></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeQueue name='a'><forwardTo><filteredDestination/></forwardTo></compositeQueue></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<destinationInterceptors><virtualDestinationInterceptor><virtualDestinations><compositeQueue name='a'><forwardTo><filteredDestination queue='b' selector='a=1'/><tempTopic physicalName='c'/></forwardTo></compositeQueue></virtualDestinations></virtualDestinationInterceptor></destinationInterceptors>",
    "<networkConnectors><networkConnector/></networkConnectors>",
    "<networkConnectors><networkConnector uri='masterslave:(ssl://a:1)'/></networkConnectors>",
    "<networkConnectors><networkConnector uri='static:(ssl://a:1'/></networkConnectors>",
    "<networkConnectors><networkConnector uri='masterslave:(ssl://a.example.com:61617,\n   ssl://b.example.com:61617)'/></networkConnectors>",
    "<networkConnectors><networkConnector name='x' uri='static:(tcp://a:1)'/><networkConnector uri='static:(ssl://a:1,ssl://b:1)'/></networkConnectors>",
    "<networkConnectors><networkConnector name='x' uri='static:(ssl://a:1)'/><networkConnector name='x' uri='static:(ssl://b:1)'/></networkConnectors>",
    "<networkConnectors><networkConnector uri='static:(ssl://a:1)'><excludedDestinations><queue/></excludedDestinations></networkConnector></networkConnectors>",
    "<networkConnectors><networkConnector uri='static:(ssl://a:1)'><excludedDestinations><filteredDestination queue='a'/></excludedDestinations></networkConnector></networkConnectors>",
    "<networkConnectors><networkConnector uri='static:(ssl://a:1)'><durableDestinations><topic/></durableDestinations></networkConnector></networkConnectors>",
];

/// What the engine as such takes otherwise: an empty property is left out for it, and a connector that is started
/// apart fails apart.
const QUIET: &[&str] =
    &["<destinationPolicy/>", "<networkConnectors><networkConnector/></networkConnectors>"];

fn save(version: EngineVersion, document: &str) -> Result<(String, bool), String> {
    sanitise_activemq(version, AuthenticationStrategy::Simple, document)
        .map(|saved| (saved.data, saved.warnings.is_empty()))
        .map_err(|error| error.message)
}

/// What an instance with that configuration is made from, without what the engine needs keys for.
fn rendered(version: EngineVersion, saved: &str) -> String {
    let mut example = Example::new(EngineType::ActiveMq, &version.to_string(), "mq.t3.micro");
    saved.clone_into(&mut example.configuration);
    without_keys(&example.text("activemq.xml"))
}

/// A document for an engine that listens to nobody.
fn without_keys(text: &str) -> String {
    let (before, rest) = text.split_once("<sslContext>").expect("a context");
    let (_, after) = rest.split_once("</sslContext>").expect("its end");
    format!("{before}{after}")
}

/// The owner's own text as the engine would get it if nobody looked.
fn unseen(document: &str) -> String {
    let own = "<broker brokerName=\"orders\" useJmx=\"true\" start=\"false\" \
               networkConnectorStartAsync=\"true\"";
    format!(
        "<beans xmlns=\"http://www.springframework.org/schema/beans\">{}</beans>",
        document.replacen("<broker", own, 1)
    )
}

#[test]
fn activemq_5_19_starts_with_what_is_saved_and_not_with_what_is_removed() {
    compare(EngineVersion::new(5, 19));
}

#[test]
fn activemq_5_18_starts_with_what_is_saved_and_not_with_what_is_removed() {
    compare(EngineVersion::new(5, 18));
}

/// How many engines are asked at once: brokers that start and stop wait more than they compute.
const ENGINES: usize = 4;

/// Asks the domain and the engine about every element, and about the whole documents.
fn compare(version: EngineVersion) {
    let schema = Schema::read();
    let questions = schema
        .elements()
        .map(Question::Element)
        .chain(WHOLES.iter().map(|inner| Question::Whole(inner)));
    let questions = Mutex::new(questions);
    let ask = || {
        let mut engine = Engine::start(version)?;
        let mut wrong = Vec::new();
        while let Some(question) = next(&questions) {
            match question {
                Question::Element(element) => {
                    wrong.extend(attributes(&schema, element, version, &mut engine));
                }
                Question::Whole(inner) => wrong.extend(whole(inner, version, &mut engine)),
            }
        }
        Some((wrong, engine.0.asked))
    };
    let answers = thread::scope(|threads| {
        let engines: Vec<_> = (0..ENGINES).map(|_| threads.spawn(ask)).collect();
        let answers = engines.into_iter().map(|engine| engine.join().expect("no panic"));
        answers.collect::<Option<Vec<_>>>()
    });
    let Some(answers) = answers else { return };
    let asked: usize = answers.iter().map(|(_, asked)| asked).sum();
    let wrong: Vec<_> = answers.into_iter().flat_map(|(wrong, _)| wrong).collect();
    assert!(wrong.is_empty(), "{version}: {}\n{}", wrong.len(), wrong.join("\n"));
    eprintln!("ActiveMQ {version} was asked {asked} times");
}

/// What an engine is asked about.
enum Question<'a> {
    /// Every attribute of an element.
    Element(&'a str),
    /// A whole document.
    Whole(&'a str),
}

fn next<T>(questions: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    questions.lock().expect("nobody panicked").next()
}

/// Whether the engine agrees about a whole document.
fn whole(inner: &str, version: EngineVersion, engine: &mut Engine) -> Option<String> {
    let document = schema::broker("", inner);
    let (says, why) = match save(version, &document) {
        Ok((saved, true)) => (true, engine.why_not(&rendered(version, &saved))),
        Ok((_, false)) | Err(_) => (false, engine.why_not(&unseen(&document))),
    };
    let agrees = says == why.is_empty() || QUIET.contains(&inner);
    (!agrees).then(|| format!("{inner}: saved {says}, but {why:?}"))
}

/// Whether the engine agrees about every value of every attribute of an element.
fn attributes(
    schema: &Schema,
    element: &str,
    version: EngineVersion,
    engine: &mut Engine,
) -> Vec<String> {
    let mut wrong = Vec::new();
    // The values that are kept as they are, by attribute.
    let mut kept: Vec<(Attribute, Vec<String>)> = Vec::new();
    for attribute in schema.attributes(element, version) {
        let mut values = Vec::new();
        for value in attribute.values() {
            let document = schema.with(element, &[(&attribute.name, &value)]);
            match save(version, &document) {
                Ok((_, true)) => values.push(value),
                // Told: rightly, if the engine does not start with it.
                Ok((_, false)) if !NARROWER.contains(&(element, attribute.name.as_str())) => {
                    if engine.why_not(&unseen(&document)).is_empty() {
                        wrong.push(format!("{element} {}={value:?} is removed", attribute.name));
                    }
                }
                Ok((_, false)) | Err(_) => {}
            }
        }
        kept.push((attribute, values));
    }
    // One broker for the first values of all attributes, one for the second ones, and so on.
    let most = kept.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    for at in 0..most.max(1) {
        let all: Vec<(&str, &str)> = kept
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(attribute, values)| {
                (attribute.name.as_str(), values[at % values.len()].as_str())
            })
            .collect();
        let together = schema.with(element, &all);
        let why = match save(version, &together) {
            Ok((saved, true)) => engine.why_not(&rendered(version, &saved)),
            Ok((_, false)) => "not all of it is saved".to_owned(),
            // Together they are told of: what they are alone is asked below.
            Err(_) => String::new(),
        };
        let is_told = save(version, &together).is_err();
        if why.is_empty() && !is_told {
            continue;
        }
        for one in all {
            let (saved, _) = save(version, &schema.with(element, &[one])).expect("it was");
            let why = engine.why_not(&rendered(version, &saved));
            if !why.is_empty() {
                wrong.push(format!("{element} {}={:?} is saved, but {why}", one.0, one.1));
            }
        }
        if wrong.is_empty() && !is_told {
            wrong.push(format!("{together} is saved, but {why}"));
        }
    }
    wrong
}

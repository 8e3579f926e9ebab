//! Reports of availability, incidents and cost.

use std::{sync::atomic::AtomicU64, time::Duration};

use brokerd_domain::{
    Availability, BrokerId, Clock as _, PassReport, Timestamp, WorkerId,
    report::{InstanceTransition, OutageCause, ReportedChange, Takeover, Transitions},
};
use serde_json::{Value, json};

use crate::support::{Client, TestApi, TestEntropy};

fn report(id: &str, query: &str) -> String {
    format!("/brokerd/v1/brokers/{id}/report?{query}")
}

/// What a pass changes.
fn becomes(state: Availability, at: Timestamp) -> impl FnOnce(&mut PassReport) {
    let is_up = state == Availability::Available;
    let what = if is_up { InstanceTransition::Recovered } else { InstanceTransition::Lost };
    let mut instances = vec![(1, what, at)];
    if !is_up {
        instances.push((1, InstanceTransition::Restarted, at));
    }
    let transitions = Transitions { availability: Some((state, at)), instances, takeover: None };
    let (cause, detail) = (OutageCause::EngineEnded, "instance 1 was killed".to_owned());
    move |report| report.change = Some(ReportedChange { transitions, cause, detail })
}

/// What a provisioner does when nothing of a broker is left.
async fn forget(api: &TestApi, id: &str) {
    let id: BrokerId = id.parse().expect("an identifier");
    let worker = WorkerId::generate(&TestEntropy(AtomicU64::new(9)));
    let leases = api.store.claim_due(worker, None, Duration::from_secs(30), 100).await;
    for lease in leases.expect("claimed") {
        if lease.broker == id {
            api.store.delete_broker_record(&lease).await.expect("forgotten");
        }
    }
}

#[tokio::test]
async fn a_report_tells_availability_outages_restarts_failovers_and_cost_also_of_a_broker_that_is_gone()
 {
    let api = TestApi::start().await;
    // A whole minute: 2026-09-21T14:14:00Z.
    api.clock.advance_seconds(40);
    let id = api.running_activemq("orders").await;
    let started = api.clock.now();
    let after = |seconds: i64| Timestamp::from_micros(started.as_micros() + seconds * 1_000_000);
    api.found(&id, becomes(Availability::Available, started)).await;
    api.found(&id, becomes(Availability::Unavailable, after(630))).await;
    let takeover = Takeover { former: 1, successor: 2, began: after(630), ended: after(632) };
    let back = becomes(Availability::Available, after(632));
    api.found(&id, |report| {
        back(report);
        if let Some(change) = &mut report.change {
            change.transitions.takeover = Some(takeover);
        }
    })
    .await;
    api.clock.advance_seconds(3600);
    assert_eq!(api.unsigned("GET", &report(&id, "")).await.status, 403);
    let told = api.call("GET", &report(&id, ""), "").await;
    assert_eq!(told.status, 200, "{told:?}");
    let told = told.json();
    let availability = &told["availability"];
    assert_eq!(availability["unavailableMinutes"], 1, "{told}");
    assert_eq!(
        (&availability["unavailableSeconds"], &availability["unknownMinutes"]),
        (&json!(2.0), &json!(0))
    );
    let minutes = availability["availableMinutes"].as_u64().expect("a number");
    assert!((59..=60).contains(&minutes), "{told}");
    assert_eq!(told["outages"].as_array().map(Vec::len), Some(1), "{told}");
    let outage = &told["outages"][0];
    assert_eq!((&outage["seconds"], &outage["state"]), (&json!(2.0), &json!("UNAVAILABLE")));
    assert_eq!(
        (&outage["cause"], &outage["detail"]),
        (&json!("ENGINE_ENDED"), &json!("instance 1 was killed"))
    );
    let failover = &told["failovers"][0];
    assert_eq!(
        (&failover["formerInstance"], &failover["successorInstance"]),
        (&json!(1), &json!(2))
    );
    assert_eq!((&failover["seconds"], &failover["cause"]), (&json!(2.0), &json!("ENGINE_ENDED")));
    let restart = &told["restarts"][0];
    assert_eq!(
        (&restart["instance"], &restart["starts"], &restart["seconds"]),
        (&json!(1), &json!(1), &json!(2.0))
    );
    let period = &told["periods"][0];
    assert_eq!((&period["failovers"], &period["restarts"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&told["total"]["cost"], &told["currency"]),
        (&json!("0.03"), &json!("USD")),
        "mq.t3.micro"
    );
    assert_eq!(told["lines"][0]["kind"], "mq.t3.micro");

    let csv = api.call("GET", &report(&id, "format=csv&granularity=day"), "").await;
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines.len(), 2 + 20, "the days of September until the 21st: {lines:?}");
    assert!(lines[0].starts_with("from,to,brokerId,"), "{lines:?}");
    assert!(
        lines[21].contains(&format!("{id},orders,ActiveMQ,"))
            && lines[21].ends_with(",1,1,0.03,USD"),
        "{lines:?}"
    );

    assert_eq!(api.call("DELETE", &format!("/v1/brokers/{id}"), "").await.status, 200);
    forget(&api, &id).await;
    assert_eq!(api.call("GET", &format!("/v1/brokers/{id}"), "").await.status, 404);
    api.clock.advance_seconds(3600);
    let later = api.call("GET", &report(&id, ""), "").await.json();
    assert!(later["deleted"].is_string(), "{later}");
    assert_eq!(later["failovers"], told["failovers"]);
    assert_eq!(later["total"]["cost"], "0.03", "nothing is billed after its deletion");
    assert_eq!(later["availability"]["unavailableMinutes"], 1);
    api.stop().await;
}

#[tokio::test]
async fn a_report_of_anothers_broker_is_that_of_none() {
    let api = TestApi::start().await;
    let id = api.running_activemq("orders").await;
    api.add_key("AKIARED", "red-secret", "100000000001").await;
    let red = Client::new("AKIARED", "red-secret", "us-east-1");
    let absent = "b-00000000-0000-4000-8000-000000000001";
    let told = async |id: &str| {
        let (status, code, message) = api.call_as(&red, "GET", &report(id, ""), "").await.refusal();
        (status, code, message.replace(id, "BROKER"))
    };
    assert_eq!(told(&id).await, told(absent).await);
    assert_eq!(told(&id).await.0, 404);
    let elsewhere = Client::new("AKIAALICE", "alice-secret", "eu-west-1");
    assert_eq!(api.call_as(&elsewhere, "GET", &report(&id, ""), "").await.status, 404);
    let untold = api.call("GET", &report(&id, ""), "").await.json();
    assert_eq!(untold["availability"]["percentage"], Value::Null, "nothing is known: {untold}");
    for (query, member) in
        [("from=x", "from"), ("granularity=hour", "granularity"), ("format=pdf", "format")]
    {
        let refused = api.call("GET", &report(&id, query), "").await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["errorAttribute"]),
            (400, &json!(member))
        );
    }
    api.stop().await;
}

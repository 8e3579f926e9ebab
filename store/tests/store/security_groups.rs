//! Security groups, and how they reach the gateway.

use std::time::Duration;

use brokerd_domain::{IngressRuleInput, SecurityGroup, SecurityGroupId, parse_rules};
use brokerd_store::{Channel, DeleteGroupOutcome, NewGroupOutcome};
use tokio::time::timeout;

use crate::support::{
    Fixture, NOW, OsEntropy, allocation, command, ids, leased, scope, with_store,
};

fn rule(cidr: &str) -> IngressRuleInput {
    IngressRuleInput {
        protocol: Some("tcp".to_owned()),
        from_port: Some(5671),
        to_port: Some(5671),
        cidr: Some(cidr.to_owned()),
        description: None,
    }
}

fn group(id: Option<&str>, name: &str, cidr: &str) -> SecurityGroup {
    let (name, rules) = (Some(name.to_owned()), vec![rule(cidr)]);
    SecurityGroup::parse(&scope(), id, name, None, rules, NOW, &OsEntropy).expect("valid")
}

async fn created(f: &Fixture, group: &SecurityGroup) -> SecurityGroupId {
    let outcome = f.store.create_security_group(group).await.expect("stored");
    assert_eq!(outcome, NewGroupOutcome::Created);
    group.id.clone()
}

/// A broker with these groups and its addresses.
async fn broker_with(f: &Fixture, groups: &[&str]) -> brokerd_domain::BrokerId {
    let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
    let (command, ids) = (command("one", |input| input.security_groups = Some(groups)), ids());
    f.store.create_broker(&scope(), &command, ids, NOW).await.expect("stored");
    let lease = leased(&f.store).await;
    f.store
        .allocate_endpoints(&lease, &allocation(20_000..=20_100), &|_| true)
        .await
        .expect("allocated");
    ids.broker
}

/// The ranges that may connect to every endpoint, as text; none: everybody.
async fn admitted(f: &Fixture) -> Option<Vec<String>> {
    let routes = f.store.routes().await.expect("read").routes;
    let all = |rules: &[brokerd_domain::IngressRule]| {
        rules.iter().map(|rule| rule.cidr.to_string()).collect()
    };
    let first: Option<Vec<String>> = routes[0].admitted.as_deref().map(all);
    assert!(routes.iter().all(|route| route.admitted.as_deref().map(all) == first));
    first
}

#[tokio::test]
async fn names_and_identifiers_are_taken_once_and_seen_only_in_their_scope() {
    with_store(|f| async move {
        let first = group(None, "first", "10.0.0.0/8");
        let id = created(&f, &first).await;
        let store = &f.store;
        assert_eq!(store.security_group(&scope(), &id).await.expect("read"), Some(first.clone()));
        let twin = group(None, "first", "::/0");
        let outcome = store.create_security_group(&twin).await.expect("asked");
        assert_eq!(outcome, NewGroupOutcome::NameTaken);
        let same = group(Some(id.as_str()), "second", "::/0");
        let outcome = store.create_security_group(&same).await.expect("asked");
        assert_eq!(outcome, NewGroupOutcome::IdTaken);

        let mut elsewhere = scope();
        elsewhere.region = "eu-west-1".parse().expect("a region");
        assert_eq!(store.security_groups(&elsewhere).await.expect("read"), []);
        assert_eq!(store.security_group(&elsewhere, &id).await.expect("read"), None);
        let updated = store.update_security_group(&elsewhere, &id, None, Some(&[])).await;
        assert!(!updated.expect("asked"));
        let deleted = store.delete_security_group(&elsewhere, &id).await.expect("asked");
        assert_eq!(deleted, DeleteGroupOutcome::NotFound);
        let known = [id.to_string(), "sg-nobody".to_owned()];
        let unknown = store.unknown_security_groups(&scope(), &known).await.expect("read");
        assert_eq!(unknown, ["sg-nobody"]);
        assert_eq!(store.security_groups(&scope()).await.expect("read"), [first]);
    })
    .await;
}

#[tokio::test]
async fn the_table_has_the_rules_of_all_groups_that_are_known() {
    with_store(|f| async move {
        let a = created(&f, &group(None, "a", "10.0.0.0/8")).await;
        let b = created(&f, &group(None, "b", "192.168.0.0/16")).await;
        broker_with(&f, &[a.as_str(), "sg-nobody", b.as_str()]).await;
        let mut all = admitted(&f).await.expect("rules");
        all.sort_unstable();
        assert_eq!(all, ["10.0.0.0/8", "192.168.0.0/16"]);

        let mut listener = f.store.listen(Channel::Routes).await.expect("listens");
        let rules = parse_rules(vec![rule("172.16.0.0/12")]).expect("valid");
        let updated = f.store.update_security_group(&scope(), &a, Some("new"), Some(&rules)).await;
        assert!(updated.expect("stored"));
        timeout(Duration::from_secs(5), listener.wait()).await.expect("the gateway is woken");
        let mut all = admitted(&f).await.expect("rules");
        all.sort_unstable();
        assert_eq!(all, ["172.16.0.0/12", "192.168.0.0/16"]);
        let stored = f.store.security_group(&scope(), &a).await.expect("read").expect("there");
        assert_eq!((stored.description.as_str(), stored.rules), ("new", rules));
    })
    .await;
}

#[tokio::test]
async fn an_undefined_group_does_not_filter_until_it_is_defined() {
    with_store(|f| async move {
        broker_with(&f, &["sg-nobody"]).await;
        assert_eq!(admitted(&f).await, None);
        created(&f, &group(Some("sg-nobody"), "now", "10.0.0.0/8")).await;
        assert_eq!(admitted(&f).await.as_deref(), Some(&["10.0.0.0/8".to_owned()][..]));
        let id = "sg-nobody".parse().expect("an identifier");
        let emptied = f.store.update_security_group(&scope(), &id, None, Some(&[])).await;
        assert!(emptied.expect("stored"));
        assert_eq!(admitted(&f).await, Some(Vec::new()), "nobody may connect");
    })
    .await;
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted_and_a_deleted_one_admits_nobody() {
    with_store(|f| async move {
        let id = created(&f, &group(None, "a", "10.0.0.0/8")).await;
        let broker = broker_with(&f, &[id.as_str()]).await;
        let deleted = f.store.delete_security_group(&scope(), &id).await.expect("asked");
        assert_eq!(deleted, DeleteGroupOutcome::InUse);

        // As if the broker had been made in the same moment.
        let groups =
            "update broker set spec = jsonb_set(spec, '{security_groups}', $2) where id = $1";
        let set = async |groups_now: serde_json::Value| {
            sqlx::query(groups).bind(broker.uuid()).bind(groups_now).execute(&f.pool).await
        };
        set(serde_json::json!([])).await.expect("changed");
        let deleted = f.store.delete_security_group(&scope(), &id).await.expect("asked");
        assert_eq!(deleted, DeleteGroupOutcome::Deleted);
        set(serde_json::json!([id.as_str()])).await.expect("changed");
        assert_eq!(admitted(&f).await, Some(Vec::new()));
        assert_eq!(f.store.security_groups(&scope()).await.expect("read"), []);

        // Its name and its identifier are free again.
        created(&f, &group(Some(id.as_str()), "a", "::/0")).await;
        assert_eq!(admitted(&f).await.as_deref(), Some(&["::/0".to_owned()][..]));
    })
    .await;
}

//! What another account has is nothing: every method that is told an account is played with the names of things that another
//! one has, and answers as for names that nobody has.

use std::{collections::BTreeSet, fs, path::Path as FilePath};

use brokerd_domain::{
    AccountId, BrokerId, BrokerName, ConfigurationId, EngineType, Entropy as _, Fault, FaultId,
    FaultInput, FaultSpec, NetworkDefaults, Resource, Scope, Secret, SecretName, SecretReference,
    SecurityGroup, SecurityGroupId, Tags,
    alarm::AlarmStatus,
    destination::EngineCall,
    identity::{
        AccessKeyId, AccessKeyState, GroupName, IamArn, PolicyName, PolicyVersionId, RoleName,
        UserName,
    },
    log::{EventId, LogCategory, LogGroupName, LogStreamName, insights::QueryResults, stream_name},
    metric::{DimensionName, MetricName, SeriesKey, Unit},
    report::Period,
};
use brokerd_store::{
    AlarmFilter, BrokerListQuery, BrokerOrder, ConsoleSession, ConsoleToken, DeleteAlarmsOutcome,
    FaultOutcome, HistoryFilter, IdentityName, KeyHolderName, LogBatch, LogQuery, LogRange,
    PgStore, Sample, SeriesFilter, SeriesId, StreamChoice, StreamOrder, TaggedFilter,
};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    identities::{ALL, arn, in_account, inline, role, tags, with_group, with_user},
    logs::batch,
    policies::with_policy,
    support::{Fixture, NOW, OsEntropy, command, complete, ids, leased, scope, with_store},
};

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

/// Methods that name nothing but the account itself: they make something in it, or are the operator's.
const NAMELESS: [&str; 16] = [
    "account",
    "account_usage",
    "capacity_of_account",
    "create_broker",
    "create_configuration",
    "create_log_group",
    "create_managed_policy",
    "delete_account",
    "first_access_key",
    "identity_summary",
    "lookup_events",
    "managed_policies",
    "save_log_query",
    "put_alarm",
    "metered_brokers",
    "update_account",
];

/// Names of one of everything.
struct Things {
    broker: BrokerId,
    configuration: ConfigurationId,
    fault: FaultId,
    group: SecurityGroupId,
    secret: SecretName,
    secret_arn: SecretReference,
    user: UserName,
    iam_group: GroupName,
    role: RoleName,
    key: AccessKeyId,
    policy: IamArn,
    log_group: LogGroupName,
    log_stream: LogStreamName,
    log_query: Uuid,
    alarm: String,
    series: Vec<SeriesId>,
}

/// All brokers.
fn table() -> BrokerListQuery {
    BrokerListQuery {
        name_contains: None,
        engine_type: None,
        state: None,
        deployment_mode: None,
        instance_type: None,
        configuration: None,
        order: BrokerOrder::Name,
        is_descending: false,
        after: None,
        most: 100,
    }
}

/// What everybody's broker measures.
fn messages() -> SeriesKey {
    SeriesKey::of(MetricName::MessageCount, &[(DimensionName::Broker, "orders")])
}

impl Things {
    /// Things that an account has.
    async fn of(f: &Fixture, scope: &Scope) -> Self {
        let account = &scope.account;
        let new = ids();
        f.store.create_broker(scope, &command("orders", |_| {}), new, NOW).await.expect("created");
        complete(&f.store, &leased(&f.store).await).await;
        let broker = f.store.broker(scope, new.broker).await.expect("read").expect("there");
        let input = FaultInput { kind: Some("KILL".to_owned()), ..FaultInput::default() };
        let spec = FaultSpec::parse(&input, &broker, &NetworkDefaults::default(), true);
        let fault = Fault::new(FaultId::generate(&OsEntropy), spec.expect("valid"), NOW);
        let created = f.store.create_fault(broker.id, &fault).await.expect("asked");
        assert_eq!(created, FaultOutcome::Created);
        let name = Some("theirs".to_owned());
        let group = SecurityGroup::parse(scope, None, name, None, Vec::new(), NOW, &OsEntropy);
        let group = group.expect("valid");
        f.store.create_security_group(&group).await.expect("created");
        let secret = Secret {
            scope: scope.clone(),
            name: "theirs".parse().expect("a name"),
            suffix: Secret::suffix(&OsEntropy),
            created: NOW,
            changed: NOW,
        };
        f.store.put_secret(&secret, &"s".into()).await.expect("kept");
        let alice = with_user(&f.store, account, "alice").await;
        let ops = with_group(&f.store, account, "ops").await;
        f.store.add_group_member(account, &ops.name, &alice.name).await.expect("joined");
        let deploy = role(account, "deploy");
        f.store.create_iam_role(&deploy).await.expect("created");
        let key = AccessKeyId::generate(&OsEntropy);
        let holder = KeyHolderName::User(&alice.name);
        let made = f.store.create_access_key(account, holder, &key, &"s".into(), None, NOW).await;
        made.expect("made");
        let session = ConsoleSession {
            account: account.clone(),
            principal: alice.name.to_string(),
            access_key_id: key.to_string(),
            session_token: None,
            created: NOW,
            idle_until: NOW.plus(std::time::Duration::from_secs(60)),
            expires: NOW.plus(std::time::Duration::from_secs(60)),
        };
        let token = ConsoleToken::generate(&OsEntropy);
        let begun = f.store.begin_console_session(&token, &session, None).await;
        assert!(begun.expect("begun"));
        let policy = with_policy(&f.store, account, "mine", DOCUMENT).await;
        let alarm = crate::alarms::alarm("long", "orders");
        let put = f.store.put_alarm(scope, &alarm, &tags(&[("team", "red")]), NOW).await;
        put.expect("put");
        for name in [
            IdentityName::User(alice.name.clone()),
            IdentityName::Group(ops.name.clone()),
            IdentityName::Role(deploy.name.clone()),
        ] {
            f.store.attach_policy(account, &name, &policy).await.expect("attached");
            f.store.put_inline_policy(account, &name, &inline("own", DOCUMENT)).await.expect("put");
        }
        let lines = LogBatch { scope: scope.clone(), ..batch(broker.id, 0, &[(0, "theirs")]) };
        assert_eq!(f.store.append_logs(&[lines], NOW).await.expect("appended"), [true]);
        let log_query = LogQuery {
            id: OsEntropy.uuid(),
            groups: vec!["/theirs".to_owned()],
            query: String::new(),
            created: NOW,
            complete: true,
            results: QueryResults::default(),
        };
        f.store.save_log_query(scope, &log_query).await.expect("saved");
        let log_group = LogCategory::General.group(broker.id);
        let log_stream = stream_name(EngineType::ActiveMq, broker.id, 1);
        let values = vec![(messages(), Unit::Count, 7.0)];
        let sample = Sample { broker: broker.id, at: NOW, values };
        f.store.record_samples(vec![sample]).await.expect("recorded");
        let series = f.store.find_series(scope, &[messages()]).await.expect("found");
        Self {
            log_group: LogGroupName::parse(&log_group).expect("a name"),
            log_stream: LogStreamName::parse(&log_stream).expect("a name"),
            log_query: log_query.id,
            series: series.into_iter().flatten().map(|series| series.id).collect(),
            broker: broker.id,
            configuration: new.configuration,
            fault: fault.id,
            group: group.id,
            secret_arn: SecretReference::parse(&secret.arn()).expect("an ARN"),
            secret: secret.name,
            user: alice.name,
            iam_group: ops.name,
            role: deploy.name,
            key,
            policy,
            alarm: "long".to_owned(),
        }
    }

    /// Names that nobody has, in that account and elsewhere.
    fn absent(account: &AccountId) -> Self {
        let secret_arn = format!("arn:aws:secretsmanager:us-east-1:{account}:secret:none-AbCdEf");
        Self {
            broker: BrokerId::generate(&OsEntropy),
            configuration: ConfigurationId::generate(&OsEntropy),
            fault: FaultId::generate(&OsEntropy),
            group: "sg-00000000000000000".parse().expect("an identifier"),
            secret: "none".parse().expect("a name"),
            secret_arn: SecretReference::parse(&secret_arn).expect("an ARN"),
            user: UserName::parse("nobody").expect("a name"),
            iam_group: GroupName::parse("nowhere").expect("a name"),
            role: RoleName::parse("nothing").expect("a name"),
            key: AccessKeyId::generate(&OsEntropy),
            policy: arn(&format!("arn:aws:iam::{account}:policy/none")),
            log_group: LogGroupName::parse("/none").expect("a name"),
            log_stream: LogStreamName::parse("none").expect("a name"),
            log_query: OsEntropy.uuid(),
            alarm: "none".to_owned(),
            series: Vec::new(),
        }
    }
}

/// What every method tells somebody of these things.
async fn answers(
    store: &PgStore,
    asking: &Scope,
    own: &Things,
    of: &Things,
) -> Vec<(String, String)> {
    let mut told = Vec::new();
    macro_rules! ask {
        ($method:ident($($argument:expr),* $(,)?)) => {
            let answer = store.$method($($argument),*).await.expect(stringify!($method));
            told.push((stringify!($method).to_owned(), format!("{answer:?}")));
        };
    }
    let account = &asking.account;
    let document = inline("x", DOCUMENT).document;
    let any = PolicyVersionId(1);

    ask!(broker(asking, of.broker));
    ask!(has_broker(asking, of.broker));
    ask!(brokers(asking, None, 100));
    ask!(list_brokers(asking, &table()));
    ask!(has_broker_named(asking, &BrokerName::parse("orders").expect("a name")));
    ask!(end_console_sessions(account, of.user.as_str()));
    ask!(events(asking, of.broker, None, 10));
    ask!(reported_broker(asking, of.broker));
    ask!(metered_broker(asking, of.broker, Period { from: NOW, to: NOW }));
    ask!(request_delete(asking, of.broker, NOW));
    let test = crate::engine_calls::request(of.broker, EngineCall::Test);
    ask!(request_engine_call(asking, &test));
    ask!(faults(asking, of.broker, 10));
    ask!(fault(asking, of.broker, of.fault));
    ask!(fault(asking, own.broker, of.fault));
    ask!(request_heal(asking, of.broker, of.fault, NOW));
    ask!(request_heal(asking, own.broker, of.fault, NOW));
    ask!(configuration(asking, of.configuration));
    ask!(configurations(asking, None, 100));
    ask!(revision(asking, of.configuration, None));
    ask!(revision(asking, of.configuration, Some(1)));
    ask!(revisions(asking, of.configuration, 0, 10));
    ask!(add_revision(asking, of.configuration, None, "<broker/>", NOW));
    ask!(delete_configuration(asking, of.configuration));
    for resource in [
        Resource::Broker { name: BrokerName::parse("orders").expect("a name"), id: of.broker },
        Resource::Configuration { id: of.configuration },
    ] {
        ask!(tags(asking, &resource));
        ask!(change_tags(asking, &resource, |_| Ok(Some(Tags::default()))));
    }
    ask!(security_groups(asking));
    ask!(brokers_with_security_groups(asking));
    ask!(security_group(asking, &of.group));
    ask!(update_security_group(asking, &of.group, Some("mine"), None));
    ask!(delete_security_group(asking, &of.group));
    let unknown = store.unknown_security_groups(asking, &[of.group.to_string()]).await;
    told.push(("unknown_security_groups".to_owned(), unknown.expect("read").len().to_string()));
    ask!(secrets(asking));
    ask!(secret(asking, &of.secret));
    ask!(secret_value(asking, &of.secret_arn));
    ask!(delete_secret(asking, &of.secret));
    ask!(list_series(asking, &SeriesFilter::default(), None, 100));
    ask!(find_series(asking, &[messages()]));
    ask!(latest_samples_of(asking, &[of.broker], NOW));
    let later = NOW.plus(std::time::Duration::from_secs(60));
    let points = store.read_series(asking, &of.series, NOW, later, 60).await.expect("read");
    told.push(("read_series".to_owned(), points.iter().flatten().count().to_string()));

    let plan = crate::alarms::plan_of("orders");
    let data = store.metric_data(asking, &plan, NOW, later).await.expect("read");
    let points: usize = data.metrics.values().map(|series| series.points.len()).sum();
    told.push(("metric_data".to_owned(), points.to_string()));
    let key = crate::alarms::messages_of("orders");
    ask!(metric_statistics(asking, &key, None, (NOW, later), 60));

    let arns = vec![brokerd_domain::alarm::MetricAlarm::arn_of(asking, &of.alarm)];
    let tagged = TaggedFilter { arns, ..TaggedFilter::default() };
    ask!(tagged_resources(asking, &tagged, None, 10));
    let alarms = std::slice::from_ref(&of.alarm);
    let named = AlarmFilter { names: alarms.to_vec(), ..AlarmFilter::default() };
    ask!(alarms(asking, &named, None, 10));
    ask!(alarm(asking, &of.alarm));
    let history = HistoryFilter { alarm: Some(of.alarm.clone()), ..HistoryFilter::default() };
    ask!(alarm_history(asking, &history, None, 10));
    ask!(set_alarm_state(asking, &of.alarm, &AlarmStatus::initial(later)));
    ask!(change_alarm_tags(asking, &of.alarm, |_| Ok(Tags::default())));
    ask!(enable_alarm_actions(asking, alarms, false, NOW));
    let deleted = store.delete_alarms(asking, alarms, NOW).await.expect("asked");
    let is_deleted = deleted == DeleteAlarmsOutcome::Deleted;
    told.push(("delete_alarms".to_owned(), is_deleted.to_string()));

    let (group, stream) = (&of.log_group, &of.log_stream);
    let (all, first) = (LogRange::ALL, EventId::FIRST);
    let any_stream = StreamChoice::Beginning("");
    ask!(log_groups(asking, "", "", None, 10));
    ask!(log_group(asking, group));
    ask!(log_streams(asking, group, "", StreamOrder::Name, false, None, 10));
    ask!(log_events(asking, group, stream, all, None, 10, NOW));
    ask!(scan_log_events(asking, group, any_stream, all, first, 10, NOW));
    ask!(recent_log_events(asking, std::slice::from_ref(group), all, None, 10, NOW));
    ask!(log_query(asking, of.log_query));
    ask!(log_queries(asking, None, 10));
    ask!(set_log_retention(asking, group, Some(1)));
    ask!(change_log_group_tags(asking, group, |_| Ok(Tags::default())));
    ask!(delete_log_stream(asking, group, stream));
    ask!(delete_log_group(asking, group));

    let holder = KeyHolderName::User(&of.user);
    let fresh = AccessKeyId::generate(&OsEntropy);
    ask!(access_keys(account, holder));
    ask!(create_access_key(account, holder, &fresh, &"s".into(), None, NOW));
    for holder in [holder, KeyHolderName::User(&own.user), KeyHolderName::Root] {
        ask!(set_access_key_state(account, holder, &of.key, AccessKeyState::Inactive));
        ask!(delete_access_key(account, holder, &of.key));
    }
    ask!(iam_user(account, &of.user));
    ask!(iam_users(account, ALL));
    ask!(iam_group(account, &of.iam_group));
    ask!(iam_groups(account, ALL));
    ask!(iam_role(account, &of.role));
    ask!(iam_roles(account, ALL));
    ask!(update_iam_role(account, &of.role, Some("mine"), None, None));
    for (group, user) in
        [(&of.iam_group, &of.user), (&own.iam_group, &of.user), (&of.iam_group, &own.user)]
    {
        ask!(add_group_member(account, group, user));
        ask!(remove_group_member(account, group, user));
    }
    for name in [
        IdentityName::User(of.user.clone()),
        IdentityName::Group(of.iam_group.clone()),
        IdentityName::Role(of.role.clone()),
    ] {
        ask!(attached_policies(account, &name));
        ask!(inline_policies(account, &name));
        ask!(attach_policy(account, &name, &own.policy));
        ask!(detach_policy(account, &name, &of.policy));
        ask!(put_inline_policy(account, &name, &inline("x", DOCUMENT)));
        ask!(delete_inline_policy(account, &name, &PolicyName::parse("own").expect("a name")));
        ask!(rename_identity(account, &name, Some("stolen"), None));
        ask!(set_identity_tags(account, &name, &tags(&[("team", "red")]), &Tags::default()));
        ask!(set_identity_tags(account, &name, &Tags::default(), &tags(&[("team", "blue")])));
        if !matches!(name, IdentityName::Group(_)) {
            ask!(set_boundary(account, &name, Some(&own.policy)));
            ask!(revoke_sessions(account, &name, NOW));
        }
        ask!(delete_identity(account, &name));
    }
    let alice = IdentityName::User(own.user.clone());
    ask!(attach_policy(account, &alice, &of.policy));
    ask!(set_boundary(account, &alice, Some(&of.policy)));
    ask!(policy_entities(account, &of.policy));
    ask!(managed_policy(account, &of.policy));
    ask!(policy_versions(account, &of.policy));
    ask!(create_policy_version(account, &of.policy, &document, true, NOW));
    ask!(set_default_policy_version(account, &of.policy, any));
    ask!(delete_policy_version(account, &of.policy, any));
    ask!(set_policy_tags(account, &of.policy, &Tags::default(), &tags(&[("team", "blue")])));
    ask!(delete_managed_policy(account, &of.policy));
    told
}

/// The whole database as text.
async fn dump(pool: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE' order by 1",
    )
    .fetch_all(pool)
    .await
    .expect("read");
    let mut all = Vec::new();
    for table in tables {
        let rows = format!(
            "select coalesce(string_agg(t::text, ' ' order by t::text), '') from {table} t"
        );
        let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_one(pool).await;
        all.push((table, rows.expect("read")));
    }
    all
}

#[tokio::test]
async fn what_another_account_has_is_answered_as_what_nobody_has_and_stays_as_it_is() {
    with_store(|f| async move {
        let red = Scope { account: in_account(&f, "100000000001").await, ..scope() };
        let blue = Scope { account: in_account(&f, "100000000002").await, ..scope() };
        let theirs = Things::of(&f, &red).await;
        // Names of blue's own, none of which is one of red's.
        let own = Things {
            user: with_user(&f.store, &blue.account, "bob").await.name,
            iam_group: with_group(&f.store, &blue.account, "dev").await.name,
            policy: with_policy(&f.store, &blue.account, "ours", DOCUMENT).await,
            ..Things::absent(&blue.account)
        };
        let before = dump(&f.pool).await;
        let of_theirs = answers(&f.store, &blue, &own, &theirs).await;
        let of_nothing = answers(&f.store, &blue, &own, &Things::absent(&red.account)).await;
        for (one, other) in of_theirs.iter().zip(&of_nothing) {
            assert_eq!(one, other);
        }
        assert_eq!(of_theirs.len(), of_nothing.len());
        let after = dump(&f.pool).await;
        for (one, other) in before.iter().zip(&after) {
            assert_eq!(one, other, "nothing has changed");
        }
        // The same methods do find what the account itself has.
        let found = answers(&f.store, &red, &theirs, &theirs).await;
        let alike = found.iter().zip(&of_theirs).filter(|(one, other)| one == other).count();
        assert!(alike * 4 < found.len(), "{alike} of {} tell nothing", found.len());

        let asked: BTreeSet<String> = found.into_iter().map(|(method, _)| method).collect();
        let known: BTreeSet<String> =
            methods(FilePath::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")))
                .into_iter()
                .filter(|method| !NAMELESS.contains(&method.as_str()))
                .collect();
        assert_eq!(asked, known, "methods that are told an account");
    })
    .await;
}

/// The public methods of the store that are told a scope or an account.
fn methods(folder: &FilePath) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(methods(&path));
            continue;
        }
        let text = fs::read_to_string(&path).expect("a source");
        for method in text.split("pub async fn ").skip(1) {
            let Some((name, rest)) = method.split_once('(') else { continue };
            let parameters = rest.split("->").next().unwrap_or_default();
            if parameters.contains("scope: &Scope") || parameters.contains("&AccountId") {
                found.insert(name.split('<').next().unwrap_or_default().to_owned());
            }
        }
    }
    found
}

//! A database of its own for each test, the whole router on top, and a client that signs.
//!
//! `DATABASE_URL` names a server where databases may be created.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode},
};
use brokerd_api::{ApiServices, ApiSettings, register_metrics, sigv4};
use brokerd_domain::{
    BrokerId, Clock, EngineType, EngineVersion, Entropy, Event, EventKind, Generation,
    NetworkDefaults, Next, PassReport, Scope, Timestamp, VerdictKind, WorkerId, price::PriceList,
};
use brokerd_store::{AccessKey, AuditTrail, MasterKey, Offering, PgStore};
use http_body_util::BodyExt;
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use tower::ServiceExt;

pub(crate) use crate::bodies::{activemq, rabbitmq};
use crate::{
    database::{TestDatabase, database_url, server_url},
    migrated_database,
};

/// A clock that the test moves.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    /// Every look is a microsecond later than the one before.
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Numbers that are different for every call and, by the process, for every test.
pub(crate) struct TestEntropy(pub(crate) AtomicU64);

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            let mixed = (n ^ (n >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Somebody with an access key.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) credentials: sigv4::Credentials,
    /// The token of the session.
    pub(crate) token: Option<String>,
}

impl Client {
    pub(crate) fn new(access_key_id: &str, secret: &str, region: &str) -> Self {
        Self {
            credentials: sigv4::Credentials {
                access_key_id: access_key_id.to_owned(),
                secret: secret.into(),
                region: region.to_owned(),
                service: "mq".to_owned(),
            },
            token: None,
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// Status, exception and message.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let code = self.header("x-amzn-errortype").to_owned();
        let message = self.json()["message"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code, message)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }
}

/// The API over a database of its own.
pub(crate) struct TestApi {
    pub(crate) store: PgStore,
    pub(crate) audit: AuditTrail,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) router: Router,
    pub(crate) alice: Client,
    registry: Registry,
    database: TestDatabase,
}

/// The token with which Prometheus reads.
pub(crate) const METRICS_TOKEN: &str = "0123456789abcdef0123456789abcdef";

const START: i64 = 1_790_000_000_000_000;

/// Settings that are open where nothing else is tested.
fn settings() -> ApiSettings {
    ApiSettings {
        operator: "000000000000".parse().ok(),
        network: NetworkDefaults {
            security_group: Some("sg-0000000000000000d".to_owned()),
            ..NetworkDefaults::default()
        },
        throttle_burst: 0,
        refuse_unknown_security_groups: false,
        strict_states: false,
        prices: PriceList::built_in().expect("valid"),
        metrics_tokens: vec![METRICS_TOKEN.into()],
        ..ApiSettings::default()
    }
}

/// What a process of the API needs of the rest of brokerd.
async fn services(database: &str, seed: u64, clock: &Arc<TestClock>) -> (ApiServices, Registry) {
    let entropy: Arc<dyn Entropy> = Arc::new(TestEntropy(AtomicU64::new(seed)));
    let key = MasterKey::new([7; 32]);
    let store = PgStore::connect(&database_url(database), 4, key, Arc::clone(&entropy))
        .await
        .expect("connected");
    let mut registry = Registry::default();
    let metrics = register_metrics(&mut registry);
    let trail_clock = Arc::clone(clock) as Arc<dyn Clock>;
    let services = ApiServices {
        store,
        audit: AuditTrail::new(10_000, None, trail_clock),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy,
        metrics,
        ready_checks: Vec::new(),
    };
    (services, registry)
}

impl TestApi {
    pub(crate) async fn start() -> Self {
        Self::start_with(settings(), Vec::new()).await
    }

    /// Lets every account send `burst` requests at once and `rate` more every second.
    pub(crate) async fn start_throttled(burst: u32, rate: u32) -> Self {
        let settings = ApiSettings { throttle_burst: burst, throttle_rate: rate, ..settings() };
        Self::start_with(settings, Vec::new()).await
    }

    /// Refuses security groups that are not defined.
    pub(crate) async fn start_refusing() -> Self {
        let settings = ApiSettings { refuse_unknown_security_groups: true, ..settings() };
        Self::start_with(settings, Vec::new()).await
    }

    /// Lets callers inject faults.
    pub(crate) async fn start_with_faults() -> Self {
        Self::start_with(ApiSettings { faults: true, ..settings() }, Vec::new()).await
    }

    /// Lets callers inject faults, and soon gives up what only a provisioner can do.
    pub(crate) async fn start_without_provisioner() -> Self {
        let engine_timeout = Duration::from_millis(50);
        let settings = ApiSettings { faults: true, engine_timeout, ..settings() };
        Self::start_with(settings, Vec::new()).await
    }

    pub(crate) async fn start_with_disks() -> Self {
        let settings = ApiSettings { faults: true, sized_volumes: true, ..settings() };
        Self::start_with(settings, Vec::new()).await
    }

    /// Takes signatures for one region only.
    pub(crate) async fn start_in(region: &str) -> Self {
        let regions = [region.parse().expect("a region")].into();
        Self::start_with(ApiSettings { regions, ..settings() }, Vec::new()).await
    }

    /// Deletes brokers only in the states in which the service does.
    pub(crate) async fn start_strict() -> Self {
        Self::start_with(ApiSettings { strict_states: true, ..settings() }, Vec::new()).await
    }

    /// Has the operator's price list.
    pub(crate) async fn start_with_prices(list: &str) -> Self {
        let prices = PriceList::parse(list).expect("valid");
        Self::start_with(ApiSettings { prices, ..settings() }, Vec::new()).await
    }

    /// Is ready only if this is well, too.
    pub(crate) async fn start_ready_if(check: brokerd_api::ReadyCheck) -> Self {
        Self::start_with(settings(), vec![check]).await
    }

    async fn start_with(settings: ApiSettings, ready_checks: Vec<brokerd_api::ReadyCheck>) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let database = format!("api_{}_{count}", std::process::id());
        let mut server = PgConnection::connect(&server_url()).await.expect("the server answers");
        migrated_database::create(&mut server, &server_url(), &database).await;
        let database = TestDatabase(database);
        let seed = (u64::from(std::process::id()) << 32) + count;
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let (services, registry) = services(&database.0, seed, &clock).await;
        let services = ApiServices { ready_checks, ..services };
        let (store, audit) = (services.store.clone(), services.audit.clone());
        let router = brokerd_api::router(settings, services);
        let alice = Client::new("AKIAALICE", "alice-secret", "us-east-1");
        let api = Self { store, audit, clock, router, alice, registry, database };
        api.add_key("AKIAALICE", "alice-secret", "000000000000").await;
        api.offer(&[
            (EngineType::ActiveMq, 5, 19),
            (EngineType::ActiveMq, 5, 18),
            (EngineType::RabbitMq, 4, 3),
        ])
        .await;
        api
    }

    /// The API of another process over the same database.
    pub(crate) async fn another_process(&self) -> Router {
        let (services, _) = services(&self.database.0, u64::MAX / 2, &self.clock).await;
        brokerd_api::router(settings(), services)
    }

    /// The metrics, as they are scraped.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("encoded");
        text
    }

    pub(crate) async fn add_key(&self, id: &str, secret: &str, account: &str) {
        let account = account.parse().expect("account");
        let key = AccessKey { id: id.to_owned(), secret: secret.into(), account };
        self.store.add_access_key(&key, self.clock.now()).await.expect("added");
    }

    pub(crate) async fn offer(&self, versions: &[(EngineType, u16, u16)]) {
        let version = |row: &(EngineType, u16, u16)| EngineVersion::new(row.1, row.2);
        let rows: Vec<_> = versions.iter().map(|row| (row.0, version(row), version(row))).collect();
        self.offer_served(&rows).await;
    }

    /// Offers versions, each with the one that serves it.
    pub(crate) async fn offer_served(&self, rows: &[(EngineType, EngineVersion, EngineVersion)]) {
        let offering =
            |(engine, version, runs): &(EngineType, EngineVersion, EngineVersion)| Offering {
                engine: *engine,
                version: *version,
                runs: *runs,
                true_version: format!("{runs}.0"),
                image: "image".to_owned(),
                modules: String::new(),
                launcher: true,
            };
        let offerings: Vec<_> = rows.iter().map(offering).collect();
        self.store.set_offerings(&offerings).await.expect("offered");
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_to(&self.router, request).await
    }

    /// Sends a request to another process.
    pub(crate) async fn send_to(&self, router: &Router, request: Request<Body>) -> Reply {
        let response: Response<Body> = router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn unsigned(&self, method: &str, target: &str) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).expect("method");
        let request = Request::builder().method(method).uri(target);
        self.send(request.body(Body::empty()).expect("request")).await
    }

    /// A request signed by `client`.
    pub(crate) fn signed(
        &self,
        client: &Client,
        method: &str,
        target: &str,
        body: &[u8],
    ) -> Request<Body> {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("mq.example:8170"));
        if !body.is_empty() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        if let Some(token) = &client.token {
            headers.insert("x-amz-security-token", token.parse().expect("a header value"));
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let request =
            sigv4::Request { method, path, query, headers: &headers, authority: None, body };
        let signature: [(HeaderName, HeaderValue); 2] =
            sigv4::sign(&request, &client.credentials, self.clock.now());
        headers.extend(signature);
        let mut request = Request::new(Body::from(body.to_vec()));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).expect("method");
        *request.uri_mut() = target.parse().expect("target");
        *request.headers_mut() = headers;
        request
    }

    pub(crate) async fn call_as(
        &self,
        client: &Client,
        method: &str,
        target: &str,
        body: &str,
    ) -> Reply {
        self.send(self.signed(client, method, target, body.as_bytes())).await
    }

    pub(crate) async fn call(&self, method: &str, target: &str, body: &str) -> Reply {
        self.call_as(&self.alice, method, target, body).await
    }

    /// Creates a RabbitMQ broker and returns its identifier.
    pub(crate) async fn create(&self, name: &str) -> String {
        let reply = self.call("POST", "/v1/brokers", &rabbitmq(name, "")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["brokerId"].as_str().expect("an identifier").to_owned()
    }

    /// A connection past the API.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&database_url(&self.database.0)).await.expect("the database answers")
    }

    /// Removes the database.
    pub(crate) async fn stop(self) {
        drop((self.router, self.store));
        self.database.remove().await;
    }

    /// Takes the database away while the API runs.
    pub(crate) async fn lose_database(&self) {
        let mut server = PgConnection::connect(&server_url()).await.expect("the server answers");
        let name = &self.database.0;
        let sql = format!(
            "alter database {name} with allow_connections false;
             select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut server).await.expect("lost");
    }
}

pub(crate) struct Zeros;
impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

impl TestApi {
    /// What a provisioner does when a broker runs as asked for.
    pub(crate) async fn converge(&self, id: &str) {
        self.found(id, |_| {}).await;
    }

    /// What a provisioner does when a broker runs as asked for, but for what `change` makes of its report.
    pub(crate) async fn found(&self, id: &str, change: impl FnOnce(&mut PassReport)) {
        let mut change = Some(change);
        let id: BrokerId = id.parse().expect("identifier");
        self.store.wake(id).await.expect("woken");
        let worker = WorkerId::generate(&Zeros);
        let leases = self
            .store
            .claim_due(worker, None, Duration::from_secs(30), 100)
            .await
            .expect("claimed");
        for lease in leases {
            if lease.broker == id {
                let work = self.store.load(&lease).await.expect("loaded").expect("there");
                let mut report = PassReport {
                    at: self.clock.now(),
                    reason: String::new(),
                    reported: Default::default(),
                    kind: VerdictKind::Converged,
                    sentence: "runs".to_owned(),
                    observed_generation: Some(Generation(work.broker.generation.0)),
                    reboots_done: Some(work.broker.reboots_requested),
                    failure: None,
                    conditions: Vec::new(),
                    actions_required: Vec::new(),
                    links_down: Vec::new(),
                    maintenance: None,
                    change: None,
                    events: vec![Event {
                        at: work.broker.created.plus(Duration::from_secs(9)),
                        kind: EventKind::Verdict,
                        message: "runs".to_owned(),
                    }],
                };
                if let Some(change) = change.take() {
                    change(&mut report);
                }
                self.store.record(&lease, &report).await.expect("recorded");
            }
            let hour = Next::After(Duration::from_secs(3600));
            self.store.release(&lease, hour, false).await.expect("released");
        }
    }
}

impl TestApi {
    /// What a provisioner does when nothing of a fault is left.
    pub(crate) async fn end_fault(&self, id: &str, how: &str) {
        let worker = WorkerId::generate(&Zeros);
        let scope = Scope {
            account: "000000000000".parse().expect("an account"),
            region: "us-east-1".parse().expect("a region"),
        };
        let page = self.store.brokers(&scope, None, 100).await.expect("listed");
        for broker in page.brokers {
            self.store.wake(broker.id).await.expect("woken");
        }
        let leases = self
            .store
            .claim_due(worker, None, Duration::from_secs(30), 100)
            .await
            .expect("claimed");
        for lease in leases {
            let work = self.store.load(&lease).await.expect("loaded").expect("there");
            for fault in work.faults.iter().filter(|fault| fault.id.to_string() == id) {
                self.store.end_fault(&lease, fault, how, fault.ends).await.expect("ended");
            }
            self.store.release(&lease, Next::Now, false).await.expect("released");
        }
    }

    /// Creates an ActiveMQ broker with user alice, and has it run; its identifier.
    pub(crate) async fn running_activemq(&self, name: &str) -> String {
        let reply = self.call("POST", "/v1/brokers", &activemq(name, "")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let id = reply.json()["brokerId"].as_str().expect("an identifier").to_owned();
        self.converge(&id).await;
        id
    }

    /// The broker as DescribeBroker shows it.
    pub(crate) async fn describe(&self, id: &str) -> Value {
        self.call("GET", &format!("/v1/brokers/{id}"), "").await.json()
    }

    /// Reboots a broker, and does what a provisioner does about it.
    pub(crate) async fn reboot(&self, id: &str) {
        let reply = self.call("POST", &format!("/v1/brokers/{id}/reboot"), "").await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "{}"));
        assert_eq!(self.describe(id).await["brokerState"], "REBOOT_IN_PROGRESS");
        self.converge(id).await;
        assert_eq!(self.describe(id).await["brokerState"], "RUNNING");
    }
}

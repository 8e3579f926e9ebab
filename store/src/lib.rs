//! PostgreSQL: the only place that knows of tables.
//!
//! One method is one transaction. "Not found" is `Ok(None)`. Secrets are sealed before they leave
//! the process. Lease times are the database's; every other time comes in as an argument.

mod access;
mod alarms;
mod audit;
mod brokers;
mod catalogue;
mod certificate_authorities;
mod configurations;
mod engine_calls;
mod faults;
mod gateway;
mod kernel;
mod logs;
mod metrics;
mod reconcile;
mod reports;
mod tagged;

pub use access::{
    AccessKey, AccountUpdate, AttachOutcome, BrokerWithGroups, Caller, ConsoleSession,
    ConsoleToken, ConsoleTokenHash, DeleteAccountOutcome, DeleteGroupOutcome,
    DeleteIdentityOutcome, DeletePolicyOutcome, DeleteVersionOutcome, GroupMemberOutcome, IamPage,
    IamPageQuery, IdentityName, IdentitySummary, IdentityUse, KeyCaller, KeyHolderName,
    NewAccountOutcome, NewGroupOutcome, NewIdentityOutcome, NewKeyOutcome, NewPolicyOutcome,
    NewVersionOutcome, PolicyEntity, PolicyUse, PutInlinePolicyOutcome, UpdateAccountOutcome,
    UpdateIdentityOutcome,
};
pub use alarms::{
    AlarmDelivery, AlarmFilter, DeleteAlarmsOutcome, DueAlarm, HistoryFilter, HistoryPage,
    HistoryPosition, PutAlarmOutcome, StoredAlarm,
};
pub use audit::{AuditLog, AuditRetention, AuditTrail, EventPage, FoundEvent};
pub use brokers::{
    BrokerChange, BrokerChangeCursor, BrokerEventPage, BrokerListQuery, BrokerOrder, BrokerPage,
    CreateOutcome, FleetBroker, ListedBroker, ListedBrokers, MetricsPage, NewIds, UpdateOutcome,
    UserOutcome,
};
pub use catalogue::Offering;
pub use certificate_authorities::{CertificateAuthority, StoredAuthority};
pub use configurations::{AddRevision, DeleteConfiguration, RevisionLookup};
pub use engine_calls::{
    ClaimedEngineCall, EngineCallRequest, OpenEngineCall, RequestOutcome, WithdrawnEngineCall,
};
pub use faults::FaultOutcome;
pub use gateway::{
    Allocation, Entrance, Names, Route, RouteChanges, RouteCursor, RouteReader, RouteTable,
    UnreadableRoute,
};
pub use kernel::{
    AuditedCall, Channel, EndedCall, Heard, Listener, MasterKey, MasterKeys, ReadKeys, Resealing,
    ServerAddress, StoreError, sealed_columns, statement_may_write, statement_with_event,
};
pub use logs::{
    FollowedBroker, FoundLogEvent, LogBatch, LogGroup, LogQuery, LogRange, LogStream, NewLogEvent,
    PrunedLogs, ReadPosition, RecentLogEvents, ScannedLogEvents, StreamChoice, StreamOrder,
    StreamPlace,
};
pub use metrics::{
    BrokerSample, InvalidSeriesPosition, MaintainedMetrics, MetricData, MetricRetention,
    RecordedSamples, Sample, Series, SeriesFilter, SeriesId, SeriesPage, SeriesPosition,
};
pub use reconcile::{HeartbeatOutcome, Overview, PassState, PassStatus, ProvisionerStatus, Work};
pub use reports::MeteredBroker;
pub use tagged::{TaggedFilter, TaggedResource};

pub use kernel::PgStore;

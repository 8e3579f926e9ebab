//! The HTTP API: Amazon MQ's own under `/v1`, brokerd's own under `/brokerd/v1`.
//!
//! A request's way: the middleware (`observe/`) gives it an identifier and a deadline, the router finds the
//! operation, the extractor `auth::Signed` proves who calls, the handler turns the wire type into a domain command,
//! hands it to the store and answers. Refusals are values (`http::error::ApiError`) until the middleware writes them.
//!
//! | module | holds |
//! | --- | --- |
//! | `router.rs` | every route: it imports the operations, none imports it |
//! | `observe/` | the middleware around every request |
//! | `mq/` | the operations of Amazon MQ, one file each |
//! | `own/` | brokerd's own operations, one file each |
//! | `console/` | the web console: its pages, and signing in to them |
//! | `services.rs` | `POST /`: the services that have no paths of their own |
//! | `iam/`, `sts/`, `cloudtrail/` | the operations of IAM, AWS STS and AWS CloudTrail |
//! | `cloudwatch/`, `logs/` | the operations of Amazon CloudWatch and of Amazon CloudWatch Logs |
//! | `service_parts.rs` | the parts of the process that those operations use |
//! | `tagging.rs`, `ec2.rs`, `oam.rs` | what Grafana's CloudWatch source asks of other services |
//! | `audit.rs` | the event of every call |
//! | `query/` | the query protocol of AWS: forms, and answers in XML |
//! | `wire/` | structures that are the same in several protocols, and their codecs |
//! | `auth/` | signatures, access keys, sizes of bodies, what callers may do |
//! | `openapi/` | parts of the document that operations share |
//! | `http/` | bodies, parameters, pages, answers, refusals |

mod audit;
mod auth;
mod broker_change;
mod cache;
mod caller;
mod cloudtrail;
mod cloudwatch;
mod console;
mod ec2;
mod engine_calls;
mod fleet;
mod http;
mod iam;
mod logs;
mod metrics;
mod mq;
mod oam;
mod observe;
mod openapi;
mod operation_table;
mod own;
mod query;
mod readiness;
mod resource;
mod router;
mod service_parts;
mod services;
mod settings;
mod state;
mod sts;
mod tagging;
mod wire;

pub use auth::{OnAuthentic, SecureTransport, sigv4};
pub use metrics::ApiMetrics;
pub use readiness::ReadyCheck;
pub use router::{register_metrics, router};
pub use settings::{ApiServices, ApiSettings, ConsoleSettings, ENGINE_TIMEOUT};

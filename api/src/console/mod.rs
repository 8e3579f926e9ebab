//! The web console: its pages, signing in, and what the pages need besides the public operations.
//!
//! | file | has |
//! | --- | --- |
//! | `session.rs` | signing in and out; the sessions themselves are `auth/console.rs` |
//! | `events.rs`, `hub.rs` | server-sent events, and where they come from |
//! | `assets.rs` | the pages, as they were built |
//! | `calculator.rs` | what a broker would cost, without an account |

mod assets;
mod calculator;
pub(crate) mod events;
pub(crate) mod hub;
mod session;

use axum::{
    http::Method,
    routing::{MethodRouter, delete, get, post},
};

use crate::{
    operation::{Kind, Operation},
    state::ApiState,
};

/// The console's endpoints, each with its handler. None of them is in the API document.
pub(crate) fn endpoints() -> Vec<(Operation, MethodRouter<ApiState>)> {
    let session = "/console/session";
    [
        ("ReadRoot", Method::GET, "/", get(assets::root)),
        ("ReadConsoleRoot", Method::GET, "/console", get(assets::without_slash)),
        ("ReadConsole", Method::GET, "/console/", get(assets::page)),
        ("ReadConsoleFile", Method::GET, "/console/{*path}", get(assets::read)),
        ("ConsoleLogin", Method::POST, session, post(session::sign_in)),
        ("DescribeConsoleSession", Method::GET, session, get(session::describe)),
        ("ConsoleLogout", Method::DELETE, session, delete(session::sign_out)),
        (
            "ConsoleLogoutEverywhere",
            Method::DELETE,
            "/console/sessions",
            delete(session::sign_out_everywhere),
        ),
        ("StreamConsoleEvents", Method::GET, "/console/events", get(events::stream_events)),
        ("CalculateCost", Method::GET, "/console/calculator", get(calculator::calculate_cost)),
    ]
    .into_iter()
    .map(|(name, method, path, handler)| (Operation::new(name, method, path, Kind::Own), handler))
    .collect()
}

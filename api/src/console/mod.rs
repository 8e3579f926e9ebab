//! The web console: its pages, signing in, and what the pages need besides the public operations.
//!
//! | file | has |
//! | --- | --- |
//! | `session.rs` | signing in and out; the sessions themselves are `auth/console.rs` |
//! | `events.rs`, `hub.rs` | server-sent events, and where they come from |
//! | `assets.rs` | the pages, as they were built |
//! | `calculator.rs` | what a broker would cost, without an account |

pub(crate) mod assets;
pub(crate) mod calculator;
pub(crate) mod events;
pub(crate) mod hub;
pub(crate) mod session;

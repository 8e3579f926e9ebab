//! Endpoints and the gateway's table of them.

mod endpoints;
mod route_table;
mod routes;

pub use endpoints::{Allocation, Names};
pub use route_table::{Entrance, Route, RouteChanges, RouteTable, UnreadableRoute};
pub use routes::{RouteCursor, RouteReader};

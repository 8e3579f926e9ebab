//! The table of routes: where it is read from, what of it is in force, and where it is cached.

mod current;
mod source;
mod table;
mod table_cache;

pub use self::source::{PgRouteSource, Reading, RouteSource, SourceError};
pub(crate) use self::{
    current::CurrentRoutes,
    table::{Change, RouteEntry, RouteKey, RoutingTable, Targets},
    table_cache::TableCache,
};

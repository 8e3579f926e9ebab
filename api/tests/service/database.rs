//! Where the databases of the tests are.

/// The URL of the server.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment where the database is"
)]
pub(crate) fn server_url() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL names a PostgreSQL server")
}

/// The URL of a database on that server.
pub(crate) fn database_url(name: &str) -> String {
    let server = server_url();
    let (base, options) = server.split_once('?').unwrap_or((&server, ""));
    let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
    format!("{base}/{name}?{options}")
}

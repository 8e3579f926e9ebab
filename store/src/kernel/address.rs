//! The address of a database server.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;

/// Where the server of a database listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerAddress {
    /// At a socket in this directory.
    Socket(PathBuf),
    /// At a port of a host.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
        port: u16,
    },
}

impl ServerAddress {
    /// The address in the URL of a database; `None` if it is not such a URL.
    pub fn of(database_url: &str) -> Option<Self> {
        let options: PgConnectOptions = database_url.parse().ok()?;
        Some(match options.get_socket() {
            Some(directory) => Self::Socket(directory.clone()),
            None => Self::Tcp { host: options.get_host().to_owned(), port: options.get_port() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_server_is_a_socket_or_a_port() {
        let tcp = |host: &str, port| Some(ServerAddress::Tcp { host: host.to_owned(), port });
        let socket = |path: &str| Some(ServerAddress::Socket(PathBuf::from(path)));
        for (url, address) in [
            ("postgres://u:p@127.0.0.1:15432/d", tcp("127.0.0.1", 15432)),
            ("postgres://u:p@postgres:5432/d", tcp("postgres", 5432)),
            ("postgres://u:p@localhost/d?host=/var/lib/x/run", socket("/var/lib/x/run")),
            ("postgres://u:p@localhost/d?host=/a%20b", socket("/a b")),
            ("nonsense", None),
        ] {
            assert_eq!(ServerAddress::of(url), address, "{url}");
        }
    }
}

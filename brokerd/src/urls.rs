//! The URLs of the API.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context as _;

use crate::{config::Configuration, data_dir::DataDir};

/// Where this machine reaches a listener on all addresses.
const LOOPBACK: &str = "127.0.0.1";

/// The URL that clients use.
///
/// # Errors
/// When `api.listen` has port 0 and no API has been started with this data directory.
pub(crate) fn client_url(configuration: &Configuration) -> anyhow::Result<String> {
    let listen = configuration.api.listen;
    if let Some(url) = &configuration.api.url {
        return Ok(url.clone());
    }
    if listen.port() == 0 {
        let url = DataDir::at(&configuration.data_dir).api_url();
        return url.context("brokerd has not chosen a port yet: start it first");
    }
    Ok(api_url(configuration, listen))
}

/// The URL by which this machine, or container, reaches the API that it serves.
///
/// # Errors
/// As [`client_url`].
pub(crate) fn local_url(configuration: &Configuration) -> anyhow::Result<String> {
    let mut configuration = configuration.clone();
    configuration.api.url = None;
    let listen = &mut configuration.api.listen;
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    client_url(&configuration)
}

/// The URL of an API that listens on `address`.
pub(crate) fn api_url(configuration: &Configuration, address: SocketAddr) -> String {
    let scheme = if configuration.api.tls_certificate.is_some() { "https" } else { "http" };
    if address.ip().is_unspecified() {
        let host = configuration.endpoint.advertised_host.chosen().map_or(LOOPBACK, String::as_str);
        return format!("{scheme}://{host}:{}", address.port());
    }
    format!("{scheme}://{address}")
}

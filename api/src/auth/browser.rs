//! Checks of requests from browsers: the host by which they reached the API, the page that made them, and the cookie.
//!
//! Browsers send cookies with requests of other sites' pages, too, so a cookie alone proves little. Two more things are
//! checked. The host must be one of this API, because a foreign name may resolve to this address ("DNS rebinding"). A
//! request that changes something must come from a page of this API.

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{COOKIE, HOST, ORIGIN},
        request::Parts,
    },
};

use super::{
    error::{CROSS_SITE, WRONG_HOST},
    request::SecureTransport,
};
use crate::http::error::ApiError;

/// Tells how the page that made a request is related to its host. Pages can't set it.
///
/// Source: "Fetch Metadata Request Headers" of W3C.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The cookie where it is kept to connections with TLS. Browsers take the prefix from nobody but this host.
///
/// Source: "Cookie Name Prefixes" of RFC 6265bis.
const SECURE_COOKIE: &str = "__Host-brokerd";
/// The beginning of the cookie's name without TLS. The port follows, because cookies ignore ports: two brokerds of one
/// host would sign each other's users out.
const PLAIN_COOKIE: &str = "brokerd-";

/// The address by which the API is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    is_https: bool,
    /// Host and port in lower case, without the port that is usual for the scheme.
    authority: String,
}

impl Site {
    /// That of a URL such as `https://mq.example.com`; none: it is no such URL.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let (scheme, authority) = url.split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        let authority = authority.trim_end_matches('/').to_ascii_lowercase();
        Some(Self { is_https, authority: without_usual_port(&authority, is_https).to_owned() })
    }

    /// How a request reached the API.
    ///
    /// # Errors
    /// A 403 for a host that is none of the API's.
    pub(crate) fn visit(&self, parts: &Parts) -> Result<Visit, ApiError> {
        let is_tls = parts.extensions.get::<SecureTransport>().is_some();
        let host = host(parts).ok_or_else(|| wrong_host("The request names no host."))?;
        let is_known = without_usual_port(&host, self.is_https) == self.authority;
        // Nobody else has a certificate that browsers accept for the name. Whoever does TLS in front of brokerd is
        // known by the URL.
        if is_tls || (is_known && self.is_https) {
            return Ok(Visit { host, is_secure: true });
        }
        if is_known || is_loopback(&host) {
            return Ok(Visit { host, is_secure: false });
        }
        Err(wrong_host(
            "The console is not served at this host. Use the URL of the API, or set api.url to this one.",
        ))
    }
}

fn wrong_host(message: &'static str) -> ApiError {
    ApiError::named(StatusCode::FORBIDDEN, "ForbiddenException", message)
        .because_of_authentication(WRONG_HOST)
}

fn without_usual_port(authority: &str, is_https: bool) -> &str {
    authority.strip_suffix(if is_https { ":443" } else { ":80" }).unwrap_or(authority)
}

/// The host that a request is for, in lower case; none: it names none, or several.
fn host(parts: &Parts) -> Option<String> {
    let mut values = parts.headers.get_all(HOST).iter();
    let host = match (values.next(), values.next()) {
        (Some(host), None) => host.to_str().ok()?,
        (None, _) => parts.uri.authority()?.as_str(),
        (Some(_), Some(_)) => return None,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// Whether a host is this machine's own, whatever DNS says. Browsers resolve names below `localhost` by themselves.
fn is_loopback(host: &str) -> bool {
    let name = name_of(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// How a browser reached the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    /// With the port, as the browser has it in its address line.
    host: String,
    /// Whether the browser speaks TLS.
    is_secure: bool,
}

impl Visit {
    /// Checks that the request comes from a page of the API: each that changes something, and all others as far as the
    /// browser tells.
    ///
    /// # Errors
    /// A 403.
    pub(crate) fn check_page(&self, parts: &Parts) -> Result<(), ApiError> {
        let text = |name| parts.headers.get(name).map(|value: &HeaderValue| value.to_str());
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD);
        let is_ours = match (text(SEC_FETCH_SITE), text(ORIGIN)) {
            (Some(Ok("same-origin")), _) => true,
            // Typed, or a bookmark.
            (Some(Ok("none")), _) => is_safe,
            (Some(_), _) => false,
            // Browsers leave the header out where there is no TLS, except for this machine.
            (None, Some(Ok(origin))) => self.is_origin(origin),
            (None, Some(Err(_))) => false,
            (None, None) => is_safe,
        };
        if is_ours {
            return Ok(());
        }
        let refused = ApiError::named(
            StatusCode::FORBIDDEN,
            "ForbiddenException",
            "The request does not come from a page of this API.",
        );
        Err(refused.because_of_authentication(CROSS_SITE))
    }

    fn is_origin(&self, origin: &str) -> bool {
        let scheme = if self.is_secure { "https" } else { "http" };
        let authority = origin.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        authority.is_some_and(|authority| {
            let usual = |authority| without_usual_port(authority, self.is_secure);
            usual(&authority.to_ascii_lowercase()) == usual(&self.host)
        })
    }

    fn cookie_name(&self) -> String {
        if self.is_secure {
            return SECURE_COOKIE.to_owned();
        }
        let port = self.host.rsplit_once(':').map_or("80", |(_, port)| port);
        let port = if port.bytes().all(|byte| byte.is_ascii_digit()) { port } else { "80" };
        format!("{PLAIN_COOKIE}{port}")
    }

    /// The text in the cookie.
    pub(crate) fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.cookie_name();
        cookies(headers).find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The cookie that stores a text. Browsers send it with requests of brokerd's own pages only.
    pub(crate) fn set_cookie(&self, text: &str) -> Result<HeaderValue, ApiError> {
        self.cookie_header(text, "")
    }

    /// The cookie that deletes it.
    pub(crate) fn clear_cookie(&self) -> Result<HeaderValue, ApiError> {
        self.cookie_header("", "; Max-Age=0")
    }

    fn cookie_header(&self, text: &str, more: &str) -> Result<HeaderValue, ApiError> {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let name = self.cookie_name();
        HeaderValue::from_str(&format!(
            "{name}={text}; Path=/; HttpOnly; SameSite=Strict{secure}{more}"
        ))
        .map_err(ApiError::internal)
    }
}

/// Whether a browser that is or was signed in sent the request: it has brokerd's cookie, or comes from brokerd's page.
pub(super) fn is_of_console(headers: &HeaderMap) -> bool {
    let is_ours = |(name, _): (&str, &str)| {
        name == SECURE_COOKIE
            || name
                .strip_prefix(PLAIN_COOKIE)
                .is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
    };
    headers.get(SEC_FETCH_SITE).is_some_and(|site| site == "same-origin")
        || cookies(headers).any(is_ours)
}

/// The cookies of a request.
///
/// Source: "The Cookie Header Field" of RFC 6265.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let headers = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers.flat_map(|header| header.split(';')).filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.trim(), value.trim()))
    })
}

/// Whether the request is for an HTML page.
pub(crate) fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(axum::http::header::ACCEPT);
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.split(',').any(|range| range.trim().starts_with("text/html")))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn parts(method: &str, headers: &[(&'static str, &'static str)], is_tls: bool) -> Parts {
        let mut request = Request::builder().method(method).uri("/v1/brokers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(Body::empty()).expect("a request").into_parts().0;
        if is_tls {
            parts.extensions.insert(SecureTransport);
        }
        parts
    }

    fn visit(url: &str, host: &'static str, is_tls: bool) -> Option<(bool, String)> {
        let visited = Site::of(url).expect("a URL").visit(&parts("GET", &[("host", host)], is_tls));
        visited.ok().map(|visit| (visit.is_secure, visit.cookie_name()))
    }

    #[test]
    fn only_hosts_of_the_api_are_visited_and_tls_tells_the_cookie() {
        let secure = Some((true, "__Host-brokerd".to_owned()));
        let plain = |port: &str| Some((false, format!("brokerd-{port}")));
        for (url, host, is_tls, expected) in [
            ("http://127.0.0.1:8642", "127.0.0.1:8642", false, plain("8642")),
            ("http://127.0.0.1:8642", "localhost:9000", false, plain("9000")),
            ("http://127.0.0.1:8642", "mq.localhost", false, plain("80")),
            ("http://127.0.0.1:8642", "127.9.9.9:1", false, plain("1")),
            ("http://127.0.0.1:8642", "[::1]:8642", false, plain("8642")),
            ("http://127.0.0.1:8642", "[::ffff:127.0.0.1]:8642", false, plain("8642")),
            ("http://127.0.0.1:8642", "evil.example:8642", false, None),
            ("http://127.0.0.1:8642", "127.0.0.1.evil.example", false, None),
            ("http://127.0.0.1:8642", "localhost.evil.example", false, None),
            ("http://127.0.0.1:8642", "notlocalhost", false, None),
            ("http://127.0.0.1:8642", "", false, None),
            ("http://10.0.0.5:8642", "10.0.0.5:8642", false, plain("8642")),
            ("http://10.0.0.5:8642", "10.0.0.5:8643", false, None),
            ("http://mq.example", "MQ.example:80", false, plain("80")),
            // TLS ends before brokerd.
            ("https://mq.example", "mq.example", false, secure.clone()),
            ("https://mq.example:443", "mq.example", false, secure.clone()),
            ("https://mq.example", "mq.example:443", false, secure.clone()),
            ("https://mq.example", "other.example", false, None),
            ("https://mq.example", "127.0.0.1:8642", false, plain("8642")),
            ("https://mq.example", "other.example", true, secure),
        ] {
            assert_eq!(visit(url, host, is_tls), expected, "{url} at {host}, TLS {is_tls}");
        }
        let site = Site::of("http://127.0.0.1:8642").expect("a URL");
        let two = parts("GET", &[("host", "127.0.0.1"), ("host", "evil.example")], false);
        assert!(site.visit(&two).is_err());
        assert!(site.visit(&parts("GET", &[], false)).is_err());
        assert_eq!(Site::of("nonsense"), None);
    }

    #[test]
    fn what_changes_something_comes_from_our_own_page() {
        let site = Site::of("http://127.0.0.1:8642").expect("a URL");
        let host = ("host", "127.0.0.1:8642");
        for (headers, may_read, may_write) in [
            (vec![("sec-fetch-site", "same-origin")], true, true),
            (
                vec![("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8642")],
                true,
                true,
            ),
            (vec![("sec-fetch-site", "none")], true, false),
            // A page of an engine's console, on another port of the same host.
            (vec![("sec-fetch-site", "same-site")], false, false),
            (vec![("sec-fetch-site", "cross-site")], false, false),
            (
                vec![("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8642")],
                false,
                false,
            ),
            (vec![("origin", "http://127.0.0.1:8642")], true, true),
            (vec![("origin", "http://127.0.0.1:8643")], false, false),
            (vec![("origin", "https://127.0.0.1:8642")], false, false),
            (vec![("origin", "http://evil.example")], false, false),
            (vec![("origin", "null")], false, false),
            (vec![], true, false),
        ] {
            let mut all = headers.clone();
            all.push(host);
            for (method, expected) in
                [("GET", may_read), ("HEAD", may_read), ("POST", may_write), ("DELETE", may_write)]
            {
                let parts = parts(method, &all, false);
                let visit = site.visit(&parts).expect("our host");
                assert_eq!(visit.check_page(&parts).is_ok(), expected, "{method} {headers:?}");
            }
        }
    }

    #[test]
    fn our_cookie_is_found_among_others_and_kept_from_scripts() {
        let secure = Visit { host: "mq.example".to_owned(), is_secure: true };
        let plain = Visit { host: "127.0.0.1:8642".to_owned(), is_secure: false };
        let of = |cookie: &'static str| {
            let headers = parts("GET", &[("cookie", cookie)], false).headers;
            let found = |visit: &Visit| visit.cookie(&headers).map(str::to_owned);
            (found(&secure), found(&plain), is_of_console(&headers))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("a=b; __Host-brokerd=x; c"), (some("x"), None, true));
        assert_eq!(of("brokerd-8642=y;m=brokerd-1"), (None, some("y"), true));
        assert_eq!(of("brokerd-8652=y"), (None, None, true), "of another brokerd");
        assert_eq!(of("brokerd-x=y; host-brokerd=z"), (None, None, false));
        let text = |header: Result<HeaderValue, ApiError>| {
            header.expect("a header").to_str().expect("text").to_owned()
        };
        assert_eq!(
            text(secure.set_cookie("x")),
            "__Host-brokerd=x; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            text(plain.clear_cookie()),
            "brokerd-8642=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}

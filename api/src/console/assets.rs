//! The pages themselves, from the binary.
//!
//! `scripts/console.sh` builds them from the folder `console`. A build without them serves a page that says so.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};

use crate::{
    auth::wants_page,
    http::{body, error::ApiError, path::PathParams},
};

/// The one page of the console; its scripts render the rest.
const INDEX: &str = "index.html";
/// Files whose names change with their content.
const HASHED: &str = "assets/";

/// Nothing from elsewhere, and nothing that is written into a page. Amazon's Cloudscape has its fonts as `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; \
                      img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// What is served where the console was not built.
const WITHOUT: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>brokerd</title></head>
<body><main><h1>brokerd runs</h1>
<p>This brokerd was built without the console. Install Node.js and npm, run <code>scripts/console.sh</code>, and build
brokerd again; <code>make run</code> does all of it.</p>
<p>The API is here all the same: its <a href="../docs">documentation</a>.</p></main></body></html>
"#;

/// A file of the console.
struct File {
    bytes: std::borrow::Cow<'static, [u8]>,
    /// The hash of the content.
    tag: String,
}

/// The files as they are built.
#[cfg(feature = "console")]
mod dist {
    #[derive(rust_embed::Embed)]
    #[folder = "../console/dist"]
    #[allow_missing = true]
    pub(super) struct Dist;
}

#[cfg(feature = "console")]
fn file(name: &str) -> Option<File> {
    let file = dist::Dist::get(name)?;
    Some(File { tag: hex::encode(&file.metadata.sha256_hash()[..16]), bytes: file.data })
}

#[cfg(not(feature = "console"))]
const fn file(_: &str) -> Option<File> {
    None
}

/// ReadRoot: redirects browsers to the console. The services without paths are called there by POST.
pub(crate) async fn root(request: Request) -> Response {
    if wants_page(&request) {
        return Redirect::temporary("/console/").into_response();
    }
    let mut refused = ApiError::unknown_method().into_response();
    refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST,OPTIONS"));
    refused
}

/// ReadConsoleRoot: redirects to the folder, because names in the page are relative to it.
pub(crate) async fn without_slash() -> Redirect {
    Redirect::permanent("/console/")
}

/// ReadConsole: the page.
pub(crate) async fn page() -> Response {
    index()
}

/// ReadConsoleFile: a file, or the page for paths that only its scripts know.
pub(crate) async fn read(path: PathParams, headers: HeaderMap) -> Result<Response, ApiError> {
    let name = path.get("path");
    if let Some(found) = served(name, &headers) {
        return Ok(found);
    }
    // Without this the page would be returned as a script of an earlier build.
    if name.starts_with(HASHED) {
        return Err(ApiError::unknown_path());
    }
    Ok(index())
}

/// The page. It is never cached, because it names files that change with each build.
pub(super) fn index() -> Response {
    let (status, bytes) = match file(INDEX) {
        Some(File { bytes, .. }) => (StatusCode::OK, Body::from(bytes.into_owned())),
        None => (StatusCode::NOT_FOUND, Body::from(WITHOUT)),
    };
    let mut response = body::with_type(status, "text/html; charset=utf-8", bytes);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    guarded(response)
}

/// A file, in the smallest form that the browser takes.
fn served(name: &str, headers: &HeaderMap) -> Option<Response> {
    // The page and compressed forms have no address of their own.
    if name == INDEX || name.ends_with(".br") || name.ends_with(".gz") {
        return None;
    }
    let plain = file(name)?;
    let compressed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(coding, suffix)| {
        if !accepts(headers, coding) {
            return None;
        }
        Some((Some(coding), file(&format!("{name}.{suffix}"))?))
    });
    let (coding, found) = compressed.unwrap_or((None, plain));
    let tag = format!("\"{}\"", found.tag);
    let is_known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Body::from(found.bytes.into_owned()).into_response()
    };
    let kept =
        if name.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let answer = response.headers_mut();
    if !is_known {
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
        if let Some(coding) = coding {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
    }
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    Some(guarded(response))
}

/// Whether the browser takes a content coding.
///
/// Source: "Accept-Encoding" of RFC 9110.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        let is_refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        name.trim().eq_ignore_ascii_case(coding) && !is_refused
    })
}

/// The media type of a file. Browsers must not guess it.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Adds the headers that isolate a page from other sites.
fn guarded(mut response: Response) -> Response {
    let guards: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in guards {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn a_browser_gets_what_it_takes() {
        for (value, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("gzip", false, true),
            ("br;q=0, gzip;q=0.5", false, true),
            ("br;q=0.000, GZIP", false, true),
            ("brotli", false, false),
            ("", false, false),
        ] {
            let headers = headers(header::ACCEPT_ENCODING, value);
            assert_eq!((accepts(&headers, "br"), accepts(&headers, "gzip")), (br, gzip), "{value}");
        }
    }

    #[test]
    fn nothing_is_taken_from_elsewhere_and_nothing_is_written_into_pages() {
        for source in ["http", "*", "unsafe"] {
            assert!(!POLICY.contains(source), "{source}");
        }
        assert!(!WITHOUT.contains("<script") && !WITHOUT.contains("style"));
        assert_eq!(index().headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(index().headers()[header::CONTENT_SECURITY_POLICY], POLICY);
    }
}

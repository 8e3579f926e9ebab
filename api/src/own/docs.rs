//! The page for people: Swagger UI over the OpenAPI document. All of it is served from the binary, and a content
//! security policy keeps browsers from loading anything from elsewhere.

use std::sync::{Arc, LazyLock};

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_swagger_ui::Config;

use crate::http::{body, error::ApiError, path::PathParams};

/// The viewer's files, relative to the page at `/docs`.
const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>brokerd API</title>
<link rel="stylesheet" href="docs/swagger-ui.css"><link rel="stylesheet" href="docs/index.css">
<link rel="icon" href="docs/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<noscript>The machine-readable form is <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-standalone-preset.js"></script>
<script src="docs/swagger-initializer.js"></script></body></html>
"#;

/// Nothing from elsewhere. The viewer sets styles of elements, and has its icons in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Requests can't be tried out, because the viewer can't sign them. Without `none` it would send the document's
/// address to a validator on the Internet.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new(["openapi.json"]).use_base_layout().validator_url("none");
    Arc::new(
        config
            .supported_submit_methods(Vec::<String>::new())
            .display_operation_id(true)
            .default_models_expand_depth(-1)
            .doc_expansion("list"),
    )
});

/// The page.
pub(crate) async fn page() -> Response {
    with_policy(body::with_type(StatusCode::OK, "text/html; charset=utf-8", PAGE))
}

/// A file of the viewer.
///
/// # Errors
/// The 404 of paths that no operation has.
pub(crate) async fn file(path: PathParams) -> Result<Response, ApiError> {
    let file = utoipa_swagger_ui::serve(path.get("file"), Arc::clone(&CONFIG));
    let file = file.map_err(|error| ApiError::internal(error.to_string()))?;
    let file = file.ok_or_else(ApiError::unknown_path)?;
    let media_type = HeaderValue::from_str(&file.content_type).map_err(ApiError::internal)?;
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
    Ok(with_policy((headers, file.bytes).into_response()))
}

fn with_policy(mut response: Response) -> Response {
    let policy: [(HeaderName, &str); 2] =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    for (name, value) in policy {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    async fn served(name: &str) -> String {
        let response = file(PathParams::from(("file", name))).await.expect(name);
        assert_eq!(response.headers()["content-security-policy"], POLICY, "{name}");
        let bytes = response.into_body().collect().await.expect("body").to_bytes();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    #[tokio::test]
    async fn every_file_that_the_page_names_is_served_and_none_is_from_elsewhere() {
        assert_eq!(page().await.headers()["content-security-policy"], POLICY);
        assert!(!PAGE.contains("//") && !POLICY.contains("http") && !POLICY.contains('*'));
        let mut named = 0;
        for reference in PAGE.split("\"docs/").skip(1) {
            let name = reference.split('"').next().expect("a name");
            assert!(!served(name).await.is_empty(), "{name}");
            named += 1;
        }
        assert_eq!(named, 6);
        assert!(file(PathParams::from(("file", "nothing.js"))).await.is_err());
    }

    #[tokio::test]
    async fn the_viewer_reads_the_document_and_tells_nobody() {
        let initializer = served("swagger-initializer.js").await;
        for setting in [
            r#""url": "openapi.json""#,
            r#""validatorUrl": "none""#,
            r#""supportedSubmitMethods": []"#,
            r#""layout": "BaseLayout""#,
        ] {
            assert!(initializer.contains(setting), "{setting} is missing in {initializer}");
        }
    }
}

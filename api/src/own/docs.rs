//! A page for people, made from the OpenAPI document; no scripts, nothing loaded from elsewhere.

use std::fmt::Write;

use serde_json::Value;
use utoipa::openapi::OpenApi;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>brokerd API</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
code{font:14px ui-monospace,monospace}section{border-top:1px solid #bbb;padding:.5rem 0}
h2{font-size:1.1rem;margin:.5rem 0}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}
</style></head><body><h1>brokerd API</h1>
<p>The machine-readable form is <a href="/openapi.json">/openapi.json</a>.
Requests under <code>/v1</code> are signed with AWS Signature Version 4, service <code>mq</code>.</p>
"#;

/// The whole page.
pub(super) fn page(document: &OpenApi) -> String {
    let document = serde_json::to_value(document).unwrap_or_default();
    let mut html = HEAD.to_owned();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["operationId"].is_string() {
                push_operation(&mut html, &method.to_uppercase(), path, operation);
            }
        }
    }
    html.push_str("</body></html>\n");
    html
}

fn push_operation(html: &mut String, method: &str, path: &str, operation: &Value) {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let name = text(&operation["operationId"]);
    let _ = write!(
        html,
        "<section id=\"{name}\"><h2>{name}</h2><p><code>{method} {}</code></p><p>{}</p><table>",
        escaped(path),
        text(&operation["summary"])
    );
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
        let about = text(&parameter["description"]);
        let _ =
            write!(html, "<tr><td><code>{name}</code></td><td>{place}</td><td>{about}</td></tr>");
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let about = text(&response["description"]);
        let _ = write!(html, "<tr><td>{status}</td><td>answer</td><td>{about}</td></tr>");
    }
    html.push_str("</table></section>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_operation_and_loads_nothing() {
        let html = page(&crate::openapi_document());
        for name in ["CreateBroker", "DescribeBroker", "ListBrokerEvents"] {
            assert!(html.contains(&format!("<h2>{name}</h2>")), "{name}");
        }
        assert!(
            !html.contains("<script") && !html.contains("http://") && !html.contains("https://")
        );
    }
}

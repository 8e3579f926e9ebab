//! The pages, whether they were built or not.

use serde_json::json;

use super::Browser;
use crate::support::TestApi;

/// A browser that looks at a page.
fn reader() -> Browser {
    Browser::default().with("sec-fetch-site", "none").with("accept", "text/html,*/*;q=0.8")
}

#[tokio::test]
async fn people_are_led_to_the_console_and_every_path_below_it_is_its_page() {
    let api = TestApi::start().await;
    let root = api.browse(&reader(), "GET", "/", "").await;
    assert_eq!((root.status.as_u16(), root.header("location")), (307, "/console/"));
    let machine = api.unsigned("GET", "/").await;
    assert_eq!((machine.status.as_u16(), machine.header("allow")), (405, "POST,OPTIONS"));
    let short = api.browse(&reader(), "GET", "/console", "").await;
    assert_eq!((short.status.as_u16(), short.header("location")), (308, "/console/"));
    let page = api.browse(&reader(), "GET", "/console/", "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.starts_with("<!doctype html>"), "{}", page.text);
    for (name, part) in [
        ("content-security-policy", "default-src 'none'; script-src 'self'; style-src 'self';"),
        ("content-security-policy", "frame-ancestors 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert!(page.header(name).contains(part), "{name}: {}", page.header(name));
    }
    assert!(!page.header("content-security-policy").contains("unsafe"));
    for target in ["/console/brokers", "/console/brokers/b-1/users", "/console/index.html"] {
        let other = api.browse(&reader(), "GET", target, "").await;
        assert_eq!((other.status, &other.text), (page.status, &page.text), "{target}");
    }
    // Paths that are also pages.
    for target in ["/console/events", "/console/calculator"] {
        let other = api.browse(&reader(), "GET", target, "").await;
        assert_eq!(other.text, page.text, "{target}");
    }
    for target in ["/console/assets/nothing-12345678.js", "/console/assets/..%2f..%2fCargo.toml"] {
        let (status, code, _) = api.browse(&reader(), "GET", target, "").await.refusal();
        assert_eq!((status, code.as_str()), (404, "UnknownOperationException"), "{target}");
    }
    assert_eq!(api.unsigned("DELETE", "/console/").await.status, 405);
    api.stop().await;
}

#[tokio::test]
async fn the_files_that_the_page_names_are_kept_for_ever_and_sent_compressed() {
    let api = TestApi::start().await;
    let page = api.browse(&reader(), "GET", "/console/", "").await;
    if page.status != 200 {
        assert!(page.text.contains("built without the console"), "{}", page.text);
        assert!(page.text.contains("scripts/console.sh"), "it says how to build it");
        api.stop().await;
        return;
    }
    let named: Vec<&str> =
        page.text.split('"').filter(|text| text.starts_with("/console/assets/")).collect();
    assert!(named.iter().any(|name| name.ends_with(".js")), "{}", page.text);
    for name in named {
        if name.ends_with(".woff2") {
            let request = Browser::default().request("HEAD", name, "");
            let response = tower::ServiceExt::oneshot(api.router.clone(), request).await;
            let response = response.expect("infallible");
            assert_eq!((response.status().as_u16(), name), (200, name));
            assert_eq!(response.headers()["content-type"], "font/woff2");
            assert_eq!(response.headers()["cache-control"], "public, max-age=31536000, immutable");
            continue;
        }
        let plain = api.browse(&Browser::default(), "GET", name, "").await;
        assert_eq!(plain.status, 200, "{name}");
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(plain.header("x-content-type-options"), "nosniff");
        assert_eq!(plain.header("vary"), "accept-encoding");
        let kind = if name.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert!(plain.header("content-type").starts_with(kind), "{name}");
        let tag = plain.header("etag").to_owned();
        let known = Browser::default().with("if-none-match", &tag);
        let again = api.browse(&known, "GET", name, "").await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
        // Small files are not worth it.
        let codings: &[_] =
            if plain.text.len() < 1024 { &[] } else { &[("gzip, br", "br"), ("gzip", "gzip")] };
        for (accepted, coding) in codings {
            let request = Browser::default().with("accept-encoding", accepted);
            let response =
                tower::ServiceExt::oneshot(api.router.clone(), request.request("HEAD", name, ""));
            let response = response.await.expect("infallible");
            assert_eq!(response.headers()["content-encoding"], *coding, "{name}");
            assert_ne!(response.headers()["etag"], tag.as_str(), "each form has its own");
        }
        let compressed = format!("{name}.br");
        assert_eq!(api.browse(&reader(), "GET", &compressed, "").await.status, 404);
    }
    api.stop().await;
}

#[tokio::test]
async fn costs_are_told_to_whoever_asks_and_not_too_often() {
    let api = TestApi::start().await;
    let query = "engineType=RABBITMQ&deploymentMode=SINGLE_INSTANCE&hostInstanceType=mq.m7g.medium&storageGb=10&region=us-east-1";
    let own = api.call("GET", &format!("/brokerd/v1/cost/estimate?{query}"), "").await;
    let target = format!("/console/calculator?{query}");
    let anybody = api.unsigned("GET", &target).await;
    assert_eq!(anybody.status, 200, "{anybody:?}");
    assert_eq!(anybody.json(), own.json());
    let wrong = api.unsigned("GET", "/console/calculator?engineType=KAFKA").await;
    assert_eq!(
        (wrong.status.as_u16(), &wrong.json()["errorAttribute"]),
        (400, &json!("engineType"))
    );
    let mut last = 200;
    for _ in 0..60 {
        last = api.unsigned("GET", &target).await.status.as_u16();
    }
    assert_eq!(last, 429);
    api.stop().await;
}

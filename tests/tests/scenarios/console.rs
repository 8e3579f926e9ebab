//! The web console of the real program: a link of the command signs in a browser once.

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{World, http, scenario};
use serde_json::{Value, json};

/// What a page of the console sends along.
fn of_page(cookie: Option<&str>) -> Vec<(String, String)> {
    let site = ("Sec-Fetch-Site".to_owned(), "same-origin".to_owned());
    let cookie = cookie.map(|cookie| ("Cookie".to_owned(), cookie.to_owned()));
    std::iter::once(site).chain(cookie).collect()
}

fn sign_in(world: &World, link: &str) -> Result<http::Answer> {
    let body = json!({ "link": link }).to_string();
    http::request(world.api.address(), "POST", "/console/session", &of_page(None), &body)
}

#[test]
fn a_link_of_the_command_signs_in_a_browser_once() -> Result<()> {
    scenario("console by link", &[("BROKERD_CONSOLE_IDLE_MINUTES", "5")], |world| {
        let address = world.api.address().to_owned();
        let printed = world.brokerd(&["console"])?;
        let link = printed.trim().strip_prefix(&format!("http://{address}/console/#link="));
        let link = link.with_context(|| format!("no link of {address}: {printed}"))?;
        let answer = sign_in(world, link)?;
        ensure!(answer.status == 200, "{answer:?}");
        let view: Value = serde_json::from_str(&answer.body)?;
        ensure!(view["kind"] == "ROOT" && view["accessKeyId"] == json!(world.api.key), "{view}");
        ensure!(view["apiUrl"] == json!(format!("http://{address}")), "{view}");
        let cookie = answer.header("set-cookie").context("a cookie")?;
        let cookie = cookie.split(';').next().context("a pair")?.to_owned();

        let again = sign_in(world, link)?;
        ensure!(again.status == 401, "the link was used: {again:?}");
        let page = of_page(Some(&cookie));
        let read = |path: &str| http::request(&address, "GET", path, &page, "");
        ensure!(read("/v1/brokers")?.status == 200, "brokers by cookie");
        let out = http::request(&address, "DELETE", "/console/session", &page, "")?;
        ensure!(out.status == 200, "{out:?}");
        ensure!(read("/v1/brokers")?.status == 401, "signed out");

        // By the key of somebody else, until it is withdrawn.
        let made = world.brokerd(&["key", "create", "--user", "bob", "--read-only"])?;
        let bob = world.as_exported(&made)?;
        let printed = world.brokerd(&["console", "--key", &bob.key])?;
        let link = printed.trim().split_once("#link=").context("a link")?.1;
        let answer = sign_in(world, link)?;
        ensure!(answer.body.contains(r#""name":"bob""#), "{answer:?}");
        world.brokerd(&["key", "disable", &bob.key])?;
        let refused = world.brokerd(&["console", "--key", &bob.key]).err().context("refused")?;
        ensure!(format!("{refused:#}").contains("is disabled"), "{refused:#}");

        let html = [("Accept".to_owned(), "text/html".to_owned())];
        let root = http::request(&address, "GET", "/", &html, "")?;
        ensure!(root.header("location") == Some("/console/"), "{root:?}");
        let page = http::request(&address, "GET", "/console/", &html, "")?;
        let policy = page.header("content-security-policy").unwrap_or_default();
        ensure!(policy.contains("default-src 'none'"), "{page:?}");
        Ok(())
    })
}

//! The web console: a browser with a cookie in place of a signature.

mod events;
mod pages;
mod sessions;
mod sign_in;

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApi};

/// A browser on a page of the console.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    /// `name=value`, as it was set.
    pub(crate) cookie: Option<String>,
    /// Headers beside those that every request of the page has.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Browser {
    /// With another header.
    pub(crate) fn with(&self, name: &'static str, value: &str) -> Self {
        let mut other = self.clone();
        other.headers.push((name, value.to_owned()));
        other
    }

    pub(crate) fn request(&self, method: &str, target: &str, body: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(target);
        let given = |name: &str| self.headers.iter().any(|(given, _)| *given == name);
        for (name, value) in [("host", "127.0.0.1:8642"), ("sec-fetch-site", "same-origin")] {
            if !given(name) {
                request = request.header(name, value);
            }
        }
        if !body.is_empty() && !given("content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        request.body(Body::from(body.to_owned())).expect("a request")
    }

    /// Keeps the cookie of an answer, as browsers do.
    fn keep(&mut self, reply: &Reply) {
        let set = reply.header("set-cookie");
        if set.is_empty() {
            return;
        }
        let pair = set.split(';').next().unwrap_or_default().to_owned();
        self.cookie = (!pair.ends_with('=')).then_some(pair);
    }
}

/// What a form sends.
pub(crate) fn key_of(client: &Client) -> Value {
    use secrecy::ExposeSecret as _;

    let mut form = json!({
        "accessKeyId": client.credentials.access_key_id,
        "secretAccessKey": client.credentials.secret.expose_secret(),
    });
    if let Some(token) = &client.token {
        form["sessionToken"] = token.as_str().into();
    }
    form
}

impl TestApi {
    pub(crate) async fn browse(
        &self,
        browser: &Browser,
        method: &str,
        target: &str,
        body: &str,
    ) -> Reply {
        self.send(browser.request(method, target, body)).await
    }

    /// Signs in at a process.
    pub(crate) async fn sign_in_at(
        &self,
        router: &Router,
        browser: &mut Browser,
        form: &Value,
    ) -> Reply {
        let request = browser.request("POST", "/console/session", &form.to_string());
        let reply = self.send_to(router, request).await;
        browser.keep(&reply);
        reply
    }

    /// A browser in which somebody is signed in.
    pub(crate) async fn signed_in(&self, client: &Client) -> Browser {
        let mut browser = Browser::default();
        let reply = self.sign_in_at(&self.router, &mut browser, &key_of(client)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(browser.cookie.is_some(), "{reply:?}");
        browser
    }
}

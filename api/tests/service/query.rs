//! Calls of the query protocol, and what comes back.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request},
};
use brokerd_api::sigv4;

use crate::support::{Client, Reply, TestApi};

pub(crate) const IAM: Protocol = Protocol { service: "iam", version: "2010-05-08" };
pub(crate) const STS: Protocol = Protocol { service: "sts", version: "2011-06-15" };

/// A service of the protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocol {
    service: &'static str,
    version: &'static str,
}

/// Somebody with a key, and the token of its session if it is one.
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) client: Client,
    pub(crate) token: Option<String>,
}

impl From<&Client> for Who {
    fn from(client: &Client) -> Self {
        Self { client: client.clone(), token: None }
    }
}

/// An answer in XML.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
}

impl Answer {
    fn texts(&self, path: &[&str]) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.reply.text)
            .unwrap_or_else(|error| panic!("{error}: {:?}", self.reply));
        let mut found = vec![document.root()];
        for (step, name) in path.iter().enumerate() {
            let below = |node: roxmltree::Node<'_, '_>| -> Vec<_> {
                let all: Vec<_> = if step == 0 {
                    node.descendants().map(|node| node.id()).collect()
                } else {
                    node.children().map(|node| node.id()).collect()
                };
                all
            };
            let ids: Vec<_> = found.iter().flat_map(|node| below(*node)).collect();
            found = ids.into_iter().filter_map(|id| document.get_node(id)).collect();
            found.retain(|node| node.tag_name().name() == *name);
        }
        found.iter().map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// The texts of all elements at a path, `Users/member/UserName`, which begins anywhere.
    pub(crate) fn all(&self, path: &str) -> Vec<String> {
        self.texts(&path.split('/').collect::<Vec<_>>())
    }

    /// The text of the first one.
    pub(crate) fn text(&self, path: &str) -> String {
        self.all(path).into_iter().next().unwrap_or_else(|| panic!("no {path}: {:?}", self.reply))
    }

    /// Status, code and message of a refusal.
    pub(crate) fn error(&self) -> (u16, String, String) {
        (self.reply.status.as_u16(), self.text("Error/Code"), self.text("Error/Message"))
    }

    /// The code of a refusal; `OK` of an answer.
    pub(crate) fn code(&self) -> String {
        if self.reply.status == 200 { "OK".to_owned() } else { self.text("Error/Code") }
    }

    /// The answer, which has to be one.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.reply.status, 200, "{:?}", self.reply);
        self
    }
}

/// The form of a call.
pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters);
    form.finish()
}

impl TestApi {
    /// A call that `who` signs.
    pub(crate) fn query(&self, protocol: Protocol, who: &Who, body: &str) -> Request<Body> {
        let mut credentials = who.client.credentials.clone();
        credentials.service = protocol.service.to_owned();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("brokerd.example:8170"));
        headers.insert(
            "content-type",
            HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8"),
        );
        if let Some(token) = &who.token {
            headers.insert("x-amz-security-token", token.parse().expect("a header"));
        }
        let request = sigv4::Request {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            authority: None,
            body: body.as_bytes(),
        };
        let signature =
            sigv4::sign(&request, &credentials, brokerd_domain::Clock::now(&*self.clock));
        headers.extend(signature);
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = Method::POST;
        *request.headers_mut() = headers;
        request
    }

    /// An answer to a call, or a refusal.
    pub(crate) async fn ask(
        &self,
        protocol: Protocol,
        who: &Who,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Answer {
        let head = [("Action", action), ("Version", protocol.version)];
        let body = form(&[&head, parameters].concat());
        Answer { reply: self.send(self.query(protocol, who, &body)).await }
    }

    /// IAM, asked by an account's root.
    pub(crate) async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.ask(IAM, &Who::from(&self.alice), action, parameters).await
    }

    /// A user with a key that lasts, which may do what a document says.
    pub(crate) async fn caller_named(&self, name: &str, document: Option<&str>) -> Who {
        self.iam("CreateUser", &[("UserName", name)]).await.ok();
        if let Some(document) = document {
            let policy = [("UserName", name), ("PolicyName", "may"), ("PolicyDocument", document)];
            self.iam("PutUserPolicy", &policy).await.ok();
        }
        self.key_of(&Who::from(&self.alice), name).await
    }

    /// A key of a user, which `who` makes.
    pub(crate) async fn key_of(&self, who: &Who, name: &str) -> Who {
        let key = self.ask(IAM, who, "CreateAccessKey", &[("UserName", name)]).await.ok();
        let (id, secret) = (key.text("AccessKeyId"), key.text("SecretAccessKey"));
        Who { client: Client::new(&id, &secret, "us-east-1"), token: None }
    }
}

/// Who has credentials that STS has answered.
pub(crate) fn session(answer: &Answer) -> Who {
    let of = |name: &str| answer.text(&format!("Credentials/{name}"));
    let client = Client::new(&of("AccessKeyId"), &of("SecretAccessKey"), "us-east-1");
    Who { client, token: Some(of("SessionToken")) }
}

/// A document that allows an action on everything.
pub(crate) fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

/// A trust policy for a principal.
pub(crate) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#
    )
}

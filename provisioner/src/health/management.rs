//! What RabbitMQ's management API says about its nodes, and both engines about their links to other brokers.

use std::collections::BTreeSet;

use brokerd_domain::EngineType;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{LinkReport, LinkState, Login, ManagementError};
use crate::plan::{Alarm, NodeReport};

/// Most bytes of an answer that are read; three nodes need a few hundred, a link about as many.
const MAX_BYTES: u64 = 256 * 1024;

/// Most bytes of a page that are read: the figures of thousands of queues or destinations.
const MAX_PAGE_BYTES: u64 = 8 * 1024 * 1024;

/// The maximum number of characters of a reason.
const REASON: usize = 300;

/// What is asked about every node.
const NODES: &str = "/api/nodes?columns=name,running,partitions,mem_alarm,disk_free_alarm";

/// Whether a quorum is lost without the node that is asked.
const CRITICAL: &str = "/api/health/checks/node-is-quorum-critical";

/// The part of `/api/nodes` that is asked for. Nodes that do not run have next to none of it.
#[derive(Deserialize)]
struct Node {
    #[serde(default)]
    name: String,
    #[serde(default)]
    running: Option<bool>,
    #[serde(default)]
    partitions: Option<BTreeSet<String>>,
    #[serde(default)]
    mem_alarm: Option<bool>,
    #[serde(default)]
    disk_free_alarm: Option<bool>,
}

/// A kind of link to other brokers.
pub(super) struct LinkKind {
    /// The path that lists its links.
    path: &'static str,
    /// What one is.
    name: fn(&Link) -> String,
}

/// The kinds that an engine has. What it says of a link is not read for more than a name, a state and a reason.
pub(super) const fn link_kinds(engine: EngineType) -> &'static [LinkKind] {
    match engine {
        EngineType::ActiveMq => &NETWORK,
        EngineType::RabbitMq => &LINKS,
    }
}

/// ActiveMQ's network connectors, as the launcher of our images reports them
/// (`docker/activemq/src/brokerd/NetworkLinks.java`).
static NETWORK: [LinkKind; 1] =
    [LinkKind { path: "/brokerd/links", name: |link| format!("network connector {}", link.name) }];

static LINKS: [LinkKind; 2] = [
    LinkKind {
        path: "/api/shovels",
        name: |link| format!("shovel {} in {}", link.name, link.vhost),
    },
    LinkKind {
        path: "/api/federation-links",
        name: |link| {
            let what = if link.exchange.is_empty() { &link.queue } else { &link.exchange };
            format!("federation upstream {} of {what} in {}", link.upstream, link.vhost)
        },
    },
];

/// The part of a link that is read. Which members there are differs by kind and by state.
#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    name: String,
    #[serde(default)]
    upstream: String,
    #[serde(default)]
    exchange: String,
    #[serde(default)]
    queue: String,
    #[serde(default)]
    vhost: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    reason: serde_json::Value,
    #[serde(default)]
    error: serde_json::Value,
}

impl LinkKind {
    /// Asks for the links of this kind; there are none where the engine's plugin is not.
    pub(super) async fn ask<S>(
        &self,
        stream: &mut S,
        host: &str,
        login: &Login,
    ) -> Result<Vec<LinkReport>, ManagementError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.parse(&get(stream, host, login, self.path).await?)
    }

    fn parse(&self, answer: &[u8]) -> Result<Vec<LinkReport>, ManagementError> {
        let (status, body) = split(answer)?;
        match status {
            b"200" => {}
            b"404" => return Ok(Vec::new()),
            b"401" => return Err(ManagementError::Forbidden),
            status => return Err(unexpected(status)),
        }
        let links: Vec<Link> = serde_json::from_slice(body).map_err(|error| odd(&error))?;
        Ok(links
            .iter()
            .map(|link| LinkReport { link: (self.name)(link), state: state(link) })
            .collect())
    }
}

fn state(link: &Link) -> LinkState {
    let said = if link.state.is_empty() { &link.status } else { &link.state };
    match said.as_str() {
        "running" => LinkState::Up,
        "starting" => LinkState::Trying,
        said => {
            let why = [&link.reason, &link.error].into_iter().find(|why| !why.is_null());
            LinkState::Down(why.map_or_else(|| said.to_owned(), reason))
        }
    }
}

/// The engine's reason on one line. It may be an Erlang term with the link's address in it, so that passwords
/// are left out.
fn reason(why: &serde_json::Value) -> String {
    let text = why.as_str().map_or_else(|| why.to_string(), str::to_owned);
    let text = text.trim_matches('"');
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        words.push(match (word.find("://"), word.rfind('@')) {
            (Some(scheme), Some(at)) if scheme < at => {
                format!("{}{}", &word[..scheme + 3], &word[at + 1..])
            }
            _ => word.to_owned(),
        });
    }
    words.join(" ").chars().take(REASON).collect()
}

/// The part of a health check's answer that tells it from another server's 503.
#[derive(Deserialize)]
struct Check {
    status: String,
}

/// Asks what a node knows of all nodes of its cluster.
pub(super) async fn nodes<S>(
    stream: &mut S,
    host: &str,
    login: &Login,
) -> Result<Vec<NodeReport>, ManagementError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    parse_nodes(&get(stream, host, login, NODES).await?)
}

/// Asks whether something would lose its quorum if the node stopped.
pub(super) async fn is_quorum_critical<S>(
    stream: &mut S,
    host: &str,
    login: &Login,
) -> Result<bool, ManagementError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    parse_check(&get(stream, host, login, CRITICAL).await?)
}

/// Asks for a page of text.
pub(super) async fn page<S>(
    stream: &mut S,
    host: &str,
    login: Option<&Login>,
    path: &str,
) -> Result<String, ManagementError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let answer = get_at_most(stream, host, login, path, MAX_PAGE_BYTES).await?;
    parse_page(&answer)
}

fn parse_page(answer: &[u8]) -> Result<String, ManagementError> {
    if u64::try_from(answer.len()).unwrap_or(u64::MAX) >= MAX_PAGE_BYTES {
        return Err(ManagementError::Failed("answered more than is read".to_owned()));
    }
    let (status, body) = split(answer)?;
    match status {
        b"200" => {}
        b"401" => return Err(ManagementError::Forbidden),
        status => return Err(unexpected(status)),
    }
    let text = String::from_utf8(body.to_vec());
    text.map_err(|_| ManagementError::Failed("answered no text".to_owned()))
}

/// Asks, and reads the answer to its end.
async fn get<S>(stream: &mut S, host: &str, login: &Login, path: &str) -> Result<Vec<u8>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    get_at_most(stream, host, Some(login), path, MAX_BYTES).await
}

async fn get_at_most<S>(
    stream: &mut S,
    host: &str,
    login: Option<&Login>,
    path: &str,
    longest: u64,
) -> Result<Vec<u8>, String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authorization =
        login.map(|login| format!("Authorization: {}\r\n", login.basic_authorization()));
    let authorization = authorization.unwrap_or_default();
    // A server of HTTP/1.0 sends no chunks and closes behind its answer.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{authorization}\r\n");
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    stream.write_all(request.as_bytes()).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    let mut answer = Vec::new();
    let read = stream.take(longest).read_to_end(&mut answer).await;
    // A complete answer counts without close_notify.
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(broke(error));
    }
    Ok(answer)
}

/// Status and body.
fn split(answer: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("the answer has no end")?;
    Ok((answer.get(9..12).unwrap_or_default(), &answer[end + 4..]))
}

fn odd(error: &serde_json::Error) -> ManagementError {
    ManagementError::Failed(format!("answered what it should not: {error}"))
}

fn unexpected(status: &[u8]) -> ManagementError {
    ManagementError::Failed(format!("answered status {}", status.escape_ascii()))
}

fn parse_nodes(answer: &[u8]) -> Result<Vec<NodeReport>, ManagementError> {
    let (status, body) = split(answer)?;
    match status {
        b"200" => {}
        b"401" => return Err(ManagementError::Forbidden),
        status => return Err(unexpected(status)),
    }
    let nodes: Vec<Node> = serde_json::from_slice(body).map_err(|error| odd(&error))?;
    Ok(nodes
        .into_iter()
        .map(|node| {
            let raised = [
                (Alarm::Memory, node.mem_alarm == Some(true)),
                (Alarm::Disk, node.disk_free_alarm == Some(true)),
            ];
            NodeReport {
                name: node.name,
                running: node.running == Some(true),
                apart_from: node.partitions.unwrap_or_default(),
                alarms: raised.into_iter().filter(|(_, is)| *is).map(|(alarm, _)| alarm).collect(),
            }
        })
        .collect())
}

fn parse_check(answer: &[u8]) -> Result<bool, ManagementError> {
    let (status, body) = split(answer)?;
    let check = || serde_json::from_slice::<Check>(body).map_err(|error| odd(&error));
    match (status, check()?.status.as_str()) {
        (b"200", "ok") => Ok(false),
        (b"503", "failed") => Ok(true),
        (status, _) => Err(unexpected(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n\r\n{body}").into_bytes()
    }

    fn nodes(body: &str) -> Vec<NodeReport> {
        parse_nodes(&answer("200 OK", body)).expect("an answer")
    }

    #[test]
    fn a_node_tells_of_every_node_what_it_knows() {
        assert_eq!(nodes("[]"), []);
        let reports = nodes(
            r#"[{"name": "rabbit@a", "running": true, "partitions": ["rabbit@c"],
                 "mem_alarm": true, "disk_free_alarm": true},
                {"name": "rabbit@b", "running": true, "partitions": [],
                 "mem_alarm": false, "disk_free_alarm": false},
                {"name": "rabbit@c", "running": false},
                {"name": "rabbit@d", "running": null, "mem_alarm": null}]"#,
        );
        let report = |name: &str, running, apart_from: &[&str], alarms: &[Alarm]| NodeReport {
            name: name.to_owned(),
            running,
            apart_from: apart_from.iter().map(|n| (*n).to_owned()).collect(),
            alarms: alarms.to_vec(),
        };
        assert_eq!(
            reports,
            [
                report("rabbit@a", true, &["rabbit@c"], &[Alarm::Memory, Alarm::Disk]),
                report("rabbit@b", true, &[], &[]),
                report("rabbit@c", false, &[], &[]),
                report("rabbit@d", false, &[], &[]),
            ]
        );
    }

    #[test]
    fn a_node_tells_whether_it_may_be_stopped() {
        assert_eq!(parse_check(&answer("200 OK", r#"{"status":"ok"}"#)), Ok(false));
        let failed = r#"{"status":"failed","reason":"...","queues":[]}"#;
        assert_eq!(parse_check(&answer("503 Service Unavailable", failed)), Ok(true));
        for (status, body) in [
            ("503 Service Unavailable", "starting"),
            ("503 Service Unavailable", r#"{"error":"x"}"#),
            ("401 Unauthorized", r#"{"status":"failed"}"#),
            ("200 OK", r#"{"status":"failed"}"#),
        ] {
            assert!(parse_check(&answer(status, body)).is_err(), "{status} {body}");
        }
    }

    #[test]
    fn links_are_up_trying_or_down_for_a_reason_without_passwords() {
        let parsed =
            |kind: &LinkKind, body: &str| kind.parse(&answer("200 OK", body)).expect("told");
        let report = |link: &str, state| LinkReport { link: link.to_owned(), state };
        let down = |why: &str| LinkState::Down(why.to_owned());
        let [shovels, federation] = &LINKS;
        let [connectors] = &NETWORK;
        let body = r#"[{"name": "hub", "state": "down", "reason": "ssl://host:1: refused"}]"#;
        assert_eq!(
            parsed(connectors, body),
            [report("network connector hub", down("ssl://host:1: refused"))]
        );
        let body = r#"[{"name": "a", "vhost": "/", "state": "running"},
            {"name": "b", "vhost": "/", "state": "starting"},
            {"name": "c", "vhost": "x", "state": "terminated",
             "reason": "{shutdown,\n  amqps://u:p@ss@host:1 refused}"},
            {"name": "d", "vhost": "x", "state": "terminated"},
            {"name": "e", "vhost": "x", "state": "terminated", "reason": "\"failed to connect\""}]"#;
        assert_eq!(
            parsed(shovels, body),
            [
                report("shovel a in /", LinkState::Up),
                report("shovel b in /", LinkState::Trying),
                report("shovel c in x", down("{shutdown, amqps://host:1 refused}")),
                report("shovel d in x", down("terminated")),
                report("shovel e in x", down("failed to connect")),
            ]
        );
        let body = r#"[{"exchange": "e", "upstream": "u", "vhost": "/", "status": "running"},
            {"queue": "q", "upstream": "u", "vhost": "/", "status": "error", "error": "no"}]"#;
        assert_eq!(
            parsed(federation, body),
            [
                report("federation upstream u of e in /", LinkState::Up),
                report("federation upstream u of q in /", down("no")),
            ]
        );
        assert_eq!(shovels.parse(&answer("404 Not Found", "{}")), Ok(Vec::new()));
        assert_eq!(shovels.parse(&answer("401 Unauthorized", "")), Err(ManagementError::Forbidden));
        assert!(shovels.parse(&answer("200 OK", "{}")).is_err());
    }

    #[test]
    fn a_page_is_the_whole_text_of_an_answer() {
        assert_eq!(parse_page(&answer("200 OK", "a 1\n")), Ok("a 1\n".to_owned()));
        assert_eq!(parse_page(&answer("401 Unauthorized", "")), Err(ManagementError::Forbidden));
        let mut no_text = answer("200 OK", "");
        no_text.push(0xff);
        let longest = usize::try_from(MAX_PAGE_BYTES).expect("fits");
        let cut_off = answer("200 OK", &"a 1\n".repeat(longest / 4));
        for wrong in [Vec::new(), answer("404 Not Found", "a 1"), no_text, cut_off] {
            assert!(matches!(parse_page(&wrong), Err(ManagementError::Failed(_))));
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for wrong in [
            &b""[..],
            b"HTTP/1.1 404 Not Found\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n\r\n{}",
            b"HTTP/1.1 200 OK\r\n\r\n[{\"mem_alarm\": 1}]",
            b"HTTP/1.1 200 OK\r\n",
        ] {
            let parsed = parse_nodes(wrong);
            assert!(matches!(parsed, Err(ManagementError::Failed(_))), "{}", wrong.escape_ascii());
        }
        let stranger = answer("401 Unauthorized", r#"{"error":"not_authorised"}"#);
        assert_eq!(parse_nodes(&stranger), Err(ManagementError::Forbidden));
    }
}

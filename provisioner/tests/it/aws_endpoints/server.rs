//! An HTTP server on loopback that lets in whoever signs by Signature Version 4, computed here from its description.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// When the clients' clock stands still.
pub(crate) const DATE: &str = "20260921T141320Z";

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    /// Who signed it, and what it is signed for: `<region>/<service>`.
    pub(crate) access_key: String,
    pub(crate) scope: String,
}

/// How a request is answered.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With this status and body, after a while.
    Whole(u16, String, Duration),
    /// With a body that is announced and not sent to its end.
    Half(String),
    /// With a body without end.
    Endless,
    /// Never.
    Silence,
}

impl Reply {
    pub(crate) fn of(status: u16, body: impl Into<String>) -> Self {
        Self::Whole(status, body.into(), Duration::ZERO)
    }
}

type Answer = dyn Fn(&Asked) -> Reply + Send + Sync;

/// The server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// What was asked and rightly signed.
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    /// How many bytes of endless bodies were sent.
    pub(crate) sent: Arc<AtomicUsize>,
}

impl Server {
    /// One that knows these access keys and their secrets.
    pub(crate) async fn start(
        keys: &'static [(&'static str, &'static str)],
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (asked, sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let server = Self { address, asked: asked.clone(), sent: sent.clone() };
        let answer: Arc<Answer> = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, asked, sent) = (answer.clone(), asked.clone(), sent.clone());
                tokio::spawn(async move { serve(stream, keys, &*answer, &asked, &sent).await });
            }
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("not poisoned"))
    }
}

async fn serve(
    mut stream: TcpStream,
    keys: &[(&str, &str)],
    answer: &Answer,
    asked: &Mutex<Vec<Asked>>,
    sent: &AtomicUsize,
) -> Option<()> {
    let request = read(&mut stream).await?;
    let reply = match verified(request, keys) {
        Ok(request) => {
            let reply = answer(&request);
            asked.lock().expect("not poisoned").push(request);
            reply
        }
        Err(why) => Reply::of(403, format!(r#"{{"__type":"SignatureDoesNotMatch {why}"}}"#)),
    };
    match reply {
        Reply::Whole(status, body, after) => {
            sleep(after).await;
            let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.ok()?;
        }
        Reply::Half(body) => {
            let head = format!("HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n", body.len() + 1);
            stream.write_all((head + &body).as_bytes()).await.ok()?;
        }
        Reply::Endless => {
            let head = "HTTP/1.1 200 x\r\nconnection: close\r\n\r\n";
            stream.write_all(head.as_bytes()).await.ok()?;
            let chunk = [b'x'; 65_536];
            loop {
                stream.write_all(&chunk).await.ok()?;
                sent.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
        Reply::Silence => std::future::pending().await,
    }
    stream.shutdown().await.ok()
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let (head, mut body) = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break (String::from_utf8(bytes[..end].to_vec()).ok()?, bytes[end + 4..].to_vec());
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(Some(0), |length| length.parse().ok())?;
    while body.len() < length {
        stream.read_buf(&mut body).await.ok()?;
    }
    let body = String::from_utf8(body).ok()?;
    let (access_key, scope) = (String::new(), String::new());
    Some(Asked { method, path, headers, body, access_key, scope })
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// Source: "Signature Version 4 signing process" of the IAM user guide. All paths but those of S3 are `/` here, so that
/// it does not matter that they would be encoded twice.
fn verified(mut asked: Asked, keys: &[(&str, &str)]) -> Result<Asked, &'static str> {
    let header = |name: &str| asked.headers.get(name).map(String::as_str);
    let authorization = header("authorization").ok_or("no authorization")?;
    let rest = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("another algorithm")?;
    let part = |name: &str| {
        rest.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).ok_or("a part")
    };
    let (credential, signed) = (part("Credential")?, part("SignedHeaders")?);
    let (key, scope) = credential.split_once('/').ok_or("no scope")?;
    let secret = keys.iter().find(|(id, _)| *id == key).ok_or("nobody's key")?.1;
    let [day, region, service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
        return Err("another scope");
    };
    if header("x-amz-date") != Some(DATE) || !DATE.starts_with(day) {
        return Err("another time");
    }
    let names: Vec<&str> = signed.split(';').collect();
    let amz = asked.headers.keys().filter(|name| name.starts_with("x-amz-"));
    if amz.map(String::as_str).chain(["host"]).any(|name| !names.contains(&name)) {
        return Err("unsigned headers");
    }
    let hash = hex::encode(Sha256::digest(asked.body.as_bytes()));
    if service == "s3" && header("x-amz-content-sha256") != Some(&hash) {
        return Err("another body");
    }
    let mut canonical = format!("{}\n{}\n\n", asked.method, asked.path);
    for name in &names {
        canonical += &format!("{name}:{}\n", header(name).ok_or("a signed header is missing")?);
    }
    canonical += &format!("\n{signed}\n{hash}");
    let hash = hex::encode(Sha256::digest(canonical.as_bytes()));
    let text = format!("AWS4-HMAC-SHA256\n{DATE}\n{scope}\n{hash}");
    let steps = [day, region, service, "aws4_request", &text];
    let signature =
        steps.iter().fold(format!("AWS4{secret}").into_bytes(), |key, step| hmac(&key, step));
    if part("Signature")? != hex::encode(signature) {
        return Err("another signature");
    }
    (asked.access_key, asked.scope) = (key.to_owned(), format!("{region}/{service}"));
    Ok(asked)
}

//! A stand-in for Secrets Manager, S3 and STS on loopback, which can be away. Signatures are verified in the provisioner's own tests.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// The operator's access key.
const OPERATOR: &str = "AKIAOPERATOR00000000";
/// That of whoever has assumed a role.
const ASSUMED: &str = "ASIAASSUMED000000000";

/// The services, at one address.
#[derive(Debug)]
pub struct Aws {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// By `/bucket/key`.
    objects: Mutex<BTreeMap<String, String>>,
    /// What was asked by whom: `s3 AKIA…`.
    asked: Mutex<Vec<String>>,
    stops: AtomicBool,
}

impl Aws {
    /// Services that have nothing.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut aws =
            Self { address: listener.local_addr()?, shared: Arc::default(), serving: None };
        aws.serve(listener);
        Ok(aws)
    }

    /// brokerd's settings for them.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let url = format!("http://{}", self.address);
        vec![
            ("BROKERD_AWS_SECRETS_MANAGER_URL", url.clone()),
            ("BROKERD_AWS_S3_URL", url.clone()),
            ("BROKERD_AWS_STS_URL", url),
            ("BROKERD_AWS_ACCESS_KEY_ID", OPERATOR.to_owned()),
            ("BROKERD_AWS_SECRET_ACCESS_KEY", "the operator's".to_owned()),
        ]
    }

    /// Puts an object into a bucket.
    pub fn put_object(&self, bucket: &str, key: &str, content: &str) {
        let mut objects = self.shared.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.insert(format!("/{bucket}/{key}"), content.to_owned());
    }

    /// What was asked, and by whom, since it was last asked: `s3 assumed`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Nothing listens there from now on.
    ///
    /// # Errors
    /// When the thread has failed.
    pub fn stop(&mut self) -> Result<()> {
        let Some(serving) = self.serving.take() else { return Ok(()) };
        self.shared.stops.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if serving.join().is_err() { bail!("the services failed") } else { Ok(()) }
    }

    /// They are back, with what they had.
    ///
    /// # Errors
    /// When somebody else has their port.
    pub fn resume(&mut self) -> Result<()> {
        self.serve(TcpListener::bind(self.address)?);
        Ok(())
    }

    fn serve(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        shared.stops.store(false, Ordering::SeqCst);
        self.serving = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stops.load(Ordering::SeqCst) {
                    return;
                }
                // A client that breaks off gets no answer, which brokerd logs.
                drop(stream.map_err(Into::into).and_then(|stream| shared.answer(stream)));
            }
        }));
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let (head, body) = read(&mut stream)?;
        let path = head.split(' ').nth(1).context("no path")?;
        let header = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
        };
        let credential = header("authorization")
            .and_then(|value| value.split_once("Credential="))
            .and_then(|(_, rest)| rest.split(',').next())
            .context("no signature")?;
        let (key, scope) = credential.split_once('/').context("no scope")?;
        let service = scope.split('/').nth(2).context("no service")?;
        let who = match key {
            OPERATOR => "operator",
            ASSUMED if header("x-amz-security-token") == Some("token") => "assumed",
            _ => "stranger",
        };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{service} {who}"));
        let objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, answer) = match (service, who) {
            ("sts", "operator") if body.contains("Action=AssumeRole") => (
                200,
                format!(
                    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{ASSUMED}</AccessKeyId>\
                     <SecretAccessKey>x</SecretAccessKey><SessionToken>token</SessionToken></Credentials>\
                     </AssumeRoleResult></AssumeRoleResponse>"
                ),
            ),
            ("s3", "assumed") => objects.get(path).map_or_else(
                || (404, "<Error><Code>NoSuchKey</Code></Error>".to_owned()),
                |content| (200, content.clone()),
            ),
            ("secretsmanager", "assumed") => {
                let wanted: Value = serde_json::from_str(&body)?;
                let why = format!("can't find {}", wanted["SecretId"]);
                let refusal = json!({ "__type": "ResourceNotFoundException", "Message": why });
                (400, refusal.to_string())
            }
            _ => (403, json!({ "__type": "AccessDeniedException" }).to_string()),
        };
        let length = answer.len();
        write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{answer}")?;
        Ok(())
    }
}

fn read(stream: &mut TcpStream) -> Result<(String, String)> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = length.map_or(Ok(0), |(_, length)| length.parse::<usize>())?;
            if body.len() >= length {
                return Ok((head.to_owned(), body.to_owned()));
            }
        }
        match stream.read(&mut part)? {
            0 => bail!("the connection ended"),
            read => bytes.extend_from_slice(&part[..read]),
        }
    }
}

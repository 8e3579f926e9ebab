//! A proxy on the Docker engine's socket that passes calls on, or holds, delays, cuts, swallows or fails those that
//! a test says.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    runtime::Runtime,
    sync::{Notify, watch},
};

use crate::machine;

/// Where the engine listens.
const ENGINE: &str = "/var/run/docker.sock";

/// The longest head of a request.
const HEAD: usize = 64 * 1024;

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is held, and passed on once calls are released and whoever made it still waits.
    Hang,
    /// It is passed on after that time.
    Delay(Duration),
    /// Its connection is closed.
    Reset,
    /// It is answered with status 500, and not passed on.
    Fail,
    /// It is passed on, and nothing of its answer comes back.
    Swallow,
}

/// Which calls have trouble.
#[derive(Debug, Clone)]
pub struct Rule {
    method: String,
    path: String,
    trouble: Trouble,
    left: usize,
}

impl Rule {
    /// Calls of that method whose path and query contain all parts of a pattern, in that order: parts are apart by `*`.
    pub fn new(method: &str, path: &str, trouble: Trouble) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), trouble, left: usize::MAX }
    }

    /// Only the first so many of them.
    #[must_use]
    pub fn first(self, count: usize) -> Self {
        Self { left: count, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let mut rest = Some(path);
        for part in self.path.split('*') {
            rest = rest.and_then(|rest| Some(rest.split_once(part)?.1));
        }
        self.left > 0 && self.method == method && rest.is_some()
    }
}

/// What the proxy does.
#[derive(Debug)]
struct State {
    rules: Mutex<Vec<Rule>>,
    troubled: Mutex<Vec<String>>,
    held: AtomicUsize,
    released: Notify,
    cuts: watch::Sender<String>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A socket that leads to the engine for as long as this is there.
#[derive(Debug)]
pub struct EngineProxy {
    path: PathBuf,
    state: Arc<State>,
    _runtime: Runtime,
}

impl EngineProxy {
    /// Listens at a socket of its own.
    ///
    /// # Errors
    /// When it can't.
    pub fn start() -> Result<Self> {
        let path =
            std::env::temp_dir().join(format!("brokerd-engine-{}.sock", machine::random_hex(4)?));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let state = Arc::new(State {
            rules: Mutex::default(),
            troubled: Mutex::default(),
            held: AtomicUsize::new(0),
            released: Notify::new(),
            cuts: watch::Sender::new(String::new()),
        });
        let listener = runtime
            .block_on(async { UnixListener::bind(&path) })
            .with_context(|| format!("can't listen at {}", path.display()))?;
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A client that ends in the middle of a call is no failure.
                tokio::spawn(async move { drop(state.serve(client).await) });
            }
        });
        Ok(Self { path, state, _runtime: runtime })
    }

    /// Its address, as `DOCKER_HOST` has it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// From now on these calls have trouble, too; those that are on their way have none.
    pub fn trouble(&self, rule: Rule) {
        lock(&self.state.rules).push(rule);
    }

    /// Ends trouble: no rule is in force any more, and what is held is passed on.
    pub fn release(&self) {
        lock(&self.state.rules).clear();
        self.state.released.notify_waiters();
    }

    /// Closes the connections of calls on their way whose paths contain that.
    pub fn cut(&self, path: &str) {
        self.state.cuts.send_replace(path.to_owned());
    }

    /// How many calls are held whose callers still wait.
    pub fn held(&self) -> usize {
        self.state.held.load(Ordering::SeqCst)
    }

    /// The calls that had trouble so far: method and path.
    pub fn troubled(&self) -> Vec<String> {
        lock(&self.state.troubled).clone()
    }
}

impl Drop for EngineProxy {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

impl State {
    fn trouble_of(&self, method: &str, path: &str) -> Option<Trouble> {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.matches(method, path))?;
        rule.left -= 1;
        let trouble = rule.trouble;
        lock(&self.troubled).push(format!("{method} {path}"));
        Some(trouble)
    }

    async fn serve(&self, mut client: UnixStream) -> Result<()> {
        let mut cuts = self.cuts.subscribe();
        let (head, body) = head(&mut client).await?;
        let mut words = head.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().to_owned();
        // Waited for from here on: nothing that is released until then is missed.
        let released = self.released.notified();
        let trouble = self.trouble_of(&method, &path);
        match trouble {
            None | Some(Trouble::Swallow) => {}
            Some(Trouble::Hang) => {
                self.held.fetch_add(1, Ordering::SeqCst);
                // A body that is on its way counts as waiting: nothing of it is taken meanwhile.
                let waits = tokio::select! {
                    () = released => true,
                    () = hung_up(&client) => false,
                };
                self.held.fetch_sub(1, Ordering::SeqCst);
                if !waits {
                    return Ok(());
                }
            }
            Some(Trouble::Delay(time)) => tokio::time::sleep(time).await,
            Some(Trouble::Reset) => return Ok(()),
            Some(Trouble::Fail) => {
                let message = r#"{"message":"the proxy of a test says so"}"#;
                let answer = format!(
                    "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{message}",
                    message.len()
                );
                client.write_all(answer.as_bytes()).await?;
                return Ok(client.shutdown().await?);
            }
        }
        let mut engine = UnixStream::connect(ENGINE).await?;
        engine.write_all(one_request(&head).as_bytes()).await?;
        engine.write_all(&body).await?;
        let passed = async {
            if trouble == Some(Trouble::Swallow) {
                let (mut from_engine, mut to_engine) = engine.split();
                let (mut from_client, _silent) = client.split();
                let mut nowhere = tokio::io::sink();
                tokio::select! {
                    _ = tokio::io::copy(&mut from_client, &mut to_engine) => {}
                    _ = tokio::io::copy(&mut from_engine, &mut nowhere) => std::future::pending().await,
                }
            } else {
                drop(tokio::io::copy_bidirectional(&mut client, &mut engine).await);
            }
        };
        let cut = async {
            while cuts.changed().await.is_ok() {
                if path.contains(cuts.borrow_and_update().as_str()) {
                    return;
                }
            }
        };
        tokio::select! {
            () = passed => {}
            () = cut => {}
        }
        Ok(())
    }
}

/// Waits until the other end is closed, without taking anything that comes before.
async fn hung_up(client: &UnixStream) {
    loop {
        match client.ready(tokio::io::Interest::READABLE).await {
            Ok(ready) if !ready.is_read_closed() => {}
            _ => return,
        }
        // What is there to be read keeps it ready: it is looked at again in a moment.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The head of a request up to its empty line, and what came of its body with it.
async fn head(client: &mut UnixStream) -> Result<(String, Vec<u8>)> {
    let mut read = Vec::new();
    loop {
        if let Some(at) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = read.split_off(at + 4);
            return Ok((String::from_utf8(read)?, body));
        }
        anyhow::ensure!(read.len() < HEAD, "a head without an end");
        let count = client.read_buf(&mut read).await?;
        anyhow::ensure!(count > 0, "nothing was asked");
    }
}

/// The head, with which the engine closes the connection after its answer: every call is looked at.
fn one_request(head: &str) -> String {
    if head.to_ascii_lowercase().contains("\r\nupgrade:") {
        return head.to_owned();
    }
    let kept = head
        .lines()
        .filter(|line| !line.is_empty() && !line.to_ascii_lowercase().starts_with("connection:"));
    let lines: Vec<&str> = kept.chain(["Connection: close", "", ""]).collect();
    lines.join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_go_by_method_and_parts_of_the_path_and_are_used_up() {
        let rule = Rule::new("POST", "/containers/*/start", Trouble::Hang).first(1);
        assert!(rule.matches("POST", "/v1.47/containers/ab/start"));
        assert!(!rule.matches("GET", "/v1.47/containers/ab/start"));
        assert!(!rule.matches("POST", "/v1.47/containers/ab/stop"));
        assert!(!Rule { left: 0, ..rule }.matches("POST", "/v1.47/containers/ab/start"));
        assert!(!Rule::new("GET", "/json*/events", Trouble::Hang).matches("GET", "/events/json"));
    }

    #[test]
    fn a_head_asks_for_one_answer() {
        let head = "GET /x HTTP/1.1\r\nHost: a\r\nconnection: keep-alive\r\n\r\n";
        assert_eq!(one_request(head), "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let upgrade = "POST /attach HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
        assert_eq!(one_request(upgrade), upgrade);
    }
}

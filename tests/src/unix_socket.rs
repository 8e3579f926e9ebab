//! A Unix socket that leads to a TCP address: for what runs in a network namespace of its own.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};

/// The socket, on a thread of its own. It takes no new connections once this is dropped, and its file is gone.
#[derive(Debug)]
pub struct UnixSocket {
    path: PathBuf,
    ends: Arc<AtomicBool>,
    accepts: Option<JoinHandle<()>>,
}

impl UnixSocket {
    /// Leads connections to `path` on to `address`.
    ///
    /// # Errors
    /// When the socket can't be made there.
    pub fn leading_to(address: &str, path: &Path) -> Result<Self> {
        let listener =
            UnixListener::bind(path).with_context(|| format!("can't make {}", path.display()))?;
        let ends = Arc::new(AtomicBool::new(false));
        let (seen, address) = (Arc::clone(&ends), address.to_owned());
        let accepts = thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                // Where nobody listens the client sees its connection end.
                if let Ok(server) = TcpStream::connect(&address) {
                    let _ = join(client, server);
                }
            }
        });
        Ok(Self { path: path.to_owned(), ends, accepts: Some(accepts) })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // It wakes the thread.
        let _ = UnixStream::connect(&self.path);
        if let Some(accepts) = self.accepts.take() {
            let _ = accepts.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Passes on what both sides say, until each has ended.
fn join(client: UnixStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_client) = (client.try_clone()?, client);
    let (mut from_server, mut to_server) = (server.try_clone()?, server);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    Ok(())
}

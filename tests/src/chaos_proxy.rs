//! A TCP proxy that disturbs what goes through it.
//!
//! Tests of the store include this file, too.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    runtime,
    sync::watch,
    time::sleep,
};

/// What the proxy does to connections, those that are there and new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Pass,
    /// Accepts, and passes nothing on. A connection that has lost something stays as it is: it is dead, and neither
    /// side is told.
    Swallow,
    /// Passes on only what clients say.
    SwallowAnswers,
    /// Passes on only what the server says.
    SwallowRequests,
    /// Resets connections.
    Reset,
    /// Passes everything on, each part after this time.
    Slow(Duration),
}

impl Mode {
    fn swallows(self, direction: Direction) -> bool {
        match direction {
            Direction::Request => matches!(self, Self::Swallow | Self::SwallowRequests),
            Direction::Answer => matches!(self, Self::Swallow | Self::SwallowAnswers),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Request,
    Answer,
}

/// The proxy, on a thread of its own. It ends when this is dropped, and its connections with it.
#[derive(Debug)]
pub struct ChaosProxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    open: Arc<AtomicUsize>,
}

impl ChaosProxy {
    /// A proxy on a port of loopback, in front of `target`.
    ///
    /// # Errors
    /// When there is no port, or no thread.
    pub fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (mode, modes) = watch::channel(Mode::Pass);
        let open = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&open);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut ended = modes.clone();
        thread::Builder::new().name("chaos-proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = TcpListener::from_std(listener) else { return };
                loop {
                    tokio::select! {
                        accepted = listener.accept() => if let Ok((client, _)) = accepted {
                            let (modes, count) = (modes.clone(), Arc::clone(&count));
                            count.fetch_add(1, Ordering::SeqCst);
                            tokio::spawn(async move {
                                // Whichever side fails has noticed.
                                drop(serve(client, target, modes).await);
                                count.fetch_sub(1, Ordering::SeqCst);
                            });
                        },
                        // The sender is gone.
                        _ = ended.wait_for(|_| false) => return,
                    }
                }
            });
        })?;
        Ok(Self { address, mode, open })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it does from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many connections clients have to it.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut client: TcpStream,
    target: SocketAddr,
    mut modes: watch::Receiver<Mode>,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let now = *modes.borrow();
    if now == Mode::Reset {
        return client.set_zero_linger();
    }
    if now == Mode::Swallow {
        // The server never hears of it.
        return swallow(&mut client).await;
    }
    let mut server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    let (requests, answers) = (modes.clone(), modes.clone());
    let reset = {
        let (client_reads, client_writes) = client.split();
        let (server_reads, server_writes) = server.split();
        tokio::select! {
            _ = pump(client_reads, server_writes, Direction::Request, requests) => false,
            _ = pump(server_reads, client_writes, Direction::Answer, answers) => false,
            reset = modes.wait_for(|mode| *mode == Mode::Reset) => reset.is_ok(),
        }
    };
    if reset {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    Ok(())
}

async fn swallow(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    while client.read(&mut buffer).await? > 0 {}
    Ok(())
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    mut modes: watch::Receiver<Mode>,
) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut lost = false;
    loop {
        let read = from.read(&mut buffer).await?;
        let mode = *modes.borrow_and_update();
        lost |= mode.swallows(direction);
        if read == 0 {
            // The end of a connection is swallowed as everything else is.
            drop(modes.wait_for(|mode| !mode.swallows(direction)).await);
            return Ok(());
        }
        if lost {
            continue;
        }
        if let Mode::Slow(pause) = mode {
            sleep(pause).await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

//! What the service manager is told, if one started this process: that it serves, that it stops, and every so often that it is alive.
//!
//! Source: `sd_notify(3)` and `sd_watchdog_enabled(3)`: datagrams to the socket that `NOTIFY_SOCKET` names.

use std::{
    collections::BTreeMap,
    io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

/// How long a manager that has much to read is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The service manager; nobody, if none started this process.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that the environment names.
    ///
    /// # Errors
    /// When it can't be reached.
    pub(crate) fn of(environment: &BTreeMap<String, String>) -> io::Result<Self> {
        let value =
            |name| environment.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let Some(name) = value("NOTIFY_SOCKET") else { return Ok(Self::default()) };
        let address = match name.strip_prefix('@') {
            Some(hidden) => SocketAddr::from_abstract_name(hidden)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not stop this process, and one that is slow must not miss anything.
        socket.set_write_timeout(Some(PATIENCE))?;
        let meant = value("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = value("WATCHDOG_USEC")
            .filter(|_| meant)
            .and_then(|text| text.parse().ok())
            .filter(|micros| *micros > 0)
            .map(Duration::from_micros);
        Ok(Self { socket: Some(Arc::new(socket)), watchdog })
    }

    /// This process serves.
    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    /// This process waits for something before it serves.
    pub(crate) fn status(&self, what: &str) {
        self.tell(&format!("STATUS={what}"));
    }

    /// This process has begun to stop.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Tells it twice in each interval of its watchdog that the tasks of this process get their turns. Ends at once
    /// without a watchdog.
    pub(crate) async fn keep_watchdog(self, shutdown: CancellationToken) {
        let Some(interval) = self.watchdog else { return };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => self.tell("WATCHDOG=1"),
            }
        }
    }

    fn tell(&self, text: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(text.as_bytes()) {
            tracing::warn!(%error, "can't tell the service manager {text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn a_service_manager_hears_that_this_process_serves_and_lives() {
        let name = format!("brokerd-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let manager = UnixDatagram::bind_addr(&address).expect("bound");
        manager.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        let heard = || {
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).expect("a datagram");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let told = ServiceManager::of(&environment(&[
            ("NOTIFY_SOCKET", &format!("@{name}")),
            ("WATCHDOG_USEC", "20000"),
            ("WATCHDOG_PID", &std::process::id().to_string()),
        ]))
        .expect("reached");
        told.ready();
        assert_eq!(heard(), "READY=1");
        let shutdown = CancellationToken::new();
        let watching = tokio::spawn(told.clone().keep_watchdog(shutdown.clone()));
        tokio::task::spawn_blocking(move || {
            let mut buffer = [0; 64];
            for _ in 0..3 {
                let length = manager.recv(&mut buffer).expect("a datagram");
                assert_eq!(&buffer[..length], b"WATCHDOG=1");
            }
        })
        .await
        .expect("heard");
        shutdown.cancel();
        watching.await.expect("ended");
    }

    #[test]
    fn without_a_service_manager_nobody_is_told_and_one_of_another_process_has_no_watchdog() {
        let nobody = ServiceManager::of(&environment(&[("NOTIFY_SOCKET", "")])).expect("nobody");
        nobody.ready();
        assert!(nobody.watchdog.is_none());
        assert!(ServiceManager::of(&environment(&[("NOTIFY_SOCKET", "/nonexistent/x")])).is_err());
        let name = format!("brokerd-notify-other-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let _manager = UnixDatagram::bind_addr(&address).expect("bound");
        let other = ServiceManager::of(&environment(&[
            ("NOTIFY_SOCKET", &format!("@{name}")),
            ("WATCHDOG_USEC", "20000"),
            ("WATCHDOG_PID", "1"),
        ]));
        assert!(other.expect("reached").watchdog.is_none());
    }
}

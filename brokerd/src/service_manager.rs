//! Notifications to the service manager: ready, stopping, and the watchdog's.
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

/// How long a send may block while the manager is slow to read.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

/// The service manager that started this process, if one did.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceManager {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The service manager that the environment names, if any.
    ///
    /// # Errors
    /// When it can't be reached.
    pub(crate) fn of(environment: &BTreeMap<String, String>) -> io::Result<Self> {
        let value =
            |name| environment.get(name).map(String::as_str).filter(|text| !text.is_empty());
        let Some(name) = value("NOTIFY_SOCKET") else { return Ok(Self::default()) };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        // A manager that does not read must not block this process; one that is slow must get everything.
        socket.set_write_timeout(Some(SEND_TIMEOUT))?;
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
        self.send("READY=1");
    }

    /// This process waits for something before it serves.
    pub(crate) fn status(&self, what: &str) {
        self.send(&format!("STATUS={what}"));
    }

    /// This process has begun to stop.
    pub(crate) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// Notifies the watchdog twice per interval, until `shutdown`, as long as tasks of this process run. Ends at once without
    /// a watchdog.
    pub(crate) async fn notify_watchdog(self, shutdown: CancellationToken) {
        let Some(interval) = self.watchdog else { return };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => self.send("WATCHDOG=1"),
            }
        }
    }

    fn send(&self, text: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(text.as_bytes()) {
            tracing::warn!(%error, "service manager not notified of {text}");
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
        let notifier = ServiceManager::of(&environment(&[
            ("NOTIFY_SOCKET", &format!("@{name}")),
            ("WATCHDOG_USEC", "20000"),
            ("WATCHDOG_PID", &std::process::id().to_string()),
        ]))
        .expect("reached");
        notifier.ready();
        assert_eq!(heard(), "READY=1");
        let shutdown = CancellationToken::new();
        let watching = tokio::spawn(notifier.clone().notify_watchdog(shutdown.clone()));
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

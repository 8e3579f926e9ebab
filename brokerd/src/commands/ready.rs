//! `brokerd ready`: waits until another process of this configuration is ready.

use std::{fs, time::Duration};

use anyhow::{Context as _, bail, ensure};
use axum::http::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use crate::{config::Configuration, data_dir::DataDir, http::client, urls};

const PAUSE: Duration = Duration::from_millis(100);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The process that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The API.
    Api,
    /// A gateway that is a process of its own.
    Gateway,
}

/// Waits up to `time_limit` until `target` is ready.
///
/// # Errors
/// Why it is not ready.
pub(crate) async fn run(
    configuration: &Configuration,
    target: Target,
    time_limit: Duration,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + time_limit;
    loop {
        let attempt = timeout(ATTEMPT_TIMEOUT, check(configuration, target)).await;
        let Err(reason) = attempt.context("no answer in time").flatten() else { return Ok(()) };
        if Instant::now() + PAUSE >= deadline {
            let seconds = time_limit.as_secs();
            return Err(reason.context(format!("brokerd is not ready after {seconds} s")));
        }
        sleep(PAUSE).await;
    }
}

async fn check(configuration: &Configuration, target: Target) -> anyhow::Result<()> {
    get(configuration, target, "/health/ready").await?;
    match fs::read_to_string(DataDir::at(&configuration.data_dir).ca_path()) {
        // Users without access to the data directory have no authority to compare, and a gateway serves none.
        Ok(own) if target == Target::Api => {
            let served = get(configuration, target, "/brokerd/v1/ca.pem").await;
            ensure!(
                served.is_ok_and(|served| served.trim() == own.trim()),
                "another brokerd answers there: its certificate authority is not that in {}",
                configuration.data_dir.display()
            );
            Ok(())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The body of an answer with status 200.
async fn get(configuration: &Configuration, target: Target, path: &str) -> anyhow::Result<String> {
    let (url, certificate) = match target {
        Target::Api => {
            (urls::local_url(configuration)?, configuration.api.tls_certificate.as_deref())
        }
        Target::Gateway => (format!("http://{}", configuration.gateway.listen), None),
    };
    match client::get(&url, path, certificate).await? {
        (StatusCode::OK, body) => Ok(body),
        (status, body) => bail!("{url}{path} answers {}: {}", status.as_u16(), body.trim()),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::PathBuf,
        sync::{
            Arc,
            atomic::{AtomicU32, Ordering},
        },
    };

    use axum::{Router, http::StatusCode, routing::get as on_get};
    use tokio::net::TcpStream;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        config::Choice,
        http::{HttpListener, Metrics},
    };

    const SOON: Duration = Duration::from_secs(20);

    fn configuration() -> Configuration {
        let mut configuration = Configuration::default();
        configuration.api.listen.set_port(0);
        configuration
    }

    /// Serves what is not ready before the third question.
    async fn serve(configuration: &mut Configuration) -> CancellationToken {
        let listener = HttpListener::bind_api(configuration).await.expect("bound");
        configuration.api.listen = listener.address();
        let questions = Arc::new(AtomicU32::new(0));
        let router = Router::new()
            .route(
                "/health/ready",
                on_get(move || async move {
                    match questions.fetch_add(1, Ordering::Relaxed) {
                        0 | 1 => (StatusCode::SERVICE_UNAVAILABLE, "warming up"),
                        _ => (StatusCode::OK, ""),
                    }
                }),
            )
            .route("/brokerd/v1/ca.pem", on_get(|| async { "an authority\n" }));
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move { listener.serve(router, 16, Metrics::default(), stop).await });
        shutdown
    }

    /// A certificate and its key in files that are gone after the test.
    struct Files(PathBuf);

    impl Files {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("brokerd-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).expect("a directory");
            let pair = rcgen::generate_simple_self_signed(["elsewhere".to_owned()]).expect("made");
            std::fs::write(path.join("cert.pem"), pair.cert.pem()).expect("written");
            std::fs::write(path.join("key.pem"), pair.signing_key.serialize_pem())
                .expect("written");
            Self(path)
        }

        fn apply(&self, configuration: &mut Configuration) {
            configuration.api.tls_certificate = Some(self.0.join("cert.pem"));
            configuration.api.tls_key = Some(self.0.join("key.pem"));
        }
    }

    impl Drop for Files {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn install_provider() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }

    #[tokio::test]
    async fn waiting_ends_when_the_api_says_that_it_is_ready() {
        let mut configuration = configuration();
        let shutdown = serve(&mut configuration).await;
        run(&configuration, Target::Api, SOON).await.expect("ready");
        shutdown.cancel();
    }

    #[tokio::test]
    async fn when_time_is_over_the_last_answer_is_the_reason() {
        let mut configuration = configuration();
        let _shutdown = serve(&mut configuration).await;
        let error = run(&configuration, Target::Api, Duration::ZERO).await.expect_err("not ready");
        let text = format!("{error:#}");
        assert!(text.contains("not ready after 0 s") && text.contains("503: warming up"), "{text}");
        configuration.api.listen.set_port(1);
        // Neither the URL for clients nor every address is where to connect.
        configuration.api.listen.set_ip([0, 0, 0, 0].into());
        configuration.api.url = Some("https://elsewhere.example".to_owned());
        configuration.endpoint.advertised_host = Choice::Chosen("elsewhere.example".to_owned());
        let error = run(&configuration, Target::Api, Duration::ZERO).await.expect_err("not ready");
        assert!(format!("{error:#}").contains("nothing listens on 127.0.0.1:1"), "{error:#}");
    }

    #[tokio::test]
    async fn another_brokerd_is_not_taken_for_this_one() {
        let files = Files::new("authority");
        let mut configuration = configuration();
        configuration.data_dir.clone_from(&files.0);
        let _shutdown = serve(&mut configuration).await;
        let path = files.0.join("ca.pem");
        std::fs::write(&path, "an authority\n").expect("written");
        run(&configuration, Target::Api, SOON).await.expect("ready");
        std::fs::write(&path, "our own\n").expect("written");
        let error = run(&configuration, Target::Api, Duration::ZERO).await.expect_err("a stranger");
        assert!(format!("{error:#}").contains("another brokerd answers there"), "{error:#}");
    }

    #[tokio::test]
    async fn with_tls_only_the_configured_certificate_is_believed() {
        install_provider();
        let (files, others) = (Files::new("own"), Files::new("other"));
        let mut configuration = configuration();
        files.apply(&mut configuration);
        let _shutdown = serve(&mut configuration).await;
        run(&configuration, Target::Api, SOON).await.expect("ready");
        others.apply(&mut configuration);
        run(&configuration, Target::Api, Duration::ZERO).await.expect_err("somebody else");
    }

    #[tokio::test]
    async fn a_client_that_does_not_shake_hands_delays_nobody() {
        install_provider();
        let files = Files::new("slow");
        let mut configuration = configuration();
        files.apply(&mut configuration);
        let _shutdown = serve(&mut configuration).await;
        let _silent = TcpStream::connect(configuration.api.listen).await.expect("connected");
        run(&configuration, Target::Api, SOON).await.expect("ready");
    }

    #[tokio::test]
    async fn a_taken_port_is_said_to_be_taken() {
        let mut configuration = configuration();
        let _shutdown = serve(&mut configuration).await;
        let error = HttpListener::bind_api(&configuration).await.err().expect("taken");
        let text = format!("{error:#}");
        assert!(text.contains("another program listens there"), "{text}");
    }
}

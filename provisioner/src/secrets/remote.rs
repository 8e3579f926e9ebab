//! AWS Secrets Manager, Amazon S3 and AWS STS, or whoever speaks like them, at endpoints that the operator has named.
//!
//! Three requests do not need three SDKs, which take longer to build than all the rest: the signature is that of the
//! official library.

use std::{fmt, sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use brokerd_domain::{Clock, Scope, SecretReference};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::NotFetched;
use crate::tls;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a request is made that nobody answers.
const TRIES: usize = 3;

/// The largest answer that is read, in bytes: a bundle of authorities is smaller.
const LARGEST: usize = 400_000;

/// Where the services are, and who asks them.
#[derive(Debug, Clone, Default)]
pub struct AwsEndpoints {
    /// `http://` or `https://` URL of Secrets Manager.
    pub secrets_manager: Option<String>,
    /// That of S3; buckets are part of the path.
    pub s3: Option<String>,
    /// That of STS. Without it roles are not assumed: who asks is who the operator is.
    pub sts: Option<String>,
    /// The operator's access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    pub secret_access_key: Option<SecretString>,
    /// What a temporary access key has beside.
    pub session_token: Option<SecretString>,
}

/// An endpoint can't be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[{0}] is no http:// or https:// URL of an endpoint")]
pub struct WrongEndpoint(String);

/// The services.
pub struct Remote {
    secrets_manager: Option<Uri>,
    s3: Option<Uri>,
    sts: Option<Uri>,
    credentials: Option<Credentials>,
    client: Arc<ClientConfig>,
    clock: Arc<dyn Clock>,
}

impl Remote {
    /// None when no endpoint is named.
    ///
    /// # Errors
    /// [`WrongEndpoint`] when one is no URL.
    pub fn new(
        endpoints: &AwsEndpoints,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, WrongEndpoint> {
        let uri = |text: &Option<String>| text.as_deref().map(endpoint).transpose();
        let (secrets_manager, s3) = (uri(&endpoints.secrets_manager)?, uri(&endpoints.s3)?);
        let sts = uri(&endpoints.sts)?;
        if secrets_manager.is_none() && s3.is_none() {
            return Ok(None);
        }
        let credentials =
            endpoints.access_key_id.as_ref().zip(endpoints.secret_access_key.as_ref());
        let credentials = credentials.map(|(id, secret)| {
            let token = endpoints.session_token.as_ref().map(|t| t.expose_secret().to_owned());
            Credentials::new(id, secret.expose_secret(), token, None, "brokerd")
        });
        let mut roots = RootCertStore::empty();
        let public = CertificateDer::pem_slice_iter(tls::public_authorities_pem().as_bytes());
        roots.add_parsable_certificates(public.filter_map(Result::ok));
        let client =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(|error| WrongEndpoint(error.to_string()))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let client = Arc::new(client);
        Ok(Some(Self { secrets_manager, s3, sts, credentials, client, clock }))
    }

    /// Fetches it as the role, if roles can be assumed.
    pub(super) async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        reference: &SecretReference,
    ) -> Result<SecretString, NotFetched> {
        let operator = self.credentials.as_ref().ok_or_else(|| {
            NotFetched("brokerd has no access key for the endpoints it knows".to_owned())
        })?;
        let region = scope.region.as_str();
        let caller = match &self.sts {
            Some(sts) => self.assume(sts, operator, role, region).await?,
            None => operator.clone(),
        };
        match reference {
            SecretReference::Secret { .. } => self.secret(&caller, region, reference).await,
            SecretReference::Object { bucket, key } => {
                self.object(&caller, region, bucket, key).await
            }
        }
    }

    /// Source: GetSecretValue of the API reference.
    async fn secret(
        &self,
        caller: &Credentials,
        region: &str,
        reference: &SecretReference,
    ) -> Result<SecretString, NotFetched> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Value {
            secret_string: Option<String>,
            secret_binary: Option<String>,
        }
        let endpoint = self.secrets_manager.as_ref().ok_or_else(|| {
            NotFetched("brokerd knows no endpoint of AWS Secrets Manager".to_owned())
        })?;
        let SecretReference::Secret { region: of, account, id } = reference else {
            return Err(NotFetched("it is no secret".to_owned()));
        };
        let arn = format!("arn:aws:secretsmanager:{of}:{account}:secret:{id}");
        let body = serde_json::json!({ "SecretId": arn }).to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri(endpoint.clone())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(Bytes::from(body));
        let answer = self.ask("secretsmanager", caller, region, request).await?;
        let value: Value = serde_json::from_slice(&answer)
            .map_err(|_| NotFetched("AWS Secrets Manager answered no JSON".to_owned()))?;
        let binary = value.secret_binary.and_then(|binary| BASE64.decode(binary).ok());
        let text = value.secret_string.or_else(|| String::from_utf8(binary?).ok());
        text.map(SecretString::from).ok_or_else(|| NotFetched("the secret is no text".to_owned()))
    }

    /// Source: GetObject of the API reference.
    async fn object(
        &self,
        caller: &Credentials,
        region: &str,
        bucket: &str,
        key: &str,
    ) -> Result<SecretString, NotFetched> {
        let endpoint = self
            .s3
            .as_ref()
            .ok_or_else(|| NotFetched("brokerd knows no endpoint of Amazon S3".to_owned()))?;
        let path: String = key.bytes().fold(format!("/{bucket}/"), |mut path, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
            path
        });
        let base = endpoint.to_string();
        let uri = format!("{}{path}", base.trim_end_matches('/'));
        let request = Request::builder().method(Method::GET).uri(uri).body(Bytes::new());
        let answer = self.ask("s3", caller, region, request).await?;
        String::from_utf8(answer.to_vec())
            .map(SecretString::from)
            .map_err(|_| NotFetched("the object is no text".to_owned()))
    }

    /// Source: AssumeRole of the API reference.
    async fn assume(
        &self,
        sts: &Uri,
        operator: &Credentials,
        role: &str,
        region: &str,
    ) -> Result<Credentials, NotFetched> {
        let role = role.replace('+', "%2B").replace('=', "%3D").replace(',', "%2C");
        let body = format!(
            "Action=AssumeRole&Version=2011-06-15&RoleSessionName=brokerd&RoleArn={}",
            role.replace(':', "%3A").replace('/', "%2F").replace('@', "%40")
        );
        let request = Request::builder()
            .method(Method::POST)
            .uri(sts.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body));
        let answer = self
            .ask("sts", operator, region, request)
            .await
            .map_err(|why| NotFetched(format!("the role can't be assumed: {why}")))?;
        let refused = || NotFetched("AWS STS answered no credentials".to_owned());
        let text = std::str::from_utf8(&answer).map_err(|_| refused())?;
        let document = roxmltree::Document::parse(text).map_err(|_| refused())?;
        let of = |name: &str| {
            let found = document
                .descendants()
                .find(|node| node.has_tag_name(name) || node.tag_name().name() == name);
            found.and_then(|node| node.text()).map(str::to_owned)
        };
        let (id, secret) = (of("AccessKeyId"), of("SecretAccessKey"));
        let (id, secret) = id.zip(secret).ok_or_else(refused)?;
        Ok(Credentials::new(id, secret, of("SessionToken"), None, "brokerd"))
    }

    /// Signs a request and makes it, again while nobody answers. Gives back the body of a 200.
    async fn ask(
        &self,
        service: &'static str,
        caller: &Credentials,
        region: &str,
        request: Result<Request<Bytes>, http::Error>,
    ) -> Result<Bytes, NotFetched> {
        let request = request.map_err(|error| NotFetched(error.to_string()))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let signed = self.signed(service, caller, region, &request)?;
            let why = match timeout(PATIENCE, self.send(signed)).await {
                Ok(Ok((StatusCode::OK, body))) => return Ok(body),
                // What it says may be long, and may be HTML.
                Ok(Ok((status, body))) if status.is_client_error() => {
                    return Err(NotFetched(format!("{service} answered {status}{}", code(&body))));
                }
                Ok(Ok((status, body))) => format!("{service} answered {status}{}", code(&body)),
                Ok(Err(why)) => format!("{service} can't be asked: {why}"),
                Err(_) => format!("{service} did not answer within {} s", PATIENCE.as_secs()),
            };
            if tries >= TRIES {
                return Err(NotFetched(why));
            }
        }
    }

    fn signed(
        &self,
        service: &'static str,
        caller: &Credentials,
        region: &str,
        request: &Request<Bytes>,
    ) -> Result<Request<Full<Bytes>>, NotFetched> {
        let failed = |error: &dyn fmt::Display| NotFetched(format!("no signature: {error}"));
        let mut settings = SigningSettings::default();
        if service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let micros = u64::try_from(self.clock.now().as_micros()).unwrap_or_default();
        let identity = caller.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(std::time::UNIX_EPOCH + Duration::from_micros(micros))
            .settings(settings)
            .build()
            .map_err(|error| failed(&error))?
            .into();
        let authority = request.uri().authority().map_or("", |a| a.as_str()).to_owned();
        let named =
            request.headers().iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)));
        let headers = named.chain(std::iter::once(("host", authority.as_str())));
        let uri = request.uri().to_string();
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), &uri, headers, body)
            .map_err(|error| failed(&error))?;
        let (instructions, _) =
            sign(signable, &parameters).map_err(|error| failed(&error))?.into_parts();
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let mut signed = Request::builder()
            .method(request.method())
            .uri(path)
            .header(header::HOST, &authority)
            .extension(request.uri().clone());
        for (name, value) in request.headers() {
            signed = signed.header(name, value);
        }
        for (name, value) in instructions.headers() {
            signed = signed.header(name, value);
        }
        signed.body(Full::new(request.body().clone())).map_err(|error| failed(&error))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let uri = request.extensions().get::<Uri>().cloned().unwrap_or_default();
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|e| e.to_string())?;
        if is_https {
            let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
            let connector = TlsConnector::from(self.client.clone());
            let stream = connector.connect(name, stream).await.map_err(|e| e.to_string())?;
            exchange(stream, request).await
        } else {
            exchange(stream, request).await
        }
    }
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        Ok((status, body.map_err(|error| error.to_string())?.to_bytes()))
    };
    tokio::pin!(asked, connection);
    let broken = tokio::select! {
        answer = &mut asked => return answer,
        ended = &mut connection => ended.err().map(|error| error.to_string()),
    };
    // What came with the end of the connection is an answer still.
    match timeout(Duration::from_secs(1), asked).await {
        Ok(answer) => answer,
        Err(_) => Err(broken.unwrap_or_else(|| "the connection ended".to_owned())),
    }
}

/// The error code in an answer, as both JSON and XML have it.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let word = |rest: &str| {
        let rest = rest.trim_start_matches([':', '"', ' ', '>']);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"._#".contains(c));
        rest[..end.unwrap_or(rest.len()).min(80)].to_owned()
    };
    let found = ["__type\"", "<Code", "\"code\""]
        .iter()
        .find_map(|mark| text.split_once(mark).map(|(_, rest)| word(rest)));
    found.filter(|code| !code.is_empty()).map(|code| format!(" ({code})")).unwrap_or_default()
}

fn endpoint(text: &str) -> Result<Uri, WrongEndpoint> {
    let wrong = || WrongEndpoint(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare = uri.query().is_none() && uri.authority().is_some_and(|a| !a.as_str().contains('@'));
    if scheme && bare { Ok(uri) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_urls() {
        for good in ["http://127.0.0.1:4566", "https://s3.us-east-1.amazonaws.com/"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for wrong in ["", "127.0.0.1:4566", "ftp://a", "http://a:b@c", "http://a/?x=1"] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_tell_their_code() {
        for (body, expected) in [
            (
                r#"{"__type":"ResourceNotFoundException","Message":"x"}"#,
                " (ResourceNotFoundException)",
            ),
            ("<Error><Code>NoSuchKey</Code></Error>", " (NoSuchKey)"),
            ("<html>", ""),
        ] {
            assert_eq!(code(body.as_bytes()), expected);
        }
    }
}

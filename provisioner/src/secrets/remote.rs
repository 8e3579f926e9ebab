//! AWS Secrets Manager, Amazon S3 and AWS STS, or whoever speaks like them, at endpoints that the operator has named.
//!
//! Three requests do not need three SDKs, which take longer to build than all the rest: the signature is that of the
//! official library.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
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
use futures_util::future::join_all;
use http::{Method, Request, Uri, header};
use http_body_util::Full;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    exchange::exchange,
    source::{NotFetched, SecretSource, TIMEOUT},
};
use crate::https;

/// How often a request is made that nobody answers, before the next pass does.
const TRIES: u32 = 3;

/// How long to wait before the second try; twice as long before the third.
const PAUSE: Duration = Duration::from_millis(100);

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
#[error("[{0}] is not an http:// or https:// URL of an endpoint")]
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

#[async_trait]
impl SecretSource for Remote {
    async fn fetch(
        &self,
        scope: &Scope,
        role: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        self.fetch_until(Instant::now() + TIMEOUT, scope, role, references).await
    }
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
        let client = https::public_client().map_err(|error| WrongEndpoint(error.to_string()))?;
        Ok(Some(Self { secrets_manager, s3, sts, credentials, client, clock }))
    }

    /// Fetches all of it at the same time, as the role if roles can be assumed.
    pub(super) async fn fetch_until(
        &self,
        deadline: Instant,
        scope: &Scope,
        role: &str,
        references: &[&SecretReference],
    ) -> Vec<Result<SecretString, NotFetched>> {
        let region = scope.region.as_str();
        let caller = match self.caller(deadline, role, region).await {
            Ok(caller) => caller,
            Err(why) => return references.iter().map(|_| Err(why.clone())).collect(),
        };
        let fetched = references.iter().map(|reference| async {
            match reference {
                SecretReference::Secret { region: of, account, id } => {
                    let arn = format!("arn:aws:secretsmanager:{of}:{account}:secret:{id}");
                    self.secret(deadline, &caller, region, &arn).await
                }
                SecretReference::Object { bucket, key } => {
                    self.object(deadline, &caller, region, bucket, key).await
                }
            }
        });
        join_all(fetched).await
    }

    /// The client that fetches secrets and objects.
    async fn caller(
        &self,
        deadline: Instant,
        role: &str,
        region: &str,
    ) -> Result<Credentials, NotFetched> {
        let operator = self.credentials.as_ref().ok_or_else(|| {
            NotFetched::Invalid("brokerd has no access key for the endpoints it knows".to_owned())
        })?;
        let Some(sts) = &self.sts else { return Ok(operator.clone()) };
        self.assume(deadline, sts, operator, role, region).await.map_err(|why| match why {
            NotFetched::Invalid(why) => NotFetched::Role(why),
            NotFetched::Transient(_) | NotFetched::Role(_) => why,
        })
    }

    /// Source: GetSecretValue of the API reference.
    async fn secret(
        &self,
        deadline: Instant,
        caller: &Credentials,
        region: &str,
        arn: &str,
    ) -> Result<SecretString, NotFetched> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Value {
            secret_string: Option<String>,
            secret_binary: Option<String>,
        }
        let endpoint = self.secrets_manager.as_ref().ok_or_else(|| {
            NotFetched::Invalid("brokerd knows no endpoint of AWS Secrets Manager".to_owned())
        })?;
        let body = serde_json::json!({ "SecretId": arn }).to_string();
        let request = Request::builder()
            .method(Method::POST)
            .uri(endpoint.clone())
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.1")
            .header("x-amz-target", "secretsmanager.GetSecretValue")
            .body(Bytes::from(body));
        let answer = self.ask(deadline, "secretsmanager", caller, region, request).await?;
        let value: Value = serde_json::from_slice(&answer)
            .map_err(|_| NotFetched::Invalid("AWS Secrets Manager answered no JSON".to_owned()))?;
        let binary = value.secret_binary.and_then(|binary| BASE64.decode(binary).ok());
        let text = value.secret_string.or_else(|| String::from_utf8(binary?).ok());
        text.map(SecretString::from)
            .ok_or_else(|| NotFetched::Invalid("the secret is not text".to_owned()))
    }

    /// Source: GetObject of the API reference.
    async fn object(
        &self,
        deadline: Instant,
        caller: &Credentials,
        region: &str,
        bucket: &str,
        key: &str,
    ) -> Result<SecretString, NotFetched> {
        let endpoint = self.s3.as_ref().ok_or_else(|| {
            NotFetched::Invalid("brokerd knows no endpoint of Amazon S3".to_owned())
        })?;
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
        let answer = self.ask(deadline, "s3", caller, region, request).await?;
        String::from_utf8(answer.to_vec())
            .map(SecretString::from)
            .map_err(|_| NotFetched::Invalid("the object is not text".to_owned()))
    }

    /// Source: AssumeRole of the API reference.
    async fn assume(
        &self,
        deadline: Instant,
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
        let answer = self.ask(deadline, "sts", operator, region, request).await?;
        let refused = || NotFetched::Invalid("AWS STS answered no credentials".to_owned());
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
        deadline: Instant,
        service: &'static str,
        caller: &Credentials,
        region: &str,
        request: Result<Request<Bytes>, http::Error>,
    ) -> Result<Bytes, NotFetched> {
        let request = request.map_err(|error| NotFetched::Invalid(error.to_string()))?;
        let mut before = None;
        for n in 1..=TRIES {
            let signed = self.signed(service, caller, region, &request)?;
            let asked = exchange(service, &self.client, request.uri(), signed);
            let why = match timeout_at(deadline, asked).await {
                Ok(Err(NotFetched::Transient(why))) => why,
                Ok(ended) => return ended,
                Err(_) => break,
            };
            before = Some(NotFetched::Transient(why));
            let again = Instant::now() + PAUSE * n;
            if n < TRIES && again < deadline {
                sleep(PAUSE * n).await;
            }
        }
        Err(before.unwrap_or_else(|| {
            NotFetched::Transient(format!(
                "{service} did not answer within {} s",
                TIMEOUT.as_secs()
            ))
        }))
    }

    fn signed(
        &self,
        service: &'static str,
        caller: &Credentials,
        region: &str,
        request: &Request<Bytes>,
    ) -> Result<Request<Full<Bytes>>, NotFetched> {
        let failed =
            |error: &dyn fmt::Display| NotFetched::Invalid(format!("no signature: {error}"));
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
        let mut signed =
            Request::builder().method(request.method()).uri(path).header(header::HOST, &authority);
        for (name, value) in request.headers() {
            signed = signed.header(name, value);
        }
        for (name, value) in instructions.headers() {
            signed = signed.header(name, value);
        }
        signed.body(Full::new(request.body().clone())).map_err(|error| failed(&error))
    }
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
}

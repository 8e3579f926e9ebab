//! Images: what is there, and what is fetched from registries.

use std::time::Duration;

use bollard::{
    Docker,
    auth::DockerCredentials,
    models::{CreateImageInfo, ImageConfig},
    query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures_util::StreamExt;
use secrecy::ExposeSecret;

use super::{
    error::{self, SHORT, named, request},
    labels,
};
use crate::{
    catalogue::split_tag,
    runtime::{ImageInfo, Pulled, RuntimeError, registry::RegistryLogin},
};

/// How long nothing may move before a pull is given up. An engine that unpacks a large layer says nothing
/// for a while.
const STALLED: Duration = Duration::from_mins(3);

/// The variables in which official images say which version they hold.
const VERSION_VARIABLES: &[&str] = &["RABBITMQ_VERSION=", "ACTIVEMQ_VERSION="];

/// The image of that name, if it is there.
pub(super) async fn inspect(
    docker: &Docker,
    reference: &str,
) -> Result<Option<ImageInfo>, RuntimeError> {
    match request(SHORT, docker.inspect_image(reference)).await {
        Ok(image) => {
            let config = image.config.unwrap_or_default();
            let modules =
                config.labels.as_ref().and_then(|all| all.get(labels::ENGINE_MODULES).cloned());
            Ok(Some(ImageInfo {
                id: image.id.unwrap_or_default(),
                digests: image.repo_digests.unwrap_or_default(),
                true_version: true_version(config),
                modules,
            }))
        }
        Err(cause) if error::status(&cause) == Some(404) => Ok(None),
        Err(cause) => Err(named("look for an image")(cause)),
    }
}

/// The label of images built here, or what official ones have.
fn true_version(config: ImageConfig) -> Option<String> {
    let label = config.labels.unwrap_or_default().remove(labels::ENGINE_VERSION);
    let environment = config.env.unwrap_or_default();
    let variable = environment
        .iter()
        .find_map(|pair| VERSION_VARIABLES.iter().find_map(|name| pair.strip_prefix(name)));
    label.as_deref().filter(|text| !text.is_empty()).or(variable).map(str::to_owned)
}

/// Fetches an image; with a digest, exactly that one, which then has the name.
pub(super) async fn pull(
    docker: &Docker,
    reference: &str,
    digest: Option<&str>,
    login: Option<&RegistryLogin>,
    pulled: &Pulled,
) -> Result<(), RuntimeError> {
    let failed = named("pull an image");
    let (repository, tag) = split_tag(reference);
    let exact = digest.map(|digest| format!("{repository}@{digest}"));
    let wanted = exact.as_deref().unwrap_or(reference);
    let options = CreateImageOptionsBuilder::new().from_image(wanted).build();
    let credentials = login.map(|login| DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.expose_secret().to_owned()),
        serveraddress: Some(login.address.clone()),
        ..DockerCredentials::default()
    });
    let mut stream = docker.create_image(Some(options), None, credentials);
    while let Some(said) =
        request(STALLED, async { stream.next().await.transpose() }).await.map_err(&failed)?
    {
        note(&said, pulled);
    }
    if let (Some(exact), Some(tag)) = (&exact, tag) {
        let options = TagImageOptionsBuilder::new().repo(repository).tag(tag).build();
        request(SHORT, docker.tag_image(exact, Some(options))).await.map_err(&failed)?;
    }
    // The stream may end without an error where nothing came of it.
    match inspect(docker, reference).await? {
        Some(_) => Ok(()),
        None => Err(error::odd("pull an image", "image")),
    }
}

fn note(said: &CreateImageInfo, pulled: &Pulled) {
    // Unpacking counts the same bytes again.
    let downloading = said.status.as_deref() == Some("Downloading");
    let bytes = |number: Option<i64>| number.and_then(|n| u64::try_from(n).ok());
    let progress = said.progress_detail.as_ref();
    if let (true, Some(layer), Some(done), Some(all)) = (
        downloading,
        &said.id,
        progress.and_then(|p| bytes(p.current)),
        progress.and_then(|p| bytes(p.total)),
    ) {
        pulled.note(layer, done, all);
    }
}

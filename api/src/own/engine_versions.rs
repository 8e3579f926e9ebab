//! ListEngineVersions: the versions that run behind the offered ones, with their advisories.

use std::{collections::BTreeMap, sync::LazyLock};

use axum::extract::State;
use brokerd_domain::{Advisory, EngineModules, PatchVersion, WITHOUT_LAUNCHER};
use brokerd_store::{Offering, PgStore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    auth::{CallResource, Signed},
    http::respond::{Answer, Reply},
    openapi::ServiceErrors,
};

/// The file that image builds read, too.
const ADVISORIES: &str = include_str!("../../../docker/advisories.toml");

#[derive(Deserialize)]
struct File {
    advisory: Vec<Advisory>,
}

/// Empty if the file is malformed, which a test rules out.
static KNOWN: LazyLock<Vec<Advisory>> =
    LazyLock::new(|| toml::from_str(ADVISORIES).map_or_else(|_| Vec::new(), |f: File| f.advisory));

/// The versions of the engines.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListEngineVersionsResponse {
    /// The offered versions, by engine and version.
    engine_versions: Vec<OfferedVersion>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfferedVersion {
    /// `ACTIVEMQ` or `RABBITMQ`.
    #[schema(value_type = String, example = "ACTIVEMQ")]
    engine_type: &'static str,
    /// The version that callers name, `major.minor`.
    #[schema(example = "5.19")]
    engine_version: String,
    /// The exact version of the engine.
    #[schema(example = "5.19.2")]
    true_version: String,
    /// The image.
    #[schema(example = "brokerd/activemq:5.19")]
    image: String,
    /// The engine's modules and their versions, as the image tells them or, of an official image, as they are
    /// released together. Modules of one engine may have different versions.
    #[schema(value_type = BTreeMap<String, String>)]
    modules: BTreeMap<String, PatchVersion>,
    /// The open advisories of these modules; absent if the modules are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    advisories: Option<Vec<OpenAdvisory>>,
    /// What brokers of an image without brokerd's launcher lack; absent if the image has the launcher or needs
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    notice: Option<&'static str>,
}

/// An open advisory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenAdvisory {
    /// Its identifier.
    #[schema(example = "CVE-2026-39304")]
    id: &'static str,
    /// The module.
    module: &'static str,
    /// The module's version here.
    #[schema(value_type = String)]
    module_version: PatchVersion,
    /// The first fixed version of each release line.
    #[schema(value_type = Vec<String>)]
    fixed_in: &'static [PatchVersion],
    /// What an attacker can do.
    summary: &'static str,
    /// How the configuration of brokers, or brokerd's launcher in images that have it, mitigates the advisory;
    /// absent if neither does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    mitigation: Option<String>,
}

/// Lists the exact engine version and the image behind each offered version, with its open advisories.
#[utoipa::path(
    get,
    path = "/brokerd/v1/engine-versions",
    operation_id = "ListEngineVersions",
    tag = "brokerd",
    responses(
        (status = 200, description = "The offered versions.", body = ListEngineVersionsResponse),
        ServiceErrors,
    ),
    security(("sigv4" = [])),
)]
pub(crate) async fn list_engine_versions(
    State(store): State<PgStore>,
    signed: Signed,
) -> Answer<ListEngineVersionsResponse> {
    signed.authorize(CallResource::NONE)?;
    let offered = store.offered_engines().await?;
    let engine_versions = offered.into_iter().map(described).collect();
    Ok(Reply(ListEngineVersionsResponse { engine_versions }))
}

fn mitigation(advisory: &Advisory, launcher: bool) -> Option<String> {
    let own = advisory.launcher.as_deref().filter(|_| launcher);
    let all: Vec<&str> = advisory.mitigation.as_deref().into_iter().chain(own).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn described(offering: Offering) -> OfferedVersion {
    let modules = EngineModules::parse(&offering.modules);
    let open = KNOWN.iter().filter_map(|advisory| {
        let version = advisory.open_in(offering.engine, &modules)?;
        Some(OpenAdvisory {
            id: &advisory.id,
            module: &advisory.module,
            module_version: version,
            fixed_in: &advisory.fixed_in,
            summary: &advisory.summary,
            mitigation: mitigation(advisory, offering.launcher),
        })
    });
    OfferedVersion {
        engine_type: offering.engine.as_str(),
        engine_version: offering.version.to_string(),
        true_version: offering.true_version,
        image: offering.image,
        notice: (!offering.launcher).then_some(WITHOUT_LAUNCHER),
        advisories: (!modules.is_empty()).then(|| open.collect()),
        modules: modules.iter().map(|(name, version)| (name.to_owned(), version)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_of_advisories_is_read_as_a_whole() {
        let file: File = toml::from_str(ADVISORIES).expect("well-formed");
        assert_eq!(file.advisory, *KNOWN);
        let names: BTreeSet<_> = KNOWN.iter().map(|advisory| &advisory.id).collect();
        assert_eq!(names.len(), KNOWN.len(), "an advisory is there twice");
        // The image build reads a key a line.
        for advisory in &*KNOWN {
            let line = format!("\nid = \"{}\"\n", advisory.id);
            assert!(ADVISORIES.contains(&line), "{}", advisory.id);
            assert!(!advisory.fixed_in.is_empty(), "{}", advisory.id);
        }
    }
}

//! The files of an instance: a secret, and the script that lays them out before the engine starts.
//!
//! Files of a mounted secret belong to root, and the group of a pod may read them whatever their mode, which Erlang
//! refuses of its cookie. So they are copied by the engine's own user. Each volume's content is in a directory below
//! the volume's root, because the root is root's, too, and may hold what a file system puts there.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use brokerd_domain::instance::{InstanceSpec, Limits, SpecDigest};
use serde_json::{Value, json};

use crate::runtime::{
    directories::{directories, directory_mode},
    kubernetes::labels,
};

/// Where the secret is mounted while the files are laid out.
pub(super) const SECRET: &str = "/brokerd/files";
/// Where the volumes are mounted meanwhile, each below its role.
pub(super) const VOLUMES: &str = "/brokerd/volumes";
/// The script's name in the secret.
pub(super) const SCRIPT: &str = "lay-out.sh";
/// The directory of a volume that is the engine's.
pub(crate) const LAID: &str = "content";

/// What the script does before the lines of an instance: a new volume gets what the image has at its place, as a
/// whole or not at all, and files are replaced as a whole.
const PROLOGUE: &str = r#"set -eu
umask 077
volume() { # mode of a directory that the image lacks, its path, the volume, whether the image's content is wanted
  if [ ! -d "$3/content" ]; then
    new="$3/new-$ORDINAL"
    rm -rf "$new"
    mkdir "$new"
    if [ -d "$2" ]; then
      if [ "$4" = yes ]; then cp -a "$2/." "$new/"; fi
      chmod "$(stat -c %a "$2")" "$new"
    else
      chmod "$1" "$new"
    fi
    # Instances that share it may be here at the same time.
    mv -T "$new" "$3/content" 2>/dev/null || [ -d "$3/content" ]
    rm -rf "$new"
  fi
}
directory() { # path, mode
  mkdir -p "$1"
  chmod "$2" "$1"
}
file() { # source, path, mode
  rm -f "$2.new"
  cp "$1" "$2.new"
  chmod "$3" "$2.new"
  mv -f "$2.new" "$2"
}
"#;

/// A word of the script.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn laid(spec: &InstanceSpec, root: &str) -> Option<String> {
    let volume = spec.volumes.iter().find(|volume| volume.mount == root)?;
    Some(format!("{VOLUMES}/{}/{LAID}", volume.role))
}

/// The script.
fn script(spec: &InstanceSpec) -> Result<String, String> {
    let mut text = format!("ORDINAL={}\n{PROLOGUE}", spec.name.ordinal);
    for volume in &spec.volumes {
        let wanted = if volume.keep && !spec.owns_data { "no" } else { "yes" };
        let place = format!("{VOLUMES}/{}", volume.role);
        let _ = writeln!(text, "volume 755 {} {} {wanted}", quoted(&volume.mount), quoted(&place));
    }
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    for (number, file) in spec.files.iter().enumerate() {
        let root = laid(spec, &file.root)
            .ok_or_else(|| format!("no volume is mounted at {}, where a file goes", file.root))?;
        let beside: Vec<_> = spec.files.iter().filter(|other| other.root == file.root).collect();
        for directory in directories(&file.path) {
            let path = format!("{root}/{directory}");
            let mode = directory_mode(directory, &beside);
            if made.insert(path.clone(), mode).is_none() {
                let _ = writeln!(text, "directory {} {mode:o}", quoted(&path));
            }
        }
        let source = format!("{SECRET}/{}", key(number));
        let path = format!("{root}/{}", file.path);
        let _ = writeln!(text, "file {source} {} {:o}", quoted(&path), file.mode);
    }
    Ok(text)
}

/// The name of a file in the secret, whatever its path.
fn key(number: usize) -> String {
    format!("f{number}")
}

/// The secret of an instance: what is laid out, and who the instance is. The instance is there as long as this is.
///
/// # Errors
/// What can never be laid out.
pub(crate) fn secret(
    spec: &InstanceSpec,
    digest: &SpecDigest,
    limits: Limits,
) -> Result<Value, String> {
    let mut annotations = labels::annotations(spec, digest);
    annotations.insert(labels::LIMITS.to_owned(), labels::limits_text(limits));
    annotations.insert(labels::IMAGE.to_owned(), spec.image.clone());
    let mut data: BTreeMap<String, String> = spec
        .files
        .iter()
        .enumerate()
        .map(|(number, file)| (key(number), STANDARD.encode(&file.content)))
        .collect();
    data.insert(SCRIPT.to_owned(), STANDARD.encode(script(spec)?));
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": labels::instance_name(&spec.name),
            "labels": labels::of_instance(&spec.name),
            "annotations": annotations,
        },
        "type": "Opaque",
        // Nodes need not watch what never changes.
        "immutable": true,
        "data": data,
    }))
}

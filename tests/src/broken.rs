//! An engine version that does not boot, until it is mended.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{docker::docker, machine};

/// What the engine prints before it ends.
pub const LAST_WORDS: &str = "broken on purpose";

/// A catalogue whose ActiveMQ 5.19 ends as soon as it is started.
#[derive(Debug)]
pub struct BrokenImage {
    /// The image of 5.19.
    pub image: String,
    catalogue: PathBuf,
}

impl BrokenImage {
    /// Makes the image and the catalogue.
    ///
    /// # Errors
    /// When one of them can't be made.
    pub fn new() -> Result<Self> {
        let image = format!("brokerd-tests/broken:{}", machine::random_hex(4)?);
        let catalogue = std::env::temp_dir().join(image.replace(['/', ':'], "-"));
        let this = Self { image, catalogue };
        let built_in = machine::repository().join("docker/catalogue.toml");
        let text = std::fs::read_to_string(built_in)?.replace("brokerd/activemq:5.19", &this.image);
        std::fs::write(&this.catalogue, text)?;
        let made = docker(&["create", "brokerd/activemq:5.19"])?;
        let entry = format!(r#"ENTRYPOINT ["sh", "-c", "echo {LAST_WORDS} >&2; exit 1"]"#);
        let committed = docker(&["commit", "--change", &entry, made.trim(), &this.image]);
        docker(&["rm", made.trim()])?;
        committed.map(|_| this)
    }

    /// The setting that makes brokerd use it.
    ///
    /// # Errors
    /// When the path is no text.
    pub fn setting(&self) -> Result<(&str, &str)> {
        let path = self.catalogue.to_str().context("a path that is no text")?;
        Ok(("BROKERD_PROVISIONER_CATALOGUE", path))
    }

    /// Puts an image that boots behind the name.
    ///
    /// # Errors
    /// When Docker refuses.
    pub fn mend(&self) -> Result<()> {
        docker(&["tag", "brokerd/activemq:5.19", &self.image]).map(drop)
    }
}

impl Drop for BrokenImage {
    fn drop(&mut self) {
        // What was never made needs no removal.
        drop(docker(&["rmi", "--force", &self.image]));
        drop(std::fs::remove_file(&self.catalogue));
    }
}

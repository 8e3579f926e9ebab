//! Whatever keeps the scripts from doing what they are to do.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use brokerd_tests::{checkout::Checkout, docker};

use crate::starting::refused;

/// What keeps `scripts/run.sh` from doing what it is to do.
struct Refusal {
    /// Why, as its first words say, or as a name.
    what: &'static str,
    script: &'static str,
    argument: &'static str,
    environment: &'static [(&'static str, &'static str)],
    /// Programs that do something else.
    stubs: &'static [(&'static str, &'static str)],
    /// What is in the configuration file.
    configuration: &'static str,
    /// What has to be said.
    says: &'static [&'static str],
}

const REFUSAL: Refusal = Refusal {
    what: "",
    script: "scripts/run.sh",
    argument: "up",
    environment: &[],
    stubs: &[],
    configuration: "",
    says: &[],
};

/// The images are not there.
const NO_IMAGE: (&str, &str) =
    ("bin/docker", "case $1 in image) exit 1 ;; *) exec /usr/bin/docker \"$@\" ;; esac");

const REFUSALS: &[Refusal] = &[
    Refusal {
        what: "a name that no installation may have",
        environment: &[("BROKERD_INSTALLATION", "My_Own")],
        says: &["BROKERD_INSTALLATION=My_Own: use at most 20 lower-case letters"],
        ..REFUSAL
    },
    Refusal {
        what: "a data directory that depends on where one is",
        environment: &[("BROKERD_DATA_DIR", "data")],
        says: &["BROKERD_DATA_DIR=data: an absolute path is needed"],
        ..REFUSAL
    },
    Refusal {
        what: "a data directory that can't be made",
        environment: &[("BROKERD_DATA_DIR", "/proc/brokerd")],
        says: &["can't make /proc/brokerd: run this as root or set BROKERD_DATA_DIR"],
        ..REFUSAL
    },
    Refusal {
        what: "an unknown profile",
        environment: &[("BROKERD_PROFILE", "fast")],
        says: &["BROKERD_PROFILE=fast: use release or dev"],
        ..REFUSAL
    },
    Refusal {
        what: "a file that names another installation",
        configuration: "installation = \"other\"\n",
        says: &[
            "brokerd.toml says installation = \"other\": set BROKERD_INSTALLATION=other for make",
        ],
        ..REFUSAL
    },
    Refusal {
        what: "a file that names another data directory",
        configuration: "data_dir = '/elsewhere' # on the large disk\n",
        says: &[
            "brokerd.toml says data_dir = \"/elsewhere\": set BROKERD_DATA_DIR=/elsewhere for make",
        ],
        ..REFUSAL
    },
    Refusal {
        what: "a file with a key that does not exist",
        configuration: "[api]\nport = 1\n",
        says: &["brokerd.toml", "unknown field `port`"],
        ..REFUSAL
    },
    Refusal {
        what: "an engine elsewhere that does not answer",
        environment: &[("DOCKER_HOST", "tcp://127.0.0.1:1")],
        says: &["DOCKER_HOST=tcp://127.0.0.1:1 does not answer"],
        ..REFUSAL
    },
    Refusal {
        what: "a compiler that is too old",
        stubs: &[("bin/cargo", "echo cargo 1.70.0")],
        says: &["cargo 1.70.0 is too old: Rust 1.", "rustup update"],
        ..REFUSAL
    },
    Refusal {
        what: "sources that can't be built",
        stubs: &[(
            "bin/cargo",
            "case $1 in --version) echo cargo 99.0.0 ;; *) echo error: no; exit 1 ;; esac",
        )],
        says: &["the binary can't be built; the compiler's words are above"],
        ..REFUSAL
    },
    Refusal {
        what: "images that can't be built",
        stubs: &[("docker/build.sh", "echo no room left; exit 1"), NO_IMAGE],
        says: &["no room left", "the images can't be built; see"],
        ..REFUSAL
    },
    Refusal {
        what: "no image of the database",
        script: "scripts/postgres.sh",
        argument: "ensure",
        stubs: &[NO_IMAGE],
        says: &["the image brokerd/postgres:17 is missing: run docker/build.sh postgres:17"],
        ..REFUSAL
    },
    Refusal {
        what: "a brokerd that ends at once",
        environment: &[
            ("DATABASE_URL", "postgres://u:p@127.0.0.1:1/d"),
            ("BROKERD_SECRETS_MASTER_KEY", "short"),
        ],
        says: &[
            "secrets.master_key is not 64 hexadecimal digits",
            "brokerd did not start; the end of",
        ],
        ..REFUSAL
    },
    Refusal {
        what: "nothing that could print exports",
        argument: "env",
        says: &["brokerd is not built yet: run make run"],
        ..REFUSAL
    },
    Refusal {
        what: "no engine to remove volumes from",
        argument: "clean",
        stubs: &[("bin/docker", "exit 1")],
        says: &[
            "no Docker engine answers, so volumes can't be removed: run docker/engine.sh first",
        ],
        ..REFUSAL
    },
    Refusal { what: "an unknown word", argument: "fly", says: &["scripts/run.sh down"], ..REFUSAL },
];

#[test]
fn a_failed_make_run_says_in_a_line_what_to_do() -> Result<()> {
    for refusal in REFUSALS {
        let checkout = Checkout::new()?;
        fs::create_dir(checkout.data())?;
        fs::write(checkout.data().join("brokerd.toml"), refusal.configuration)?;
        for (program, does) in refusal.stubs {
            checkout.stub(program, does)?;
        }
        let said = checkout.run(refusal.script, &[refusal.argument], refusal.environment)?;
        refused(&said, refusal.says).context(refusal.what)?;
        // Nothing was begun, and a second brokerd could still be started.
        ensure!(docker::objects(&checkout.label())?.is_empty(), "{}: {said:?}", refusal.what);
    }
    Ok(())
}

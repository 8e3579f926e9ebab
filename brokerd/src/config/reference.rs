//! `docs/configuration.md`, made from the sections: their doc comments, defaults, and the names of their keys.

use std::{collections::BTreeMap, fmt::Write as _};

use syn::{Attribute, Expr, Fields, Item, Lit, Meta, Type};
use toml::{Table, Value};

use super::{
    Configuration,
    layers::{self, Kind},
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");

/// The sources of this folder.
fn sources() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config");
    let paths =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    paths.map(|path| std::fs::read_to_string(path).expect("a source")).collect()
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from brokerd/src/config: UPDATE_GOLDEN=1 cargo test -p brokerd configuration -->

Each setting has a key, an environment variable and a default. Flags win over the environment, the environment over the
file, the file over the defaults.

* **Flags.** `--set key=value` sets any key, for example `--set sizing.scale=0.5`. `--data-dir` is short for
  `--set data_dir=…`, `--listen` of `brokerd serve` for `--set api.listen=…`, and `--listen` of `brokerd gateway` for
  `--set gateway.listen=…`.
* **Environment.** `BROKERD_` and the key in upper case, with `_` instead of the dot. Empty variables count as absent.
* **File.** TOML: `brokerd.toml` in the data directory, or the file that `--config` or `BROKERD_CONFIG` names.

`brokerd config` prints the effective values as such a file, secrets redacted. Unknown keys are errors: in the file, in
flags, and in variables that begin with `BROKERD_` and the name of a section.

A list is written with commas in a flag or variable and as an array in the file. A map is written `a=b,c=d` and as a
table in the file.

`make` takes the installation, the data directory and your database from the environment only: set
`BROKERD_INSTALLATION`, `BROKERD_DATA_DIR` and `DATABASE_URL` there. It refuses a file that says otherwise of the first
two. Without a database in the environment, `make run` brings its own. The scripts also read `BROKERD_PROFILE`
(`release` or `dev`), `BROKERD_BUILD_LOGS`, `BROKERD_POSTGRES_PORT` ([the database](operating.md#the-database)), and the
variables of [`make observe`](prometheus.md) and of [brokerd in containers](deployment.md#in-containers).
";

/// What the sources say of one type.
#[derive(Default)]
struct Described {
    about: String,
    /// Fields of a section or values of a choice: name, the name of its type without generics of one argument, and what
    /// is said of it.
    members: Vec<(String, String, String)>,
}

fn about(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &pair.value else { return None };
        match &literal.lit {
            Lit::Str(text) if pair.path.is_ident("doc") => Some(text.value().trim().to_owned()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join(" ")
}

fn name_of(kind: &Type) -> String {
    match kind {
        Type::Path(path) => {
            path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Whether an attribute says how variants are written, which is in lower case; without one, they are written as here.
fn says_how_it_is_written(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    list.path.is_ident("serde")
}

/// Whether a value is read from another one, so that fields and variants of its type are not what is written.
fn is_converted(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("serde")
            && list.tokens.clone().into_iter().any(|token| token.to_string() == "try_from")
    })
}

/// The sections and choices of the sources, by name.
fn described() -> BTreeMap<String, Described> {
    let mut found = BTreeMap::new();
    for source in sources() {
        for item in syn::parse_file(&source).expect("Rust").items {
            let (name, entry) = match item {
                Item::Struct(item) if is_converted(&item.attrs) => continue,
                Item::Enum(item) if is_converted(&item.attrs) => continue,
                Item::Struct(item) => {
                    let Fields::Named(fields) = item.fields else { continue };
                    let members = fields.named.iter().map(|field| {
                        let name = field.ident.as_ref().map(ToString::to_string);
                        (name.unwrap_or_default(), name_of(&field.ty), about(&field.attrs))
                    });
                    let members = members.collect();
                    (item.ident, Described { about: about(&item.attrs), members })
                }
                Item::Enum(item) => {
                    let is_renamed = item.attrs.iter().any(says_how_it_is_written);
                    let members = item.variants.iter().map(|variant| {
                        let name = variant.ident.to_string();
                        let name = if is_renamed { name.to_lowercase() } else { name };
                        (name, String::new(), about(&variant.attrs))
                    });
                    let members = members.collect();
                    (item.ident, Described { about: about(&item.attrs), members })
                }
                _ => continue,
            };
            found.insert(name.to_string(), entry);
        }
    }
    found
}

/// A paragraph in lines of at most 120 columns, the later ones indented.
fn wrapped(text: &str, indent: &str) -> String {
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + word.chars().count() >= 120 {
            lines.push_str(line.trim_end());
            lines.push('\n');
            indent.clone_into(&mut line);
        }
        line.push_str(word);
        line.push(' ');
    }
    lines + line.trim_end() + "\n"
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => format!("{number:?}"),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The default as a sentence; none where the description tells it.
fn default(key: &str, value: Option<&Value>) -> Option<String> {
    // It depends on who runs brokerd.
    if ["data_dir", "registry.docker_config"].contains(&key) {
        return None;
    }
    let text = value.map(shown).filter(|text| !text.is_empty() && text != "{}");
    Some(text.map_or_else(|| "not set".to_owned(), |text| format!("`{}`", text.replace(',', ", "))))
}

fn key(page: &mut String, key: &str, kind: Kind, said: &str, choices: Option<&Described>) {
    let defaults: Table = Table::try_from(Configuration::default()).expect("TOML");
    let value =
        key.split('.').try_fold(&Value::Table(defaults), |value, part| value.get(part)).cloned();
    let _ = write!(page, "\n### `{key}`\n\n{}", wrapped(said, ""));
    if let Some(choices) = choices {
        page.push('\n');
        for (name, _, said) in &choices.members {
            assert!(!said.is_empty(), "nothing is said of `{name}` of {key}");
            page.push_str(&wrapped(&format!("* `{name}`: {said}"), "  "));
        }
    }
    let kind = match kind {
        Kind::Text => "Text",
        Kind::Integer => "Whole number",
        Kind::Float => "Number",
        Kind::Boolean => "`true` or `false`",
        Kind::List => "List",
        Kind::Map => "Map",
    };
    let mut facts = format!("{kind}. Variable `{}`", layers::variable(key));
    for (name, _) in layers::COMMON.iter().filter(|(_, common)| *common == key) {
        let _ = write!(facts, "; `{name}` is read, too");
    }
    if let Some(default) = default(key, value.as_ref()) {
        let _ = write!(facts, ". Default: {default}");
    }
    let _ = write!(page, "\n{}", wrapped(&(facts + "."), ""));
}

fn page() -> String {
    let described = described();
    let kinds: BTreeMap<_, _> = layers::KEYS.iter().copied().collect();
    let mut page = INTRODUCTION.to_owned();
    let mut written = 0;
    let mut member = |page: &mut String, path: &str, kind: &str, said: &str| {
        assert!(!said.is_empty(), "nothing is said of {path}");
        // Its variants are no values to choose from: the description says what `auto` is, and what else there is.
        let is_choice = kind == "Choice";
        assert!(!is_choice || said.contains("`auto`:"), "{path} does not say what `auto` is");
        let values = kinds.get(path).unwrap_or_else(|| panic!("{path} is not in KEYS"));
        key(page, path, *values, said, described.get(kind).filter(|_| !is_choice));
        written += 1;
    };
    let (sections, plain): (Vec<_>, Vec<_>) = described["Configuration"]
        .members
        .iter()
        .partition(|(_, kind, said)| said.is_empty() && described.contains_key(kind));
    page.push_str("\n## General\n");
    for (name, kind, said) in plain {
        member(&mut page, name, kind, said);
    }
    let mut sections: Vec<_> =
        sections.into_iter().map(|(name, kind, _)| (name.clone(), kind)).collect();
    sections.reverse();
    while let Some((section, kind)) = sections.pop() {
        let of = &described[kind];
        let _ = write!(page, "\n## `[{section}]`\n\n{}", wrapped(&of.about, ""));
        for (name, kind, said) in &of.members {
            let path = format!("{section}.{name}");
            if said.is_empty() && described.contains_key(kind) {
                // A section of its own, after this one.
                sections.push((path, kind));
            } else {
                member(&mut page, &path, kind, said);
            }
        }
    }
    assert_eq!(written, layers::KEYS.len(), "every key is described once");
    page
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how a golden file is asked to be written")]
fn the_page_of_the_configuration_is_that_of_the_sections() {
    let page = page();
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(GOLDEN, &page).expect("written");
    }
    let committed = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(
        committed == page,
        "docs/configuration.md is stale: UPDATE_GOLDEN=1 cargo test -p brokerd configuration"
    );
}

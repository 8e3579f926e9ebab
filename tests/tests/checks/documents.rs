//! The documents: links lead somewhere, lines are short, and what they name exists.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};
use brokerd_tests::machine;

/// The longest line of a document, in columns.
const COLUMNS: usize = 120;

/// Sentences that a page quotes from other programs.
const OF_OTHERS: &[&str] = &[
    "No route to host",
    "has incorrect label",
    "is missing",
    "migration",
    "network",
    "not found",
    "unrecognized_name",
    "was found but",
];

/// Every file below the root with one of these endings, but for what is built.
fn files(endings: &[&str]) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![machine::repository().to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_symlink() || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                if !["target", "node_modules"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "there are no files {endings:?}");
    Ok(found)
}

/// A document: its text without fenced code, and its code, inline and fenced line by line.
struct Document {
    path: PathBuf,
    text: String,
    prose: String,
    code: Vec<String>,
}

fn documents() -> Result<Vec<Document>> {
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path)?;
        let (mut prose, mut code, mut fenced) = (String::new(), Vec::new(), false);
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                code.push(line.trim().to_owned());
            } else {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        ensure!(!fenced, "{}: a block of code has no end", path.display());
        let spans = prose.split('`').skip(1).step_by(2);
        code.extend(spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
        Ok(Document { path, text, prose, code })
    };
    files(&[".md"])?.into_iter().map(read).collect()
}

/// What a heading is called in links, as forges do.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(path: &Path) -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(path)?;
    let headings = text.lines().filter(|line| line.starts_with('#'));
    Ok(headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect())
}

#[test]
fn lines_of_documents_fit_on_a_screen() -> Result<()> {
    for document in documents()? {
        for (number, line) in document.text.lines().enumerate() {
            let columns = line.chars().count();
            ensure!(
                columns <= COLUMNS,
                "{}:{}: {columns} columns",
                document.path.display(),
                number + 1
            );
        }
    }
    Ok(())
}

#[test]
fn links_of_documents_lead_somewhere() -> Result<()> {
    assert_eq!(anchor("`api.listen`"), "apilisten");
    assert_eq!(anchor("From broker to broker"), "from-broker-to-broker");
    let mut followed = 0;
    for Document { path, prose, .. } in documents()? {
        // Code may look like a link.
        let text: String = prose.split('`').step_by(2).collect::<Vec<_>>().join("code");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let folder = path.parent().context("a folder")?;
            let target = if file.is_empty() { path.clone() } else { folder.join(file) };
            ensure!(target.exists(), "{}: nothing is at {link}", path.display());
            ensure!(
                fragment.is_empty() || anchors(&target)?.contains(fragment),
                "{}: {link} has no such heading",
                path.display()
            );
            followed += 1;
        }
    }
    ensure!(followed > 50, "only {followed} links were found: they are not read");
    Ok(())
}

#[test]
fn the_files_that_documents_name_exist() -> Result<()> {
    let root = machine::repository();
    let mut named = 0;
    for Document { path, code, .. } in documents()? {
        for code in &code {
            let is_path = code.contains("/src/")
                || code.starts_with("tests/")
                || code.starts_with("migrations/");
            if !is_path || code.contains([' ', '<', '…', 'N', '"']) {
                continue;
            }
            // Some pages name what is in their own folder.
            let folder = path.parent().context("a folder")?;
            let exists = root.join(code).exists() || folder.join(code).exists();
            ensure!(exists, "{}: there is no {code}", path.display());
            named += 1;
        }
    }
    ensure!(named > 50, "only {named} were found: they are not read");
    Ok(())
}

#[test]
fn every_page_is_in_the_index_of_its_folder() -> Result<()> {
    for folder in ["docs", "docs/adr"] {
        let folder = machine::repository().join(folder);
        let index = fs::read_to_string(folder.join("README.md"))?;
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let listed = name == "README.md" || index.contains(&format!("({name}"));
            ensure!(listed || !name.ends_with(".md"), "{name} is not in {}", folder.display());
        }
    }
    Ok(())
}

/// The words behind `command`, where a piece of code begins with it or substitutes it.
fn called<'a>(code: &'a str, command: &str) -> Option<Vec<&'a str>> {
    let rest = code.strip_prefix(command).or_else(|| {
        let (_, rest) = code.split_once("$(").filter(|(_, rest)| rest.starts_with(command))?;
        rest.strip_prefix(command)
    })?;
    let words = rest.strip_prefix(' ')?.split([' ', ')', '"', ';']);
    Some(words.filter(|word| !word.is_empty() && !word.starts_with('-')).collect())
}

#[test]
fn the_targets_of_make_that_documents_name_exist() -> Result<()> {
    let makefile = fs::read_to_string(machine::repository().join("Makefile"))?;
    let described = makefile.lines().filter(|line| line.contains(" ## "));
    let targets: BTreeSet<_> = described.filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let mut named = 0;
    for Document { path, code, .. } in documents()? {
        for code in &code {
            // Settings may stand before it.
            let code =
                code.rsplit_once(" make ").map_or(code.clone(), |(_, rest)| format!("make {rest}"));
            let Some(target) = called(&code, "make").and_then(|words| words.first().copied())
            else {
                continue;
            };
            ensure!(targets.contains(target), "{}: there is no make {target}", path.display());
            named += 1;
        }
    }
    ensure!(named > 20, "only {named} were found: they are not read");
    Ok(())
}

/// The subcommands that the binary lists in its help.
fn subcommands(of: &[&str]) -> Result<BTreeSet<String>> {
    let help = machine::run(Command::new(machine::binary()?).args(of).arg("--help"))?;
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default().lines();
    let listed = listed.take_while(|line| line.starts_with("  "));
    Ok(listed.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect())
}

#[test]
fn the_subcommands_of_brokerd_that_documents_name_exist() -> Result<()> {
    let commands = subcommands(&[])?;
    let mut named = 0;
    for Document { path, code, .. } in documents()? {
        for code in &code {
            let Some(words) = called(code, "brokerd") else { continue };
            let Some(command) = words.first() else { continue };
            ensure!(
                commands.contains(*command),
                "{}: there is no brokerd {command}",
                path.display()
            );
            let below = subcommands(&[command])?;
            let known = words.get(1).is_none_or(|word| below.contains(*word));
            ensure!(below.is_empty() || known, "{}: brokerd {words:?}", path.display());
            named += 1;
        }
    }
    ensure!(named > 10, "only {named} were found: they are not read");
    Ok(())
}

#[test]
fn the_settings_that_documents_name_exist() -> Result<()> {
    let page = fs::read_to_string(machine::repository().join("docs/configuration.md"))?;
    let keys: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .filter(|key| key.contains('.'))
        .collect();
    let sections: BTreeSet<_> =
        keys.iter().filter_map(|key| Some(key.split_once('.')?.0)).collect();
    let mut named = 0;
    for Document { path, code, .. } in documents()? {
        for code in &code {
            let key = code.split([' ', '=']).next().unwrap_or_default();
            let Some((section, name)) = key.split_once('.') else { continue };
            let like_one = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            // Files and metrics of the same beginning.
            if !sections.contains(section)
                || !like_one
                || ["rs", "md", "sh", "properties"].contains(&name)
            {
                continue;
            }
            // Files in the data directory.
            if ["api.url", "database.url"].contains(&key) || keys.contains(key) {
                named += 1;
                continue;
            }
            bail!("{}: there is no setting {key}", path.display());
        }
    }
    ensure!(named > 50, "only {named} were found: they are not read");
    Ok(())
}

#[test]
fn the_sentences_of_the_page_on_trouble_are_those_of_the_programs() -> Result<()> {
    let mut programs = String::new();
    for path in files(&[".rs", ".sh", ".java"])? {
        if path.strip_prefix(machine::repository())?.starts_with("tests") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        // A string may go on in the next line.
        programs.push_str(&text.replace("\\\n", ""));
    }
    let page = fs::read_to_string(machine::repository().join("docs/troubleshooting.md"))?;
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut quoted = 0;
    for bold in page.split("**").skip(1).step_by(2) {
        for span in bold.split('`').skip(1).step_by(2) {
            for part in span.split('…').map(str::trim).filter(|part| !part.is_empty()) {
                let part = part.strip_prefix("apps-").unwrap_or(part).trim();
                ensure!(
                    OF_OTHERS.iter().any(|other| part.contains(other)) || programs.contains(part),
                    "no program says {part:?}"
                );
                quoted += 1;
            }
        }
    }
    ensure!(quoted > 40, "only {quoted} sentences were found: they are not read");
    Ok(())
}

//! The sources of the workspace, as the checks read them.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

/// A source file: its path from the root of the workspace, its code without comments, and its length.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) code: String,
    pub(crate) lines: usize,
}

/// Every source file in a folder, of which there must be some: a folder that has moved is not guarded.
pub(crate) fn sources(folder: &str) -> Result<Vec<Source>> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a root")?;
    let (mut found, mut folders) = (Vec::new(), vec![root.join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path)?;
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.push(Source {
                    path: path.strip_prefix(root)?.display().to_string(),
                    code: code.collect::<Vec<_>>().join("\n"),
                    lines: text.lines().count(),
                });
            }
        }
    }
    ensure!(!found.is_empty(), "there are no sources in {folder}");
    Ok(found)
}

/// A path that a file imports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: String,
    /// What it is called in the file.
    pub(crate) name: String,
    /// It is given on, as by `pub use`.
    pub(crate) is_reexport: bool,
}

/// How statements begin that import, and whether they give on what they do.
const IMPORTS_BEGIN: [(&str, bool); 5] = [
    ("use ", false),
    ("pub use ", true),
    ("pub(crate) use ", true),
    ("pub(super) use ", true),
    ("pub(in ", true),
];

/// The code of a file without the statements that import.
pub(crate) fn without_imports(code: &str) -> String {
    let mut is_import = false;
    let mut kept = Vec::new();
    for line in code.lines() {
        is_import |= IMPORTS_BEGIN.iter().any(|(begin, _)| line.trim().starts_with(begin));
        if !is_import {
            kept.push(line);
        }
        is_import &= !line.trim_end().ends_with(';');
    }
    kept.join("\n")
}

/// What a file imports.
pub(crate) fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut statement: Option<(String, bool)> = None;
    for line in code.lines().map(str::trim) {
        let begun = IMPORTS_BEGIN.iter().find_map(|(begin, is_reexport)| {
            let rest = line.strip_prefix(begin)?;
            let tree = if *begin == "pub(in " { rest.split_once(") use ")?.1 } else { rest };
            Some((tree, *is_reexport))
        });
        let (all, is_reexport) = match (statement.take(), begun) {
            (Some((before, is_reexport)), _) => (before + line, is_reexport),
            (None, Some((line, is_reexport))) => (line.to_owned(), is_reexport),
            (None, None) => continue,
        };
        match all.strip_suffix(';') {
            Some(tree) => {
                let mut paths = Vec::new();
                flatten("", tree, &mut paths);
                found.extend(paths.into_iter().map(|(path, name)| Import {
                    path,
                    name,
                    is_reexport,
                }));
            }
            None => statement = Some((all, is_reexport)),
        }
    }
    found
}

/// The paths of a tree of imports, each with what it is called.
fn flatten(prefix: &str, tree: &str, found: &mut Vec<(String, String)>) {
    let Some((name, branches)) =
        tree.split_once('{').and_then(|(name, rest)| Some((name, rest.rsplit_once('}')?.0)))
    else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        if !path.trim().is_empty() {
            let path = format!("{prefix}{}", path.trim());
            let last = path.trim_end_matches("::self").rsplit("::").next().unwrap_or(&path);
            let name = if alias.is_empty() { last } else { alias.trim() }.to_owned();
            found.push((path, name));
        }
        return;
    };
    let prefix = format!("{prefix}{}", name.trim());
    let mut depth = 0_usize;
    let branches = branches.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for branch in branches {
        flatten(&prefix, branch, found);
    }
}

#[test]
fn what_is_left_without_imports_is_what_calls() {
    let code = "use a::b;\npub(crate) use c::{\n  d::e,\n  f,\n};\nfn g() { a::b() }";
    assert_eq!(without_imports(code), "fn g() { a::b() }");
    let code = "pub(in crate::a) use b::{\n  c::d,\n};\npub(crate) fn user() {}";
    assert_eq!(without_imports(code), "pub(crate) fn user() {}");
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let code = "use a::b;\npub use c::{\n  d, e::{f, g as h},\n  i,\n};\nfn x() {}\nmod t {\n use j::*;\n}";
    let found = imports(code);
    let paths: Vec<_> = found.iter().map(|import| import.path.as_str()).collect();
    assert_eq!(paths, ["a::b", "c::d", "c::e::f", "c::e::g", "c::i", "j::*"]);
    let names: Vec<_> = found.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["b", "d", "f", "h", "i", "*"]);
    let given_on: Vec<_> = found.iter().map(|import| import.is_reexport).collect();
    assert_eq!(given_on, [false, true, true, true, true, false]);
}

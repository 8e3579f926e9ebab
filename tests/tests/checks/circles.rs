//! No file of a crate needs another one that needs it: each can be read without the other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::sources::{Source, imports, sources};

/// The crates that are built of modules.
const CRATES: [&str; 6] = ["api", "brokerd", "domain", "gateway", "provisioner", "store"];

/// A module, by its path from the root of its crate.
type Module = Vec<String>;
/// The modules that each one needs.
type Needs = BTreeMap<Module, BTreeSet<Module>>;

/// The module that a file holds.
fn module(path: &str) -> Module {
    let path = path.split_once("/src/").map_or(path, |(_, path)| path);
    let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// The code of a file without the tests that it ends with.
fn without_tests(code: &str) -> &str {
    code.find("#[cfg(test)]\nmod tests {").map_or(code, |at| &code[..at])
}

/// The file that a path leads to, seen from `here`; none: a library's.
fn leads_to(path: &str, here: &Module, files: &BTreeSet<Module>) -> Option<Module> {
    let mut segments = path.split("::").map(str::trim).peekable();
    let mut at = match segments.next()? {
        "crate" => Module::new(),
        "self" => here.clone(),
        "super" => {
            let mut at = here.clone();
            at.pop()?;
            while segments.next_if_eq(&"super").is_some() {
                at.pop()?;
            }
            at
        }
        // A child of this module, as in `pub use child::Name`.
        child => {
            let mut at = here.clone();
            at.push(child.to_owned());
            return files.contains(&at).then_some(at);
        }
    };
    for segment in segments {
        at.push(segment.to_owned());
        if !files.contains(&at) {
            at.pop();
            break;
        }
    }
    files.contains(&at).then_some(at)
}

/// Paths that are written where they are used, as `crate::clock::now()`.
fn written_out(code: &str) -> impl Iterator<Item = &str> {
    ["crate::", "super::"].into_iter().flat_map(move |begin| {
        code.match_indices(begin).filter_map(move |(at, _)| {
            let before = code[..at].chars().next_back();
            let begins =
                before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ':' | '_' | '$'));
            let rest = &code[at..];
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':'))
                .unwrap_or(rest.len());
            let path = &rest[..end];
            // A tree of imports goes on with a brace, and is read as such.
            (begins && !path.ends_with(':')).then_some(path)
        })
    })
}

fn needs(files: &[Source]) -> Needs {
    let modules: BTreeSet<Module> = files.iter().map(|file| module(&file.path)).collect();
    let mut needs = Needs::new();
    for file in files {
        let here = module(&file.path);
        let code = without_tests(&file.code);
        let imported = imports(code).into_iter().filter_map(|import| {
            let there = leads_to(&import.path, &here, &modules)?;
            // A re-export of the module's own files is not an import.
            (!(import.is_reexport && there.starts_with(&here))).then_some(there)
        });
        let written = written_out(code).filter_map(|path| leads_to(path, &here, &modules));
        let mut all: BTreeSet<Module> = imported.chain(written).collect();
        all.remove(&here);
        needs.insert(here, all);
    }
    needs
}

/// All that a module needs, directly or by others.
fn reached(from: &Module, needs: &Needs) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(module) = waiting.pop() {
        for next in needs.get(module).into_iter().flatten() {
            if reached.insert(next.clone()) {
                waiting.push(next);
            }
        }
    }
    reached
}

/// The modules that need themselves, and for each what of that circle it needs directly.
fn circles(needs: &Needs) -> Vec<String> {
    let reached: BTreeMap<_, _> =
        needs.keys().map(|module| (module, reached(module, needs))).collect();
    needs
        .keys()
        .filter(|module| reached[module].contains(*module))
        .map(|module| {
            let next = needs[module].iter().filter(|next| reached[next].contains(module));
            let next: Vec<_> = next.map(|next| next.join("::")).collect();
            format!("{} needs {}", module.join("::"), next.join(", "))
        })
        .collect()
}

#[test]
fn no_file_needs_one_that_needs_it() -> Result<()> {
    let mut found = Vec::new();
    for name in CRATES {
        let needs = needs(&sources(&format!("{name}/src"))?);
        ensure!(needs.values().any(|needs| !needs.is_empty()), "{name}: nothing is read");
        found.extend(circles(&needs).into_iter().map(|circle| format!("{name}: {circle}")));
    }
    ensure!(found.is_empty(), "these need each other:\n  {}", found.join("\n  "));
    Ok(())
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let file = |path: &str, code: &str| Source {
        path: format!("x/src/{path}"),
        code: code.to_owned(),
        lines: 1,
    };
    let found = |files: &[Source]| circles(&needs(files)).len();
    let (root, leaf) = (file("lib.rs", "mod a;\nmod b;"), file("b.rs", "fn f() {}"));
    assert_eq!(found(&[root, file("a.rs", "use crate::b::f;"), leaf]), 0);
    for back in ["use crate::a::{self, g};", "fn f() { super::a::g() }", "use super::{\n  a,\n};"] {
        let files = [file("a.rs", "use crate::b::f;"), file("b.rs", back), file("lib.rs", "")];
        assert_eq!(found(&files), 2, "{back}");
    }
    let room = [
        file("r/mod.rs", "pub(crate) use one::One;\nmod one;"),
        file("r/one.rs", "use super::two::Two;"),
        file("r/two.rs", "#[cfg(test)]\nmod tests {\n use crate::r::one::One;\n}"),
    ];
    assert_eq!(found(&room), 0, "re-exports and tests make no circle");
    let siblings = [
        file("r/mod.rs", "mod one;\nmod two;\nuse one::f;"),
        file("r/one.rs", "use super::{\n  two::Two,\n};"),
        file("r/two.rs", ""),
    ];
    assert_eq!(found(&siblings), 0, "a tree of imports names its branches");
}

//! The modules of a crate, and which of them each one needs.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{Import, Source, imports, without_imports};

/// A module, by its path from the root of its crate.
pub(crate) type Module = Vec<String>;
/// The modules that each one needs.
pub(crate) type Needs = BTreeMap<Module, BTreeSet<Module>>;

/// The module that a file holds.
fn module(path: &str) -> Module {
    let path = path.split_once("/src/").map_or(path, |(_, path)| path);
    let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// What a line declares as a module, with what follows the name: `;` of a file, ` {` of a part of this one.
fn declared(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once("mod ")?;
    let before = before.trim();
    let is_visibility = before.is_empty() || before == "pub" || before.starts_with("pub(");
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    is_visibility.then_some(rest.split_at(end))
}

/// The code of a file without the tests that it ends with, and the files of tests that it declares.
fn without_tests<'a>(code: &'a str, here: &Module) -> (&'a str, Vec<Module>) {
    const OF_TESTS: &str = "#[cfg(test)]\n";
    let mut files = Vec::new();
    for (at, _) in code.match_indices(OF_TESTS) {
        let mut lines = code[at + OF_TESTS.len()..].lines();
        let mut folder = here.clone();
        let item = lines.find(|line| {
            if line.starts_with("#[path =") {
                // Such a path begins where the file is, not in the folder of its name.
                folder.pop();
            }
            !line.starts_with("#[")
        });
        match item.and_then(declared) {
            Some((_, " {")) => return (&code[..at], files),
            Some((name, ";")) => {
                folder.push(name.to_owned());
                files.push(folder);
            }
            _ => {}
        }
    }
    (code, files)
}

/// What a crate is made of.
struct Tree {
    files: BTreeSet<Module>,
    /// What each file imports, and may so give on.
    imports: BTreeMap<Module, Vec<Import>>,
}

impl Tree {
    /// The files that a path leads to, seen from `here`: the one that has what is named, and those that give it on. None
    /// for a path to a library.
    fn leads_to(&self, path: &str, here: &Module) -> BTreeSet<Module> {
        let mut found = BTreeSet::new();
        self.follow(path, here, &mut BTreeSet::new(), &mut found);
        found
    }

    fn follow(
        &self,
        path: &str,
        here: &Module,
        followed: &mut BTreeSet<(Module, String)>,
        found: &mut BTreeSet<Module>,
    ) {
        let mut segments = path.split("::").map(str::trim).peekable();
        let mut at = here.clone();
        let is_ours = match segments.peek() {
            Some(&"crate") => {
                at.clear();
                true
            }
            Some(&"self") => true,
            Some(&"super") => {
                while segments.next_if_eq(&"super").is_some() {
                    if at.pop().is_none() {
                        return;
                    }
                }
                true
            }
            // A child of this module or what it imports, as in `pub use child::Name`, or a library.
            _ => false,
        };
        if is_ours {
            segments.next_if(|first| matches!(*first, "crate" | "self"));
        }
        let mut was_found = is_ours;
        while let Some(segment) = segments.next() {
            at.push(segment.to_owned());
            if self.files.contains(&at) {
                was_found = true;
                continue;
            }
            at.pop();
            let given_on = self.imports.get(&at).into_iter().flatten();
            for import in given_on.filter(|import| import.name == segment) {
                if followed.insert((at.clone(), import.path.clone())) {
                    let rest = segments
                        .clone()
                        .fold(import.path.clone(), |path, segment| path + "::" + segment);
                    self.follow(&rest, &at, followed, found);
                }
            }
            break;
        }
        if was_found && self.files.contains(&at) {
            found.insert(at);
        }
    }
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

/// Whether a path that begins with a module is written where it is used, as `child::f()`.
fn is_written(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, ':' | '_' | '$'))
    })
}

/// The files of a crate with their code, without what is compiled for tests alone.
pub(crate) fn of_production(sources: &[Source]) -> Vec<(Module, &str)> {
    let (mut codes, mut tests) = (Vec::new(), Vec::new());
    for source in sources {
        let here = module(&source.path);
        let (code, of_tests) = without_tests(&source.code, &here);
        tests.extend(of_tests);
        codes.push((here, code));
    }
    codes.retain(|(here, _)| !tests.iter().any(|test| here.starts_with(test)));
    codes
}

/// What each file of a crate needs. What is compiled for tests alone is left out.
pub(crate) fn needs(sources: &[Source]) -> Needs {
    let codes = of_production(sources);
    let files = sources.iter().map(|source| module(&source.path)).collect();
    let imports = codes.iter().map(|(here, code)| (here.clone(), imports(code))).collect();
    let tree = Tree { files, imports };
    let needed = |here: &Module, code: &str| {
        let mut needed = BTreeSet::new();
        for import in &tree.imports[here] {
            let there = tree.leads_to(&import.path, here).into_iter();
            // What a room gives on of its own files it need not know: who asks for it is led there.
            let is_given_on = import.is_reexport && import.name != "*";
            needed.extend(there.filter(|there| !(is_given_on && there.starts_with(here))));
        }
        let code = without_imports(code);
        needed.extend(written_out(&code).flat_map(|path| tree.leads_to(path, here)));
        let is_child = |file: &Module| file.split_last().is_some_and(|(_, at)| at == here);
        let named = |file: &Module| file.last().is_some_and(|name| is_written(&code, name));
        needed.extend(tree.files.iter().filter(|file| is_child(file) && named(file)).cloned());
        needed.remove(here);
        needed
    };
    codes.into_iter().map(|(here, code)| (here.clone(), needed(&here, code))).collect()
}

/// What the files and folders beside each other need of each other, at every level: a folder needs what is needed by a
/// file in it.
pub(crate) fn needs_of_rooms(needs: &Needs) -> Needs {
    let mut rooms = Needs::new();
    for (file, needed) in needs {
        for needed in needed {
            let common = file.iter().zip(needed).take_while(|(one, other)| one == other).count();
            // A folder and what is in it are not beside each other.
            if let (Some(room), Some(other)) = (file.get(..=common), needed.get(..=common)) {
                rooms.entry(room.to_vec()).or_default().insert(other.to_vec());
            }
        }
    }
    rooms
}

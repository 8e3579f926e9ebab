//! No file of a crate needs another one that needs it: each can be read without the other. Nor do two rooms.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::{
    modules::{Module, Needs, needs, needs_of_rooms},
    sources::{Source, sources},
};

/// The crates that are built of modules.
const CRATES: [&str; 6] = ["api", "brokerd", "domain", "gateway", "provisioner", "store"];

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
            let leads_back =
                |next: &&Module| reached.get(*next).is_some_and(|all| all.contains(module));
            let next = needs[module].iter().filter(leads_back);
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
fn no_room_needs_one_that_needs_it() -> Result<()> {
    let mut found = Vec::new();
    for name in CRATES {
        let needs = needs_of_rooms(&needs(&sources(&format!("{name}/src"))?));
        ensure!(needs.keys().any(|room| room.len() > 1), "{name}: no room in a room is read");
        found.extend(circles(&needs).into_iter().map(|circle| format!("{name}: {circle}")));
    }
    ensure!(found.is_empty(), "these rooms need each other:\n  {}", found.join("\n  "));
    Ok(())
}

fn file(path: &str, code: &str) -> Source {
    Source { path: format!("x/src/{path}"), code: code.to_owned(), lines: 1 }
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let found = |files: &[Source]| circles(&needs(files)).len();
    let (root, leaf) = (file("lib.rs", "mod a;\nmod b;"), file("b.rs", "fn f() {}"));
    assert_eq!(found(&[root, file("a.rs", "use crate::b::f;"), leaf]), 0);
    for back in ["use crate::a::{self, g};", "fn f() { super::a::g() }", "use super::{\n  a,\n};"] {
        let files = [file("a.rs", "use crate::b::f;"), file("b.rs", back), file("lib.rs", "")];
        assert_eq!(found(&files), 2, "{back}");
    }
    let child = [
        file("r/mod.rs", "mod one;\nfn f() { one::g(); }"),
        file("r/one.rs", "use super::f;\nfn g() { f() }"),
    ];
    assert_eq!(found(&child), 2, "a child is named without an import");
    let room = [
        file("r/mod.rs", "pub(crate) use one::One;\nmod one;"),
        file("r/one.rs", "use super::two::Two;"),
        file("r/two.rs", "#[cfg(test)]\nmod tests {\n use crate::r::one::One;\n}"),
    ];
    assert_eq!(found(&room), 0, "re-exports and tests make no circle");
    for (given_on, name) in [
        ("pub(crate) use one::One;", "One"),
        ("pub use self::{one::One as Uno, two::Two};", "Uno"),
        ("pub(crate) use one::*;", "One"),
        ("use one::One;", "One"),
    ] {
        for tests in ["#[cfg(test)]\npub(crate) mod tests {\n use crate::b::B;\n}", ""] {
            let by_a_room = [
                file("a.rs", &format!("use crate::r::{name};\n{tests}")),
                file("b.rs", "use crate::a::A;"),
                file("lib.rs", "mod a;\nmod r;"),
                file("r/mod.rs", given_on),
                file("r/one.rs", "use crate::a::A;"),
                file("r/two.rs", ""),
            ];
            let found = circles(&needs(&by_a_room));
            assert!(found.iter().any(|circle| circle.starts_with("r::one needs")), "{given_on}");
            assert!(!found.iter().any(|circle| circle.starts_with("b needs")), "tests are no need");
        }
    }
    let tests = [
        file("a/mod.rs", "#[cfg(test)]\npub(super) mod example;\nuse crate::b::B;"),
        file("a/example.rs", "use crate::c::C;"),
        file("b.rs", "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod b_tests;"),
        file("b_tests.rs", "use crate::a::A;"),
        file("c.rs", "use crate::a::example::Example;"),
    ];
    assert_eq!(found(&tests), 0, "files of tests make no circle");
    let siblings = [
        file("r/mod.rs", "mod one;\nmod two;\nuse one::f;"),
        file("r/one.rs", "use super::{\n  two::Two,\n};"),
        file("r/two.rs", ""),
    ];
    assert_eq!(found(&siblings), 0, "a tree of imports names its branches");
}

#[test]
fn a_circle_of_rooms_is_found_at_every_level() {
    let found = |files: &[Source]| circles(&needs_of_rooms(&needs(files)));
    let tree = |of_the_leaf: &str| {
        [
            file("lib.rs", "mod a;\nmod b;\nmod c;"),
            file("a/mod.rs", "pub(crate) mod deep;\nmod top;\npub(crate) use top::Top;"),
            file("a/top.rs", "use super::deep::{One, two::Two};\nuse crate::b::B;"),
            file("a/deep/mod.rs", "mod one;\npub(crate) mod two;\npub(crate) use one::One;"),
            file("a/deep/one/mod.rs", "use super::two::Two;\nuse crate::c::f;"),
            file("a/deep/one/leaf.rs", ""),
            file("a/deep/two.rs", of_the_leaf),
            file("b.rs", "use crate::c::f;"),
            file("c.rs", "fn f() {}"),
        ]
    };
    assert_eq!(found(&tree("")), [""; 0]);
    let files = tree("use super::one::leaf::Leaf;");
    assert_eq!(circles(&needs(&files)), [""; 0], "no file is in a circle");
    let deep = ["a::deep::one needs a::deep::two", "a::deep::two needs a::deep::one"];
    assert_eq!(found(&files), deep);
    let between = [
        file("one/mod.rs", "mod f;\npub(crate) mod h;"),
        file("one/f.rs", "use crate::two::g::G;"),
        file("one/h.rs", ""),
        file("two/mod.rs", "pub(crate) mod g;"),
        file("two/g.rs", "use crate::three::T;"),
        file("three.rs", "use crate::one::h::H;"),
    ];
    assert_eq!(circles(&needs(&between)), [""; 0]);
    assert_eq!(found(&between), ["one needs two", "three needs one", "two needs three"]);
}

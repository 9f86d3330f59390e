//! Finds import cycles among the files of a room, `mod.rs` included.
//!
//! File X imports file Y if code of X outside of tests names Y's module or an item of it: by
//! `crate::`, `super::` or `self::`, by a child module, or by the name of an imported module.
//! `mod y;` and `pub use y::…` are imports of Y by X. A path through a re-export in `mod.rs` is an
//! import of `mod.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::sources::{Named, Source, sources};

/// Imports by importing and imported file, each with an example: a line and a path.
type Imports<'s> = BTreeMap<&'s str, BTreeMap<&'s str, (usize, String)>>;

/// Files by the paths of their modules.
type Modules<'s> = BTreeMap<Vec<String>, &'s Source>;

/// Returns the deepest module that a path names, starting in `module`.
fn resolve(
    path: &[String],
    module: &[String],
    aliases: &BTreeMap<&str, Vec<String>>,
    modules: &Modules<'_>,
) -> Option<Vec<String>> {
    let mut at = module.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &path[1..]),
        "self" | "super" => {
            while let Some(first) =
                rest.first().filter(|name| ["self", "super"].contains(&&***name))
            {
                if first == "super" {
                    at.pop();
                }
                rest = &rest[1..];
            }
        }
        name => {
            if let Some(imported) = aliases.get(name) {
                (at, rest) = (imported.clone(), &path[1..]);
            } else if !modules.contains_key(&[module, &path[..1]].concat()) {
                return None;
            }
        }
    }
    while let Some(name) = rest.first() {
        let deeper = [at.as_slice(), std::slice::from_ref(name)].concat();
        if !modules.contains_key(&deeper) {
            break;
        }
        (at, rest) = (deeper, &rest[1..]);
    }
    Some(at)
}

/// Collects the imports among files of the same room.
fn imports(sources: &[Source]) -> Imports<'_> {
    let shipped = sources.iter().filter(|source| !source.name.ends_with("tests.rs"));
    let modules: Modules<'_> = shipped.map(|source| (source.module(), source)).collect();
    let mut imports = Imports::new();
    for (module, source) in &modules {
        let mut aliases = BTreeMap::new();
        for named in &source.shipped.paths {
            let target = resolve(&named.path, module, &BTreeMap::new(), &modules);
            if let (Some(alias), Some(target)) = (&named.alias, target)
                && target.last() == named.path.last()
            {
                aliases.insert(alias.as_str(), target);
            }
        }
        let own = imports.entry(source.name.as_str()).or_default();
        let mut add = |path: &[String], line: usize| {
            let target = resolve(path, module, &aliases, &modules);
            let target = target.and_then(|target| modules.get(&target));
            if let Some(target) = target
                && target.name != source.name
                && target.room() == source.room()
            {
                own.entry(&target.name).or_insert_with(|| (line, path.join("::")));
            }
        };
        for (name, line) in &source.shipped.modules {
            add(&["self".to_owned(), name.clone()], *line);
        }
        for Named { line, path, .. } in &source.shipped.paths {
            let is_relative = !["crate", "self", "super"].contains(&path[0].as_str());
            // A lone name without a module before it is a local item or a prelude name.
            if path.len() > 1 || !is_relative {
                add(path, *line);
            }
        }
    }
    imports
}

/// Returns the shortest way from a file back to itself.
fn cycle_from<'s>(start: &'s str, imports: &Imports<'s>) -> Option<Vec<&'s str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for &next in imports.get(file)?.keys() {
            if next == start {
                let mut cycle = vec![start, file];
                while let Some(&previous) = before.get(cycle[cycle.len() - 1]) {
                    cycle.push(previous);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !before.contains_key(next) {
                before.insert(next, file);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Returns all files that can be reached by imports.
fn reachable<'s>(start: &'s str, imports: &Imports<'s>) -> BTreeSet<&'s str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(file) = open.pop() {
        for &next in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

/// Returns a message for each group of files that import each other in a circle.
fn cycles(sources: &[Source]) -> Vec<String> {
    let imports = imports(sources);
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|&file| (file, reachable(file, &imports))).collect();
    let (mut seen, mut messages) = (BTreeSet::new(), Vec::new());
    for (&file, reached) in &reach {
        if !reached.contains(file) || seen.contains(file) {
            continue;
        }
        let group: Vec<&str> =
            reached.iter().copied().filter(|other| reach[other].contains(file)).collect();
        seen.extend(group.iter().copied());
        let all = group.iter().filter_map(|file| cycle_from(file, &imports));
        let shortest = all.min_by_key(Vec::len).expect("a group has a cycle");
        let mut message = shortest.join(" -> ");
        for pair in shortest.windows(2) {
            let (line, path) = &imports[pair[0]][pair[1]];
            message += &format!("\n    {}:{line} names {path}", pair[0]);
        }
        if group.len() + 1 > shortest.len() {
            message += &format!("\n    {} files in all: {}", group.len(), group.join(" "));
        }
        messages.push(message);
    }
    messages
}

#[test]
fn files_of_a_room_have_no_import_cycle() {
    let found = cycles(&sources());
    assert!(found.is_empty(), "import cycles:\n  {}", found.join("\n  "));
}

#[test]
fn cycles_are_found_and_printed() {
    let parse = |files: &[(&str, &str)]| {
        let parse = |(name, text): &(&str, &str)| Source::parse(&format!("src/room/{name}"), text);
        cycles(&files.iter().map(parse).collect::<Vec<_>>())
    };
    let with_mod = parse(&[("mod.rs", "mod a;\npub struct X;"), ("a.rs", "use super::X;")]);
    assert_eq!(with_mod.len(), 1);
    let first = with_mod[0].lines().next();
    assert_eq!(first, Some("src/room/a.rs -> src/room/mod.rs -> src/room/a.rs"));
    assert!(with_mod[0].contains("src/room/a.rs:1 names super::X"), "{}", with_mod[0]);

    let three = [
        ("mod.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("a.rs", "use crate::room::b; pub struct A(b::B);"),
        ("b.rs", "pub struct B; fn f() { vec![super::c::f()]; }"),
        ("c.rs", "pub fn f() { crate::room::a::g() }"),
    ];
    let three = parse(&three);
    assert!(three[0].starts_with("src/room/a.rs -> src/room/b.rs -> src/room/c.rs -> src/room/a"));

    let sound = [
        ("mod.rs", "mod a; mod b; pub use a::A; pub fn f() { b::f() }"),
        ("a.rs", "pub struct A; #[cfg(test)] mod tests { use super::super::f; }"),
        ("b.rs", "use crate::room::a::A; pub(in crate::room) fn f() { crate::other::f() }"),
        ("b/tests.rs", "use crate::room::f;"),
    ];
    assert_eq!(parse(&sound), Vec::<String>::new());
}

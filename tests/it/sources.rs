//! Parses the program's own sources for the tests that check them.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::sample_data::ROOT;

/// A source file of the program.
pub struct Source {
    /// Path below the repository, with `/`.
    pub name: String,
    pub text: String,
    pub syntax: syn::File,
    /// Everything that the code names, without tests.
    pub shipped: Shipped,
}

/// The names in the code of a file that are not compiled for tests only.
#[derive(Default)]
pub struct Shipped {
    pub paths: Vec<Named>,
    /// Modules that are declared in the file and have a file of their own, with their lines.
    pub modules: Vec<(String, usize)>,
    /// Types that are defined in the file, with their lines.
    pub types: Vec<(String, usize)>,
    /// Number of enclosing items that are for some operating systems only.
    systems: usize,
}

/// A path in the code, for example `crate::store::Store`.
pub struct Named {
    pub line: usize,
    pub path: Vec<String>,
    /// Name that a `use` gives to the path; `None` for all other paths.
    pub alias: Option<String>,
    /// True if an enclosing `cfg` limits the code to some operating systems.
    pub has_system_cfg: bool,
}

/// Returns all files of `src`.
pub fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&Path::new(ROOT).join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    assert!(paths.len() > 40, "the program has more files than {paths:?}");
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("the source can be read");
        Source::parse(&relative(path), &text)
    };
    paths.iter().map(read).collect()
}

/// Returns a path below the repository with `/`.
pub fn relative(path: &Path) -> String {
    let name = path.strip_prefix(ROOT).expect("the path is in the repository");
    name.to_string_lossy().replace('\\', "/")
}

/// Lists all files below a folder, sorted. A missing folder has none.
pub fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be listed").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

impl Source {
    /// Parses a file. A file of tests ships no names.
    pub fn parse(name: &str, text: &str) -> Source {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut shipped = Shipped::default();
        if !name.ends_with("tests.rs") {
            shipped.visit_file(&syntax);
        }
        Source { name: name.to_owned(), text: text.to_owned(), syntax, shipped }
    }

    /// Returns the path of the module, for example `["store", "delta"]`.
    pub fn module(&self) -> Vec<String> {
        let below = self.name.strip_prefix("src/").expect("the file is in src");
        let below = below.strip_suffix(".rs").expect("a source ends in .rs");
        below.strip_suffix("/mod").unwrap_or(below).split('/').map(str::to_owned).collect()
    }

    /// Returns the room of the file: its folder in `src`, or the file itself.
    pub fn room(&self) -> &str {
        let below = self.name.strip_prefix("src/").expect("the file is in src");
        below.split('/').next().expect("a path has a part").trim_end_matches(".rs")
    }

    /// Returns the paths whose first name is a crate or a module found otherwise than by `crate`.
    ///
    /// A name that the file declares or imports as a module of this crate is no crate.
    pub fn named_crate(&self, name: &str) -> Option<&Named> {
        let declared = self.shipped.modules.iter().any(|(module, _)| module == name);
        let imported = self.shipped.paths.iter().any(|named| {
            let first = named.path[0].as_str();
            let is_own = ["crate", "self", "super"].contains(&first);
            is_own && named.alias.as_deref() == Some(name)
        });
        let mut named = self.shipped.paths.iter();
        if declared || imported { None } else { named.find(|named| named.path[0] == name) }
    }

    /// Formats a position for messages.
    pub fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.name)
    }
}

impl Shipped {
    fn push(&mut self, line: usize, path: Vec<String>, alias: Option<String>) {
        self.paths.push(Named { line, path, alias, has_system_cfg: self.systems > 0 });
    }

    /// Adds each leaf of a tree of imports.
    fn push_tree(&mut self, tree: &syn::UseTree, stem: &[String]) {
        let join = |name: &syn::Ident| {
            let is_stem = name == "self" && !stem.is_empty();
            let own = if is_stem { None } else { Some(name.to_string()) };
            stem.iter().cloned().chain(own).collect::<Vec<_>>()
        };
        match tree {
            syn::UseTree::Path(path) => self.push_tree(&path.tree, &join(&path.ident)),
            syn::UseTree::Name(name) => {
                let path = join(&name.ident);
                let alias = path.last().cloned();
                self.push(name.ident.span().start().line, path, alias);
            }
            syn::UseTree::Rename(name) => {
                let line = name.ident.span().start().line;
                self.push(line, join(&name.ident), Some(name.rename.to_string()));
            }
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.push(line, stem.to_vec(), None);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.push_tree(tree, stem));
            }
        }
    }

    /// Adds the paths among the tokens of a macro or an attribute.
    fn push_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut line, mut colons) = (Vec::new(), 0, 0);
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 && !path.is_empty() {
                        self.push(line, std::mem::take(&mut path), None);
                    }
                    if path.is_empty() {
                        line = name.span().start().line;
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                other => {
                    colons = 0;
                    if !path.is_empty() {
                        self.push(line, std::mem::take(&mut path), None);
                    }
                    if let TokenTree::Group(group) = other {
                        self.push_tokens(group.stream());
                    }
                }
            }
        }
        if !path.is_empty() {
            self.push(line, path, None);
        }
    }

    fn push_type(&mut self, name: &syn::Ident) {
        self.types.push((name.to_string(), name.span().start().line));
    }
}

impl<'s> Visit<'s> for Shipped {
    fn visit_item(&mut self, item: &'s syn::Item) {
        let attributes = attributes(item);
        if is_test(attributes) {
            return;
        }
        match item {
            syn::Item::Struct(item) => self.push_type(&item.ident),
            syn::Item::Enum(item) => self.push_type(&item.ident),
            syn::Item::Trait(item) => self.push_type(&item.ident),
            syn::Item::Union(item) => self.push_type(&item.ident),
            syn::Item::Type(item) => self.push_type(&item.ident),
            _ => {}
        }
        let systems = self.systems;
        self.systems += usize::from(has_system_cfg(attributes));
        visit::visit_item(self, item);
        self.systems = systems;
    }

    fn visit_impl_item_fn(&mut self, function: &'s syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, item: &'s syn::ItemMod) {
        if item.content.is_none() {
            self.modules.push((item.ident.to_string(), item.ident.span().start().line));
        }
        visit::visit_item_mod(self, item);
    }

    fn visit_item_use(&mut self, item: &'s syn::ItemUse) {
        self.push_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'s syn::Path) {
        let line = path.segments[0].ident.span().start().line;
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.push(line, names, None);
        visit::visit_path(self, path);
    }

    /// The path of `pub(in …)` imports nothing.
    fn visit_vis_restricted(&mut self, _: &'s syn::VisRestricted) {}

    fn visit_macro(&mut self, call: &'s syn::Macro) {
        self.visit_path(&call.path);
        self.push_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'s syn::Attribute) {
        self.visit_path(attribute.path());
        if let syn::Meta::List(list) = &attribute.meta {
            self.push_tokens(list.tokens.clone());
        }
    }
}

/// Returns the attributes of an item; none for items that are written out by a macro.
pub fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the words of the `cfg` attributes.
fn cfg_words(attributes: &[syn::Attribute]) -> Vec<String> {
    let cfgs = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let lists = cfgs.filter_map(|attribute| attribute.meta.require_list().ok());
    let texts = lists.map(|list| list.tokens.to_string());
    let words = texts.flat_map(|text| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// Returns true if code with these attributes is compiled for tests only.
pub fn is_test(attributes: &[syn::Attribute]) -> bool {
    let words = cfg_words(attributes);
    words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not")
}

fn has_system_cfg(attributes: &[syn::Attribute]) -> bool {
    let systems = ["unix", "windows", "target_os"];
    cfg_words(attributes).iter().any(|word| systems.contains(&word.as_str()))
}

#[test]
fn all_paths_outside_of_tests_are_found() {
    let text = "use a::{self, b::{c, d as e}, f::*};\npub(in crate::x) mod inner;\n#[g::h]\nfn i() \
                { j::k(l::m::<n::O>(), p!(q::r(1), s)) }\n#[cfg(test)]\nmod tests { use t::u; }\n\
                #[cfg(unix)]\nmod imp { use os::unix::v; }";
    let source = Source::parse("src/room/file.rs", text);
    let paths = source.shipped.paths.iter().filter(|named| named.path.len() > 1);
    let found: Vec<String> = paths.map(|named| named.path.join("::")).collect();
    let expected = ["a::b::c", "a::b::d", "a::f", "g::h", "j::k", "l::m", "n::O", "q::r"];
    assert_eq!(found[..expected.len()], expected);
    assert_eq!(found[expected.len()..], ["os::unix::v"]);
    assert_eq!(source.shipped.modules, [("inner".to_owned(), 2)]);
    let last = source.shipped.paths.last().expect("paths were found");
    assert!(last.has_system_cfg && last.line == 8);
    assert_eq!((source.room(), source.module().join("::")), ("room", "room::file".to_owned()));
}

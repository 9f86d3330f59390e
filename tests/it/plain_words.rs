//! Checks that comments, messages and documents use plain words.
//!
//! Each entry of the lists contains the word to use instead. A word that has a plain meaning too is
//! allowed in the phrases of its entry.

use std::ops::Range;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::sample_data::ROOT;
use crate::sources::{Source, attributes, is_test, relative, sources, walk};

/// A banned phrase, the plain word for it, and the longer phrases in which it is allowed.
///
/// A phrase is a sequence of words in lower case; `a|b` are alternatives, and `a*` is any word with
/// this beginning. A comment before an entry gives the reason of its exceptions.
type Ban = (&'static str, &'static str, &'static [&'static str]);

/// First words of doc comments that announce a question instead of an answer.
const FIRST_WORDS: [&str; 8] = ["how", "of", "those", "what", "where", "whether", "who", "whoever"];

/// Phrases that are banned everywhere.
const BANNED: &[Ban] = &[
    ("told|tell|tells|telling", "report, print, show, distinguish", &[]),
    ("reckon*", "calculate", &[]),
    ("hand|hands|handed|handing on", "pass", &[]),
    ("hand|hands|handed|handing out", "return, give", &[]),
    ("take|takes|taken|took|taking away", "remove, delete", &[]),
    ("takes|taken|took it away", "remove, delete", &[]),
    // A lock is held: this is the usual word.
    (
        "held",
        "stored, contained, kept",
        &["lock held", "lock is held", "held lock", "held by a lock|process"],
    ),
    // Real and temporary stand-ins.
    (
        "stand|stands|stood|standing in|for|beside|at|on|there|before|behind|between|under|next",
        "is, contains, means",
        &["stand in for"],
    ),
    ("boil|boils|boiled|boiling down", "aggregate", &[]),
    ("come|comes|came|coming of", "result of", &[]),
    ("brought|bring|brings|bringing to disk", "sync", &[]),
    ("goes|went on", "continue", &[]),
    ("go on", "continue", &[]),
    ("nought", "zero", &[]),
    // Letters of the alphabet and of drives, in contrast to other characters.
    (
        "letter|letters",
        "character",
        &[
            "drive|capital|lowercase|uppercase letter|letters",
            "lower|upper case letter|letters",
            "letter|letters and|or|digits",
        ],
    ),
    // A proxy and a feature flag; figures and data on which a chart is based.
    ("behind", "after", &["behind a proxy|feature", "figures|data behind"]),
    ("so many", "a number", &[]),
    ("as good as", "almost, equal to", &[]),
    ("at all", "(leave it out)", &[]),
    ("whoever", "users who, the caller", &[]),
    ("whatever", "any", &[]),
    ("one's", "the user's, its", &[]),
    ("the same but", "like X, but", &[]),
    ("nothing is to", "need not", &[]),
    ("is nothing to", "state what is missing", &[]),
    ("is|are|was|were to be", "must be", &[]),
    ("look|looks|looked|looking at|into", "read, check", &[]),
    // Microsoft's word for the search for causes.
    ("trouble*", "problem", &["troubleshoot", "troubleshooting"]),
    ("suspicion|suspicions|suspected|suspicious", "warning", &[]),
    ("verdict|verdicts", "status, result", &[]),
    ("deed|deeds", "action, event", &[]),
    ("repeats", "duplicates", &[]),
    // A function of Python.
    ("dump|dumps", "log files", &["json dump"]),
    // Words of Git, and names of files.
    (
        "pull|pulls|pulled|pulling",
        "download",
        &["pull request|requests", "git pull", "pulling md", "scripts pull", "tests pulling"],
    ),
    ("consumed", "viewed", &[]),
    ("licence*", "license", &[]),
    ("organis*", "organization", &[]),
    ("recognis*", "recognize", &[]),
    ("colour*", "color", &[]),
    ("behaviour*", "behavior", &[]),
    ("normalis*", "normalize", &[]),
    // Optimistic concurrency of Delta Lake.
    ("optimis*", "optimize", &["optimistic", "optimism"]),
    ("pseudonymis*", "pseudonymize", &[]),
    ("anonymis*", "anonymize", &[]),
    ("summaris*", "summarize", &[]),
    ("serialis*", "serialize", &[]),
    ("initialis*", "initialize", &[]),
    ("synchronis*", "synchronize", &[]),
    ("neighbour*", "neighbor", &[]),
    ("honour*", "support, respect", &[]),
    ("favour*", "favor", &[]),
    ("grey", "gray", &[]),
    ("centre", "center", &["partner centre"]),
    ("analyse|analysed|analysing", "analyze", &[]),
    // The name of a report is a contract.
    ("catalogue*", "catalog", &["operations catalogue"]),
    ("labelled|labelling", "labeled", &[]),
];

/// Phrases that are banned in doc comments.
const BANNED_IN_DOC_COMMENTS: &[Ban] = &[("such as", "for example", &[])];

/// Phrases that are banned in messages.
const BANNED_IN_MESSAGES: &[Ban] =
    &[("is no", "say what was expected", &["there is no", "there is no longer", "is no longer"])];

/// The kinds of text that are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    DocComment,
    Message,
    Document,
}

/// A text and the place where it begins.
struct Passage {
    kind: Kind,
    file: String,
    line: usize,
    text: String,
}

/// Returns the words of a text in lower case, with their places.
fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let (mut words, mut start) = (Vec::new(), None);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        let is_part = c.is_alphanumeric() || c == '_' || (start.is_some() && "'’".contains(c));
        match start {
            None if is_part => start = Some(at),
            Some(from) if !is_part => {
                words.push((from..at, text[from..at].to_lowercase().replace('’', "'")));
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Returns true if a phrase begins at a word.
fn is_phrase(words: &[(Range<usize>, String)], at: usize, phrase: &str) -> bool {
    let fits = |pattern: &str, word: &str| {
        pattern.split('|').any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => word == pattern,
        })
    };
    phrase
        .split(' ')
        .enumerate()
        .all(|(index, pattern)| words.get(at + index).is_some_and(|(_, word)| fits(pattern, word)))
}

/// Returns true if a phrase of the exceptions contains the words from `at` to `end`.
fn is_allowed(
    words: &[(Range<usize>, String)],
    at: usize,
    end: usize,
    exceptions: &[&str],
) -> bool {
    exceptions.iter().any(|phrase| {
        let len = phrase.split(' ').count();
        let first = (at + 1).saturating_sub(len);
        (first..end).any(|start| is_phrase(words, start, phrase))
    })
}

/// Returns a message for each banned phrase of a text.
fn violations(passage: &Passage) -> Vec<String> {
    let text = match passage.kind {
        Kind::Message => passage.text.clone(),
        Kind::DocComment | Kind::Document => without_code(&passage.text),
    };
    let words = words(&text);
    let more = match passage.kind {
        Kind::DocComment => BANNED_IN_DOC_COMMENTS,
        Kind::Message => BANNED_IN_MESSAGES,
        Kind::Document => &[],
    };
    let mut found = Vec::new();
    let mut add = |place: Range<usize>, plain: &str| {
        let line = passage.line + text[..place.start].matches('\n').count();
        let banned = text[place].split_whitespace().collect::<Vec<_>>().join(" ");
        found.push(format!("{}:{line}: \"{banned}\": {plain}", passage.file));
    };
    if let (Kind::DocComment, Some((place, first))) = (passage.kind, words.first())
        && FIRST_WORDS.contains(&first.as_str())
        && text[..place.start].trim().is_empty()
        // A word of code may be the first one.
        && passage.text[..place.start].trim().is_empty()
    {
        add(place.clone(), "begin with a verb (Returns, Writes, ...) or a noun phrase");
    }
    for at in 0..words.len() {
        for (phrase, plain, exceptions) in BANNED.iter().chain(more) {
            let end = at + phrase.split(' ').count();
            if is_phrase(&words, at, phrase) && !is_allowed(&words, at, end, exceptions) {
                add(words[at].0.start..words[end - 1].0.end, plain);
            }
        }
    }
    found
}

/// Blanks out what a document quotes: code, the targets of links, and addresses.
fn without_code(text: &str) -> String {
    let blank = |line: &str| line.chars().map(|_| ' ').collect::<String>();
    let (mut out, mut is_fenced, mut is_code) = (String::new(), false, false);
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            out += blank(line.trim_end_matches('\n')).as_str();
        } else if is_fenced {
            out += blank(line.trim_end_matches('\n')).as_str();
        } else {
            // A span of code may continue on the next line, but not in the next paragraph.
            is_code &= !line.trim().is_empty();
            let (mut in_link, mut in_address) = (false, false);
            let line = line.trim_end_matches('\n');
            for (at, c) in line.char_indices() {
                in_link |= line[..at].ends_with("](");
                in_link &= c != ')';
                in_address |= line[at..].starts_with("http");
                in_address &= !c.is_whitespace();
                is_code ^= c == '`';
                out.push(if is_code || in_link || in_address || c == '`' { ' ' } else { c });
            }
        }
        if line.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// The doc comments and messages of a source.
struct Prose<'s> {
    source: &'s Source,
    passages: Vec<Passage>,
    is_test: bool,
}

impl Prose<'_> {
    /// Adds a line of a doc comment to the lines before it.
    fn push_doc(&mut self, line: usize, text: &str) {
        let last = self.passages.last_mut().filter(|last| last.kind == Kind::DocComment);
        match last {
            Some(last) if last.line + last.text.matches('\n').count() + 1 == line => {
                last.text.push('\n');
                last.text.push_str(text);
            }
            _ => self.push(Kind::DocComment, line, text),
        }
    }

    fn push(&mut self, kind: Kind, line: usize, text: &str) {
        let file = self.source.name.clone();
        self.passages.push(Passage { kind, file, line, text: text.to_owned() });
    }

    /// Adds a string if it is a message: the code is no test, and there are several words.
    fn push_message(&mut self, literal: &syn::LitStr) {
        let text = literal.value();
        if !self.is_test && text.trim().contains(' ') {
            self.push(Kind::Message, literal.span().start().line, &text);
        }
    }

    fn push_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.push_tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(literal) = syn::Lit::new(literal) {
                        self.push_message(&literal);
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'s> Visit<'s> for Prose<'_> {
    fn visit_item(&mut self, item: &'s syn::Item) {
        let before = self.is_test;
        self.is_test |= is_test(attributes(item));
        visit::visit_item(self, item);
        self.is_test = before;
    }

    fn visit_attribute(&mut self, attribute: &'s syn::Attribute) {
        match &attribute.meta {
            syn::Meta::NameValue(pair) if pair.path.is_ident("doc") => {
                if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value {
                    self.push_doc(text.span().start().line, &text.value());
                }
            }
            syn::Meta::List(list) => self.push_tokens(list.tokens.clone()),
            _ => {}
        }
    }

    fn visit_lit_str(&mut self, literal: &'s syn::LitStr) {
        self.push_message(literal);
    }

    fn visit_macro(&mut self, call: &'s syn::Macro) {
        self.push_tokens(call.tokens.clone());
    }
}

/// Returns the sources of tests and benches, of which only doc comments are checked.
fn test_sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in ["benches", "fuzz", "tests"] {
        walk(&Path::new(ROOT).join(folder), &mut paths);
    }
    let is_source = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let sources = paths.iter().filter(is_source);
    sources.map(|path| Source::parse(&relative(path), &read(path))).collect()
}

/// Returns the doc comments and messages of a source.
fn prose(source: &Source) -> Vec<Passage> {
    let is_test = source.name.ends_with("tests.rs") || !source.name.starts_with("src/");
    let mut prose = Prose { source, passages: Vec::new(), is_test };
    prose.visit_file(&source.syntax);
    prose.passages
}

/// Returns the Markdown, the comments of queries, and the tables of the dictionary.
fn documents() -> Vec<Passage> {
    let mut paths = Vec::new();
    let entries = std::fs::read_dir(ROOT).expect("the repository can be listed");
    for entry in entries {
        let path = entry.expect("the repository can be listed").path();
        let name = relative(&path);
        if path.is_file() {
            paths.push(path);
        } else if ["docs", "queries", "src", "tests"].contains(&name.as_str())
            || name.starts_with("sample-data")
        {
            walk(&path, &mut paths);
        }
    }
    let is_output = |path: &&PathBuf| {
        let name = relative(path);
        ["tests/golden/", "tests/corpus/", "node_modules/"].iter().any(|part| name.contains(part))
    };
    let paths = paths.iter().filter(|path| !is_output(path));
    paths.filter_map(|path| document(&relative(path), || read(path))).collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the part of a file that people read; `None` for all but documents.
fn document(name: &str, read: impl Fn() -> String) -> Option<Passage> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let text = match extension {
        "md" | "tsv" => read(),
        "sql" => {
            let is_comment = |line: &&str| line.trim_start().starts_with("--");
            let text = read();
            let lines = text.lines().map(|line| if is_comment(&line) { line } else { "" });
            lines.collect::<Vec<_>>().join("\n")
        }
        _ => return None,
    };
    Some(Passage { kind: Kind::Document, file: name.to_owned(), line: 1, text })
}

#[test]
fn comments_messages_and_documents_use_plain_words() {
    let sources = sources().into_iter().chain(test_sources());
    let mut passages: Vec<Passage> = sources.flat_map(|source| prose(&source)).collect();
    let documents = documents();
    for kind in [".md", ".sql", ".tsv"] {
        assert!(documents.iter().any(|passage| passage.file.ends_with(kind)), "no {kind}");
    }
    passages.extend(documents);
    let found: Vec<String> = passages.iter().flat_map(violations).collect();
    assert!(found.is_empty(), "{} phrases are not plain:\n{}", found.len(), found.join("\n"));
}

#[test]
fn phrases_that_are_not_plain_are_found() {
    let text = "//! Whether it stands\n//! in a file.\n\n/// Returns a `told` figure at\n/// all.\n\
                fn f() { g!(\"is no day\"); \"told\"; \"he told it\" }\n\
                #[cfg(test)]\nmod tests { fn f() { \"he told it\" } }\n\
                /// `how` is a name. Colour\n#[error(\"a pull of it\")]\nstruct A;";
    let found: Vec<String> =
        prose(&Source::parse("src/a.rs", text)).iter().flat_map(violations).collect();
    let expected = [
        "1: \"Whether\": begin with a verb (Returns, Writes, ...) or a noun phrase",
        "1: \"stands in\": is, contains, means",
        "4: \"at all\": (leave it out)",
        "6: \"is no\": say what was expected",
        "6: \"told\": report, print, show, distinguish",
        "9: \"Colour\": color",
        "10: \"pull\": download",
    ];
    assert_eq!(found, expected.map(|line| format!("src/a.rs:{line}")));
}

#[test]
fn quoted_code_and_allowed_phrases_are_not_found() {
    let check = |name: &str, text: &str| {
        violations(&document(name, || text.to_owned()).expect("a document"))
    };
    let plain = "A pull request, `told`, [a](told.md), https://told.org and `code that\nis told`.\n\
                 ```\ntold\n```\n";
    assert_eq!(check("a.md", plain), Vec::<String>::new());
    assert_eq!(check("a.md", "```\ntold\n```\nA pull of it").len(), 1);
    assert_eq!(
        check("a.sql", "-- told\nSELECT told\n"),
        ["a.sql:1: \"told\": report, print, show, distinguish"]
    );
}

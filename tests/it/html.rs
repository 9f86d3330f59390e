//! Parses the HTML of the dashboard, more strictly than a browser: every element has its own end
//! tag, every attribute is quoted, and every `&` starts a reference.

use std::collections::BTreeMap;

/// Elements without content and without an end tag.
const VOID: [&str; 2] = ["input", "meta"];

/// Elements whose text is not markup.
const RAW: [&str; 2] = ["script", "style"];

/// An element or a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Element(Element),
    Text(String),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub nodes: Vec<Node>,
}

impl Element {
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    /// Returns the child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Returns all descendants with a name, in the order of the page. `*` matches every name.
    pub fn all(&self, name: &str) -> Vec<&Element> {
        let mut found = Vec::new();
        for element in self.elements() {
            found.extend((name == "*" || element.name == name).then_some(element));
            found.extend(element.all(name));
        }
        found
    }

    /// Returns the text of the element and its descendants.
    pub fn text(&self) -> String {
        let text = |node: &Node| match node {
            Node::Element(element) => element.text(),
            Node::Text(text) => text.clone(),
        };
        self.nodes.iter().map(text).collect()
    }
}

/// Parses a page. The result is an element that contains all others.
pub fn read(page: &str) -> Element {
    let rest = page.strip_prefix("<!doctype html>\n").expect("the page says what it is");
    let mut open = vec![Element::default()];
    let mut rest = rest;
    while let Some(at) = rest.find('<') {
        push(&mut open, text(&rest[..at]));
        rest = &rest[at..];
        let end = tag_end(rest);
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().expect("an element is open");
            assert_eq!(closed.name, name, "another element is closed than the one that is open");
            open.last_mut().expect("there is a root").nodes.push(Node::Element(closed));
            continue;
        }
        let mut element = start(tag);
        if RAW.contains(&element.name.as_str()) {
            let end = rest.find("</").expect("it ends");
            element.nodes.push(Node::Text(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        if VOID.contains(&element.name.as_str()) {
            open.last_mut().expect("there is a root").nodes.push(Node::Element(element));
        } else {
            open.push(element);
        }
    }
    assert_eq!(rest.trim(), "", "there is text after the page");
    assert_eq!(open.len(), 1, "{} is not closed", open.last().map_or("", |open| &open.name));
    open.remove(0)
}

fn push(open: &mut [Element], text: String) {
    if !text.is_empty() {
        open.last_mut().expect("there is a root").nodes.push(Node::Text(text));
    }
}

/// Returns the position of the end of a tag: the first `>` outside of quotes.
fn tag_end(tag: &str) -> usize {
    let mut is_quoted = false;
    let found = tag.char_indices().find(|(_, c)| {
        is_quoted ^= *c == '"';
        *c == '>' && !is_quoted
    });
    found.expect("a tag ends").0
}

fn start(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    assert!(is_name(name), "{name:?} is no element");
    let mut attributes = BTreeMap::new();
    while !rest.is_empty() {
        let (attribute, after) = rest.split_once("=\"").expect("an attribute is quoted");
        let (value, after) = after.split_once('"').expect("a quote ends");
        assert!(is_name(attribute), "{attribute:?} is no attribute");
        let before = attributes.insert(attribute.to_owned(), text(value));
        assert_eq!(before, None, "{attribute} is twice in {tag}");
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Element { name: name.to_owned(), attributes, nodes: Vec::new() }
}

/// Returns a text with its references resolved.
fn text(html: &str) -> String {
    const REFERENCES: [(&str, &str); 6] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#13;", "\r"),
    ];
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find('&') {
        text += &rest[..at];
        let found = REFERENCES.iter().find(|(reference, _)| rest[at..].starts_with(reference));
        let (reference, c) = found.unwrap_or_else(|| panic!("a bare & in {html:?}"));
        text += c;
        rest = &rest[at + reference.len()..];
    }
    text + rest
}

#[test]
fn elements_attributes_and_references_are_parsed() {
    let page = read("<!doctype html>\n<p class=\"a\">x &lt;<b title=\"&quot;>\">y</b></p>\n");
    let p = page.all("p")[0];
    assert_eq!((p.get("class"), p.text().as_str()), (Some("a"), "x <y"));
    assert_eq!(page.all("b")[0].get("title"), Some("\">"));
}

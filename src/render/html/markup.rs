//! Writes HTML elements and texts; the only code that escapes values.
//!
//! Names of elements and attributes are `&'static str`, so no data can ever become one. Values
//! pass through [`Markup::text`] and [`Markup::attr`] only.

use std::fmt::Display;

/// The mark at the end of a shortened text.
const ELLIPSIS: char = '…';

/// An HTML page under construction.
#[derive(Debug, Default)]
pub struct Markup {
    html: String,
}

impl Markup {
    /// Opens an element; attributes can follow.
    pub fn open(&mut self, name: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push('<');
        self.html.push_str(name);
        self.html.push('\u{0}');
        self
    }

    /// Adds an attribute to the element that was opened last. Does nothing after a text.
    pub fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Markup {
        if self.html.ends_with('\u{0}') {
            self.html.pop();
            self.html.push(' ');
            self.html.push_str(name);
            self.html.push_str("=\"");
            escape(&value.to_string(), &mut self.html);
            self.html.push_str("\"\u{0}");
        }
        self
    }

    /// Adds an attribute without a value.
    pub fn flag(&mut self, name: &'static str) -> &mut Markup {
        self.attr(name, "")
    }

    /// Adds a text to the open element.
    pub fn text(&mut self, text: impl Display) -> &mut Markup {
        self.end_tag();
        escape(&text.to_string(), &mut self.html);
        self
    }

    /// Closes an element.
    pub fn close(&mut self, name: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
        self
    }

    /// Adds an element that contains only a text.
    pub fn element(&mut self, name: &'static str, text: impl Display) -> &mut Markup {
        self.open(name).text(text).close(name)
    }

    /// Adds an element that has a class and contains only a text.
    pub fn element_with_class(
        &mut self,
        name: &'static str,
        class: &'static str,
        text: impl Display,
    ) -> &mut Markup {
        self.open(name).attr("class", class).text(text).close(name)
    }

    /// Adds a name from the data, shortened to `max_chars` characters. The name has its own text
    /// direction, so that a name in Arabic does not reorder the words around it.
    pub fn isolated_text(&mut self, name: &str, max_chars: usize) -> &mut Markup {
        self.open("bdi");
        match name.char_indices().nth(max_chars) {
            Some((end, _)) => self.text(format_args!("{}{ELLIPSIS}", &name[..end])),
            None => self.text(name),
        };
        self.close("bdi")
    }

    /// Adds text of the program without escaping: a style sheet, a script, the document type.
    pub fn raw(&mut self, text: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push_str(text);
        self
    }

    /// Returns the page.
    pub fn finish(mut self) -> String {
        self.end_tag();
        self.html
    }

    /// Ends the open tag. A NUL marks a tag that still accepts attributes; no text contains one,
    /// since [`escape`] replaces it.
    fn end_tag(&mut self) {
        if self.html.ends_with('\u{0}') {
            self.html.pop();
            self.html.push('>');
        }
    }
}

/// Escapes a text for an element or a quoted attribute: characters with a meaning in HTML become
/// references. Control characters, which HTML cannot express, become the replacement character.
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(c),
            '\r' => html.push_str("&#13;"),
            _ if c.is_control() || is_noncharacter(c) => {
                html.push(char::REPLACEMENT_CHARACTER);
            }
            _ => html.push(c),
        }
    }
}

/// Returns true if a code point is a Unicode noncharacter, which HTML forbids.
fn is_noncharacter(c: char) -> bool {
    let code = u32::from(c);
    (0xFDD0..=0xFDEF).contains(&code) || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Markup)) -> String {
        let mut markup = Markup::default();
        write(&mut markup);
        markup.finish()
    }

    #[test]
    fn values_are_escaped() {
        let attack = "</td><script>alert('1')</script>\" onload=\"x\u{0}\u{1b}&amp;";
        let escaped = "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; \
                       onload=&quot;x\u{fffd}\u{fffd}&amp;amp;";
        let html = written(|to| {
            to.open("td").attr("title", attack).text(attack).close("td");
        });
        assert_eq!(html, format!("<td title=\"{escaped}\">{escaped}</td>"));
    }

    #[test]
    fn attributes_after_a_text_are_ignored() {
        let html = written(|to| {
            to.open("p").text("a").attr("class", "b").close("p");
            to.open("input").flag("checked").open("br");
        });
        assert_eq!(html, "<p>a</p><input checked=\"\"><br>");
    }

    #[test]
    fn names_are_shortened_between_characters_and_isolated() {
        let html = written(|to| {
            to.isolated_text("Übersicht", 2).isolated_text("Üb", 2).isolated_text("", 2);
        });
        assert_eq!(html, "<bdi>Üb…</bdi><bdi>Üb</bdi><bdi></bdi>");
    }
}

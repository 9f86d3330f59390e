//! Elements and texts as HTML: the one place that escapes.
//!
//! Owns: what a value must not do to a page. Names of elements and attributes are `&'static str`,
//! so no data can ever be one; values go through [`Markup::text`] and [`Markup::attr`] and nowhere
//! else. Must not know what the page says.

use std::fmt::Display;

/// What follows the last letter that is shown of a text that is too long.
const CUT: char = '…';

/// HTML that is being written.
#[derive(Debug, Default)]
pub struct Markup {
    html: String,
}

impl Markup {
    /// Opens an element; attributes may follow.
    pub fn open(&mut self, name: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push('<');
        self.html.push_str(name);
        self.html.push('\u{0}');
        self
    }

    /// An attribute of the element that was opened last.
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

    /// An attribute without a value.
    pub fn flag(&mut self, name: &'static str) -> &mut Markup {
        self.attr(name, "")
    }

    /// A text, within the element that is open.
    pub fn text(&mut self, text: impl Display) -> &mut Markup {
        self.end_tag();
        escape(&text.to_string(), &mut self.html);
        self
    }

    /// Closes an element that was opened.
    pub fn close(&mut self, name: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push_str("</");
        self.html.push_str(name);
        self.html.push('>');
        self
    }

    /// An element that holds a text and nothing else.
    pub fn element(&mut self, name: &'static str, text: impl Display) -> &mut Markup {
        self.open(name).text(text).close(name)
    }

    /// The same with a class.
    pub fn element_with_class(
        &mut self,
        name: &'static str,
        class: &'static str,
        text: impl Display,
    ) -> &mut Markup {
        self.open(name).attr("class", class).text(text).close(name)
    }

    /// A name that data brought: cut to so many letters, and on its own in which way it is read, so
    /// that a name in Arabic does not turn the words around it.
    pub fn isolated_text(&mut self, name: &str, letters: usize) -> &mut Markup {
        self.open("bdi");
        match name.char_indices().nth(letters) {
            Some((end, _)) => self.text(format_args!("{}{CUT}", &name[..end])),
            None => self.text(name),
        };
        self.close("bdi")
    }

    /// Text of the program's own, as it is: a style sheet, a script, the document's type.
    pub fn raw(&mut self, text: &'static str) -> &mut Markup {
        self.end_tag();
        self.html.push_str(text);
        self
    }

    /// The page.
    pub fn finish(mut self) -> String {
        self.end_tag();
        self.html
    }

    /// A tag is open to attributes until something else comes: its end is a mark that no text has,
    /// since [`escape`] lets no such letter pass.
    fn end_tag(&mut self) {
        if self.html.ends_with('\u{0}') {
            self.html.pop();
            self.html.push('>');
        }
    }
}

/// Letters that mean something to HTML, in a text or between double quotes, become references;
/// control characters, which HTML has no way to write, become the replacement character.
fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' | '\t' => html.push(letter),
            '\r' => html.push_str("&#13;"),
            _ if letter.is_control() || is_noncharacter(letter) => {
                html.push(char::REPLACEMENT_CHARACTER);
            }
            _ => html.push(letter),
        }
    }
}

/// Code points that Unicode will never give a meaning, and that HTML forbids.
fn is_noncharacter(letter: char) -> bool {
    let code = u32::from(letter);
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
    fn a_value_stays_where_it_is_put() {
        let attack = "</td><script>alert('1')</script>\" onload=\"x\u{0}\u{1b}&amp;";
        let escaped = "&lt;/td&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot; \
                       onload=&quot;x\u{fffd}\u{fffd}&amp;amp;";
        let html = written(|to| {
            to.open("td").attr("title", attack).text(attack).close("td");
        });
        assert_eq!(html, format!("<td title=\"{escaped}\">{escaped}</td>"));
    }

    #[test]
    fn an_attribute_comes_too_late_behind_a_text() {
        let html = written(|to| {
            to.open("p").text("a").attr("class", "b").close("p");
            to.open("input").flag("checked").open("br");
        });
        assert_eq!(html, "<p>a</p><input checked=\"\"><br>");
    }

    #[test]
    fn a_name_is_cut_between_letters_and_on_its_own() {
        let html = written(|to| {
            to.isolated_text("Übersicht", 2).isolated_text("Üb", 2).isolated_text("", 2);
        });
        assert_eq!(html, "<bdi>Üb…</bdi><bdi>Üb</bdi><bdi></bdi>");
    }
}

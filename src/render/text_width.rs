//! Text in a line of the terminal. Owns: widths on the screen - a Japanese letter takes two
//! columns, a combining accent none - so nothing here counts bytes or characters; and what may be
//! printed at all. Must not know what the text says.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Names come from the log, and whoever names a report could name it with a terminal's control
/// sequences or with marks that turn the line around: those are never printed.
pub fn printable(text: &str) -> String {
    let show = |c: char| match c {
        '\t' | '\n' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(show).collect()
}

/// The text within a width, ending in `…` where something is missing.
pub fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let fits = |end: usize| text[..end].width() < width;
    // Never before a letter of no width of its own: it belongs to the one before.
    let ends =
        text.char_indices().filter(|(_, c)| c.width() != Some(0)).map(|(at, _)| at);
    let end = ends.take_while(|&end| fits(end)).last().unwrap_or(0);
    if width == 0 { String::new() } else { format!("{}…", &text[..end]) }
}

/// The text with blanks up to a width: before it where it is read by its digits, else behind it.
pub fn pad(text: &str, width: usize, is_number: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    if is_number { format!("{space}{text}") } else { format!("{text}{space}") }
}

/// Lines of at most `width`, broken at spaces; a longer word stays whole and is cut.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.iter().map(|line| truncate(line, width)).collect()
}

/// Sentences one after another, each on a line of its own where it does not fit behind the one
/// before: a line that ends within a sentence reads worse than a short one.
pub fn flow_sentences(sentences: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for sentence in sentences {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + sentence.width() <= width => {
                line.push(' ');
                line.push_str(sentence);
            }
            _ => lines.extend(wrap(sentence, width)),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::render::text_width::*;

    #[test]
    fn a_name_cannot_move_the_cursor_or_turn_the_line_around() {
        let text = printable("a\u{1b}[2Jb\u{202e}c\td");
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c d");
    }

    #[test]
    fn a_cut_keeps_accents_with_their_letters() {
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("売上", 3), "売…");
        assert_eq!(truncate("売上", 2), "…");
        assert_eq!(truncate("abc", 0), "");
    }

    #[test]
    fn blanks_fill_what_a_wide_letter_leaves() {
        assert_eq!(pad("売上", 5, false), "売上 ");
        assert_eq!(pad("12", 5, true), "   12");
        assert_eq!(pad("longer", 3, false), "longer");
    }

    #[test]
    fn sentences_break_between_each_other_first() {
        let sentences = ["One two three.", "Four five.", "Six."].map(str::to_owned);
        assert_eq!(flow_sentences(&sentences, 80), ["One two three. Four five. Six."]);
        assert_eq!(flow_sentences(&sentences, 20), ["One two three.", "Four five. Six."]);
        assert_eq!(flow_sentences(&sentences, 9), ["One two", "three.", "Four", "five.", "Six."]);
        assert_eq!(flow_sentences(&sentences, 12), ["One two", "three.", "Four five.", "Six."]);
    }
}

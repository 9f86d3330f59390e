//! Pads, shortens and wraps text by its width on a terminal.
//!
//! Widths are terminal columns: a Japanese character takes two, a combining accent none.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns a text without control characters and bidirectional overrides. Names come from the log,
/// and users can put terminal control sequences into the name of a report.
pub fn printable(text: &str) -> String {
    text.chars().map(printable_char).collect()
}

/// Returns the character that [`printable`] writes for a character.
pub fn printable_char(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// Returns the text shortened to a width, ending in `…` if it was longer.
pub fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let fits = |end: usize| text[..end].width() < width;
    // A character of zero width belongs to the one before it.
    let ends = text.char_indices().filter(|(_, c)| c.width() != Some(0)).map(|(at, _)| at);
    let end = ends.take_while(|&end| fits(end)).last().unwrap_or(0);
    if width == 0 { String::new() } else { format!("{}…", &text[..end]) }
}

/// Returns the text padded to a width with blanks: on the left for numbers, else on the right.
pub fn pad(text: &str, width: usize, is_number: bool) -> String {
    let space = " ".repeat(width.saturating_sub(text.width()));
    if is_number { format!("{space}{text}") } else { format!("{text}{space}") }
}

/// The largest number of lines of a word. An address of an API takes several on a narrow terminal
/// and is worthless if it is shortened; longer words are not written by people.
const MAX_WORD_LINES: usize = 4;

/// Wraps a text at spaces into lines of at most `width`. A longer word is broken over lines, and
/// shortened if it takes too many.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').flat_map(|word| broken_word(word, width)) {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(&word);
        } else if line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    lines.iter().map(|line| truncate(line, width)).collect()
}

/// Returns a word in parts of at most `width`. A word that is too long stays whole.
fn broken_word(word: &str, width: usize) -> Vec<String> {
    if word.width() <= width || word.width() > width.saturating_mul(MAX_WORD_LINES) {
        return vec![word.to_owned()];
    }
    let mut parts = vec![String::new()];
    for c in word.chars() {
        match parts.last_mut() {
            // A character of zero width belongs to the one before it.
            Some(part) if part.is_empty() || part.width() + c.width().unwrap_or(0) <= width => {
                part.push(c);
            }
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

/// Joins sentences into lines of at most `width`. A sentence that does not fit on the current line
/// starts a new one, since short lines are easier to read than broken sentences.
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
    use super::*;

    #[test]
    fn control_characters_and_bidirectional_overrides_are_replaced() {
        let text = printable("a\u{1b}[2Jb\u{202e}c\td");
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c d");
    }

    #[test]
    fn shortened_texts_keep_accents_with_their_characters() {
        assert_eq!(truncate("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(truncate("売上", 3), "売…");
        assert_eq!(truncate("売上", 2), "…");
        assert_eq!(truncate("abc", 0), "");
    }

    #[test]
    fn padding_counts_wide_characters_twice() {
        assert_eq!(pad("売上", 5, false), "売上 ");
        assert_eq!(pad("12", 5, true), "   12");
        assert_eq!(pad("longer", 3, false), "longer");
    }

    #[test]
    fn long_words_are_broken_over_lines_and_longer_ones_are_shortened() {
        assert_eq!(wrap("see 0123456789 now", 4), ["see", "0123", "4567", "89", "now"]);
        assert_eq!(wrap("売上売上", 5), ["売上", "売上"]);
        assert_eq!(wrap(&"x".repeat(17), 4), ["xxx…"]);
        assert_eq!(wrap("ab", 1), ["a", "b"]);
        assert_eq!(wrap("ab", 0), [""]);
    }

    #[test]
    fn lines_break_between_sentences_first() {
        let sentences = ["One two three.", "Four five.", "Six."].map(str::to_owned);
        assert_eq!(flow_sentences(&sentences, 80), ["One two three. Four five. Six."]);
        assert_eq!(flow_sentences(&sentences, 20), ["One two three.", "Four five. Six."]);
        assert_eq!(flow_sentences(&sentences, 9), ["One two", "three.", "Four", "five.", "Six."]);
        assert_eq!(flow_sentences(&sentences, 12), ["One two", "three.", "Four five.", "Six."]);
    }
}

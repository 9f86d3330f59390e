//! Text that grows at its end, in memory that is cleared only once.

use std::ops::{Deref, DerefMut};

/// Text that grows at its end.
///
/// The memory after the text keeps its old content, so it is not cleared again for the next read.
#[derive(Debug, Default)]
pub struct TextBuffer {
    /// The text, then old content.
    bytes: Vec<u8>,
    len: usize,
}

impl TextBuffer {
    /// Removes the text, and keeps its memory.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Removes the text after the first `len` bytes.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Removes the first `len` bytes.
    pub(super) fn drop_front(&mut self, len: usize) {
        self.bytes.copy_within(len..self.len, 0);
        self.len -= len;
    }

    /// Appends text.
    pub(super) fn push(&mut self, text: &[u8]) {
        match self.bytes.get_mut(self.len..self.len + text.len()) {
            Some(free) => free.copy_from_slice(text),
            None => {
                self.bytes.truncate(self.len);
                self.bytes.extend_from_slice(text);
            }
        }
        self.len += text.len();
    }

    /// Returns `size` bytes after the text, with any content. [`TextBuffer::extend`] makes them
    /// text.
    pub(super) fn spare(&mut self, size: usize) -> &mut [u8] {
        let end = self.len + size;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.len..end]
    }

    /// Appends the first `len` bytes of [`TextBuffer::spare`].
    pub(super) fn extend(&mut self, len: usize) {
        self.len = self.bytes.len().min(self.len + len);
    }

    /// Frees the memory beyond the text and `capacity`.
    pub(super) fn shrink_to(&mut self, capacity: usize) {
        self.bytes.truncate(self.len.max(capacity));
        self.bytes.shrink_to(capacity);
    }

    /// Returns the number of bytes in memory.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

impl Deref for TextBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl DerefMut for TextBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_content_is_never_text() {
        let mut text = TextBuffer::default();
        text.push(b"abcdef");
        text.drop_front(2);
        assert_eq!(*text, *b"cdef");
        text.truncate(1);
        text.push(b"xy");
        assert_eq!(*text, *b"cxy");
        text.spare(10)[..2].copy_from_slice(b"12");
        text.extend(2);
        assert_eq!(*text, *b"cxy12");
        text.clear();
        assert!(text.is_empty());
        text.push(&[b'z'; 40]);
        text.shrink_to(8);
        assert_eq!(*text, [b'z'; 40]);
        text.clear();
        text.shrink_to(8);
        assert!(text.is_empty() && text.spare(3).len() == 3);
    }
}

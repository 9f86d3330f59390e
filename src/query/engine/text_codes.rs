//! Codes of the texts of a column, for plans that group many rows and for frames in memory.
//!
//! The streaming engine keeps the bytes of all keys of each group, and IDs have 36 of them. A code
//! has four.

use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::*;

use crate::query::engine::memoize;

/// Distinct texts of a column with their codes. Clones share them, and threads can add texts at the
/// same time.
#[derive(Clone)]
pub struct TextCodes {
    mapping: Arc<CategoricalMapping>,
    /// The texts in the order of their codes, as of the last call that decoded.
    texts: Arc<Mutex<StringChunked>>,
}

impl TextCodes {
    /// Creates a list without texts.
    pub fn new() -> TextCodes {
        let categories = Categories::random(PlSmallStr::EMPTY, CategoricalPhysical::U32);
        let texts = StringChunked::from_slice(PlSmallStr::EMPTY, &[] as &[&str]);
        TextCodes { mapping: categories.mapping(), texts: Arc::new(Mutex::new(texts)) }
    }

    /// Returns the code of each text, null for null. Equal texts have equal codes, and different
    /// texts have different codes.
    pub fn codes_of(&self, texts: &StringChunked) -> PolarsResult<UInt32Chunked> {
        let mut codes =
            PrimitiveChunkedBuilder::<UInt32Type>::new(texts.name().clone(), texts.len());
        self.for_each_code(texts, |code| codes.append_option(code))?;
        Ok(codes.finish())
    }

    /// Returns the same codes as [`TextCodes::codes_of`], with `null_code` for null.
    pub fn codes_or(&self, texts: &StringChunked, null_code: u32) -> PolarsResult<Vec<u32>> {
        let mut codes = Vec::with_capacity(texts.len());
        self.for_each_code(texts, |code| codes.push(code.unwrap_or(null_code)))?;
        Ok(codes)
    }

    /// Passes the code of each text to `take`, in order; `None` for a null.
    fn for_each_code(
        &self,
        texts: &StringChunked,
        mut take: impl FnMut(Option<u32>),
    ) -> PolarsResult<()> {
        let mut failure = None;
        let code_of = |text: &str| match self.mapping.insert_cat(text) {
            Ok(code) => Some(code),
            Err(error) => {
                failure.get_or_insert(error);
                None
            }
        };
        memoize::for_each_memoized(texts, code_of, |code| take(code.copied().flatten()));
        failure.map_or(Ok(()), Err)
    }

    /// Returns the text of each code that [`TextCodes::codes_of`] returned before.
    pub fn texts_of(&self, codes: &UInt32Chunked) -> PolarsResult<StringChunked> {
        Ok(self.texts()?.take(codes)?.with_name(codes.name().clone()))
    }

    /// Returns the texts in the order of their codes. Rows that are taken from the result share its
    /// bytes.
    pub fn texts(&self) -> PolarsResult<StringChunked> {
        // A panic cannot leave half of a list.
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.mapping.num_cats_upper_bound();
        if texts.len() < count {
            let mut builder = StringChunkedBuilder::new(PlSmallStr::EMPTY, count);
            for code in 0..u32::try_from(count).unwrap_or(u32::MAX) {
                builder.append_option(self.mapping.cat_to_str(code));
            }
            *texts = builder.finish();
        }
        Ok(texts.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_codes_are_those_that_were_encoded() {
        let codes = TextCodes::new();
        let texts = [Some("a text of more than twelve bytes"), None, Some(""), Some("b"), Some("")];
        for texts in [&texts[..], &[Some("later"), Some("b")]] {
            let texts = StringChunked::from_slice_options("text".into(), texts);
            let encoded = codes.codes_of(&texts).unwrap();
            assert!(codes.texts_of(&encoded).unwrap().iter().eq(texts.iter()));
            assert_eq!(encoded.n_unique().unwrap(), texts.n_unique().unwrap());
        }
    }

    #[test]
    fn threads_agree_on_codes() {
        let codes = TextCodes::new();
        let texts: Vec<String> = (0..2_000).map(|n| format!("text number {n}")).collect();
        let all = StringChunked::from_iter_values("text".into(), texts.iter().map(String::as_str));
        let results: Vec<UInt32Chunked> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| codes.codes_of(&all).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for result in &results {
            assert!(result.iter().eq(results[0].iter()));
        }
        assert_eq!(results[0].n_unique().unwrap(), texts.len());
    }
}

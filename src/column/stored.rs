//! Says whether a column stores a value exactly.

/// The exactness of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// The column stores the value, in its normal form.
    Exact,
    /// The column stores a part of the value or nothing. The original belongs into `Extra`.
    Lossy,
}

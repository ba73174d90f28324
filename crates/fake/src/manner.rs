//! What a fault asks of the content of an answer that is served all the same.

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Unknown events, block types and fields.
    pub(crate) novelties: bool,
    /// The text must have characters of more than one byte.
    pub(crate) wide_text: bool,
}

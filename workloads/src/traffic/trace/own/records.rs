//! A file of records whose fields have names, whatever its kind: what a trace with columns of one's own is
//! read from.

use super::super::format::Complaint;
use flashcrowd_core::ports::SourceError;

/// What stands in one field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// A text or a number, as it is written.
    Text(&'a str),
    /// An instant, in picoseconds since 1970, where the file itself has such a type.
    Instant(i128),
    /// Something that is none of these, in words: `a list`.
    Other(&'static str),
}

/// A file of records that is read once, from its start.
pub trait Records {
    /// The fields that there are, in the order of the file.
    fn names(&self) -> &[String];

    /// What such a field is called: a column or a key.
    fn field_word(&self) -> &'static str;

    /// Says which fields will be looked at; [`Records::cell`] knows them by their place in this list. Called
    /// once, before the first record.
    ///
    /// # Errors
    /// A name that the file has not, or has twice.
    fn choose(&mut self, names: &[&str]) -> Result<(), SourceError>;

    /// Goes to the next record; `None` at the end of the file. A complaint is about that record alone.
    ///
    /// # Errors
    /// A file of which no more can be read.
    fn advance(&mut self) -> Result<Option<Result<(), Complaint>>, SourceError>;

    /// A chosen field of the record.
    fn cell(&self, chosen: usize) -> Cell<'_>;

    /// File and line of the record.
    fn place(&self) -> String;

    /// The file.
    fn file(&self) -> &str;
}

//! Calls into the reader of the format, of which nothing but a result may come: errors get words, and a panic
//! on a damaged file is one of them.

use parquet::errors::{ParquetError, Result};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught and becomes a message of its own.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What went wrong with a file, in words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

/// Does the work; a panic within is an error like others.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> std::result::Result<T, Unreadable> {
    static SILENCE: Once = Once::new();
    SILENCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_GUARDED.get() {
                before(panic);
            }
        }));
    });
    let outer = IS_GUARDED.replace(true);
    // What the work has touched is dropped by its owner after an error.
    let result = catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(outer);
    match result {
        Ok(result) => result.map_err(|error| Unreadable(words(&error))),
        Err(_) => Err(Unreadable("the Parquet file is damaged: its reader gave up".to_owned())),
    }
}

fn words(error: &ParquetError) -> String {
    let said = match error {
        ParquetError::NYI(what) => return format!("this Parquet file has what is not read: {what}"),
        ParquetError::General(text) | ParquetError::EOF(text) => text.clone(),
        other => other.to_string(),
    };
    if said.starts_with("Disabled feature") {
        return format!("this Parquet file is packed in a way that is not read: {said}");
    }
    format!("the Parquet file is damaged: {}", said.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_words() {
        let numbers: Vec<u32> = Vec::new();
        let error = guarded(|| Ok(numbers[std::hint::black_box(3)])).unwrap_err();
        assert_eq!(error.to_string(), "the Parquet file is damaged: its reader gave up");
        assert_eq!(guarded(|| Ok(3)), Ok(3));
        assert!(!IS_GUARDED.get());
    }
}

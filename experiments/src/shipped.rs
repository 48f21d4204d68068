//! Scenarios and manifests that are part of the program: `flashcrowd run @horizontal`.

/// A shipped file.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its path below `scenarios/`.
    pub path: &'static str,
    /// Its content.
    pub text: &'static str,
}

/// All shipped files.
pub const FILES: &[Shipped] = &[];

/// The content of a shipped file.
pub fn find(path: &str) -> Option<&'static str> {
    FILES.iter().find(|file| file.path == path).map(|file| file.text)
}

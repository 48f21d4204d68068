//! The nearest name to a misspelt one, and lists of names for messages.

/// The candidate that `wrong` most likely stands for, if one is near enough.
///
/// ```
/// use flashcrowd_language::nearest;
/// assert_eq!(nearest("nodez", ["gpu", "nodes"]), Some("nodes"));
/// assert_eq!(nearest("llama-70", ["gpu", "nodes"]), None);
/// ```
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let wanted = plain(wrong);
    // Computing the distance takes time in the product of the lengths.
    if wanted.len() > 100 {
        return None;
    }
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != wrong && candidate.len() <= 200)
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names that a message lists at most.
const SHOWN: usize = 16;

/// Whether [`list`] cuts a list of so many names.
pub(crate) fn is_cut(names: usize) -> bool {
    names > SHOWN
}

/// The names for a message: `` `a` ``, or ``one of `a`, `b` ``; a long list is cut.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if is_cut(names.len()) {
        text = format!("{text} and {} more", names.len() - SHOWN);
    }
    match names.len() {
        0 => "nothing".to_owned(),
        1 => text,
        _ => format!("one of {text}"),
    }
}

//! The known word that a person probably meant.

/// The known word nearest to `typed`, if any is near enough to be worth suggesting.
///
/// Near enough: the same without regard to case, a beginning of it (at least three letters), or at most a third of its
/// letters wrong, where two exchanged neighbours count once.
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.trim().to_lowercase();
    let letters = typed.chars().count();
    known
        .into_iter()
        .filter_map(|word| {
            let lower = word.to_lowercase();
            let wrong =
                if letters >= 3 && lower.starts_with(&typed) { 0 } else { strsim::damerau_levenshtein(&typed, &lower) };
            (wrong * 3 <= letters.max(lower.chars().count())).then_some((wrong, word))
        })
        .min_by_key(|(wrong, _)| *wrong)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::exchanged("wrok", Some("work"))]
    #[case::left_out("personl", Some("personal"))]
    #[case::case("WORK", Some("work"))]
    #[case::beginning("pers", Some("personal"))]
    #[case::too_far("qqqq", None)]
    #[case::too_short("w", None)]
    #[case::nothing("", None)]
    fn suggests_what_was_probably_meant(#[case] typed: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(typed, ["personal", "work", "side project"]), meant);
    }
}

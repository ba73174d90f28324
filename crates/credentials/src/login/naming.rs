//! Names an account when its owner did not. Pure.

use remuda_core::{Label, Vendor};
use remuda_store::Profile;

/// A label that is not taken: the e-mail address, with the organisation if one address holds several, else the vendor's
/// name; with a number as the last resort.
#[must_use]
pub fn free_label(vendor: Vendor, profile: &Profile, taken: impl Fn(&str) -> bool) -> Option<Label> {
    let email = profile.email.as_deref();
    let organisation = profile.organisation.as_deref();
    let both = email.zip(organisation).map(|(email, organisation)| format!("{email} ({organisation})"));
    let base = email.or(organisation).unwrap_or(vendor.as_str());
    let numbered = (2..=remuda_store::store::MAX_ACCOUNTS + 2).map(|n| format!("{base} {n}"));
    std::iter::once(base.to_owned())
        .chain(both)
        .chain(numbered)
        .filter_map(|text| label(&text))
        .find(|label| !taken(label.as_str()))
}

/// A label from text that a vendor wrote. Numbers at its end survive shortening.
fn label(text: &str) -> Option<Label> {
    let clean: Vec<char> =
        text.chars().map(|c| if c.is_control() || matches!(c, ',' | '/' | '\\') { ' ' } else { c }).collect();
    let clean: String = if clean.len() <= Label::MAX_CHARS {
        clean.into_iter().collect()
    } else {
        let (head, tail) = (&clean[..Label::MAX_CHARS - 8], &clean[clean.len() - 8..]);
        head.iter().chain(tail).collect()
    };
    Label::new(clean.trim().trim_start_matches(['@', '-', '.'])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(email: Option<&str>, organisation: Option<&str>) -> Profile {
        Profile { email: email.map(str::to_owned), organisation: organisation.map(str::to_owned), ..Profile::default() }
    }

    fn name(profile: &Profile, taken: &[&str]) -> String {
        free_label(Vendor::Anthropic, profile, |text| taken.contains(&text)).unwrap().as_str().to_owned()
    }

    #[test]
    fn an_account_is_named_after_its_address_then_its_organisation_then_its_vendor() {
        assert_eq!(name(&profile(Some("a@b.c"), Some("Acme")), &[]), "a@b.c");
        assert_eq!(name(&profile(None, Some("Acme")), &[]), "Acme");
        assert_eq!(name(&profile(None, None), &[]), "anthropic");
    }

    #[test]
    fn a_second_organisation_of_one_address_is_told_apart_by_name() {
        assert_eq!(name(&profile(Some("a@b.c"), Some("Acme")), &["a@b.c"]), "a@b.c (Acme)");
        assert_eq!(name(&profile(Some("a@b.c"), Some("Acme")), &["a@b.c", "a@b.c (Acme)"]), "a@b.c 2");
    }

    #[test]
    fn what_no_label_may_contain_is_left_out_and_long_names_are_cut_in_the_middle() {
        assert_eq!(name(&profile(None, Some("@Acme, Inc/EU")), &[]), "Acme  Inc EU");
        assert_eq!(name(&profile(None, Some(".Acme")), &[]), "Acme");
        let long = "x".repeat(200);
        let first = name(&profile(None, Some(&long)), &[]);
        assert_eq!(first.chars().count(), Label::MAX_CHARS);
        assert!(name(&profile(None, Some(&long)), &[&first]).ends_with(" 2"));
    }
}

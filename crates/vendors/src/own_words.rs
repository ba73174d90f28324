//! The vendor's own words in an error message, without what it quotes from the request.
//!
//! Error messages echo user text, ids and field paths. A phrase counts only where the vendor itself speaks.

/// Bytes of a message that are read.
const MAX_MESSAGE: usize = 2048;
/// A phrase must begin within so many bytes: vendors say what matters first, echoes come later.
const REACH: usize = 100;

/// Lower-case, quoted passages removed, white space collapsed. Empty for a message about a field of the request.
#[derive(Debug, PartialEq)]
pub(crate) struct OwnWords(String);

impl OwnWords {
    /// Extracts them from a message.
    pub(crate) fn of(message: &str) -> Self {
        let message = message[..message.floor_char_boundary(MAX_MESSAGE)].trim_start();
        if begins_with_field_path(message) {
            return Self(String::new());
        }
        let mut words = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = skip_quotation(rest, words.chars().next_back()) {
                rest = after;
                push(&mut words, ' ');
            } else {
                rest = &rest[c.len_utf8()..];
                push(&mut words, c);
            }
        }
        Self(words)
    }

    /// The words as one text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Does the vendor say this (lower case, whole words, near the beginning)?
    pub(crate) fn say(&self, phrase: &str) -> bool {
        self.after_each(phrase).any(|rest| self.0.len() - rest.len() - phrase.len() <= REACH)
    }

    /// What follows each occurrence of a phrase as whole words.
    pub(crate) fn after_each<'a>(&'a self, phrase: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.match_indices(phrase).filter_map(move |(at, _)| {
            let (before, after) = (&self.0[..at], &self.0[at + phrase.len()..]);
            let boundary = |inner: Option<char>, outer: Option<char>| {
                !(inner.is_some_and(char::is_alphanumeric) && outer.is_some_and(char::is_alphanumeric))
            };
            let whole = boundary(phrase.chars().next(), before.chars().next_back())
                && boundary(phrase.chars().next_back(), after.chars().next());
            whole.then_some(after)
        })
    }
}

fn push(words: &mut String, c: char) {
    if !c.is_whitespace() {
        words.push(c.to_ascii_lowercase());
    } else if !words.is_empty() && !words.ends_with(' ') {
        words.push(' ');
    }
}

/// `messages.3.content.0.text:`, `tools[2].name:`: such a message speaks about the request, whatever follows.
fn begins_with_field_path(message: &str) -> bool {
    let end = message.find(|c: char| !(c.is_ascii_alphanumeric() || "_.[]".contains(c))).unwrap_or(message.len());
    let (path, rest) = message.split_at(end);
    rest.starts_with(':') && path.contains(['.', '['])
}

/// If a quotation begins here: what follows it. `before` is the character in front.
fn skip_quotation(text: &str, before: Option<char>) -> Option<&str> {
    let open = text.chars().next()?;
    let close = match open {
        '"' | '`' | '\'' => open,
        '“' => '”',
        '‘' => '’',
        _ => return None,
    };
    let single = matches!(open, '\'' | '‘');
    // an apostrophe inside a word quotes nothing
    if single && before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let mut escaped = false;
    let inner = &text[open.len_utf8()..];
    for (at, c) in inner.char_indices() {
        let after = &inner[at + c.len_utf8()..];
        if c == close && !escaped && !(single && after.starts_with(char::is_alphanumeric)) {
            return Some(after);
        }
        escaped = c == '\\' && !escaped;
    }
    // cut off inside a quotation; a lone apostrophe is just one
    if single { None } else { Some("") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Your credit balance is too low", "your credit balance is too low")]
    #[case("tool \"credit balance is too low\" failed", "tool failed")]
    #[case("tool \"said \\\"credit\\\" twice\" failed", "tool failed")]
    #[case("The 'gpt-5' model is not\n supported", "the model is not supported")]
    #[case("your account's rate limit and `max_tokens`", "your account's rate limit and ")]
    #[case("cut off: \"credit balance is too low", "cut off: ")]
    #[case("the users' credit", "the users' credit")]
    #[case("“credit” balance", "balance")]
    #[case("messages.3.content.0.text: credit balance is too low", "")]
    #[case("tools[0].name: credit balance is too low", "")]
    #[case("model: claude-opus-9", "model: claude-opus-9")]
    fn what_is_quoted_is_not_the_vendors_own(#[case] message: &str, #[case] expected: &str) {
        assert_eq!(OwnWords::of(message).as_str(), expected);
    }

    #[test]
    fn a_phrase_counts_as_whole_words_near_the_beginning() {
        assert!(OwnWords::of("Your Credit Balance is too low").say("credit balance"));
        assert!(!OwnWords::of("accredit balances").say("credit balance"));
        assert!(!OwnWords::of(&format!("{} credit balance", "x ".repeat(60))).say("credit balance"));
    }

    proptest! {
        #[test]
        fn any_message_is_read_without_panic(message in "([\"'`“”‘’\\\\ .:\\[\\]]|.){0,60}", phrase in ".{1,5}") {
            let words = OwnWords::of(&message);
            let _ = words.say(&phrase);
            prop_assert!(words.after_each(&phrase).count() <= words.as_str().len());
        }
    }
}

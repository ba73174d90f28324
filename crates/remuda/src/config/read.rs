//! Reading TOML files of the user's. A mistake is named with its line and, for a key, what was probably meant.

use std::io::ErrorKind;
use std::path::Path;

use remuda_control::{Code, Failure, nearest};

use super::Config;

/// Reads the file. No file: the defaults.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    parse_toml(&text(path)?, path)
}

/// The file's text; empty if there is none.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        // A home that is no directory is told by whoever needs it.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(String::new()),
        Err(error) => Err(Failure::new(Code::Store, format!("{} cannot be read", path.display()))
            .why(error.to_string())
            .remedy("make it a text file that you can read, or remove it: every key has a default")),
    }
}

/// Reads TOML.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        let message = format!("{}, line {line}: {}", path.display(), first_line(error.message()));
        let remedy = match suggestion(error.message()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "correct that line".to_owned(),
        };
        Failure::invalid(message).remedy(remedy)
    })
}

/// The line, counted from 1, in which a byte stands.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte.min(text.len())).map_or(1, |before| before.matches('\n').count() + 1)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}

/// The known key nearest to an unknown one. The parser names them in backticks: first the unknown, then the known.
fn suggestion(message: &str) -> Option<&str> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

#[cfg(test)]
mod tests {
    use super::super::{Quota, Records};
    use super::*;
    use rstest::rstest;

    fn parse(text: &str) -> Result<Config, Failure> {
        parse_toml(text, Path::new("/home/ann/.config/remuda/config.toml"))
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_key_can_be_set() {
        let config = parse(
            "listen = '127.0.0.1:9'\nhosts = ['herd.lan']\n[records]\nkeep = 5\nkeep_days = 2\n\
             [routing]\nmax_moves = 2\nwait_cents_per_min = 0\n[quota]\npoll = false\npoll_every_s = 60\nmax_age_s = 120\n\
             [vendors.anthropic]\napi = 'http://a'\nauthorize = 'http://b'\ntoken = 'http://c'\ncopy_code = 'http://d'\n",
        )
        .unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!(config.records, Records { keep: 5, keep_days: 2 });
        assert_ne!(config.quota, Quota::default());
        assert_eq!(config.quota.max_age_s.get(), 120);
        assert_eq!(config.vendors.anthropic.copy_code.as_deref(), Some("http://d"));
    }

    #[rstest]
    #[case("\n\nlisten_on = '127.0.0.1:1'", "line 3: unknown field `listen_on`", "did you mean `listen`?")]
    #[case("[vendors.anthropic]\ntokne = 'x'", "line 2: unknown field `tokne`", "did you mean `token`?")]
    #[case("[vendors.antropic]\n", "line 1: unknown field `antropic`", "did you mean `anthropic`?")]
    #[case("listen = 'here'", "line 1: invalid socket address", "correct that line")]
    #[case("listen = \n", "line 1: ", "correct that line")]
    #[case("[routing]\nmax_moves = 6", "line 2: 6 is not between 0 and 5", "correct that line")]
    #[case("[quota]\n\npoll_every_s = 5", "line 3: 5 is not between 60 and 86400", "correct that line")]
    #[case("[quota]\npoll_every_s = -5", "line 2: -5 is not between 60 and 86400", "correct that line")]
    fn a_mistake_is_named_with_its_line_and_what_was_meant(
        #[case] text: &str,
        #[case] says: &str,
        #[case] remedy: &str,
    ) {
        let failure = parse(text).unwrap_err();
        assert_eq!(failure.code, Code::Invalid);
        assert!(failure.message.contains(says), "{}", failure.message);
        assert_eq!(failure.remedy.as_deref(), Some(remedy));
    }
}

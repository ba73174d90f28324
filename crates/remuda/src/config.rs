//! `config.toml`: belongs to the user, is only read here. Every key has a default; an unknown key is a mistake and is
//! named with its line.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use remuda_control::{Code, Failure, nearest};
use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Where agents reach the daemon. Loopback only.
    pub(crate) listen: SocketAddr,
    /// Names besides `localhost` by which it may be addressed.
    pub(crate) hosts: Vec<String>,
    /// How long decision records stay.
    pub(crate) records: Records,
    /// Other endpoints than the vendors' own.
    pub(crate) vendors: Vendors,
}

/// Bounds of the decision records.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Records {
    /// Most records.
    pub(crate) keep: u32,
    /// Greatest age in days.
    pub(crate) keep_days: u32,
}

/// One table per vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Vendors {
    /// Anthropic.
    pub(crate) anthropic: Endpoints,
}

/// Where a vendor listens; left out: where it really does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Endpoints {
    /// Base of the API.
    pub(crate) api: Option<String>,
    /// Page where a person allows a login.
    pub(crate) authorize: Option<String>,
    /// Exchange and refresh of tokens.
    pub(crate) token: Option<String>,
    /// Page that shows a code to paste.
    pub(crate) copy_code: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4747)),
            hosts: Vec::new(),
            records: Records::default(),
            vendors: Vendors::default(),
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        let kept = remuda_store::Retention::default();
        Self { keep: kept.max_records, keep_days: u32::try_from(kept.max_age_s / 86_400).unwrap_or(30) }
    }
}

impl Config {
    /// Reads the file. No file: the defaults.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            // A home that is no directory is told by whoever needs it.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Self::default()),
            Err(error) => Err(Failure::new(Code::Store, format!("{} cannot be read", path.display()))
                .why(error.to_string())
                .remedy("make it a text file that you can read, or remove it: every key has a default")),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Failure> {
        parse_toml(text, path)
    }
}

/// Reads a TOML file of the user's. A mistake is named with its line and, for a key, what was probably meant.
pub(crate) fn parse_toml<T: serde::de::DeserializeOwned>(text: &str, path: &Path) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = format!("{}, line {line}: {}", path.display(), first_line(error.message()));
        let remedy = match suggestion(error.message()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "correct that line".to_owned(),
        };
        Failure::invalid(message).remedy(remedy)
    })
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
    use super::*;
    use rstest::rstest;

    fn parse(text: &str) -> Result<Config, Failure> {
        Config::parse(text, Path::new("/home/ann/.config/remuda/config.toml"))
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn every_key_can_be_set() {
        let config = parse(
            "listen = '127.0.0.1:9'\nhosts = ['herd.lan']\n[records]\nkeep = 5\nkeep_days = 2\n\
             [vendors.anthropic]\napi = 'http://a'\nauthorize = 'http://b'\ntoken = 'http://c'\ncopy_code = 'http://d'\n",
        )
        .unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!(config.records, Records { keep: 5, keep_days: 2 });
        assert_eq!(config.vendors.anthropic.copy_code.as_deref(), Some("http://d"));
    }

    #[rstest]
    #[case("\n\nlisten_on = '127.0.0.1:1'", "line 3: unknown field `listen_on`", "did you mean `listen`?")]
    #[case("[vendors.anthropic]\ntokne = 'x'", "line 2: unknown field `tokne`", "did you mean `token`?")]
    #[case("[vendors.antropic]\n", "line 1: unknown field `antropic`", "did you mean `anthropic`?")]
    #[case("listen = 'here'", "line 1: invalid socket address", "correct that line")]
    #[case("listen = \n", "line 1: ", "correct that line")]
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

//! Who may use the relay: whoever has one of its tokens. Two may be valid at once, so that the client can change to the
//! new one before the old one ends.

use std::path::{Path, PathBuf};

use http::{HeaderMap, header};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Shortest token, in characters: 128 random bits in the densest usual writing.
pub const SHORTEST: usize = 22;
/// Most tokens that are valid at one moment.
pub const MOST: usize = 2;

/// Why a text is no list of tokens. Never holds a token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// None, or more than [`MOST`].
    #[error("{found} tokens; write one per line, at most {MOST}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// Shorter than [`SHORTEST`] or with characters that a header cannot have.
    #[error("a token needs at least {SHORTEST} printable characters without spaces; `remuda relay setup` makes one")]
    Weak,
    /// The file cannot be read.
    #[error("the tokens in {} cannot be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The valid tokens, as hashes: what is compared does not tell by the time it takes how much of a token is right.
#[derive(Debug)]
pub struct Tokens(RwLock<Vec<[u8; 32]>>);

impl Tokens {
    /// One token per line; empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        Ok(Self(RwLock::new(hashes(text)?)))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        Self::parse(&text(path)?)
    }

    /// Reads the file again. On an error the tokens stay as they are.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn reread(&self, path: &Path) -> Result<(), TokenError> {
        let fresh = hashes(&text(path)?)?;
        *self.0.write() = fresh;
        Ok(())
    }

    /// Which token `authorization: Bearer …` has, by its hash. `None`: no valid one.
    #[must_use]
    pub fn recognise(&self, headers: &HeaderMap) -> Option<[u8; 32]> {
        let mut stated = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (stated.next(), stated.next()) else { return None };
        let (scheme, token) = value.as_bytes().split_at_checked(7)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return None;
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        let valid = self.0.read().iter().fold(Choice::from(0), |found, known| found | known.ct_eq(&hash));
        bool::from(valid).then_some(hash)
    }
}

fn text(path: &Path) -> Result<String, TokenError> {
    std::fs::read_to_string(path).map_err(|source| TokenError::File { path: path.to_owned(), source })
}

fn hashes(text: &str) -> Result<Vec<[u8; 32]>, TokenError> {
    let tokens: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if tokens.is_empty() || tokens.len() > MOST {
        return Err(TokenError::Count { found: tokens.len() });
    }
    if tokens.iter().any(|token| token.len() < SHORTEST || !token.bytes().all(|b| b.is_ascii_graphic())) {
        return Err(TokenError::Weak);
    }
    Ok(tokens.iter().map(|token| Sha256::digest(token.as_bytes()).into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "rly_old_old_old_old_old_old";
    const NEW: &str = "rly_new_new_new_new_new_new";

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn each_valid_token_is_known_and_nothing_else_is() {
        let tokens = Tokens::parse(&format!("# two while changing\n{OLD}\n\n{NEW}\n")).unwrap();
        let old = tokens.recognise(&headers(&[&format!("Bearer {OLD}")])).unwrap();
        let new = tokens.recognise(&headers(&[&format!("bearer {NEW}")])).unwrap();
        assert_ne!(old, new);
        for wrong in [&[][..], &[""], &["Bearer "], &["Bearer"], &[OLD], &["Basic x"], &["Bearer rly_old"]] {
            assert_eq!(tokens.recognise(&headers(wrong)), None, "{wrong:?}");
        }
        let longer = format!("Bearer {OLD}x");
        assert_eq!(tokens.recognise(&headers(&[&longer])), None);
        let twice = format!("Bearer {OLD}");
        assert_eq!(tokens.recognise(&headers(&[&twice, &twice])), None, "one is stated, or none");
    }

    #[test]
    fn no_token_a_weak_one_or_too_many_are_refused() {
        assert!(matches!(Tokens::parse("# nothing\n"), Err(TokenError::Count { found: 0 })));
        assert!(matches!(Tokens::parse("changeme"), Err(TokenError::Weak)));
        assert!(matches!(Tokens::parse("a token with spaces in the middle"), Err(TokenError::Weak)));
        let three = [OLD, NEW, "rly_third_third_third_third"].join("\n");
        assert!(matches!(Tokens::parse(&three), Err(TokenError::Count { found: 3 })));
    }

    #[test]
    fn a_file_that_cannot_be_read_again_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, OLD).unwrap();
        let tokens = Tokens::read(&path).unwrap();
        std::fs::write(&path, "weak").unwrap();
        assert!(tokens.reread(&path).is_err());
        assert!(tokens.recognise(&headers(&[&format!("Bearer {OLD}")])).is_some());
        std::fs::write(&path, format!("{NEW}\n")).unwrap();
        tokens.reread(&path).unwrap();
        assert!(tokens.recognise(&headers(&[&format!("Bearer {OLD}")])).is_none());
        assert!(tokens.recognise(&headers(&[&format!("Bearer {NEW}")])).is_some());
    }
}

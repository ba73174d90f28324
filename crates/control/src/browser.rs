//! Browsers: one-time links, and the cookies that they are exchanged for. Kept in memory as hashes, gone with the daemon.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use parking_lot::Mutex;
use remuda_core::UnixSeconds;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::types::{CSRF_COOKIE, CSRF_HEADER, SESSION_COOKIE};

/// A link that nobody has opened by then opens nothing.
const LINK: Duration = Duration::from_secs(300);
/// A browser comes in again by itself for this long.
const SESSION: Duration = Duration::from_secs(30 * 86_400);
/// Most links that wait, and most browsers; beyond it the oldest gives way.
const MOST: usize = 64;

type Hash = [u8; 32];

/// See the module's description.
#[derive(Default)]
pub(crate) struct Browsers {
    links: Mutex<VecDeque<(Hash, UnixSeconds)>>,
    sessions: Mutex<VecDeque<(Hash, UnixSeconds)>>,
}

/// What a browser gets for a link.
pub(crate) struct Cookies {
    session: SecretString,
    csrf: String,
}

impl Cookies {
    /// Puts them into an answer. Strict: a page of another site cannot even lead here with them.
    pub(crate) fn set(&self, headers: &mut HeaderMap) {
        let (session, age) = (self.session.expose_secret(), SESSION.as_secs());
        for (cookie, more) in
            [(format!("{SESSION_COOKIE}={session}"), "; HttpOnly"), (format!("{CSRF_COOKIE}={}", self.csrf), "")]
        {
            let text = format!("{cookie}; Path=/; Max-Age={age}; SameSite=Strict{more}");
            if let Ok(mut value) = HeaderValue::from_str(&text) {
                value.set_sensitive(true);
                headers.append(SET_COOKIE, value);
            }
        }
    }
}

/// Why a browser is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It has no cookie of ours: some other way in may hold.
    NoCookie,
    /// Its cookie is not known here, or has ended.
    Ended,
    /// The cookie came without the header that only our own page can set.
    NotOurPage,
}

impl Browsers {
    /// A code for a one-time link, and when it ends.
    pub(crate) fn link(&self, now: UnixSeconds) -> Result<(SecretString, UnixSeconds), getrandom::Error> {
        let code = random()?;
        let ends_at = now + seconds(LINK);
        add(&self.links, hash(&code), ends_at, now);
        Ok((SecretString::from(code), ends_at))
    }

    /// Exchanges a code, once. `None`: it opens nothing.
    pub(crate) fn open(&self, code: &str, now: UnixSeconds) -> Option<Cookies> {
        if !take(&self.links, &hash(code), now) {
            return None;
        }
        let session = random().ok()?;
        add(&self.sessions, hash(&session), now + seconds(SESSION), now);
        let csrf = csrf_of(&session);
        Some(Cookies { session: SecretString::from(session), csrf })
    }

    /// Does this request come from a browser that was let in, and from our own page?
    pub(crate) fn admits(&self, method: &Method, headers: &HeaderMap, now: UnixSeconds) -> Result<(), Shut> {
        let session = cookie(headers, SESSION_COOKIE).ok_or(Shut::NoCookie)?;
        if !knows(&self.sessions, &hash(session), now) {
            return Err(Shut::Ended);
        }
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let header = headers.get(CSRF_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        let own_page = bool::from(header.ct_eq(csrf_of(session).as_bytes()));
        // A browser says where a request comes from. What is no browser does not, and needs no protection from itself.
        let foreign =
            headers.get("sec-fetch-site").is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
        if foreign || (!reads && !own_page) { Err(Shut::NotOurPage) } else { Ok(()) }
    }
}

/// Bound to the session, so that a cookie that another port of this host has planted is worth nothing.
fn csrf_of(session: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("csrf:{session}").as_bytes()))
}

fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn add(list: &Mutex<VecDeque<(Hash, UnixSeconds)>>, hash: Hash, ends_at: UnixSeconds, now: UnixSeconds) {
    let mut list = list.lock();
    list.retain(|(_, ends_at)| *ends_at > now);
    while list.len() >= MOST {
        list.pop_front();
    }
    list.push_back((hash, ends_at));
}

fn knows(list: &Mutex<VecDeque<(Hash, UnixSeconds)>>, hash: &Hash, now: UnixSeconds) -> bool {
    // Hashes of long random texts cannot be found by guessing their beginnings.
    list.lock().iter().any(|(known, ends_at)| known == hash && *ends_at > now)
}

fn take(list: &Mutex<VecDeque<(Hash, UnixSeconds)>>, hash: &Hash, now: UnixSeconds) -> bool {
    let mut list = list.lock();
    let found = list.iter().position(|(known, ends_at)| known == hash && *ends_at > now);
    found.is_some_and(|at| list.remove(at).is_some())
}

/// The value of a cookie. Sent twice, it is somebody's trick.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut values = all.filter_map(|pair| pair.trim().split_once('=').filter(|(n, _)| *n == name).map(|(_, v)| v));
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const NOW: UnixSeconds = 1_800_000_000;

    fn let_in(browsers: &Browsers) -> Cookies {
        let (code, _) = browsers.link(NOW).unwrap();
        browsers.open(code.expose_secret(), NOW).unwrap()
    }

    fn headers(cookies: &Cookies, more: &[(&'static str, &str)]) -> HeaderMap {
        let cookie =
            format!("theme=dark; {SESSION_COOKIE}={}; {CSRF_COOKIE}={}", cookies.session.expose_secret(), cookies.csrf);
        let mut headers = HeaderMap::from_iter([(COOKIE, cookie.parse().unwrap())]);
        headers.extend(more.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())));
        headers
    }

    #[test]
    fn a_link_opens_once_and_not_for_long() {
        let browsers = Browsers::default();
        let (code, ends_at) = browsers.link(NOW).unwrap();
        assert!(browsers.open("something else", NOW).is_none());
        assert!(browsers.open(code.expose_secret(), NOW).is_some());
        assert!(browsers.open(code.expose_secret(), NOW).is_none(), "once");
        let (code, _) = browsers.link(NOW).unwrap();
        assert!(browsers.open(code.expose_secret(), ends_at).is_none(), "too late");
    }

    #[test]
    fn a_browser_reads_by_cookie_and_changes_only_from_our_page() {
        let browsers = Browsers::default();
        let cookies = let_in(&browsers);
        let plain = headers(&cookies, &[]);
        let ours = headers(&cookies, &[(CSRF_HEADER, &cookies.csrf)]);
        let guessed = headers(&cookies, &[(CSRF_HEADER, "guessed")]);
        assert_eq!(browsers.admits(&Method::GET, &plain, NOW), Ok(()));
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(browsers.admits(&method, &ours, NOW), Ok(()), "{method}");
            assert_eq!(browsers.admits(&method, &plain, NOW), Err(Shut::NotOurPage), "{method}");
            assert_eq!(browsers.admits(&method, &guessed, NOW), Err(Shut::NotOurPage), "{method}");
        }
    }

    #[rstest]
    #[case("same-origin", Ok(()))]
    #[case("none", Ok(()))]
    #[case("same-site", Err(Shut::NotOurPage))] // another port of this host
    #[case("cross-site", Err(Shut::NotOurPage))]
    fn what_another_page_has_caused_is_refused(#[case] site: &str, #[case] expected: Result<(), Shut>) {
        let browsers = Browsers::default();
        let cookies = let_in(&browsers);
        let headers = headers(&cookies, &[("sec-fetch-site", site), (CSRF_HEADER, &cookies.csrf)]);
        assert_eq!(browsers.admits(&Method::GET, &headers, NOW), expected);
        assert_eq!(browsers.admits(&Method::POST, &headers, NOW), expected);
    }

    #[test]
    fn cookies_end_and_strange_ones_open_nothing() {
        let browsers = Browsers::default();
        let cookies = let_in(&browsers);
        let plain = headers(&cookies, &[]);
        let last = NOW + seconds(SESSION);
        assert_eq!(browsers.admits(&Method::GET, &plain, last - 1), Ok(()));
        assert_eq!(browsers.admits(&Method::GET, &plain, last), Err(Shut::Ended));
        assert_eq!(browsers.admits(&Method::GET, &HeaderMap::new(), NOW), Err(Shut::NoCookie));
        let strange = HeaderMap::from_iter([(COOKIE, format!("{SESSION_COOKIE}=guess").parse().unwrap())]);
        assert_eq!(browsers.admits(&Method::GET, &strange, NOW), Err(Shut::Ended));
        let mut twice = plain;
        twice.append(COOKIE, format!("{SESSION_COOKIE}=planted").parse().unwrap());
        assert_eq!(browsers.admits(&Method::GET, &twice, NOW), Err(Shut::NoCookie));
    }

    #[test]
    fn old_browsers_give_way() {
        let browsers = Browsers::default();
        let first = let_in(&browsers);
        (0..MOST).for_each(|_| drop(let_in(&browsers)));
        assert_eq!(browsers.admits(&Method::GET, &headers(&first, &[]), NOW), Err(Shut::Ended));
    }
}

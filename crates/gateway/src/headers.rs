//! Which headers travel. Everything the client or the vendor says passes, except what belongs to one hop, what is
//! ours, and the credential: that one is put in place of the client key.

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, header::InvalidHeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::keys::PREFIX;

/// Headers that belong to one connection (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request that are about us or about the client's relation to us, not about the vendor.
/// `origin`: the vendor refuses requests with one (401 "CORS requests are not allowed", its errors page).
/// The last three name the client's own account at OpenAI.
const OURS: [&str; 9] = [
    "host",
    "authorization",
    "x-api-key",
    "cookie",
    "origin",
    "content-length",
    "chatgpt-account-id",
    "openai-organization",
    "openai-project",
];

/// How an account's credential is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthStyle {
    /// `Authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    ApiKey,
}

/// What a credential, or the place where it is used, needs besides the credential itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs<'a> {
    /// Betas that must stand in `anthropic-beta`.
    pub betas: &'static [&'static str],
    /// The endpoint takes no betas at all.
    pub no_betas: bool,
    /// The ChatGPT account that a subscription's token is for.
    pub chatgpt_account: Option<&'a str>,
}

const BETA: HeaderName = HeaderName::from_static("anthropic-beta");

/// The header by which a host presents its client key without giving up its own auth header.
pub const KEY_HEADER: &str = "x-remuda-key";

/// Where a Codex that is logged in itself presents its client key: of all headers of its built-in provider only this one and
/// `openai-organization` can be given per process (seen in 0.169.0, November 2026).
pub const PROJECT_HEADER: &str = "openai-project";

/// The headers for one attempt, and in words what was changed.
///
/// # Errors
/// The credential cannot stand in a header (line breaks, other controls).
pub fn for_vendor(
    client: &HeaderMap,
    style: AuthStyle,
    secret: &SecretString,
    needs: Needs<'_>,
) -> Result<(HeaderMap, Vec<String>), InvalidHeaderValue> {
    let mut out = HeaderMap::with_capacity(client.len() + 2);
    let named = named_by_connection(client);
    for (name, value) in client {
        let n = name.as_str();
        // A client key opens nothing but this gateway; wherever it stands, it goes no further.
        let is_key = value.as_bytes().starts_with(PREFIX.as_bytes());
        if OURS.contains(&n) || n.starts_with("x-remuda-") || is_key || is_hop(n, &named) {
            continue;
        }
        out.append(name.clone(), value.clone());
    }
    if client.get_all(header::TE).iter().any(|v| v.as_bytes().eq_ignore_ascii_case(b"trailers")) {
        out.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    let mut changes = Vec::with_capacity(2);
    let (name, mut value) = match style {
        AuthStyle::Bearer => {
            (header::AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", secret.expose_secret()))?)
        }
        AuthStyle::ApiKey => (HeaderName::from_static("x-api-key"), HeaderValue::from_str(secret.expose_secret())?),
    };
    value.set_sensitive(true);
    changes.push(format!("{name}: the account's credential in place of the client key"));
    out.insert(name, value);
    if let Some(account) = needs.chatgpt_account {
        out.insert(HeaderName::from_static("chatgpt-account-id"), HeaderValue::from_str(account)?);
        changes.push("chatgpt-account-id: that of the account".to_owned());
    }
    if needs.no_betas && out.remove(BETA).is_some() {
        changes.push("anthropic-beta: removed, the endpoint takes none".to_owned());
    }
    for beta in needs.betas {
        if add_beta(&mut out, beta) {
            changes.push(format!("anthropic-beta: {beta} added, this kind of credential needs it"));
        }
    }
    if without_brotli(&mut out) {
        changes.push("accept-encoding: br removed, so that the answer can be judged".to_owned());
    }
    Ok((out, changes))
}

/// The headers of an answer as the client gets them.
#[must_use]
pub fn for_client(vendor: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(vendor);
    let mut out = HeaderMap::with_capacity(vendor.len());
    for (name, value) in vendor {
        if !is_hop(name.as_str(), &named) {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|n| n.trim().to_ascii_lowercase())
        .filter(|n| !n.is_empty() && n != "close" && n != "keep-alive")
        .collect()
}

fn is_hop(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || named.iter().any(|n| n == name)
}

/// Adds a beta to the list unless it stands there already. True: it was added.
fn add_beta(headers: &mut HeaderMap, beta: &str) -> bool {
    let mut lines: Vec<HeaderValue> = headers.get_all(&BETA).iter().cloned().collect();
    if lines.iter().any(|line| line.to_str().is_ok_and(|l| l.split(',').any(|b| b.trim() == beta))) {
        return false;
    }
    let longer = match lines.pop().as_ref().map(HeaderValue::as_bytes) {
        Some(last) if !last.is_empty() => [last, b",", beta.as_bytes()].concat(),
        _ => beta.as_bytes().to_vec(),
    };
    let Ok(longer) = HeaderValue::from_bytes(&longer) else { return false };
    headers.remove(&BETA);
    for line in lines {
        headers.append(BETA, line);
    }
    headers.append(BETA, longer);
    true
}

/// We can read gzip, deflate and zstd beside plain text, but not brotli: an answer in it could not be judged before it
/// is released.
fn without_brotli(headers: &mut HeaderMap) -> bool {
    let Some(value) = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()) else { return false };
    let is_br = |item: &str| item.split(';').next().is_some_and(|n| n.trim().eq_ignore_ascii_case("br"));
    if !value.split(',').any(is_br) {
        return false;
    }
    let kept: Vec<&str> = value.split(',').map(str::trim).filter(|i| !is_br(i)).collect();
    let kept = if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") };
    HeaderValue::from_str(&kept).is_ok_and(|v| headers.insert(header::ACCEPT_ENCODING, v).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut all = HeaderMap::new();
        for (n, v) in pairs {
            all.append(HeaderName::from_static(n), v.parse().unwrap());
        }
        all
    }

    fn sent(client: &HeaderMap, style: AuthStyle, betas: &'static [&'static str]) -> (HeaderMap, Vec<String>) {
        for_vendor(client, style, &SecretString::from("sk-secret"), Needs { betas, ..Needs::default() }).unwrap()
    }

    #[test]
    fn the_client_key_never_travels_in_any_of_its_forms() {
        let client = map(&[
            ("authorization", "Bearer rmd_1"),
            ("x-api-key", "rmd_2"),
            ("x-remuda-key", "rmd_3"),
            ("openai-project", "rmd_4"),
            ("cookie", "c"),
        ]);
        let (out, _) = sent(&client, AuthStyle::ApiKey, &[]);
        assert_eq!(out.len(), 1);
        assert_eq!(out["x-api-key"], "sk-secret");
        assert!(format!("{out:?}").contains("Sensitive"), "the credential does not print");
    }

    #[test]
    fn hop_by_hop_headers_stop_here_and_all_others_pass_in_order() {
        let client = map(&[
            ("connection", "close, X-Own-Hop"),
            ("x-own-hop", "1"),
            ("keep-alive", "5"),
            ("te", "gzip"),
            ("x-new", "a"),
            ("x-new", "b"),
            ("user-agent", "claude-cli/9"),
        ]);
        let (out, _) = sent(&client, AuthStyle::Bearer, &[]);
        let names: Vec<&str> = out.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-new", "user-agent", "authorization"]);
        assert_eq!(out.get_all("x-new").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn the_clients_own_account_gives_way_to_the_one_that_serves() {
        let client = map(&[("chatgpt-account-id", "own"), ("openai-organization", "o"), ("originator", "codex_exec")]);
        let needs = Needs { chatgpt_account: Some("acct"), ..Needs::default() };
        let (out, _) = for_vendor(&client, AuthStyle::Bearer, &SecretString::from("t"), needs).unwrap();
        assert_eq!(out["chatgpt-account-id"], "acct");
        assert_eq!((out.get("openai-organization"), out.len()), (None, 3));
    }

    #[test]
    fn an_endpoint_without_betas_gets_none() {
        let needs = Needs { no_betas: true, ..Needs::default() };
        let client = map(&[("anthropic-beta", "a-1")]);
        let (out, changes) = for_vendor(&client, AuthStyle::Bearer, &SecretString::from("t"), needs).unwrap();
        assert!(!out.contains_key("anthropic-beta"));
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn trailers_stay_announced() {
        let (out, _) = sent(&map(&[("te", "trailers")]), AuthStyle::Bearer, &[]);
        assert_eq!(out["te"], "trailers");
    }

    #[test]
    fn a_needed_beta_is_added_once_and_the_clients_own_stay() {
        let beta: &[&str] = &["oauth-2025-04-20"];
        let (out, changes) = sent(&map(&[("anthropic-beta", "a-1,b-2")]), AuthStyle::Bearer, beta);
        assert_eq!(out["anthropic-beta"], "a-1,b-2,oauth-2025-04-20");
        assert_eq!(changes.len(), 2);
        let (again, changes) = sent(&map(&[("anthropic-beta", "oauth-2025-04-20, z")]), AuthStyle::Bearer, beta);
        assert_eq!(again["anthropic-beta"], "oauth-2025-04-20, z");
        assert_eq!(changes.len(), 1);
        let (none, _) = sent(&map(&[]), AuthStyle::Bearer, beta);
        assert_eq!(none["anthropic-beta"], "oauth-2025-04-20");
    }

    #[test]
    fn only_brotli_leaves_the_accepted_encodings() {
        let (out, _) = sent(&map(&[("accept-encoding", "gzip, deflate, br, zstd")]), AuthStyle::Bearer, &[]);
        assert_eq!(out["accept-encoding"], "gzip, deflate, zstd");
        let (out, changes) = sent(&map(&[("accept-encoding", "gzip;q=1.0,deflate")]), AuthStyle::Bearer, &[]);
        assert_eq!(out["accept-encoding"], "gzip;q=1.0,deflate");
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn a_credential_with_a_line_break_is_an_error_not_a_header() {
        let broken = SecretString::from("sk\nx-evil: 1");
        assert!(for_vendor(&HeaderMap::new(), AuthStyle::ApiKey, &broken, Needs::default()).is_err());
    }

    #[test]
    fn the_answer_keeps_everything_but_the_hop() {
        let vendor = map(&[("transfer-encoding", "chunked"), ("request-id", "r"), ("x-unknown", "1")]);
        assert_eq!(for_client(&vendor), map(&[("request-id", "r"), ("x-unknown", "1")]));
    }
}

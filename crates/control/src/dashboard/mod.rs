//! The dashboard's files, inside the binary. They hold nothing about anybody; what they show they ask of the control API,
//! with the cookie of a browser that was let in.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::types::Failure;

/// Nothing from anywhere else, no script in the page itself, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DRAWING: &str = "image/svg+xml";

macro_rules! assets {
    ($($name:literal $kind:ident;)*) => {
        /// Name below `/assets/`, media type, text.
        const ASSETS: &[(&str, &str, &str)] = &[$(($name, $kind, include_str!(concat!("assets/", $name)))),*];
    };
}

assets! {
    "index.html" HTML;
    "icon.svg" DRAWING;
    "app.css" STYLE;
    "main.js" SCRIPT;
    "act.js" SCRIPT;
    "api.js" SCRIPT;
    "chart.js" SCRIPT;
    "dom.js" SCRIPT;
    "herd.js" SCRIPT;
    "parts.js" SCRIPT;
    "words.js" SCRIPT;
    "pages/accounts.js" SCRIPT;
    "pages/chains.js" SCRIPT;
    "pages/overview.js" SCRIPT;
    "pages/requests.js" SCRIPT;
    "pages/sessions.js" SCRIPT;
    "pages/settings.js" SCRIPT;
    "pages/usage.js" SCRIPT;
}

/// The page and its files.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/", get(|headers: HeaderMap| async move { asset("index.html", &headers) })).route(
        "/assets/{*name}",
        get(|Path(name): Path<String>, headers: HeaderMap| async move { asset(&name, &headers) }),
    )
}

fn asset(name: &str, asked: &HeaderMap) -> Response {
    let Some((_, kind, text)) = ASSETS.iter().find(|(known, ..)| *known == name) else {
        return crate::router::respond::<()>(Err(Failure::new(
            crate::types::Code::UnknownRoute,
            format!("the dashboard has no file {name:?}"),
        )));
    };
    // The files change with the binary only, and are small: a browser asks each time, and is told that it has them.
    let tag = concat!("\"", env!("CARGO_PKG_VERSION"), "-");
    let tag = format!("{tag}{:x}\"", fingerprint(text));
    let known = asked.get(IF_NONE_MATCH).is_some_and(|have| have.as_bytes() == tag.as_bytes());
    let mut response = Response::new(if known { Body::empty() } else { Body::from(*text) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// FNV-1a: tells versions of a file apart, nothing more.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `from "…"`, `src="…"` and `href="…"` name in a file.
    fn named<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
    }

    #[test]
    fn every_file_that_is_named_is_there_and_every_file_is_named() {
        let mut reached = vec!["index.html"];
        for (name, _, text) in ASSETS {
            for wanted in named(text, "from \"").chain(named(text, "import \"")) {
                let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let path = match (wanted.strip_prefix("./"), wanted.strip_prefix("../")) {
                    (Some(rest), _) if folder.is_empty() => rest.to_owned(),
                    (Some(rest), _) => format!("{folder}/{rest}"),
                    (_, Some(rest)) => rest.to_owned(),
                    _ => panic!("{name} takes {wanted} from elsewhere"),
                };
                let there = ASSETS.iter().find(|(known, ..)| *known == path);
                reached.push(there.unwrap_or_else(|| panic!("{name} names {path}, which is missing")).0);
            }
            for wanted in named(text, "=\"/assets/") {
                let there = ASSETS.iter().find(|(known, ..)| *known == wanted);
                reached.push(there.unwrap_or_else(|| panic!("{name} names {wanted}, which is missing")).0);
            }
        }
        for (name, ..) in ASSETS {
            assert!(reached.contains(name), "{name} is used by nothing");
        }
    }

    #[test]
    fn it_is_small_and_takes_nothing_from_elsewhere() {
        let size: usize = ASSETS.iter().map(|(.., text)| text.len()).sum();
        assert!(size < 300 * 1024, "{size} bytes");
        for (name, _, text) in ASSETS {
            let rest = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!rest.contains("http://") && !rest.contains("https://"), "{name}");
        }
    }

    #[test]
    fn a_browser_that_has_a_file_gets_it_no_second_time() {
        let first = asset("app.css", &HeaderMap::new());
        let mut again = HeaderMap::new();
        again.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(asset("app.css", &again).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(asset("../lib.rs", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }
}

//! What a browser sees: the page behind a one-time link, and what there is without one.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::api::Api;

/// The page that leads on. Leading on from a page of our own, and not by a redirect, makes the browser send strict cookies.
const COME_IN: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta http-equiv=refresh content=\"0;url=/\">\
                       <title>Remuda</title><p><a href=\"/\">Remuda</a>\n";
const TOO_LATE: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Remuda</title><h1>This link opens nothing \
                        any more</h1><p>It opens once, within five minutes. Make a new one: <code>remuda dashboard</code>\n";

/// `GET /open/{code}`.
pub(crate) async fn open(State(api): State<Arc<Api>>, path: RawPathParams) -> Response {
    let code = path.iter().find(|(name, _)| *name == "code").map(|(_, code)| code).unwrap_or_default();
    match api.open_dashboard(code) {
        Some(cookies) => {
            let mut response = page(StatusCode::OK, COME_IN);
            cookies.set(response.headers_mut());
            response
        }
        None => page(StatusCode::GONE, TOO_LATE),
    }
}

/// A page of ours that needs nothing from anywhere.
pub(crate) fn page(status: StatusCode, html: &'static str) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

//! One request from its head to its answer: which endpoint, whose credential, which fault.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Incoming;

use crate::log::{Ending, Endpoint, Progress};
use crate::play::{Cut, Play};
use crate::vendor::Shared;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("scripted end of the connection")]
pub(crate) struct NoAnswer;

pub(crate) fn endpoint(method: &Method, path: &str) -> Endpoint {
    match (method.as_str(), path) {
        ("POST", "/v1/messages") => Endpoint::Messages,
        ("POST", "/v1/messages/count_tokens") => Endpoint::CountTokens,
        ("GET", "/v1/models") => Endpoint::Models,
        ("GET", path) if path.starts_with("/v1/models/") => Endpoint::Models,
        ("GET", "/oauth/authorize" | "/cai/oauth/authorize") => Endpoint::Authorize,
        ("POST", "/v1/oauth/token") => Endpoint::Token,
        ("GET", "/api/oauth/usage") => Endpoint::Usage,
        ("GET", "/api/oauth/profile") => Endpoint::Profile,
        ("GET", "/api/oauth/claude_cli/roles") => Endpoint::Roles,
        ("HEAD" | "GET", "/api/hello") => Endpoint::Hello,
        _ => Endpoint::Other,
    }
}

pub(crate) async fn handle(
    shared: Arc<Shared>,
    cut: Arc<Cut>,
    request: Request<Incoming>,
) -> Result<Response<Play>, NoAnswer> {
    let _ = (shared, endpoint(request.method(), request.uri().path()), Bytes::new());
    let play = Play::new([], None, Ending::Complete, Arc::new(Progress::default()), cut);
    let mut response = Response::new(play);
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    Ok(response)
}

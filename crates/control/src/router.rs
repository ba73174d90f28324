//! The control API over HTTP: who may call it, and how answers and failures look on the wire.
//!
//! [`Control`] stands behind the gateway's gate (Host, Origin, well-formed paths) and gets every request that is none of
//! the data plane's.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{Next, from_fn_with_state};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use remuda_gateway::{ClientBody, Fallback, Peer};
use remuda_store::KeyScope;
use serde::Serialize;
use tower::ServiceExt;

use crate::api::Api;
use crate::failure::{Code, Failure, FailureAnswer};
use crate::serve::routes;
use crate::verb::Versioned;

/// No input is longer.
const LONGEST_INPUT: usize = 64 * 1024;

/// The control API as what answers the paths that are not the data plane's.
pub struct Control {
    router: Router,
}

impl Control {
    /// `own_uid`: the user that this process runs as; only that user may call over the Unix socket.
    #[must_use]
    pub fn new(api: Arc<Api>, own_uid: u32) -> Self {
        Self { router: router(api, own_uid) }
    }
}

impl Fallback for Control {
    async fn call(&self, request: Request<Incoming>, peer: Peer) -> Response<ClientBody> {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(peer);
        let request = Request::from_parts(head, Body::new(body));
        let Ok(response) = self.router.clone().oneshot(request).await;
        response.map(|body| ClientBody::Other(body.map_err(Into::into).boxed_unsync()))
    }
}

/// All routes behind their door. The [`Peer`] of the connection is expected in each request's extensions.
fn router(api: Arc<Api>, own_uid: u32) -> Router {
    routes()
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(LONGEST_INPUT))
        .layer(from_fn_with_state(Door { api: Arc::clone(&api), own_uid }, only_the_owner))
        .with_state(api)
}

#[derive(Clone)]
struct Door {
    api: Arc<Api>,
    own_uid: u32,
}

/// On the socket the kernel says who calls; on TCP a key of administrators is needed. There is no third way in.
async fn only_the_owner(State(door): State<Door>, request: Request<Body>, next: Next) -> Response<Body> {
    let allowed = match request.extensions().get::<Peer>() {
        Some(Peer::Unix { uid }) if *uid == door.own_uid => Ok(()),
        Some(Peer::Tcp(_)) => door.api.admits(request.headers()),
        Some(Peer::Unix { .. }) | None => Err(Failure::new(Code::Unauthorized, "this daemon belongs to another user")),
    };
    match allowed {
        Ok(()) => next.run(request).await,
        Err(failure) => respond::<()>(Err(failure)),
    }
}

impl Api {
    /// Does the request present a key that opens the control API?
    fn admits(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let refused = |why: &str| {
            Failure::new(Code::Unauthorized, "the control API needs an admin key")
                .why(why)
                .remedy("make one with `remuda key create --name … --admin`, or use the Unix socket")
        };
        match self.herd().recognise(headers, self.now()) {
            Ok(known) if known.key.scope == KeyScope::Admin => Ok(()),
            Ok(_) => Err(refused("the key that was presented opens requests to the vendors only")),
            Err(why) => Err(refused(&why.to_string())),
        }
    }
}

async fn unknown(request: Request<Body>) -> Response<Body> {
    let what = format!("{} {} does not exist", request.method(), request.uri().path());
    respond::<()>(Err(Failure::new(Code::UnknownRoute, what).remedy("this is version 1 of the control API: /api/v1/…")))
}

/// An answer or a failure as JSON.
pub(crate) fn respond<T: Serialize>(answer: Result<T, Failure>) -> Response<Body> {
    let (status, json) = match answer {
        Ok(answer) => (StatusCode::OK, serde_json::to_vec(&Versioned::new(answer))),
        Err(error) => (error.code.status(), serde_json::to_vec(&Versioned::new(FailureAnswer { error }))),
    };
    let (status, body) = match json {
        Ok(json) => (status, Body::from(json)),
        Err(error) => {
            tracing::error!(%error, "an answer of the control API cannot be written as JSON");
            (StatusCode::INTERNAL_SERVER_ERROR, Body::empty())
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

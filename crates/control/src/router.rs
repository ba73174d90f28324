//! The control API over HTTP: who may call it, and how answers and failures look on the wire.
//!
//! [`Control`] stands behind the gateway's gate (Host, Origin, well-formed paths) and gets every request that is none of
//! the data plane's.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use remuda_gateway::guard::Turned;
use remuda_gateway::{BoxFuture, ClientBody, Fallback, Peer};
use remuda_store::KeyScope;
use serde::Serialize;
use tower::ServiceExt;

use crate::api::Api;
use crate::browser::Shut;
use crate::serve::routes;
use crate::stream;
use crate::types::Versioned;
use crate::types::{CSRF_HEADER, EVENTS_PATH};
use crate::types::{Code, Failure, FailureAnswer};
use crate::{dashboard, health, open, openapi};

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
    fn call(&self, request: Request<Incoming>, peer: Peer) -> BoxFuture<'_> {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(peer);
        let request = Request::from_parts(head, Body::new(body));
        let answer = self.router.clone().oneshot(request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            response.map(|body| ClientBody::Other(body.map_err(Into::into).boxed_unsync()))
        })
    }

    fn turned_away(&self, why: Turned) -> Option<Response<ClientBody>> {
        let failure = match why {
            Turned::Path => Failure::invalid(why.to_string()),
            Turned::Host | Turned::Origin => Failure::new(Code::Unauthorized, why.to_string()),
        };
        let mut response = respond::<()>(Err(failure));
        if why != Turned::Path {
            // No key would help.
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        Some(response.map(|body| ClientBody::Other(body.map_err(Into::into).boxed_unsync())))
    }
}

/// All routes behind their door. The [`Peer`] of the connection is expected in each request's extensions.
fn router(api: Arc<Api>, own_uid: u32) -> Router {
    routes()
        .route(EVENTS_PATH, get(stream::events))
        .route(openapi::PATH, get(openapi::document))
        .route("/metrics", get(health::metrics))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(DefaultBodyLimit::max(LONGEST_INPUT))
        .layer(from_fn_with_state(Door { api: Arc::clone(&api), own_uid }, only_the_owner))
        // In front of the door: these are the way to a key, or say nothing that needs one.
        .route("/open/{code}", get(open::open))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .merge(dashboard::routes())
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
        Some(Peer::Tcp(_)) => door.api.admits(request.method(), request.headers()),
        Some(Peer::Unix { .. }) | None => Err(Failure::new(Code::Unauthorized, "this daemon belongs to another user")),
    };
    match allowed {
        Ok(()) => next.run(request).await,
        Err(failure) => respond::<()>(Err(failure)),
    }
}

impl Api {
    /// Does the request present a key that opens the control API, or the cookie of the dashboard?
    fn admits(&self, method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
        match self.admits_browser(method, headers) {
            Ok(()) => return Ok(()),
            Err(Shut::NoCookie) => {}
            Err(Shut::NotOurPage) => {
                return Err(Failure::new(
                    Code::Unauthorized,
                    "this request does not come from the dashboard's own page",
                )
                .why(format!("a browser's cookie alone changes nothing: the header {CSRF_HEADER} is missing or wrong"))
                .remedy("open the dashboard anew: `remuda dashboard`"));
            }
            // A script that keeps old cookies may still have a key.
            Err(Shut::Ended) if self.herd().recognise(headers, self.now()).is_err() => {
                return Err(Failure::new(Code::Unauthorized, "this browser is not let in any more")
                    .why("its cookie has ended, or the daemon has been started anew")
                    .remedy("open the dashboard anew: `remuda dashboard`"));
            }
            Err(Shut::Ended) => {}
        }
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

fn status_of(failure: &Failure) -> StatusCode {
    StatusCode::from_u16(failure.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An answer or a failure as JSON.
pub(crate) fn respond<T: Serialize>(answer: Result<T, Failure>) -> Response<Body> {
    let (status, json) = match answer {
        Ok(answer) => (StatusCode::OK, serde_json::to_vec(&Versioned::new(answer))),
        Err(error) => (status_of(&error), serde_json::to_vec(&Versioned::new(FailureAnswer { error }))),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use async_trait::async_trait;
    use remuda_core::Host;
    use remuda_credentials::login::{LoginDesk, SystemEntropy};
    use remuda_credentials::{Answer, Clock, Exchange, Keeper, SendError, SystemClock};
    use remuda_gateway::{Herd, Journal, Poller};
    use remuda_store::{KeySource, Places, SqliteOptions, SqliteStore, Store};
    use remuda_vendors::Call;
    use secrecy::ExposeSecret;
    use serde_json::Value;

    use super::*;
    use crate::api::LoginEngine;
    use crate::types::{KeyCreate, LogAsked};
    use crate::verb::ALL;

    const OWN_UID: u32 = 1000;
    const OWNER: Peer = Peer::Unix { uid: OWN_UID };

    /// No vendor can be reached from here.
    struct NoNetwork;

    #[async_trait]
    impl Exchange for NoNetwork {
        async fn send(&self, _call: &Call) -> Result<Answer, SendError> {
            Err(SendError::NotSent("no network".to_owned()))
        }
    }

    struct Served {
        api: Arc<Api>,
        router: Router,
        _home: tempfile::TempDir,
    }

    impl Served {
        async fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let options =
                SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(Places::in_home(home.path())) };
            let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options, clock.now()).await.unwrap());
            let journal = Arc::new(Journal::new(Arc::clone(&store), Arc::clone(&clock)));
            let herd = Herd::load(Arc::clone(&store), journal, Arc::clone(&clock), Default::default()).await.unwrap();
            let herd = Arc::new(herd);
            let keeper = Keeper::new(store, clock, Arc::new(NoNetwork), BTreeMap::new());
            let poller = Poller::new(
                Arc::clone(&herd),
                keeper.clone(),
                Arc::new(NoNetwork),
                BTreeMap::new(),
                Default::default(),
            );
            let desk = LoginDesk::new(keeper.clone(), Arc::new(SystemEntropy));
            let installation = crate::Installation::at(home.path().join("installation"));
            let logins = LoginEngine { desk, keeper, addresses: Default::default(), installation };
            let api = Arc::new(Api::new(herd, logins, Arc::new(poller), None));
            Self { router: router(Arc::clone(&api), OWN_UID), api, _home: home }
        }

        async fn ask(&self, peer: Option<Peer>, request: http::request::Builder, body: Body) -> (StatusCode, Value) {
            let mut request = request.body(body).unwrap();
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let json: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(json["version"], 1);
            (status, json)
        }

        async fn get(&self, peer: Option<Peer>, path: &str) -> (StatusCode, Value) {
            self.ask(peer, Request::get(path), Body::empty()).await
        }
    }

    #[tokio::test]
    async fn only_its_owner_comes_in_over_the_socket() {
        let served = Served::new().await;
        assert_eq!(served.get(Some(OWNER), "/api/v1/accounts").await.0, StatusCode::OK);
        for stranger in [Some(Peer::Unix { uid: OWN_UID + 1 }), Some(Peer::Unix { uid: 0 }), None] {
            let (status, json) = served.get(stranger, "/api/v1/accounts").await;
            assert_eq!((status, &json["error"]["code"]), (StatusCode::UNAUTHORIZED, &"unauthorized".into()));
        }
    }

    #[tokio::test]
    async fn over_tcp_only_an_admin_key_opens() {
        let served = Served::new().await;
        let tcp = Some(Peer::Tcp(([127, 0, 0, 1], 5000).into()));
        let mut keys = Vec::new();
        for scope in [KeyScope::Agent, KeyScope::Admin] {
            let create = KeyCreate {
                name: "a test".to_owned(),
                host: Host::Other,
                scope,
                pin: None,
                pinned_by_project: false,
                hold_s: None,
                project: None,
                lifetime_s: None,
            };
            keys.push(served.api.create_key(create).await.unwrap().secret.0.expose_secret().to_owned());
        }
        let asked = |key: &str| Request::get("/api/v1/accounts").header("authorization", format!("Bearer {key}"));
        assert_eq!(served.get(tcp, "/api/v1/accounts").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(served.ask(tcp, asked(&keys[0]), Body::empty()).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(served.ask(tcp, asked(&keys[1]), Body::empty()).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn strangers_do_not_learn_which_routes_there_are() {
        let served = Served::new().await;
        assert_eq!(served.get(None, "/api/v1/nothing").await.0, StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn every_verb_of_the_table_is_mounted_and_nothing_else_is() {
        let served = Served::new().await;
        for (method, path) in ALL {
            let request = Request::builder().method(method).uri(path.replace(['{', '}'], ""));
            let (_, json) = served.ask(Some(OWNER), request, Body::from("{}")).await;
            assert_ne!(json["error"]["code"], "unknown_route", "{method} {path}");
        }
        for (method, path) in [("GET", "/api/v2/accounts"), ("DELETE", "/api/v1/accounts")] {
            let (status, json) =
                served.ask(Some(OWNER), Request::builder().method(method).uri(path), Body::empty()).await;
            assert_eq!((status, &json["error"]["code"]), (StatusCode::NOT_FOUND, &"unknown_route".into()), "{path}");
        }
    }

    #[tokio::test]
    async fn input_that_cannot_be_read_says_why() {
        let served = Served::new().await;
        let long = " ".repeat(LONGEST_INPUT + 1);
        for body in ["", "{", "[]", "{\"target\": 5}", &long] {
            let request = Request::put("/api/v1/active");
            let (status, json) = served.ask(Some(OWNER), request, Body::from(body.to_owned())).await;
            assert_eq!((status, &json["error"]["code"]), (StatusCode::BAD_REQUEST, &"invalid".into()), "{body:.20}");
            assert!(json["error"]["why"].is_string(), "{json}");
        }
        let (status, _) = served.get(Some(OWNER), "/api/v1/requests?limit=many").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn a_command_alone_is_no_daemon_that_could_stop() {
        let served = Served::new().await;
        let (status, json) = served.ask(Some(OWNER), Request::post("/api/v1/stop"), Body::empty()).await;
        assert_eq!((status, &json["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"not_running".into()));
    }

    #[tokio::test]
    async fn a_cursor_of_somebody_else_is_refused() {
        let served = Served::new().await;
        let asked = LogAsked { before: Some("yesterday".to_owned()), ..LogAsked::default() };
        assert_eq!(served.api.requests(asked).await.unwrap_err().code, Code::Invalid);
    }
}

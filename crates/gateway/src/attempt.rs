//! One upstream try: credential, request, head, first events, judgement.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use remuda_core::record::AttemptEnd;
use remuda_core::request::PinScope;
use remuda_core::route::Route;
use remuda_core::{AccountId, Class, RequestKind, Scope, Verdict};
use remuda_credentials::{Token, TokenError};
use remuda_vendors::{ErrorKind, UpstreamAnswer, client_error};

use crate::arriving::Arriving;
use crate::dress::{Dressed, TURN_STATE};
use crate::flight::Flight;
use crate::herd::Mount;
use crate::hold::{Committed, Judged, Uncommitted};
use crate::plain::Plain;
use crate::provenance;
use crate::relay::Unanswered;
use crate::replay::BodyError;

/// Most bytes of a refusal that are read and handed on.
const MOST_REFUSAL: usize = 1024 * 1024;

/// How a try ended.
pub enum Ended {
    /// It serves; the answer is committed.
    Answer {
        /// The answer.
        committed: Box<Committed>,
        /// Who serves.
        mount: Mount,
    },
    /// It does not.
    Refused {
        /// What the vendor sent, if anything came.
        refusal: Option<Refusal>,
        /// What it means.
        verdict: Verdict,
    },
}

/// A refusal as the vendor sent it.
pub struct Refusal {
    /// HTTP status; that of the stream's head if it came inside a stream.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as it travelled; the failing event if it came inside a stream.
    pub body: Bytes,
    /// The same, readable.
    pub plain: Bytes,
    /// Did it come inside a stream that began with 200?
    pub in_stream: bool,
}

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// Asks one account.
    ///
    /// # Errors
    /// The client's own body failed: that is nobody else's fault and ends the request.
    pub async fn attempt(
        &mut self,
        route: &Route,
        account: AccountId,
        model: Option<String>,
    ) -> Result<Ended, BodyError> {
        let Some(mount) = self.gateway.herd.mount(account) else {
            self.draft.attempt(account, account.to_string(), model);
            return Ok(self.refuse(None, self_made(Class::CredentialDead, "the account was removed meanwhile"), false));
        };
        // What the chain says goes before what the endpoint calls the model.
        let model = model.or_else(|| mount.profile.endpoint.model(&self.intake.facts.model).map(str::to_owned));
        self.draft.attempt(account, mount.label.clone(), model.clone());
        if self.intake.facts.kind == RequestKind::CountTokens && !mount.capabilities().count_tokens {
            return Ok(self.does_not_count());
        }
        let token = match self.token(route, account).await {
            Ok(token) => token,
            Err(error) => return Ok(self.refuse(None, error.verdict(), false)),
        };
        self.generations.insert(account, token.generation());
        let dressed =
            match self.dress(account, &mount, &token, model.as_deref(), route.request().session.as_ref()).await? {
                Ok(dressed) => dressed,
                Err(why) => return Ok(self.refuse(None, self_made(Class::CredentialDead, &why), false)),
            };
        self.send(account, mount, dressed).await
    }

    async fn token(&self, route: &Route, account: AccountId) -> Result<Token, TokenError> {
        let keeper = &self.gateway.keeper;
        if let Some(token) = keeper.cached(account) {
            return Ok(token);
        }
        let chosen = route.request().pin.as_ref().is_some_and(|p| p.fresh || p.scope == PinScope::Global)
            && route.source() == Some(account);
        if chosen { keeper.token_of_choice(account).await } else { keeper.token(account).await }
    }

    async fn send(
        &mut self,
        account: AccountId,
        mount: Mount,
        Dressed { origin, protocol, request }: Dressed<B>,
    ) -> Result<Ended, BodyError> {
        let asked = tokio::time::Instant::now();
        let deadline = self.deadline;
        let answer = match tokio::time::timeout_at(deadline, self.ask(&mount, &origin, request)).await {
            Ok(Ok(Ok(answer))) => answer,
            Ok(Ok(Err(Unanswered::Unreachable(why)))) => return Ok(self.unreachable(why)),
            Ok(Ok(Err(Unanswered::Lost(why)))) => return Ok(self.lost(why)),
            Ok(Err(failure)) => return Err(failure),
            Err(_) => return Ok(self.unreachable("no answer before the request's deadline".to_owned())),
        };
        let head_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = self.gateway.now();
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.head_ms = Some(head_ms);
            attempt.status = Some(answer.status().as_u16());
            attempt.upstream_request_id = vendors_request_id(answer.headers());
        }
        if let Some(state) = answer.headers().get(TURN_STATE).and_then(|v| v.to_str().ok()) {
            self.gateway.herd.gave_out(account, vec![provenance::mark(state)], now);
        }
        let readings = remuda_vendors::windows_from_headers(mount.vendor, answer.headers(), now);
        self.gateway.herd.harvest(account, mount.profile.last_login_at, readings);
        if answer.status().is_client_error() || answer.status().is_server_error() {
            return Ok(self.read_refusal(&mount, answer).await);
        }
        let mut uncommitted = Uncommitted::new(protocol, answer);
        let judged = uncommitted.judge(self.longest_hold()).await;
        if let Some(event) = uncommitted.quota() {
            let readings = remuda_vendors::windows_from_event(mount.vendor, &event, now);
            self.gateway.herd.harvest(account, mount.profile.last_login_at, readings);
        }
        match judged {
            Judged::Content => Ok(Ended::Answer { committed: Box::new(uncommitted.commit()), mount }),
            Judged::Broken(why) => Ok(self.unreachable(why)),
            Judged::Failed(event) => {
                let refusal = Refusal {
                    status: uncommitted.status(),
                    headers: uncommitted.headers().clone(),
                    body: event.clone(),
                    plain: event,
                    in_stream: true,
                };
                let verdict = self.classify(&mount, &refusal);
                Ok(self.refuse(Some(refusal), verdict, true))
            }
        }
    }

    /// How long a stream may be held back that sends nothing but handshake: as long as this agent waits by itself, or is
    /// kept waiting.
    fn longest_hold(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_secs(5);
        let left = self.deadline.saturating_duration_since(tokio::time::Instant::now());
        if self.opening.as_ref().is_some_and(|opening| opening.is_open()) {
            return left;
        }
        let facts = &self.intake.facts;
        let waits = (self.gateway.settings.keep_alive)(facts.host, facts.protocol).silent;
        waits.saturating_sub(Duration::from_millis(self.draft.elapsed_ms())).max(SHORTEST).min(left)
    }

    async fn read_refusal(&mut self, mount: &Mount, answer: http::Response<Arriving>) -> Ended {
        let (head, mut rest) = answer.into_parts();
        let mut body = Vec::new();
        // A refusal that breaks off is judged by what came of it: its status alone says most.
        while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(self.deadline, rest.frame()).await {
            if let Some(data) = frame.data_ref() {
                body.extend_from_slice(data);
            }
            if body.len() > MOST_REFUSAL {
                break;
            }
        }
        let body = Bytes::from(body);
        let encoding = head.headers.get(http::header::CONTENT_ENCODING).and_then(|v| v.to_str().ok());
        let plain = Plain::of(encoding).read(&body);
        let refusal = Refusal { status: head.status, headers: head.headers, body, plain, in_stream: false };
        let verdict = self.classify(mount, &refusal);
        self.refuse(Some(refusal), verdict, false)
    }

    fn classify(&mut self, mount: &Mount, refusal: &Refusal) -> Verdict {
        let other = self.draft.last_attempt().and_then(|attempt| attempt.model.clone());
        self.gateway.judge(&UpstreamAnswer {
            vendor: mount.vendor,
            kind: mount.kind,
            now: self.gateway.now(),
            model: other.as_deref().unwrap_or(&self.intake.facts.model),
            status: refusal.status.as_u16(),
            headers: &refusal.headers,
            body: &refusal.plain,
            in_stream: refusal.in_stream,
        })
    }

    fn refuse(&mut self, refusal: Option<Refusal>, verdict: Verdict, in_stream: bool) -> Ended {
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.ended = AttemptEnd::Refused { verdict: verdict.clone(), in_stream };
        }
        Ended::Refused { refusal, verdict }
    }

    /// The endpoint has no such path. Agents then estimate by themselves.
    fn does_not_count(&mut self) -> Ended {
        let message = "Remuda: the endpoint of this account does not count tokens";
        let told = client_error(self.intake.words, ErrorKind::NotFound, message, "");
        let body = Bytes::from(told.body);
        let (status, plain) = (StatusCode::NOT_FOUND, body.clone());
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let verdict = Verdict {
            class: Class::RequestFault,
            scope: Scope::Request,
            fail_over: false,
            retry_same_after_s: None,
            until: None,
            evidence: "the endpoint does not count tokens".to_owned(),
        };
        self.refuse(Some(Refusal { status, headers, body, plain, in_stream: false }), verdict, false)
    }

    /// The vendor may have the request: it must not be asked again, here or elsewhere. That blames no account.
    fn lost(&mut self, why: String) -> Ended {
        match self.unreachable(why) {
            Ended::Refused { refusal, verdict } => {
                let verdict = Verdict { fail_over: false, retry_same_after_s: None, ..verdict };
                Ended::Refused { refusal, verdict }
            }
            ended @ Ended::Answer { .. } => ended,
        }
    }

    /// The connection failed. That blames no account.
    fn unreachable(&mut self, why: String) -> Ended {
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.ended = AttemptEnd::Unreachable { why: why.clone() };
        }
        let verdict = Verdict {
            class: Class::Transient,
            scope: Scope::Vendor,
            fail_over: true,
            retry_same_after_s: Some(1.0),
            until: None,
            evidence: why,
        };
        Ended::Refused { refusal: None, verdict }
    }
}

/// Headers by which vendors name a request: Anthropic; OpenAI's API and Alibaba; the Codex backend.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-oai-request-id"];

fn vendors_request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
    Some(id.chars().take(100).collect())
}

fn self_made(class: Class, why: &str) -> Verdict {
    Verdict {
        class,
        scope: Scope::Credential,
        fail_over: true,
        retry_same_after_s: None,
        until: None,
        evidence: why.to_owned(),
    }
}

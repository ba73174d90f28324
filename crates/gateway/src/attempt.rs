//! One upstream try: credential, request, head, first events, judgement.

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use remuda_core::record::AttemptEnd;
use remuda_core::request::PinScope;
use remuda_core::route::Route;
use remuda_core::{AccountId, Class, CredentialKind, RequestKind, Scope, Verdict};
use remuda_credentials::{Token, TokenError};
use remuda_store::AuthHeader;
use remuda_upstream::Incoming;
use remuda_vendors::UpstreamAnswer;
use remuda_wire::identity::UserId;
use remuda_wire::peek::{Peek, Status, Wanted};
use remuda_wire::splice::{self, Edit};

use crate::draft;
use crate::flight::Flight;
use crate::headers::{self, AuthStyle, Needs};
use crate::herd::Mount;
use crate::hold::{Committed, Judged, Uncommitted};
use crate::outgoing::{Frames, Outgoing};
use crate::plain::Plain;
use crate::replay::BodyError;
use crate::restate::{self, Restated};

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
        let label = self.gateway.herd.mount(account).map_or_else(|| account.to_string(), |m| m.label);
        self.draft.attempt(account, label, model.clone());
        let Some(mount) = self.gateway.herd.mount(account) else {
            return Ok(self.refuse(None, self_made(Class::CredentialDead, "the account was removed meanwhile"), false));
        };
        let token = match self.token(route, account).await {
            Ok(token) => token,
            Err(error) => return Ok(self.refuse(None, error.verdict(), false)),
        };
        self.generations.insert(account, token.generation());
        let request = match self.request(&mount, &token, model.as_deref()).await? {
            Ok(request) => request,
            Err(why) => return Ok(self.refuse(None, self_made(Class::CredentialDead, &why), false)),
        };
        self.send(account, mount, request).await
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

    /// The request for this account. The inner error: this account's endpoint or credential cannot be used at all.
    async fn request(
        &mut self,
        mount: &Mount,
        token: &Token,
        model: Option<&str>,
    ) -> Result<Result<(remuda_upstream::Origin, Request<Outgoing<B>>), String>, BodyError> {
        let Some((_, base)) = mount.place(self.intake.facts.protocol, &self.gateway.settings.bases) else {
            return Ok(Err("the account does not speak the protocol of this request".to_owned()));
        };
        let (origin, prefix) = match self.gateway.destinations.of(base) {
            Ok(destination) => destination,
            Err(error) => return Ok(Err(format!("the account's base URL cannot be used: {error}"))),
        };
        let own_path = self.head.uri.path_and_query().map_or("/", |p| p.as_str());
        let path = format!("{prefix}{}", own_path.get(self.path_from..).unwrap_or("/"));
        let uri: Uri = match path.parse() {
            Ok(uri) => uri,
            Err(_) => return Ok(Err("the account's base URL cannot be used".to_owned())),
        };
        let style = match (mount.kind, mount.profile.endpoint.auth_header) {
            (kind, _) if kind.is_login() => AuthStyle::Bearer,
            (_, AuthHeader::Bearer) => AuthStyle::Bearer,
            (_, AuthHeader::XApiKey) => AuthStyle::ApiKey,
        };
        let needs = Needs { betas: betas(mount.kind, self.intake.facts.kind) };
        let (headers, mut changes) = match headers::for_vendor(&self.head.headers, style, token.secret(), needs) {
            Ok(made) => made,
            Err(_) => return Ok(Err("the stored credential has characters that no header may have".to_owned())),
        };
        let body = self.body(mount, model, &mut changes).await?;
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.changes = changes;
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(Ok((origin, request)))
    }

    /// The body for this account: untouched, unless the client's identity field names another account than the one that
    /// serves, or the chain names another model.
    async fn body(
        &mut self,
        mount: &Mount,
        model: Option<&str>,
        changes: &mut Vec<String>,
    ) -> Result<Outgoing<B>, BodyError> {
        // A key belongs to no login: the field must not name one.
        let account_uuid = mount.profile.account_uuid.as_deref().unwrap_or("");
        let other_model = model.zip(self.intake.model.clone()).filter(|(name, text)| text.value != *name);
        let Some((name, text)) = other_model else {
            let body = self.intake.body.clone();
            if !self.intake.states_identity {
                return Ok(Outgoing::Same(body));
            }
            let changed = self.draft.restating();
            return Ok(Outgoing::Restated(Box::new(Restated::new(body, account_uuid.into(), changed))));
        };
        while self.intake.body.arrive().await?.is_some() {}
        let frames = self.intake.body.arrived();
        let mut edits = Vec::new();
        if self.intake.states_identity
            && let Some(user_id) = user_id(&frames)
        {
            edits.extend(restate::edits(&user_id, account_uuid));
            if !edits.is_empty() {
                changes.push(draft::RESTATED.to_owned());
            }
        }
        if let Ok(quoted) = serde_json::to_vec(name) {
            changes.push(format!("model: {name} in place of {}, as the chain says", text.value));
            edits.push(Edit { range: text.range, with: Bytes::from(quoted) });
        }
        edits.sort_by_key(|e| e.range.start);
        match splice::splice(frames, &edits) {
            Ok(frames) => Ok(Outgoing::Changed(Frames::new(frames))),
            Err(error) => {
                tracing::error!(%error, "an edit of a request body does not fit; the body is sent as it came");
                changes.clear();
                Ok(Outgoing::Same(self.intake.body.clone()))
            }
        }
    }

    async fn send(
        &mut self,
        account: AccountId,
        mount: Mount,
        (origin, request): (remuda_upstream::Origin, Request<Outgoing<B>>),
    ) -> Result<Ended, BodyError> {
        let asked = tokio::time::Instant::now();
        let answer = tokio::time::timeout_at(self.deadline, self.gateway.client.send(&origin, request)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                if let Some(failure) = self.intake.body.failure() {
                    return Err(failure);
                }
                return Ok(self.unreachable(error.to_string()));
            }
            Err(_) => return Ok(self.unreachable("no answer before the request's deadline".to_owned())),
        };
        let head_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = self.gateway.now();
        if let Some(attempt) = self.draft.last_attempt() {
            attempt.head_ms = Some(head_ms);
            attempt.status = Some(answer.status().as_u16());
            attempt.upstream_request_id = answer
                .headers()
                .get("request-id")
                .and_then(|v| v.to_str().ok())
                .map(|id| id.chars().take(100).collect());
        }
        self.gateway.herd.harvest(account, remuda_vendors::windows_from_headers(mount.vendor, answer.headers(), now));
        if answer.status().is_client_error() || answer.status().is_server_error() {
            return Ok(self.read_refusal(&mount, answer).await);
        }
        let mut uncommitted = Uncommitted::new(mount.vendor, answer);
        match uncommitted.judge().await {
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

    async fn read_refusal(&mut self, mount: &Mount, answer: http::Response<Incoming>) -> Ended {
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

    fn classify(&self, mount: &Mount, refusal: &Refusal) -> Verdict {
        remuda_vendors::classify(&UpstreamAnswer {
            vendor: mount.vendor,
            kind: mount.kind,
            now: self.gateway.now(),
            model: &self.intake.facts.model,
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

/// Claude Code's identity field in a body that has arrived.
fn user_id(frames: &[Bytes]) -> Option<UserId> {
    let mut peek = Peek::new(Wanted::USER_ID);
    for frame in frames {
        if peek.feed(frame) != Status::More {
            break;
        }
    }
    peek.into_facts().user_id.as_ref().and_then(UserId::read)
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

/// Betas without which a subscription's token is refused ("must contain `oauth-2025-04-20`"; `count_tokens` also wants
/// its own: known from clients in the field, the vendor documents neither).
fn betas(kind: CredentialKind, request: RequestKind) -> &'static [&'static str] {
    match (kind, request) {
        (CredentialKind::Subscription | CredentialKind::StaticToken, RequestKind::CountTokens) => {
            &["oauth-2025-04-20", "token-counting-2024-11-01"]
        }
        (CredentialKind::Subscription | CredentialKind::StaticToken, _) => &["oauth-2025-04-20"],
        (CredentialKind::ApiKey | CredentialKind::PlanKey | CredentialKind::SharedPlan, _) => &[],
    }
}

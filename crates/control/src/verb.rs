//! The verbs of the control API: one table of names, routes and types. The server mounts exactly these and the client
//! calls exactly these, so that neither can know a verb that the other does not.

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::types::*;
use crate::types::{Code, Failure};

/// One thing that can be asked of the control API.
pub trait Verb: Send + 'static {
    /// What it needs. An object; fields named in [`Verb::PATH`] are strings.
    type Input: Serialize + DeserializeOwned + Send;
    /// What it answers. An object.
    type Answer: Serialize + DeserializeOwned + Send;
    /// HTTP method.
    const METHOD: Method;
    /// Path; `{field}` stands for a field of the input. The other fields are the query of a GET or DELETE, else the body.
    const PATH: &'static str;
}

macro_rules! verbs {
    ($($(#[doc = $doc:literal])* $name:ident: $method:ident $path:literal $input:ty => $answer:ty;)*) => {
        $(
            $(#[doc = $doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl Verb for $name {
                type Input = $input;
                type Answer = $answer;
                const METHOD: Method = Method::$method;
                const PATH: &'static str = $path;
            }
        )*
        /// Method and path of every verb, for tests that compare.
        #[cfg(test)]
        pub(crate) const ALL: &[(Method, &str)] = &[$((Method::$method, $path)),*];

        /// Every verb with the schemas of its input and its answer.
        #[cfg(test)]
        pub(crate) fn described(
            inputs: &mut schemars::SchemaGenerator,
            answers: &mut schemars::SchemaGenerator,
        ) -> Vec<crate::openapi::Described> {
            vec![$(crate::openapi::Described {
                name: stringify!($name),
                method: Method::$method,
                path: $path,
                words: concat!($($doc),*).trim(),
                input: inputs.subschema_for::<$input>(),
                answer: answers.subschema_for::<$answer>(),
            }),*]
        }
    };
}

verbs! {
    /// The whole herd at a glance.
    GetStatus: GET "/api/v1/status" Empty => Status;
    /// Everything that one screen shows.
    GetOverview: GET "/api/v1/overview" Empty => Overview;
    /// Make a link that opens the dashboard once.
    OpenDashboard: POST "/api/v1/dashboard" Empty => DashboardLink;
    /// Drain and end the daemon.
    Stop: POST "/api/v1/stop" Empty => Stopping;

    /// All accounts.
    ListAccounts: GET "/api/v1/accounts" Empty => Accounts;
    /// One account.
    ShowAccount: GET "/api/v1/accounts/{account}" AccountRef => AccountShown;
    /// Rename, switch on or off.
    ChangeAccount: PATCH "/api/v1/accounts/{account}" AccountChange => AccountChanged;
    /// Delete an account with its credential.
    RemoveAccount: DELETE "/api/v1/accounts/{account}" AccountRef => AccountRemoved;

    /// A vendor's terms, and whether the owner has read them.
    GetTerms: GET "/api/v1/terms/{vendor}" TermsAsked => Terms;
    /// Begin a login.
    StartLogin: POST "/api/v1/logins" LoginStart => LoginView;
    /// Wait up to 20 seconds for the vendor's page.
    WaitLogin: GET "/api/v1/logins/{login}" LoginRef => LoginView;
    /// Bring a pasted code.
    FinishLogin: POST "/api/v1/logins/{login}/code" LoginCode => LoginView;
    /// Drop a login that is under way.
    CancelLogin: DELETE "/api/v1/logins/{login}" LoginRef => Empty;

    /// Find the logins of other programs, and take them over.
    Import: POST "/api/v1/imports" ImportStart => Imported;

    /// Choose where requests go.
    Use: PUT "/api/v1/active" ActiveChange => ActiveChanged;
    /// Move to the next account.
    Next: POST "/api/v1/active/next" NextChange => ActiveChanged;
    /// All chains.
    ListChains: GET "/api/v1/chains" Empty => Chains;
    /// Replace a chain.
    SetChain: PUT "/api/v1/chains/{source}" ChainChange => ChainChanged;
    /// All pools.
    ListPools: GET "/api/v1/pools" Empty => Pools;
    /// Make a pool.
    CreatePool: POST "/api/v1/pools" PoolCreate => PoolChanged;
    /// Change a pool.
    ChangePool: PATCH "/api/v1/pools/{pool}" PoolChange => PoolChanged;
    /// Delete a pool; chains lose the steps that name it.
    RemovePool: DELETE "/api/v1/pools/{pool}" PoolRef => PoolChanged;
    /// Ask vendors what is left, now.
    RefreshQuota: POST "/api/v1/quota/refresh" QuotaRefresh => QuotaRefreshed;
    /// The minimums that hold.
    GetMinimum: GET "/api/v1/minimum" Empty => Minimums;
    /// Change minimums.
    SetMinimum: PUT "/api/v1/minimum" FloorChange => MinimumsChanged;
    /// The hard reserves.
    GetKillSwitch: GET "/api/v1/killswitch" Empty => KillSwitchView;
    /// Switch the kill switch, change reserves.
    SetKillSwitch: PUT "/api/v1/killswitch" FloorChange => KillSwitchChanged;
    /// All spend rules.
    ListSpend: GET "/api/v1/spend" Empty => SpendRules;
    /// Write a spend rule.
    SetSpend: PUT "/api/v1/spend/{account}" SpendChange => SpendChanged;
    /// Delete a spend rule.
    ClearSpend: DELETE "/api/v1/spend/{account}" AccountRef => SpendChanged;
    /// What accounts may be used for.
    ListLimits: GET "/api/v1/limits" Empty => LimitList;
    /// Say what accounts may be used for.
    SetLimit: PUT "/api/v1/limits" LimitChange => LimitChanged;
    /// Requests that wait for an account.
    ListHolds: GET "/api/v1/holds" Empty => Holds;
    /// Let requests wait no longer.
    CancelHold: POST "/api/v1/holds/cancel" HoldCancel => HoldsCancelled;
    /// Forget rests, pins, or both.
    DoReset: POST "/api/v1/reset" Reset => ResetDone;

    /// What happened to requests.
    ListRequests: GET "/api/v1/requests" LogAsked => Log;
    /// Why a request went where it went.
    Explain: GET "/api/v1/requests/{request}" RequestRef => Explained;

    /// What was used and what it cost.
    GetUsage: GET "/api/v1/usage" UsageAsked => Usage;
    /// Alerts that hold, and those of the last day.
    ListAlerts: GET "/api/v1/alerts" Empty => Alerts;
    /// Mark an alert as seen.
    SeeAlert: POST "/api/v1/alerts/{alert}/seen" AlertRef => AlertSeen;
    /// Requests under way.
    ListLive: GET "/api/v1/live" Empty => LiveRequests;
    /// Stop a request under way.
    StopLive: DELETE "/api/v1/live/{request}" LiveRef => LiveStopped;
    /// Conversations.
    ListSessions: GET "/api/v1/sessions" SessionsAsked => Sessions;
    /// Stop a conversation until it is let go on.
    HaltSession: POST "/api/v1/sessions/{session}/stop" SessionHalt => SessionChanged;
    /// Let a conversation go on.
    ResumeSession: POST "/api/v1/sessions/{session}/resume" SessionRef => SessionChanged;

    /// All client keys.
    ListKeys: GET "/api/v1/keys" Empty => Keys;
    /// Make a client key.
    CreateKey: POST "/api/v1/keys" KeyCreate => KeyCreated;
    /// Revoke a client key.
    RevokeKey: DELETE "/api/v1/keys/{key}" KeyRef => KeyRevoked;
}

/// Everything that could end a path segment or be taken for a dot segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A verb's input as an HTTP request: path with query, and body.
pub(crate) struct Encoded {
    pub(crate) target: String,
    pub(crate) body: Option<Vec<u8>>,
}

/// Writes an input as path, query and body.
pub(crate) fn encode<V: Verb>(input: &V::Input) -> Result<Encoded, Failure> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(input) else {
        return Err(Failure::new(Code::Internal, "the input of a control call is not an object"));
    };
    let mut target = String::new();
    for segment in V::PATH.split('/').skip(1) {
        target.push('/');
        match segment.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            Some(name) => target.push_str(&path_value(fields.remove(name))?),
            None => target.push_str(segment),
        }
    }
    if matches!(V::METHOD, Method::GET | Method::DELETE) {
        let query = serde_urlencoded::to_string(&fields).map_err(|e| {
            Failure::new(Code::Internal, "the input of a control call cannot be a query").why(e.to_string())
        })?;
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        Ok(Encoded { target, body: None })
    } else {
        Ok(Encoded { target, body: Some(Value::Object(fields).to_string().into_bytes()) })
    }
}

/// A name in a path. Names with slashes or only of dots exist nowhere, and a path could not carry them.
fn path_value(value: Option<Value>) -> Result<String, Failure> {
    let Some(Value::String(text)) = value else {
        return Err(Failure::new(Code::Internal, "a path field of a control call is not a text"));
    };
    if text.is_empty() || text.contains(['/', '\\']) || text.chars().all(|c| c == '.') {
        return Err(Failure::invalid(format!("{text:?} cannot be the name of anything")));
    }
    Ok(utf8_percent_encode(&text, SEGMENT).to_string())
}

/// Reads an input back from the path's fields, the query and the body.
pub(crate) fn decode<V: Verb>(path: &[(String, String)], query: &str, body: &[u8]) -> Result<V::Input, Failure> {
    let unreadable =
        |why: String| Failure::invalid(format!("{} {} does not understand this input", V::METHOD, V::PATH)).why(why);
    if matches!(V::METHOD, Method::GET | Method::DELETE) {
        let mut all: Vec<(String, String)> =
            serde_urlencoded::from_str(query).map_err(|e| unreadable(e.to_string()))?;
        all.extend_from_slice(path);
        let joined = serde_urlencoded::to_string(&all).map_err(|e| unreadable(e.to_string()))?;
        return serde_urlencoded::from_str(&joined).map_err(|e| unreadable(e.to_string()));
    }
    let mut fields: Map<String, Value> = if body.is_empty() {
        Map::new()
    } else {
        serde_json::from_slice(body).map_err(|e| unreadable(e.to_string()))?
    };
    for (name, value) in path {
        fields.insert(name.clone(), Value::String(value.clone()));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|e| unreadable(e.to_string()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// What a server sees of an encoded call, as axum would take it apart.
    fn there_and_back<V: Verb>(input: &V::Input) -> V::Input {
        let encoded = encode::<V>(input).unwrap();
        let (path, query) = encoded.target.split_once('?').unwrap_or((&encoded.target, ""));
        let fields: Vec<(String, String)> = V::PATH
            .split('/')
            .zip(path.split('/'))
            .filter_map(|(pattern, value)| {
                let name = pattern.strip_prefix('{')?.strip_suffix('}')?;
                let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
                Some((name.to_owned(), value.into_owned()))
            })
            .collect();
        decode::<V>(&fields, query, encoded.body.as_deref().unwrap_or_default()).unwrap()
    }

    #[rstest]
    #[case("work")]
    #[case("my side project")]
    #[case("a?b=c&d#e%2F")]
    #[case("größe.v2")]
    #[case("{account}")]
    fn any_label_survives_the_path(#[case] label: &str) {
        let input = AccountRef { account: label.to_owned() };
        assert_eq!(there_and_back::<ShowAccount>(&input), input);
        let input = ChainChange { source: label.to_owned(), targets: vec![label.to_owned(), "@spare".to_owned()] };
        assert_eq!(there_and_back::<SetChain>(&input), input);
    }

    #[test]
    fn numbers_survive_the_query() {
        let input = LogAsked {
            limit: Some(7),
            before: Some("x y".to_owned()),
            failed: Some(true),
            agent: Some(remuda_core::Host::OpenCode),
            class: Some(remuda_core::Class::WindowExhausted),
            ..LogAsked::default()
        };
        assert_eq!(there_and_back::<ListRequests>(&input), input);
    }

    #[rstest]
    #[case("..")]
    #[case("a/b")]
    #[case("")]
    fn a_name_that_no_path_can_carry_is_refused_before_it_is_sent(#[case] name: &str) {
        let refused = encode::<ShowAccount>(&AccountRef { account: name.to_owned() }).err().unwrap();
        assert_eq!(refused.code, Code::Invalid);
    }

    #[test]
    fn every_verb_has_its_own_route() {
        let mut routes: Vec<String> = ALL.iter().map(|(method, path)| format!("{method} {path}")).collect();
        routes.sort();
        routes.dedup();
        assert_eq!(routes.len(), ALL.len());
    }

    #[test]
    fn the_page_for_programs_names_every_route() {
        let page = include_str!("../../../docs/cli.md");
        let rows = page.lines().filter(|line| line.contains("/api/v1/") && line.starts_with("| `")).count();
        for (method, path) in ALL {
            assert!(page.contains(&format!("| `{method} {path}` |")), "{method} {path}");
        }
        assert_eq!(rows, ALL.len(), "and no other");
    }

    #[test]
    fn an_answer_carries_its_version_beside_its_fields() {
        let json = serde_json::to_value(Versioned::new(Chains { chains: Vec::new() })).unwrap();
        assert_eq!(json, serde_json::json!({"version": 1, "chains": []}));
    }
}

//! Which method of [`Api`] answers which verb: the other half of the table in [`crate::verb`].

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};

use crate::api::Api;
use crate::router::respond;
use crate::types::Failure;
use crate::verb::*;

/// A verb that this process can answer.
pub trait Serve: Verb {
    /// Answers it.
    fn answer(api: &Api, input: Self::Input) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

macro_rules! answers {
    ($($verb:ident => $method:ident,)*) => {
        $(impl Serve for $verb {
            async fn answer(api: &Api, input: Self::Input) -> Result<Self::Answer, Failure> {
                api.$method(input).await
            }
        })*

        /// All verbs on their routes.
        pub(crate) fn routes() -> Router<Arc<Api>> {
            Router::new()$(.route($verb::PATH, on(filter(&$verb::METHOD), handle::<$verb>)))*
        }

        #[cfg(test)]
        pub(crate) const ANSWERED: &[&str] = &[$($verb::PATH),*];
    };
}

answers! {
    GetStatus => status,
    GetOverview => overview,
    OpenDashboard => dashboard,
    Stop => stop,
    ListAccounts => accounts,
    ShowAccount => account,
    ChangeAccount => change_account,
    RemoveAccount => remove_account,
    Import => import,
    GetTerms => terms,
    StartLogin => start_login,
    WaitLogin => wait_login,
    FinishLogin => finish_login,
    CancelLogin => cancel_login,
    Use => use_target,
    Next => next,
    ListChains => chains,
    SetChain => set_chain,
    ListPools => pools,
    CreatePool => create_pool,
    ChangePool => change_pool,
    RemovePool => remove_pool,
    RefreshQuota => refresh_quota,
    GetMinimum => minimums,
    SetMinimum => set_minimum,
    GetKillSwitch => kill_switch,
    SetKillSwitch => set_kill_switch,
    ListSpend => spend_rules,
    SetSpend => set_spend,
    ClearSpend => clear_spend,
    ListLimits => limits,
    SetLimit => set_limit,
    ListHolds => holds,
    CancelHold => cancel_hold,
    DoReset => reset,
    ListRequests => requests,
    Explain => explain,
    GetUsage => usage,
    ListAlerts => alerts,
    SeeAlert => see_alert,
    ListLive => live,
    StopLive => stop_live,
    ListSessions => sessions,
    HaltSession => halt_session,
    ResumeSession => resume_session,
    ListKeys => keys,
    CreateKey => create_key,
    RevokeKey => revoke_key,
}

fn filter(method: &http::Method) -> MethodFilter {
    // Every verb's method is one of the nine that HTTP names; the fallback answers nothing that exists.
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE)
}

async fn handle<V: Serve>(
    State(api): State<Arc<Api>>,
    path: RawPathParams,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let path: Vec<(String, String)> = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let input = body
        .map_err(|why| Failure::invalid("the input cannot be read").why(why.body_text()))
        .and_then(|body| decode::<V>(&path, query.as_deref().unwrap_or_default(), &body));
    match input {
        Ok(input) => respond(V::answer(&api, input).await),
        Err(failure) => respond::<V::Answer>(Err(failure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_answered() {
        assert_eq!(ANSWERED.len(), ALL.len());
    }
}

//! `remuda explain`, `log`.

use std::collections::VecDeque;

use remuda_control::types::{Event, EventKind, LogAsked, RequestRef, Step};
use remuda_control::verb::{Explain, ListRequests};
use remuda_control::{Code, Failure, not_running};
use remuda_core::RequestId;

use super::since::since;
use super::{Context, NOT_RUNNING, OK};
use crate::backend::Backend;
use crate::cli::{ExplainArgs, LogArgs};
use crate::view;

pub(super) async fn explain(context: &Context, args: ExplainArgs) -> anyhow::Result<u8> {
    context.show::<Explain>(RequestRef { request: args.request }, |explained| explained.text.clone()).await
}

pub(super) async fn log(context: &Context, args: LogArgs) -> anyhow::Result<u8> {
    let zone = jiff::tz::TimeZone::system();
    let follows = args.follow;
    let asked = asked(args)?;
    if follows {
        return follow(context, asked, &zone).await;
    }
    context.show::<ListRequests>(asked, |log| view::log_page(log, &zone)).await
}

fn asked(args: LogArgs) -> Result<LogAsked, Failure> {
    let now = jiff::Zoned::now();
    Ok(LogAsked {
        limit: Some(args.limit),
        before: None,
        account: args.account,
        session: args.session,
        model: args.model,
        agent: args.agent.map(Into::into),
        project: args.project,
        class: None,
        failed: args.failed.then_some(true),
        since: args.since.as_deref().map(|text| since(text, &now)).transpose()?,
        until: None,
        search: args.search,
    })
}

/// Requests that are remembered as shown: a listing and the stream may both bring one.
const REMEMBERED: usize = 4_096;

/// First what was, then what comes. Listening begins before reading, so that nothing falls between the two.
async fn follow(context: &Context, asked: LogAsked, zone: &jiff::tz::TimeZone) -> anyhow::Result<u8> {
    let Some(Backend::Daemon(daemon)) = Backend::daemon(&context.paths).await? else {
        return Err(not_running().why("nothing new happens without it; `remuda log` shows what was").into());
    };
    let mut events = daemon.events(&[EventKind::Decisions], None).await?;
    let mut shown: VecDeque<RequestId> = VecDeque::new();
    loop {
        let next = tokio::select! {
            next = events.next() => next?,
            _ = tokio::signal::ctrl_c() => return Ok(OK),
        };
        let look = match next {
            None => return Ok(stopped(context)),
            // The beginning, or something was missed.
            Some((_, Event::Resync { .. })) if shown.is_empty() => asked.clone(),
            Some((_, Event::Resync { .. })) => LogAsked { limit: Some(1_000), ..asked.clone() },
            // The server knows whether it is one of those that were asked for.
            Some((_, Event::Decisions { step: Step::Finished(request), .. })) if !shown.contains(&request.id) => {
                LogAsked { since: Some(request.at), until: Some(request.at + 1), limit: Some(1_000), ..asked.clone() }
            }
            Some(_) => continue,
        };
        let log = match daemon.call::<ListRequests>(&look).await {
            Ok(log) => log,
            Err(failure) if failure.code == Code::NotRunning => return Ok(stopped(context)),
            Err(failure) => return Err(failure.into()),
        };
        for record in log.requests.into_iter().rev() {
            if !shown.contains(&record.id) {
                shown.push_back(record.id);
                context.out.line(record, |record| view::log_line(record, log.now, zone))?;
            }
        }
        while shown.len() > REMEMBERED {
            shown.pop_front();
        }
    }
}

fn stopped(context: &Context) -> u8 {
    context.out.note("The daemon has stopped.");
    NOT_RUNNING
}

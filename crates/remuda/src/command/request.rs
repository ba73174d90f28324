//! `remuda explain`, `log`.

use std::collections::VecDeque;
use std::time::Duration;

use remuda_control::types::{LogAsked, RequestRef};
use remuda_control::verb::{Explain, ListRequests};
use remuda_control::{Code, not_running};
use remuda_core::RequestId;

use super::{Context, NOT_RUNNING, OK};
use crate::backend::Backend;
use crate::cli::{ExplainArgs, LogArgs};
use crate::view;

/// Between two looks while following.
const LOOK_EVERY: Duration = Duration::from_millis(700);
/// Requests that are looked at each time: a request is recorded when it ends, which can be long after newer ones.
const LOOK_BACK: u32 = 100;

pub(super) async fn explain(context: &Context, args: ExplainArgs) -> anyhow::Result<u8> {
    context.show::<Explain>(RequestRef { request: args.request }, |explained| explained.text.clone()).await
}

pub(super) async fn log(context: &Context, args: LogArgs) -> anyhow::Result<u8> {
    let zone = jiff::tz::TimeZone::system();
    if args.follow {
        return follow(context, args.limit, &zone).await;
    }
    let asked = LogAsked { limit: Some(args.limit), before: None };
    context.show::<ListRequests>(asked, |log| view::log_page(log, &zone)).await
}

async fn follow(context: &Context, limit: u32, zone: &jiff::tz::TimeZone) -> anyhow::Result<u8> {
    let Some(daemon) = Backend::daemon(&context.paths).await? else {
        return Err(not_running().why("nothing new happens without it; `remuda log` shows what was").into());
    };
    let mut shown: VecDeque<RequestId> = VecDeque::new();
    let mut look = limit;
    loop {
        let log = match daemon.call::<ListRequests>(LogAsked { limit: Some(look.max(LOOK_BACK)), before: None }).await {
            Ok(log) => log,
            Err(failure) if failure.code == Code::NotRunning => {
                context.out.note("The daemon has stopped.");
                return Ok(NOT_RUNNING);
            }
            Err(failure) => return Err(failure.into()),
        };
        let first = shown.is_empty() && look == limit;
        let mut new: Vec<_> = log.requests.into_iter().filter(|record| !shown.contains(&record.id)).collect();
        new.reverse();
        let old = if first { new.len().saturating_sub(limit as usize) } else { 0 };
        for (index, record) in new.into_iter().enumerate() {
            shown.push_back(record.id);
            if index >= old {
                context.out.line(record, |record| view::log_line(record, log.now, zone))?;
            }
        }
        while shown.len() > 10 * LOOK_BACK.max(limit) as usize {
            shown.pop_front();
        }
        look = LOOK_BACK;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(OK),
        }
    }
}

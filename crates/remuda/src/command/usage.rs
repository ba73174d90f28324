//! `remuda usage`.

use remuda_control::Failure;
use remuda_control::types::{UsageAsked, UsageBucket};
use remuda_control::verb::GetUsage;

use super::since::since;
use super::{Context, OK};
use crate::cli::UsageArgs;
use crate::view;

pub(super) async fn usage(context: &Context, args: UsageArgs) -> anyhow::Result<u8> {
    let csv = args.csv;
    let answer = context.ask::<GetUsage>(asked(args)?).await?;
    if csv {
        context.out.print(&view::usage_csv(&answer))?;
    } else {
        let columns = context.out.columns();
        context.out.answer(answer, |usage| view::usage(usage, columns))?;
    }
    Ok(OK)
}

fn asked(args: UsageArgs) -> Result<UsageAsked, Failure> {
    let now = jiff::Zoned::now();
    let time = |text: &Option<String>| text.as_deref().map(|text| since(text, &now)).transpose();
    let by = args.by.map(Into::into);
    // A reader who names nothing wants to see the days.
    let bucket = args.bucket.map(Into::into).or_else(|| by.is_none().then_some(UsageBucket::Day));
    Ok(UsageAsked {
        since: time(&args.since)?,
        until: time(&args.until)?,
        bucket,
        // The days of whoever reads, wherever the daemon is.
        zone: now.time_zone().iana_name().map(str::to_owned),
        by,
        account: args.account,
        project: args.project,
        model: args.model,
        agent: args.agent.map(Into::into),
    })
}

//! `remuda limit`, `remuda hold`.

use remuda_control::Failure;
use remuda_control::types::{Empty, HoldCancel, LimitChange};
use remuda_control::verb::{CancelHold, ListHolds, ListLimits, SetLimit};

use super::Context;
use crate::cli::{HoldCommand, LimitArgs};
use crate::view;

pub(super) async fn limit(context: &Context, args: LimitArgs) -> anyhow::Result<u8> {
    let LimitArgs { account, all, subagents, background, at_once, hold, clear } = args;
    let says_something =
        clear || at_once.is_some() || hold.is_some() || !subagents.is_empty() || !background.is_empty();
    if account.is_none() && !all {
        if says_something {
            return Err(Failure::invalid("whose limits?").remedy("name an account, or --all").into());
        }
        return context.show::<ListLimits>(Empty {}, view::limits).await;
    }
    if !says_something {
        return Err(Failure::invalid("what is the limit?")
            .remedy("for example: --subagents 5h=20, --at-once 6, --hold 5h; `remuda limit` lists what is set")
            .into());
    }
    let change = LimitChange {
        account,
        clear,
        subagents: subagents.into_iter().collect(),
        background: background.into_iter().collect(),
        at_once,
        hold_s: hold,
    };
    context.show::<SetLimit>(change, view::limit).await
}

pub(super) async fn hold(context: &Context, command: Option<HoldCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(HoldCommand::List) {
        HoldCommand::List => context.show::<ListHolds>(Empty {}, view::holds).await,
        HoldCommand::Cancel { request } => {
            context.show::<CancelHold>(HoldCancel { request }, view::holds_cancelled).await
        }
    }
}

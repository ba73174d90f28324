//! `remuda spend`.

use remuda_control::Failure;
use remuda_control::types::{AccountRef, Empty, SpendChange};
use remuda_control::verb::{ClearSpend, ListSpend, SetSpend};

use super::Context;
use crate::cli::SpendArgs;
use crate::view;

pub(super) async fn spend(context: &Context, args: SpendArgs) -> anyhow::Result<u8> {
    let Some(account) = args.account else {
        return context.show::<ListSpend>(Empty {}, view::spend_rules).await;
    };
    if args.clear {
        return context.show::<ClearSpend>(AccountRef { account }, view::spend).await;
    }
    if args.after.is_empty() && args.daily.is_none() {
        return Err(Failure::invalid("what should the rule say?")
            .remedy(format!(
                "a ceiling: remuda spend {0} --daily 5, or no rule: remuda spend {0} --clear",
                view::quoted(&account)
            ))
            .into());
    }
    let after = (!args.after.is_empty()).then(|| args.after.into_iter().map(Into::into).collect());
    context.show::<SetSpend>(SpendChange { account, after, daily_limit_usd: args.daily }, view::spend).await
}

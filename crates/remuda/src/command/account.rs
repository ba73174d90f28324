//! `remuda accounts`.

use remuda_control::types::{AccountChange, AccountRef, Empty};
use remuda_control::verb::{ChangeAccount, ListAccounts, RemoveAccount, ShowAccount};

use super::{Context, OK};
use crate::cli::AccountsCommand;
use crate::view;

pub(super) async fn accounts(context: &Context, command: Option<AccountsCommand>) -> anyhow::Result<u8> {
    match command.unwrap_or(AccountsCommand::List) {
        AccountsCommand::List => context.show::<ListAccounts>(Empty {}, view::accounts).await,
        AccountsCommand::Show { account } => {
            let zone = jiff::tz::TimeZone::system();
            context.show::<ShowAccount>(AccountRef { account }, |shown| view::shown(shown, &zone)).await
        }
        AccountsCommand::Rename { account, new_label } => {
            change(context, AccountChange { account, label: Some(new_label), ..AccountChange::default() }).await
        }
        AccountsCommand::Enable { account } => {
            change(context, AccountChange { account, enabled: Some(true), ..AccountChange::default() }).await
        }
        AccountsCommand::Disable { account } => {
            change(context, AccountChange { account, enabled: Some(false), ..AccountChange::default() }).await
        }
        AccountsCommand::Remove { account, yes } => remove(context, account, yes).await,
    }
}

async fn change(context: &Context, change: AccountChange) -> anyhow::Result<u8> {
    context.show::<ChangeAccount>(change, view::changed).await
}

async fn remove(context: &Context, account: String, yes: bool) -> anyhow::Result<u8> {
    let before = context.ask::<ShowAccount>(AccountRef { account: account.clone() }).await?;
    let question = view::before_removal(&before.account);
    let instead = format!("say so beforehand: remuda accounts remove {} --yes", view::quoted(&account));
    if !yes && !context.agreed(&question, &instead)? {
        context.out.note("Nothing was changed.");
        return Ok(OK);
    }
    context.show::<RemoveAccount>(AccountRef { account }, view::removed).await
}

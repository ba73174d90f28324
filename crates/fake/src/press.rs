//! What each vendor prints on the tokens of its accounts.

use crate::account::Kind;
use crate::config::Config;
use crate::grants::{AccountIndex, Printed};
use crate::mint::Mint;
use crate::openai_auth::{SHARING_LIFE_S, SHARING_SCOPE, jwt};
use crate::state::Account;

/// A fresh pair for the account at this index.
pub(crate) fn print(
    accounts: &[Account],
    config: &Config,
    mint: &Mint,
    now: i64,
    index: AccountIndex,
    scope: &str,
) -> Printed {
    match accounts.get(index) {
        Some(account) if account.spec.kind == Kind::ChatGpt => {
            let shared_plan = scope.split(' ').any(|one| one == SHARING_SCOPE);
            let life_s = if shared_plan { SHARING_LIFE_S } else { config.chatgpt_token_life_s };
            let access = jwt::access_token(account, mint, scope, now, life_s);
            Printed { access, refresh: mint.secret("rt_"), life_s }
        }
        _ => Printed {
            access: mint.secret("sk-ant-oat01-"),
            refresh: mint.secret("sk-ant-ort01-"),
            life_s: config.access_token_life_s,
        },
    }
}

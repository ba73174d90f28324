//! What ChatGPT tells of an account's workspace and person.

use serde_json::json;

use crate::account::chatgpt_user_id;
use crate::answer::Answer;
use crate::state::Account;

/// `GET /wham/accounts/check`. Codex 0.169 wants its account in the list and an https origin.
pub(crate) fn check(account: &Account) -> Answer {
    let id = &account.organization_uuid;
    Answer::json(
        200,
        &json!({
            "accounts": [{
                "id": id,
                "account_user_id": format!("{}__{id}", chatgpt_user_id(&account.account_uuid)),
                "structure": if account.spec.chatgpt.plan == "team" { "workspace" } else { "personal" },
                "plan_type": account.spec.chatgpt.plan,
                "name": account.spec.organization,
                "profile_picture_url": null,
                "is_deactivated": account.disabled,
                "can_access_with_session": true,
                "workspace_backend_origin": "https://chatgpt.com",
                "account_routing_override": "NO_CONSTRAINT",
            }],
            "default_account_id": id,
            "account_ordering": [id],
        }),
    )
}

/// `GET /wham/profiles/me`
pub(crate) fn profile(account: &Account) -> Answer {
    Answer::json(
        200,
        &json!({"profile": {
            "id": chatgpt_user_id(&account.account_uuid),
            "email": account.spec.email,
            "name": account.spec.name,
            "picture": null,
        }}),
    )
}

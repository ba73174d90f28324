//! The logins of other programs, in a home directory as each of them leaves it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;

use remuda_core::{Class, CredentialKind, Host, Vendor, Window};
use remuda_hosts::import::{Found, Login, Program, Reserves, Secret, places, read};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

const NOW: i64 = 1_795_168_800;
const LATER_MS: i64 = (NOW + 3600) * 1000;

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, file: &str, content: impl ToString) -> &Self {
        let path = self.0.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.to_string()).unwrap();
        self
    }

    fn read(&self, from: Host) -> Found {
        let environment = [("HOME".into(), self.0.path().as_os_str().to_owned())].into_iter().collect();
        let mut all = Found::default();
        for place in places(&environment, Some(from)) {
            let found = read(&place, NOW);
            all.logins.extend(found.logins);
            all.remarks.extend(found.remarks);
            all.troubles.extend(found.troubles);
            all.wishes.chains.extend(found.wishes.chains);
            all.wishes.pools.extend(found.wishes.pools);
            all.wishes.rows.extend(found.wishes.rows);
            all.wishes.minimums.extend(found.wishes.minimums);
            all.wishes.active = all.wishes.active.or(found.wishes.active);
            all.wishes.kill_switch = all.wishes.kill_switch.or(found.wishes.kill_switch);
        }
        all
    }
}

fn jwt(claims: &Value) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn chatgpt(account: &str, user: &str) -> String {
    jwt(&json!({"exp": NOW + 864_000, "email": format!("{user}@example.test"),
        "https://api.openai.com/auth":
            {"chatgpt_account_id": account, "chatgpt_user_id": user, "chatgpt_plan_type": "plus"}}))
}

fn slots(found: &Found) -> Vec<&str> {
    found.logins.iter().map(|login| login.source.slot.as_str()).collect()
}

fn only(found: &Found) -> &Login {
    assert_eq!((found.logins.len(), &found.troubles), (1, &Vec::new()), "{found:?}");
    &found.logins[0]
}

fn key(login: &Login) -> &str {
    match &login.secret {
        Secret::Key(key) => key.expose_secret(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn claude_code_says_who_it_is_in_another_file() {
    let home = Home::new();
    home.put(
        ".claude/.credentials.json",
        json!({"claudeAiOauth": {"accessToken": "sk-ant-oat01-a", "refreshToken": "sk-ant-ort01-r", "expiresAt": LATER_MS,
            "subscriptionType": "max", "rateLimitTier": "default_claude_max_20x"}, "mcpOAuth": {"x": 1}}),
    );
    home.put(
        ".claude.json",
        json!({"oauthAccount": {"accountUuid": "p-1", "organizationUuid": "o-1", "emailAddress": "me@example.test"}}),
    );
    let found = home.read(Host::Claude);
    let login = only(&found);
    assert_eq!((login.vendor, login.kind), (Vendor::Anthropic, CredentialKind::Subscription));
    assert_eq!(login.expires_at(), Some(NOW + 3600));
    assert_eq!(login.profile.plan.as_deref(), Some("Max 20x"));
    assert_eq!(login.profile.email.as_deref(), Some("me@example.test"));
    assert!(login.profile.identity(Vendor::Anthropic).is_some());
    assert!(!format!("{found:?}").contains("ort01"));
}

#[test]
fn claude_code_that_is_logged_out_has_no_login() {
    let home = Home::new();
    home.put(".claude/.credentials.json", json!({"mcpOAuth": {"x": 1}}));
    assert!(home.read(Host::Claude).logins.is_empty());
}

#[test]
fn codex_has_a_chatgpt_login_or_a_key() {
    let home = Home::new();
    let access = chatgpt("w-1", "u-1");
    home.put(
        ".codex/auth.json",
        json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "last_refresh": "2026-11-20T08:00:00.000000Z",
            "tokens": {"id_token": chatgpt("w-1", "u-1"), "access_token": access, "refresh_token": "rt_1", "account_id": "w-1"}}),
    );
    let found = home.read(Host::Codex);
    let login = only(&found);
    assert_eq!(login.kind, CredentialKind::Subscription);
    assert_eq!(login.profile.plan.as_deref(), Some("Plus"));
    assert_eq!(login.expires_at(), Some(NOW + 864_000), "by the token itself");
    let Secret::Pair { last_refresh_at, .. } = &login.secret else { panic!() };
    assert_eq!(*last_refresh_at, Some(1_795_161_600));

    home.put(".codex/auth.json", json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-proj-1", "tokens": null}));
    assert_eq!(key(only(&home.read(Host::Codex))), "sk-proj-1");
}

#[test]
fn codex_with_a_keyring_is_told() {
    let home = Home::new();
    home.put(".codex/config.toml", "cli_auth_credentials_store = \"keyring\"\n");
    let found = home.read(Host::Codex);
    assert!(found.logins.is_empty() && found.remarks[0].contains("keyring"), "{found:?}");
}

#[test]
fn every_slot_of_pi_is_understood_or_told() {
    let home = Home::new();
    home.put(
        ".pi/agent/auth.json",
        json!({
            "openai-codex-account-2": {"type": "oauth", "access": chatgpt("w-2", "u-1"), "refresh": "rt_2", "expires": LATER_MS},
            "anthropic-account-10": {"type": "oauth", "access": "sk-ant-oat01-c", "refresh": "r", "expires": LATER_MS},
            "anthropic-account-2": {"type": "oauth", "access": "sk-ant-oat01-b", "refresh": "r2", "expires": NOW + 60},
            "anthropic": {"type": "api_key", "key": "sk-ant-api03-x"},
            "openai": {"type": "oauth", "access": chatgpt("w-3", "u-1"), "refresh": "rt_3", "clientId": "oaiapp_1", "expires": LATER_MS},
            "alibaba": {"type": "api_key", "key": "sk-sp-plan"},
            "alibaba-account-2": {"type": "api_key", "key": "!pass show alibaba"},
            "qwen-token-plan": {"type": "api_key", "key": "QWEN_TOKEN_PLAN_API_KEY"},
            "qwen": {"type": "oauth", "access": "a", "refresh": "r", "expires": LATER_MS},
            "ollama": {"type": "api_key", "key": "x"},
            "openai-codex": {"type": "oauth", "access": "", "refresh": "", "expires": 0},
        }),
    );
    let found = home.read(Host::Pi);
    assert_eq!(
        slots(&found),
        ["anthropic", "anthropic-account-2", "anthropic-account-10", "openai", "openai-codex-account-2", "alibaba"],
        "by family, then by number; what is logged out is not there"
    );
    let kind = |slot: &str| found.logins.iter().find(|login| login.source.slot == slot).unwrap().kind;
    assert_eq!(kind("anthropic"), CredentialKind::ApiKey);
    assert_eq!(kind("openai"), CredentialKind::SharedPlan, "a client id that OpenAI issued: Sign in with ChatGPT");
    assert_eq!(kind("alibaba"), CredentialKind::PlanKey);
    assert_eq!(found.logins[1].expires_at(), Some(NOW + 60), "seconds too");
    let told = found.remarks.join("\n");
    for says in [
        "alibaba-account-2 is a command",
        "names the environment variable QWEN_TOKEN_PLAN_API_KEY",
        "ollama is no vendor",
        "qwen is the free Qwen login, which ended on 2026-04-15",
    ] {
        assert!(told.contains(says), "{says}: {told}");
    }
    assert!(!told.contains("pass show"), "{told}");
}

#[test]
fn the_failover_extension_keeps_its_order_rests_and_phrases() {
    let home = Home::new();
    let oauth = |n: u32| json!({"type": "oauth", "access": format!("sk-ant-oat01-{n}"), "refresh": format!("r{n}"), "expires": LATER_MS});
    home.put(
        ".pi/agent/auth.json",
        json!({"anthropic": oauth(1), "anthropic-account-2": oauth(2), "alibaba": {"type": "api_key", "key": "sk-x"},
            "openai-codex": {"type": "oauth", "access": chatgpt("w", "u1"), "expires": LATER_MS},
            "openai-codex-account-2": {"type": "oauth", "access": chatgpt("w", "u2"), "expires": LATER_MS}}),
    );
    home.put(
        ".pi/agent/provider-failover.json",
        json!({"enabled": true, "providerOrder": ["alibaba", "anthropic"], "cooldownMs": 1,
            "limitErrorPatterns": ["My Own Limit text", "quota", "a.*b c"]}),
    );
    home.put(
        ".pi/agent/provider-failover-state.json",
        json!({"stateVersion": 5, "exhaustedUntilByProvider": {"anthropic": LATER_MS, "alibaba": 5},
            "exhaustedUntilByModel": {"anthropic-account-2/claude-opus-4-8": LATER_MS}}),
    );
    let found = home.read(Host::Pi);
    assert_eq!(&slots(&found)[..3], ["alibaba", "anthropic", "anthropic-account-2"]);
    assert_eq!(found.logins[1].rests_until, Some(NOW + 3600));
    assert_eq!(found.logins[0].rests_until, None, "a rest that is over is none");
    assert_eq!(found.logins[2].models_rest, BTreeMap::from([("claude-opus-4-8".to_owned(), NOW + 3600)]));
    let pools: Vec<_> = found.wishes.pools.iter().map(|pool| (pool.name.as_str(), pool.members.len())).collect();
    assert_eq!(pools, [("pi anthropic", 2)], "ChatGPT plans are not rotated");
    assert_eq!(found.wishes.rows.len(), 1);
    assert_eq!(found.wishes.rows[0].phrase.as_deref(), Some("my own limit text"));
    assert_eq!(found.wishes.rows[0].verdict, Class::WindowExhausted);
    let told = found.remarks.join("\n");
    for says in
        ["2 of provider-failover's limitErrorPatterns", "between ChatGPT plans", "between vendors", "cooldownMs"]
    {
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn opencode_has_logins_keys_and_lists() {
    let home = Home::new();
    home.put(
        ".local/share/opencode/auth.json",
        json!({
            "anthropic": {"type": "multi-oauth", "currentAccountIndex": 1, "autoFailover": true, "accounts": [
                {"id": "account-1", "label": "Work", "access": "sk-ant-oat01-w", "refresh": "r1", "expires": LATER_MS},
                {"id": "account-2", "label": "Home", "access": "sk-ant-oat01-h", "refresh": "r2", "expires": LATER_MS,
                 "rateLimitedUntil": LATER_MS}]},
            "openai": {"type": "oauth", "access": chatgpt("w-1", "u-1"), "refresh": "rt", "expires": LATER_MS, "accountId": "w-1"},
            "alibaba-coding-plan": {"type": "api", "key": "sk-plan-without-prefix"},
            "corp": {"type": "wellknown", "key": "K", "token": "t"},
        }),
    );
    let found = home.read(Host::OpenCode);
    assert_eq!(slots(&found), ["alibaba-coding-plan", "anthropic/account-1", "anthropic/account-2", "openai"]);
    assert_eq!(found.logins[0].kind, CredentialKind::PlanKey);
    assert_eq!(found.logins[2].label.as_deref(), Some("Home"));
    assert_eq!(found.logins[2].rests_until, Some(NOW + 3600));
    assert_eq!(found.logins[3].kind, CredentialKind::Subscription);
    assert_eq!(found.wishes.active.unwrap().slot, "anthropic/account-2");
    assert_eq!(found.wishes.pools[0].members.len(), 2);
    assert!(found.remarks.iter().any(|remark| remark.contains("corp is no vendor")), "{:?}", found.remarks);
}

#[test]
fn multi_auth_is_a_list_of_its_own() {
    let home = Home::new();
    home.put(
        ".config/opencode/multi-auth.json",
        json!({"type": "multi-oauth", "currentAccountIndex": 0, "autoFailover": false,
            "accounts": [{"id": "account-1", "label": "Only", "access": "sk-ant-oat01-o", "refresh": "r", "expires": LATER_MS}]}),
    );
    let found = home.read(Host::OpenCode);
    assert_eq!((only(&found).source.program, only(&found).label.as_deref()), (Program::MultiAuth, Some("Only")));
    assert!(found.wishes.pools.is_empty());
}

#[test]
fn multi_claude_code_keeps_labels_chains_and_rests() {
    let home = Home::new();
    let account = |label: &str, targets: &[&str], limited: i64| {
        json!({"label": label, "accessToken": format!("sk-ant-oat01-{label}"), "refreshToken": format!("r-{label}"),
            "expiresAt": LATER_MS, "lastUsed": 1, "rateLimitedUntil": limited, "fallbackTo": targets})
    };
    home.put(
        ".pi/agent/multi-claude-code.json",
        json!({"activeLabel": "WORK", "accounts": [
            account("Work", &["home", "gone"], 0), account("Home", &[], LATER_MS), {"label": "half"}, {"nothing": 1}]}),
    );
    let found = home.read(Host::Pi);
    assert_eq!(slots(&found), ["Work", "Home"]);
    assert_eq!(found.logins[1].rests_until, Some(NOW + 3600));
    assert_eq!(found.wishes.active.as_ref().unwrap().slot, "Work", "labels are the same without regard to case");
    let (source, targets) = &found.wishes.chains[0];
    let targets: Vec<&str> = targets.iter().map(|target| target.slot.as_str()).collect();
    assert_eq!((source.slot.as_str(), targets), ("Work", vec!["Home", "gone"]));
    assert_eq!(found.wishes.chains.len(), 1);
    assert!(found.remarks.iter().any(|remark| remark.contains("half is logged out")), "{:?}", found.remarks);
}

#[test]
fn codex_accounts_are_there_but_are_not_rotated() {
    let home = Home::new();
    let account = |user: &str, until: i64| {
        json!({"email": format!("{user}@example.test"), "accessToken": chatgpt("w-1", user), "refreshToken": "rt",
            "expiresAt": LATER_MS, "accountId": "w-1", "quotaExhaustedUntil": until})
    };
    home.put(
        ".pi/agent/codex-accounts.json",
        json!({"version": 1, "activeEmail": "b@example.test", "accounts": [account("a", LATER_MS), account("b", 0)]}),
    );
    let found = home.read(Host::Pi);
    assert_eq!(slots(&found), ["a@example.test", "b@example.test"]);
    assert_eq!(found.logins[0].rests_until, Some(NOW + 3600));
    assert_ne!(
        found.logins[0].profile.identity(Vendor::OpenAi),
        found.logins[1].profile.identity(Vendor::OpenAi),
        "two seats of one workspace"
    );
    assert!(found.wishes.pools.is_empty() && found.wishes.chains.is_empty());
    assert!(found.remarks.iter().any(|remark| remark.contains("terms forbid rotating")), "{:?}", found.remarks);
    assert_eq!(found.wishes.active.unwrap().slot, "b@example.test");
}

#[test]
fn anthropic_auth_keeps_chain_minimums_reserves_and_statuses() {
    let home = Home::new();
    home.put(
        ".config/opencode/anthropic-auth.json",
        json!({"version": 1, "routing": {"mode": "sticky-balanced"}, "fallbackOn": [401, 403, 429, 529],
            "quota": {"minimumRemaining": {"five_hour": 10, "seven_day": 20}, "failClosedOnUnknownQuota": true},
            "killswitch": {"enabled": true, "thresholds": {"all": {"5h": 5}, "main": {"1w": 3}}},
            "dump": {"enabled": true},
            "accounts": [
                {"id": "a-1", "label": "spare", "enabled": true},
                {"id": "a-2", "label": "old", "enabled": false, "access": "sk-ant-oat01-old", "refresh": "r-old", "expires": 5},
                {"id": "k-1", "label": "route", "apiKey": "any-key", "authHeader": "x-api-key"},
                {"id": "a-3", "label": "out"}]}),
    );
    home.put(
        ".config/opencode/anthropic-auth-state.json",
        json!({"accounts": {
            "a-1": {"access": "sk-ant-oat01-spare", "refresh": "r-1", "expires": LATER_MS},
            "a-2": {"access": "sk-ant-oat01-new", "refresh": "r-new", "expires": LATER_MS}}}),
    );
    let found = home.read(Host::OpenCode);
    assert_eq!(slots(&found), ["a-1", "a-2", "k-1"]);
    let [spare, old, route] = &found.logins[..] else { panic!() };
    assert_eq!(spare.min_remaining, BTreeMap::from([(Window::FiveHour, 10.0), (Window::SevenDay, 20.0)]));
    assert!(old.off, "switched off there");
    assert_eq!(old.expires_at(), Some(NOW + 3600), "the newer tokens count");
    assert_eq!((route.base_url.as_deref(), route.x_api_key), (Some("https://api.kie.ai/claude"), Some(true)));
    let (source, targets) = &found.wishes.chains[0];
    let targets: Vec<&str> = targets.iter().map(|target| target.slot.as_str()).collect();
    assert_eq!((source.program, source.slot.as_str(), targets), (Program::OpenCode, "anthropic", vec!["a-1", "k-1"]));
    let Reserves { everyone, accounts } = found.wishes.kill_switch.unwrap();
    assert_eq!(everyone, BTreeMap::from([(Window::FiveHour, 5.0)]));
    assert_eq!(accounts.values().next().unwrap(), &BTreeMap::from([(Window::SevenDay, 3.0)]));
    assert_eq!(found.wishes.rows.iter().map(|row| row.status).collect::<Vec<_>>(), [Some(529)]);
    assert_eq!(found.wishes.minimums.len(), 1, "the main account's");
    let told = found.remarks.join("\n");
    for says in ["out is logged out", "dumps of requests", "sticky-balanced"] {
        assert!(told.contains(says), "{says}: {told}");
    }
}

#[test]
fn qwen_code_has_keys_and_a_login_that_has_ended() {
    let home = Home::new();
    home.put(".qwen/settings.json", json!({"env": {"DASHSCOPE_API_KEY": "sk-payg", "EDITOR": "vi"}}));
    home.put(".qwen/.env", "# mine\nexport BAILIAN_CODING_PLAN_API_KEY=\"sk-sp-1\"\nOTHER=x\n");
    home.put(".qwen/oauth_creds.json", json!({"access_token": "a", "refresh_token": "r", "expiry_date": LATER_MS}));
    let found = home.read(Host::Qwen);
    let kinds: Vec<_> = found.logins.iter().map(|login| (login.source.slot.as_str(), login.kind)).collect();
    assert_eq!(
        kinds,
        [("BAILIAN_CODING_PLAN_API_KEY", CredentialKind::PlanKey), ("DASHSCOPE_API_KEY", CredentialKind::ApiKey)]
    );
    assert!(found.remarks[0].contains("ended on 2026-04-15"), "{:?}", found.remarks);
}

#[test]
fn a_damaged_file_is_told_and_hides_no_other() {
    let home = Home::new();
    home.put(".pi/agent/auth.json", "{\"anthropic\": {\"type\": \"oauth\", \"access\": \"geheim");
    home.put(
        ".pi/agent/codex-accounts.json",
        json!({"accounts": [{"email": "a@b.c", "accessToken": chatgpt("w", "u"), "expiresAt": LATER_MS}]}),
    );
    home.put(".pi/agent/multi-claude-code.json", json!({"accounts": "none"}));
    let found = home.read(Host::Pi);
    assert_eq!(slots(&found), ["a@b.c"]);
    let files: Vec<_> = found.troubles.iter().map(|t| Path::file_name(&t.file).unwrap().to_owned()).collect();
    assert_eq!(files, ["auth.json", "multi-claude-code.json"]);
    assert!(!format!("{found:?}").contains("geheim"));
}

#[test]
fn an_empty_home_holds_nothing_and_is_no_trouble() {
    let home = Home::new();
    for host in [Host::Claude, Host::Codex, Host::Pi, Host::OpenCode, Host::Qwen] {
        let found = home.read(host);
        assert!(found.logins.is_empty() && found.troubles.is_empty() && found.remarks.is_empty(), "{host:?} {found:?}");
    }
}

//! `remuda login`.

use std::io::Read;

use remuda_control::types::{
    AccountChange, AccountView, CompatibleStart, LoginCode, LoginMethod, LoginRef, LoginStage, LoginStart, LoginView,
    SentSecret, TermsAsked,
};
use remuda_control::verb::{CancelLogin, ChangeAccount, FinishLogin, GetTerms, StartLogin, WaitLogin};
use remuda_control::{Code, Failure, login_kind};
use remuda_core::{CredentialKind, Host, Vendor};
use remuda_credentials::{Clock, SystemClock};
use secrecy::SecretString;

use super::{Context, OK, direct};
use crate::backend::Backend;
use crate::cli::{LoginArgs, VendorArg};
use crate::view;

/// More than any key or token has.
const LONGEST_SECRET: u64 = 16 * 1024;
/// How often a person may paste something that is no code.
const PASTE_TRIES: usize = 3;

pub(super) async fn login(context: &Context, args: LoginArgs) -> anyhow::Result<u8> {
    if let (Some(host), Some(label)) = (args.with, args.label.as_deref()) {
        let (host, vendor) = (Host::from(host), Vendor::from(args.vendor));
        if host.maker() != Some(vendor) {
            let backend = context.backend().await?;
            let read = terms_read(context, &backend, vendor, CredentialKind::Subscription, &args).await;
            backend.close().await;
            read?;
        }
        return direct::login(context, host, vendor, label).await;
    }
    let (method, secret) = way(context, &args)?;
    let backend = context.backend().await?;
    let ended = converse(context, &backend, args, method, secret).await;
    backend.close().await;
    let view = ended?;
    context.out.answer(view, view::login_done)?;
    Ok(OK)
}

async fn converse(
    context: &Context,
    backend: &Backend,
    args: LoginArgs,
    method: LoginMethod,
    secret: Option<SecretString>,
) -> anyhow::Result<LoginView> {
    let vendor = Vendor::from(args.vendor);
    let kind = login_kind(vendor, method, args.shared_plan, secret.as_ref());
    let with_terms = !matches!(args.vendor, VendorArg::Compatible) && kind != CredentialKind::ApiKey;
    let accept_terms = if with_terms || !args.allow_host.is_empty() {
        terms_read(context, backend, vendor, kind, &args).await?
    } else {
        false
    };
    let named = args.label.is_some();
    let allow_hosts: Vec<Host> = args.allow_host.into_iter().map(Into::into).collect();
    let compatible = matches!(args.vendor, VendorArg::Compatible).then(|| CompatibleStart {
        speaks: args.speaks.into_iter().map(Into::into).collect(),
        models: args.model.into_iter().collect(),
        key_header: args.key_header.map(Into::into),
    });
    let start = LoginStart {
        vendor,
        method,
        label: args.label,
        secret: secret.map(SentSecret),
        base_url: args.base_url,
        compatible,
        shared_plan: args.shared_plan,
        cost: args.cost.map(Into::into),
        allow_hosts: allow_hosts.clone(),
        accept_terms,
    };
    let begun = backend.call::<StartLogin>(start).await?;
    let ended = match method {
        LoginMethod::Browser => wait_for_browser(context, backend, begun, args.no_browser).await?,
        LoginMethod::Device => wait_for_code(context, backend, begun).await?,
        LoginMethod::Paste => paste(context, backend, begun, vendor).await?,
        LoginMethod::Key | LoginMethod::Token => begun,
    };
    finish(context, backend, ended, named, allow_hosts).await
}

/// How to log in, and the secret for the ways that need one.
fn way(context: &Context, args: &LoginArgs) -> anyhow::Result<(LoginMethod, Option<SecretString>)> {
    let compatible = matches!(args.vendor, VendorArg::Compatible);
    if compatible && args.base_url.is_none() {
        return Err(Failure::invalid("a compatible endpoint needs its address")
            .remedy("for example: --base-url https://llm.example.com/v1")
            .into());
    }
    if !compatible && (!args.speaks.is_empty() || !args.model.is_empty() || args.key_header.is_some()) {
        return Err(Failure::invalid("--speaks, --model and --key-header describe a compatible endpoint")
            .remedy("`remuda login compatible --base-url …`")
            .into());
    }
    let only_keys = compatible || matches!(args.vendor, VendorArg::Qwen);
    Ok(if args.paste {
        (LoginMethod::Paste, None)
    } else if args.device {
        (LoginMethod::Device, None)
    } else if args.key_stdin || only_keys && args.key_env.is_none() && !args.token_stdin {
        (LoginMethod::Key, Some(secret_from_stdin(context, "API key")?))
    } else if args.token_stdin {
        (LoginMethod::Token, Some(secret_from_stdin(context, "long-lived token")?))
    } else if let Some(name) = &args.key_env {
        let value = std::env::var(name).map_err(|_| {
            Failure::invalid(format!("the environment variable {name} is not set, or is no text"))
                .remedy(format!("set it for this command: {name}=… remuda login …, or use --key-stdin"))
        })?;
        (LoginMethod::Key, Some(checked(value, name)?))
    } else {
        (LoginMethod::Browser, None)
    })
}

fn secret_from_stdin(context: &Context, what: &str) -> anyhow::Result<SecretString> {
    if context.out.can_ask() {
        let typed = context.out.ask_secret(&format!("{what} (not shown):"))?;
        return Ok(checked(typed.unwrap_or_default(), "your input")?);
    }
    let mut text = String::new();
    std::io::stdin().take(LONGEST_SECRET + 1).read_to_string(&mut text)?;
    Ok(checked(text, "standard input")?)
}

fn checked(text: String, place: &str) -> Result<SecretString, Failure> {
    let secret = text.trim();
    if secret.is_empty() {
        return Err(Failure::invalid(format!("{place} is empty")).remedy("give it the key or token, and nothing else"));
    }
    if secret.len() as u64 > LONGEST_SECRET || secret.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Failure::invalid(format!("what {place} holds is no key or token"))
            .why("a key is one word without spaces or line breaks")
            .remedy("give it the key or token, and nothing else"));
    }
    Ok(SecretString::from(secret))
}

/// Shows the vendor's wording and asks, unless this wording was accepted before and no further agent is granted.
async fn terms_read(
    context: &Context,
    backend: &Backend,
    vendor: Vendor,
    kind: CredentialKind,
    args: &LoginArgs,
) -> anyhow::Result<bool> {
    let terms = backend.call::<GetTerms>(TermsAsked { vendor, kind: Some(kind) }).await?;
    let Some(text) = view::terms(&terms, !args.allow_host.is_empty()) else { return Ok(true) };
    context.out.note(&text);
    let instead = "read it, then say so with --accept-terms";
    if !args.accept_terms && !context.agreed("Have you read this, and do you want to go on?", instead)? {
        return Err(Failure::new(Code::TermsNotAccepted, "nothing was stored: the terms were not accepted").into());
    }
    Ok(true)
}

async fn wait_for_browser(
    context: &Context,
    backend: &Backend,
    begun: LoginView,
    no_browser: bool,
) -> anyhow::Result<LoginView> {
    let LoginStage::Waiting { url, .. } = &begun.stage else { return Ok(begun) };
    let opened = !no_browser && webbrowser::open(url).is_ok();
    context.out.note(&view::browser(url, opened));
    wait(backend, begun).await
}

/// Shows the code and waits until it was entered. Every answer of the daemon is a sign of life for the person.
async fn wait_for_code(context: &Context, backend: &Backend, begun: LoginView) -> anyhow::Result<LoginView> {
    let LoginStage::Waiting { url, user_code: Some(code), ends_at } = &begun.stage else { return Ok(begun) };
    context.out.note(&view::device(url, code, ends_at - SystemClock.now()));
    wait(backend, begun).await
}

async fn wait(backend: &Backend, begun: LoginView) -> anyhow::Result<LoginView> {
    let mut login = begun;
    while let LoginStage::Waiting { .. } = login.stage {
        let named = LoginRef { login: login.login.clone() };
        tokio::select! {
            view = backend.call::<WaitLogin>(named) => login = view?,
            _ = tokio::signal::ctrl_c() => {
                let named = LoginRef { login: login.login.clone() };
                backend.call::<CancelLogin>(named).await?;
                return Err(Failure::new(Code::Conflict, "the login was given up").into());
            }
        }
    }
    Ok(login)
}

async fn paste(context: &Context, backend: &Backend, begun: LoginView, vendor: Vendor) -> anyhow::Result<LoginView> {
    let LoginStage::Waiting { url, .. } = &begun.stage else { return Ok(begun) };
    context.out.note(&view::paste(url, vendor));
    for _ in 1..PASTE_TRIES {
        match finish_with_code(context, backend, &begun).await {
            Err(failure) if failure.code == Code::Invalid => context.out.note(&view::failure(&failure)),
            other => return Ok(other?),
        }
    }
    Ok(finish_with_code(context, backend, &begun).await?)
}

async fn finish_with_code(context: &Context, backend: &Backend, begun: &LoginView) -> Result<LoginView, Failure> {
    let nothing = || Failure::new(Code::Conflict, "no code came").remedy("start the login again");
    let code = context.out.ask("Code:").map_err(|e| nothing().why(e.to_string()))?.ok_or_else(nothing)?;
    let code = SentSecret(SecretString::from(code));
    backend.call::<FinishLogin>(LoginCode { login: begun.login.clone(), code }).await
}

/// What stays to be done when the credential is stored: on a terminal its owner names the account.
async fn finish(
    context: &Context,
    backend: &Backend,
    ended: LoginView,
    named: bool,
    allow_hosts: Vec<Host>,
) -> anyhow::Result<LoginView> {
    let LoginView { login, stage } = ended;
    let LoginStage::Done { mut account, renewed, notes } = stage else {
        return Err(Failure::new(Code::Vendor, "the login did not end").into());
    };
    if !named && !renewed && context.out.can_ask() {
        *account = name(context, backend, *account).await?;
    }
    if allow_hosts.iter().any(|host| !account.allowed_hosts.contains(host)) {
        // An account that was here before keeps its grants; the new ones come on top.
        let all = account.allowed_hosts.iter().copied().chain(allow_hosts).collect();
        let change = AccountChange {
            account: account.id.to_string(),
            allow_hosts: Some(all),
            accept_terms: true,
            ..AccountChange::default()
        };
        *account = backend.call::<ChangeAccount>(change).await?.account;
    }
    Ok(LoginView { login, stage: LoginStage::Done { account, renewed, notes } })
}

/// The account is stored already, under the label that stands in brackets: a person who walks away here loses nothing.
async fn name(context: &Context, backend: &Backend, account: AccountView) -> anyhow::Result<AccountView> {
    loop {
        let label = context.out.ask(&format!("What shall it be called? [{}]", account.label))?.unwrap_or_default();
        if label.is_empty() || label == account.label {
            return Ok(account);
        }
        let change = AccountChange { account: account.id.to_string(), label: Some(label), ..AccountChange::default() };
        match backend.call::<ChangeAccount>(change).await {
            Ok(changed) => return Ok(changed.account),
            Err(failure) if matches!(failure.code, Code::Invalid | Code::Taken) => {
                context.out.note(&view::failure(&failure));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_line_break_at_the_end_is_no_part_of_a_key() {
        assert_eq!(checked("sk-ant-api03-x\r\n".to_owned(), "x").unwrap().expose_secret(), "sk-ant-api03-x");
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("sk-ant one two")]
    #[case("sk-ant\nsk-ant")]
    fn what_is_no_single_word_is_refused_without_being_shown(#[case] text: &str) {
        let failure = checked(text.to_owned(), "standard input").unwrap_err();
        assert!(!failure.message.contains("sk-ant"), "{failure:?}");
    }
}

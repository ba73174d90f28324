//! Who may do what: keys, access tokens, single-use refresh tokens in families, authorization codes. Pure bookkeeping.

use std::collections::HashMap;

use crate::mint::Mint;
use crate::remembered::Remembered;

/// Everything a login at Anthropic may be granted. Claude Code asks for all of it.
pub(crate) const SCOPES: &[&str] = &[
    "org:create_api_key",
    "user:profile",
    "user:inference",
    "user:sessions:claude_code",
    "user:mcp_servers",
    "user:file_upload",
];

/// More credentials than this are not remembered; the oldest go first.
const MEMORY: usize = 100_000;

/// Index of an account in the vendor's list.
pub(crate) type AccountIndex = usize;

/// What the vendor thinks of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Good for this account.
    Good(AccountIndex, Rights),
    /// An access token whose time has come.
    Expired(AccountIndex),
    /// Taken away.
    Revoked(AccountIndex),
    /// Never issued.
    Foreign,
}

impl Standing {
    /// The account it belongs to, if any.
    pub(crate) fn owner(&self) -> Option<AccountIndex> {
        match self {
            Self::Good(account, _) | Self::Expired(account) | Self::Revoked(account) => Some(*account),
            Self::Foreign => None,
        }
    }
}

/// What a good credential opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Scopes, separated by spaces. Empty for API keys.
    pub(crate) scope: String,
}

impl Rights {
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

/// What a vendor prints on its tokens, and how long an access token of it lives.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) life_s: i64,
}

/// Prints a fresh pair for an account with this scope.
pub(crate) type Press<'a> = &'a dyn Fn(AccountIndex, &str) -> Printed;

/// A token pair as it is handed out.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) account: AccountIndex,
    pub(crate) scope: String,
    /// Seconds until the access token ends.
    pub(crate) life_s: i64,
}

/// Why the token endpoint refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Unknown or run out.
    Invalid,
    /// Of a login that was ended.
    Revoked,
    /// Was used before. Its family is revoked now.
    Reused,
    /// Code and request do not belong together; says what differs.
    Mismatch(&'static str),
    /// More scope than was granted.
    Scope,
}

/// What a code is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeBinding {
    pub(crate) account: AccountIndex,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    /// base64url(SHA-256(verifier))
    pub(crate) challenge: String,
    pub(crate) scope: String,
}

struct Access {
    account: AccountIndex,
    family: Option<usize>,
    expires_at: i64,
    revoked: bool,
    scope: String,
}

struct Code {
    binding: CodeBinding,
    expires_at: i64,
    spent: bool,
    family: Option<usize>,
}

struct Refresh {
    family: usize,
    used: bool,
    issued_at: i64,
}

struct Family {
    account: AccountIndex,
    client_id: String,
    scope: String,
    revoked: bool,
}

/// What a refresh token is part of.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// Who logged in; empty for logins without a page.
    pub(crate) client_id: String,
    /// When this token was handed out, in unix seconds.
    pub(crate) issued_at: i64,
    /// It was used before.
    pub(crate) used: bool,
}

/// See the module.
pub(crate) struct Grants {
    keys: HashMap<String, (AccountIndex, bool)>,
    access: Remembered<String, Access>,
    refresh: Remembered<String, Refresh>,
    codes: Remembered<String, Code>,
    families: Remembered<usize, Family>,
    next_family: usize,
    refresh_revokes_access: bool,
}

/// Life of an authorization code in seconds.
const CODE_LIFE_S: i64 = 600;
/// Life of a long-lived token in seconds: about a year.
pub(crate) const STATIC_LIFE_S: i64 = 365 * 24 * 3600;

impl Grants {
    pub(crate) fn new(refresh_revokes_access: bool) -> Self {
        Self {
            keys: HashMap::new(),
            access: Remembered::new(MEMORY),
            refresh: Remembered::new(MEMORY),
            codes: Remembered::new(MEMORY),
            families: Remembered::new(MEMORY),
            next_family: 0,
            refresh_revokes_access,
        }
    }

    pub(crate) fn add_key(&mut self, key: String, account: AccountIndex) {
        self.keys.insert(key, (account, false));
    }

    /// A long-lived bearer token: inference only, no refresh.
    pub(crate) fn add_static(&mut self, token: String, account: AccountIndex, now: i64) {
        let scope = "user:inference".to_owned();
        let access = Access { account, family: None, expires_at: now + STATIC_LIFE_S, revoked: false, scope };
        self.access.insert(token, access);
    }

    pub(crate) fn key(&self, key: &str) -> Standing {
        match self.keys.get(key) {
            Some((account, false)) => Standing::Good(*account, Rights { scope: String::new() }),
            Some((account, true)) => Standing::Revoked(*account),
            None => Standing::Foreign,
        }
    }

    pub(crate) fn bearer(&self, token: &str, now: i64) -> Standing {
        let Some(access) = self.access.get(token) else { return Standing::Foreign };
        if access.revoked {
            Standing::Revoked(access.account)
        } else if now >= access.expires_at {
            Standing::Expired(access.account)
        } else {
            Standing::Good(access.account, Rights { scope: access.scope.clone() })
        }
    }

    /// The login that a refresh token is (or was) part of.
    pub(crate) fn login_of(&self, token: &str) -> Option<Login> {
        let refresh = self.refresh.get(token)?;
        let family = self.families.get(&refresh.family)?;
        let client_id = family.client_id.clone();
        Some(Login { client_id, issued_at: refresh.issued_at, used: refresh.used })
    }

    /// Whose refresh token is it (or was it)?
    pub(crate) fn owner_of_refresh(&self, token: &str) -> Option<AccountIndex> {
        let refresh = self.refresh.get(token)?;
        self.families.get(&refresh.family).map(|family| family.account)
    }

    /// Whose access token is it (or was it)?
    pub(crate) fn owner_of_access(&self, token: &str) -> Option<AccountIndex> {
        self.access.get(token).map(|access| access.account)
    }

    /// Whose code is it (or was it)?
    pub(crate) fn owner_of_code(&self, code: &str) -> Option<AccountIndex> {
        self.codes.get(code).map(|code| code.binding.account)
    }

    /// A login of this client; without a page it is nobody in particular.
    pub(crate) fn login(
        &mut self,
        client_id: &str,
        account: AccountIndex,
        scope: &str,
        press: Press<'_>,
        now: i64,
    ) -> Pair {
        let family = self.next_family;
        self.next_family += 1;
        self.families.insert(
            family,
            Family { account, client_id: client_id.to_owned(), scope: scope.to_owned(), revoked: false },
        );
        self.pair(family, account, scope, press, now)
    }

    fn pair(&mut self, family: usize, account: AccountIndex, scope: &str, press: Press<'_>, now: i64) -> Pair {
        let Printed { access, refresh, life_s } = press(account, scope);
        let pair = Pair { access, refresh, account, scope: scope.to_owned(), life_s };
        let access =
            Access { account, family: Some(family), expires_at: now + life_s, revoked: false, scope: scope.to_owned() };
        self.access.insert(pair.access.clone(), access);
        self.refresh.insert(pair.refresh.clone(), Refresh { family, used: false, issued_at: now });
        pair
    }

    /// A code that begins so.
    pub(crate) fn add_code(&mut self, binding: CodeBinding, prefix: &str, mint: &Mint, now: i64) -> String {
        let code = mint.secret(prefix);
        self.codes.insert(code.clone(), Code { binding, expires_at: now + CODE_LIFE_S, spent: false, family: None });
        code
    }

    /// Turns a code into tokens. `offered` is what the request says; `challenge` is computed from its verifier. A code is
    /// used up by the first attempt, right or wrong; a second use revokes what the first one brought (RFC 6749, 4.1.2).
    pub(crate) fn exchange(
        &mut self,
        code: &str,
        offered: &CodeBinding,
        press: Press<'_>,
        now: i64,
    ) -> Result<Pair, Denied> {
        let Some(known) = self.codes.get_mut(code) else { return Err(Denied::Invalid) };
        if known.spent {
            if let Some(family) = known.family {
                self.revoke_family(family);
            }
            return Err(Denied::Reused);
        }
        known.spent = true;
        let binding = known.binding.clone();
        if now >= known.expires_at {
            return Err(Denied::Invalid);
        }
        for (differs, what) in [
            (binding.client_id != offered.client_id, "client_id"),
            (binding.redirect_uri != offered.redirect_uri, "redirect_uri"),
            (binding.state != offered.state, "state"),
            (binding.challenge != offered.challenge, "code_verifier"),
        ] {
            if differs {
                return Err(Denied::Mismatch(what));
            }
        }
        let family = self.next_family;
        if let Some(known) = self.codes.get_mut(code) {
            known.family = Some(family);
        }
        Ok(self.login(&binding.client_id, binding.account, &binding.scope, press, now))
    }

    /// Rotates: the old refresh token is spent, a new pair of the same family comes.
    pub(crate) fn refresh(
        &mut self,
        token: &str,
        scope: Option<&str>,
        press: Press<'_>,
        now: i64,
    ) -> Result<Pair, Denied> {
        let Some(known) = self.refresh.get(token) else { return Err(Denied::Invalid) };
        let number = known.family;
        let Some(family) = self.families.get(&number) else { return Err(Denied::Invalid) };
        if known.used {
            self.revoke_family(number);
            return Err(Denied::Reused);
        }
        if family.revoked {
            return Err(Denied::Revoked);
        }
        let granted = Rights { scope: family.scope.clone() };
        let (account, full) = (family.account, family.scope.clone());
        let scope = match scope {
            None => full,
            Some(asked) if asked.split(' ').all(|one| granted.may(one)) => asked.to_owned(),
            Some(_) => return Err(Denied::Scope),
        };
        if let Some(known) = self.refresh.get_mut(token) {
            known.used = true;
        }
        if self.refresh_revokes_access {
            self.revoke_where(|access| access.family == Some(number));
        }
        Ok(self.pair(number, account, &scope, press, now))
    }

    /// Ends the login that a token belongs to (RFC 7009): of a refresh token with all its access tokens, of an access token
    /// only that. Unknown tokens are no error.
    pub(crate) fn revoke_token(&mut self, token: &str) {
        if let Some(refresh) = self.refresh.get(token) {
            self.revoke_family(refresh.family);
        } else if let Some(access) = self.access.get_mut(token) {
            access.revoked = true;
        }
    }

    fn revoke_family(&mut self, number: usize) {
        if let Some(family) = self.families.get_mut(&number) {
            family.revoked = true;
        }
        self.revoke_where(|access| access.family == Some(number));
    }

    fn revoke_where(&mut self, which: impl Fn(&Access) -> bool) {
        for access in self.access.values_mut().filter(|access| which(access)) {
            access.revoked = true;
        }
    }

    /// All access tokens of logins end now; long-lived tokens stay.
    pub(crate) fn expire_access(&mut self, account: AccountIndex, now: i64) {
        for access in self.access.values_mut() {
            if access.account == account && access.family.is_some() {
                access.expires_at = access.expires_at.min(now);
            }
        }
    }

    pub(crate) fn revoke_access(&mut self, account: AccountIndex) {
        self.revoke_where(|access| access.account == account && access.family.is_some());
    }

    pub(crate) fn revoke_all(&mut self, account: AccountIndex) {
        self.revoke_where(|access| access.account == account);
        for family in self.families.values_mut().filter(|family| family.account == account) {
            family.revoked = true;
        }
        for (owner, revoked) in self.keys.values_mut() {
            *revoked |= *owner == account;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants() -> (Grants, Mint) {
        (Grants::new(false), Mint::new(Some(1)).unwrap())
    }

    /// Everything these tests want printed.
    fn press(mint: &Mint) -> impl Fn(AccountIndex, &str) -> Printed + '_ {
        |_, _| Printed { access: mint.secret("a-"), refresh: mint.secret("r-"), life_s: 28_800 }
    }

    fn binding() -> CodeBinding {
        CodeBinding {
            account: 0,
            client_id: "client".to_owned(),
            redirect_uri: "http://localhost:1/callback".to_owned(),
            state: "state".to_owned(),
            challenge: "challenge".to_owned(),
            scope: "user:profile user:inference".to_owned(),
        }
    }

    #[test]
    fn a_refresh_token_works_once_and_a_second_use_ends_the_family() {
        let (mut grants, mint) = grants();
        let first = grants.login("", 0, "user:inference", &press(&mint), 0);
        let other_login = grants.login("", 0, "user:inference", &press(&mint), 0);
        let second = grants.refresh(&first.refresh, None, &press(&mint), 10).unwrap();
        assert!(matches!(grants.bearer(&first.access, 20), Standing::Good(0, _)), "the old access token runs out");
        assert_eq!(grants.refresh(&first.refresh, None, &press(&mint), 20).unwrap_err(), Denied::Reused);
        assert_eq!(grants.bearer(&second.access, 20), Standing::Revoked(0));
        assert_eq!(grants.refresh(&second.refresh, None, &press(&mint), 20).unwrap_err(), Denied::Revoked);
        assert!(matches!(grants.bearer(&other_login.access, 20), Standing::Good(0, _)), "another login is untouched");
    }

    #[test]
    fn an_access_token_ends_at_its_second() {
        let (mut grants, mint) = grants();
        let pair = grants.login("", 3, "user:inference", &press(&mint), 100);
        assert!(matches!(grants.bearer(&pair.access, 28_899), Standing::Good(3, _)));
        assert_eq!(grants.bearer(&pair.access, 28_900), Standing::Expired(3));
        assert_eq!(grants.bearer("sk-ant-oat01-x", 0), Standing::Foreign);
    }

    #[test]
    fn a_code_works_once_and_its_reuse_ends_what_it_brought() {
        let (mut grants, mint) = grants();
        let code = grants.add_code(binding(), "", &mint, 0);
        let pair = grants.exchange(&code, &binding(), &press(&mint), 1).unwrap();
        assert_eq!(grants.exchange(&code, &binding(), &press(&mint), 2).unwrap_err(), Denied::Reused);
        assert_eq!(grants.bearer(&pair.access, 3), Standing::Revoked(0));
    }

    #[test]
    fn a_code_is_bound_to_everything_it_was_asked_with() {
        let (mut grants, mint) = grants();
        let wrong: [fn(&mut CodeBinding); 4] =
            [|b| b.client_id.push('x'), |b| b.redirect_uri.push('x'), |b| b.state.push('x'), |b| b.challenge.push('x')];
        for spoil in wrong {
            let code = grants.add_code(binding(), "", &mint, 0);
            let mut offered = binding();
            spoil(&mut offered);
            assert!(matches!(grants.exchange(&code, &offered, &press(&mint), 1), Err(Denied::Mismatch(_))));
            assert_eq!(grants.exchange(&code, &binding(), &press(&mint), 1).unwrap_err(), Denied::Reused, "used up");
        }
        let code = grants.add_code(binding(), "", &mint, 0);
        assert_eq!(grants.exchange(&code, &binding(), &press(&mint), 600).unwrap_err(), Denied::Invalid, "10 minutes");
    }

    #[test]
    fn a_refresh_may_ask_for_less_scope_and_never_for_more() {
        let (mut grants, mint) = grants();
        let pair = grants.login("", 0, "user:profile user:inference", &press(&mint), 0);
        assert_eq!(
            grants.refresh(&pair.refresh, Some("org:create_api_key"), &press(&mint), 1).unwrap_err(),
            Denied::Scope
        );
        let less = grants.refresh(&pair.refresh, Some("user:inference"), &press(&mint), 1).unwrap();
        assert_eq!(less.scope, "user:inference");
    }

    #[test]
    fn where_a_refresh_ends_older_access_tokens_it_does() {
        let mint = Mint::new(Some(1)).unwrap();
        let mut grants = Grants::new(true);
        let first = grants.login("", 0, "user:inference", &press(&mint), 0);
        let second = grants.refresh(&first.refresh, None, &press(&mint), 1).unwrap();
        assert_eq!(grants.bearer(&first.access, 2), Standing::Revoked(0));
        assert!(matches!(grants.bearer(&second.access, 2), Standing::Good(0, _)));
    }
}

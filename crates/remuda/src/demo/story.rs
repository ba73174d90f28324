//! What happens on the stage, in acts. Every act is told as it goes and returns what was seen.

use std::time::{Duration, Instant};

use anyhow::Context;
use remuda_control::types::{
    ChainChange, ChainChanged, Empty, Explained, KeyCreate, KeyScope, LogAsked, LoginMethod, LoginRef, LoginStage,
    LoginStart, RequestRef, SentSecret,
};
use remuda_control::verb::{
    CreateKey, Explain, GetStatus, ListAccounts, ListRequests, SetChain, StartLogin, WaitLogin,
};
use remuda_core::record::Record;
use remuda_core::{Host, RequestId, Vendor};
use remuda_fake::{Browser, Endpoint, FakeAccount};
use secrecy::SecretString;

use super::agent::{Agent, Heard};
use super::names::{ENTERPRISE, PERSONAL, SIDE_PROJECT};
use super::stage::{ENTERPRISE_RENEWS_S, Stage};
use crate::output::Out;
use crate::view::demo as view;

/// What the agent asks and the miniature's model answers.
pub(super) const LINES: [(&str, &str); 3] = [
    (
        "My test fails one time in ten. Why?",
        "It sleeps for 100 ms and hopes that the server is up by then. On a busy machine it is not.",
    ),
    (
        "What should it do instead?",
        "Wait for what it needs: try to connect until that succeeds, and give up at a deadline. \
         Then it is fast when it can be and patient when it must be.",
    ),
    ("It is green. Anything else?", "Look for the other sleeps. Each of them is a guess about time."),
];
/// Asked of an account that is spent and stands alone.
const LAST_QUESTION: &str = "Now a limerick about horses.";

/// A record is written when its request has ended, which may be a moment after the agent has read the answer.
const RECORD_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How far beyond the end of a window the story leaps.
const A_MINUTE: i64 = 60;

/// What one question brought.
pub(crate) struct Turn {
    /// What the vendor's model says to it.
    pub(crate) expected: &'static str,
    /// What the agent got.
    pub(crate) heard: Heard,
    /// Whom the vendor saw asked, in order.
    pub(crate) asked: Vec<Asked>,
    /// Why it went where it went.
    pub(crate) record: Record,
}

/// A request as the vendor saw it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// Whose credential it carried.
    pub(crate) account: String,
    /// What the vendor answered.
    pub(crate) status: Option<u16>,
    /// Did it hand over content?
    pub(crate) content: bool,
}

/// Everything that the checks look at.
pub(crate) struct Day {
    /// A question that its account answers.
    pub(crate) first: Turn,
    /// The account has run dry.
    pub(crate) detour: Turn,
    /// Its window has begun anew.
    pub(crate) back: Turn,
    /// A question to an account that has run dry and stands alone.
    pub(crate) alone: Turn,
    /// The organisation that is [`ENTERPRISE`] at the vendor.
    pub(crate) enterprise: String,
    /// The organisation that is [`PERSONAL`] at the vendor.
    pub(crate) personal: String,
    /// Questions that [`SIDE_PROJECT`] was asked, which costs money.
    pub(crate) paid: usize,
    /// What the vendor holds against the gateway.
    pub(crate) violations: Vec<String>,
}

/// Acts it all out.
pub(crate) async fn tell(stage: &Stage, out: Out) -> anyhow::Result<Day> {
    let mut teller = Teller { stage, out, last: None };
    out.tell(&view::opening())?;
    teller.accounts().await?;
    teller.chain().await?;

    let [first, second, third] = LINES;
    let mut agent = teller.agent(None, "demo-conversation").await?;
    out.tell(&view::act("A conversation, sent to enterprise"))?;
    let first = teller.turn(&mut agent, first).await?;
    stage.drain_enterprise();
    out.tell(&view::aside("Meanwhile colleagues use up the five-hour window of enterprise."))?;
    let detour = teller.turn(&mut agent, second).await?;
    out.tell(&view::happened(&detour))?;
    teller.look().await?;

    stage.pass(ENTERPRISE_RENEWS_S + A_MINUTE);
    out.tell(&view::later(ENTERPRISE_RENEWS_S + A_MINUTE))?;
    let back = teller.turn(&mut agent, third).await?;
    out.tell(&view::happened(&back))?;

    stage.drain_personal();
    out.tell(&view::act("The other way round: personal runs dry, and enterprise has room"))?;
    let mut agent = teller.agent(Some(PERSONAL), "demo-at-home").await?;
    let alone = teller.turn(&mut agent, (LAST_QUESTION, "")).await?;
    out.tell(&view::happened(&alone))?;

    let paid =
        |seen: &remuda_fake::Seen| seen.endpoint == Endpoint::Messages && seen.account.as_deref() == Some(SIDE_PROJECT);
    Ok(Day {
        first,
        detour,
        back,
        alone,
        enterprise: stage.enterprise.organization_uuid().to_owned(),
        personal: stage.personal.organization_uuid().to_owned(),
        paid: stage.vendor.requests().iter().filter(|seen| paid(seen)).count(),
        violations: stage.vendor.violations(),
    })
}

struct Teller<'a> {
    stage: &'a Stage,
    out: Out,
    /// The newest decision record.
    last: Option<RequestId>,
}

impl Teller<'_> {
    /// Three logins: two in a browser, one with a key.
    async fn accounts(&self) -> anyhow::Result<()> {
        let stage = self.stage;
        for account in [&stage.enterprise, &stage.personal] {
            self.log_in(account).await.with_context(|| format!("{} could not log in", account.name()))?;
        }
        let key = SentSecret(SecretString::from(stage.side_project.key().to_owned()));
        let start = LoginStart { method: LoginMethod::Key, secret: Some(key), ..login(SIDE_PROJECT) };
        stage.control.call::<StartLogin>(&start).await?;
        let all = stage.control.call::<ListAccounts>(&Empty {}).await?;
        Ok(self.out.tell(&view::accounts(&all.accounts))?)
    }

    /// Follows the page and its redirect, as a browser does.
    async fn log_in(&self, account: &FakeAccount) -> anyhow::Result<()> {
        self.stage.vendor.set_browser(Browser::User(account.name().to_owned()));
        let begun = self.stage.control.call::<StartLogin>(&login(account.name())).await?;
        let LoginStage::Waiting { url, .. } = begun.stage else { return Ok(()) };
        // What came of it, the daemon knows better than the page.
        self.stage.http.get(url).send().await?;
        match self.stage.control.call::<WaitLogin>(&LoginRef { login: begun.login }).await?.stage {
            LoginStage::Done { .. } => Ok(()),
            LoginStage::Waiting { .. } => anyhow::bail!("the vendor's page did not answer"),
        }
    }

    async fn chain(&self) -> anyhow::Result<()> {
        let targets = vec![SIDE_PROJECT.to_owned(), PERSONAL.to_owned()];
        let change = ChainChange { source: ENTERPRISE.to_owned(), targets };
        let changed: ChainChanged = self.stage.control.call::<SetChain>(&change).await?;
        Ok(self.out.tell(&view::chain(&changed))?)
    }

    /// What `remuda run claude [--account PIN]` gives to an agent.
    async fn agent(&self, pin: Option<&str>, session: &'static str) -> anyhow::Result<Agent> {
        let create = KeyCreate {
            name: session.to_owned(),
            host: Host::Claude,
            scope: KeyScope::Agent,
            pin: pin.map(str::to_owned),
            pinned_by_project: false,
            project: None,
            hold_s: None,
            lifetime_s: None,
        };
        let created = self.stage.control.call::<CreateKey>(&create).await?;
        Ok(Agent::new(self.stage.http.clone(), &self.stage.url, created.secret, session))
    }

    async fn turn(&mut self, agent: &mut Agent, line: (&'static str, &'static str)) -> anyhow::Result<Turn> {
        let (prompt, expected) = line;
        let vendor = &self.stage.vendor;
        let before = vendor.requests().len();
        self.out.tell(&view::prompt(prompt))?;
        let body = agent.body(prompt);
        vendor.expect_body(&body);
        let mut answer = agent.send(body).await?;
        let mut speech = view::Speech::of(&self.speaker(&answer.heard));
        self.out.tell(&speech.begin())?;
        while let Some(words) = answer.words().await? {
            self.out.tell(&speech.words(&words))?;
        }
        self.out.tell("\n")?;
        let heard = answer.heard;
        agent.remember(&heard);
        let record = self.record().await?;
        let asked = vendor.requests().into_iter().skip(before).filter(|seen| seen.endpoint == Endpoint::Messages);
        let asked = asked.map(|seen| Asked {
            account: seen.account.unwrap_or_else(|| "a stranger".to_owned()),
            status: seen.status,
            content: seen.content,
        });
        Ok(Turn { expected, heard, asked: asked.collect(), record })
    }

    /// Who speaks, by what the vendor says: the organisation, or else the status of a refusal.
    fn speaker(&self, heard: &Heard) -> String {
        let stage = self.stage;
        let all = [&stage.enterprise, &stage.personal, &stage.side_project];
        let found = all.into_iter().find(|account| heard.organization.as_deref() == Some(account.organization_uuid()));
        match found {
            Some(account) if heard.status == 200 => account.name().to_owned(),
            _ => heard.status.to_string(),
        }
    }

    /// The decision record of the request that has just ended.
    async fn record(&mut self) -> anyhow::Result<Record> {
        let deadline = Instant::now() + RECORD_PATIENCE;
        loop {
            let newest = LogAsked { limit: Some(1), ..LogAsked::default() };
            let record = self.stage.control.call::<ListRequests>(&newest).await?.requests.into_iter().next();
            match record {
                Some(record) if self.last != Some(record.id) => {
                    self.last = Some(record.id);
                    return Ok(record);
                }
                _ if Instant::now() > deadline => anyhow::bail!("no decision record was written"),
                _ => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// What a person would look at now.
    async fn look(&self) -> anyhow::Result<()> {
        let status = self.stage.control.call::<GetStatus>(&Empty {}).await?;
        self.out.tell(&view::status(&status, self.out.columns()))?;
        let last = RequestRef { request: "last".to_owned() };
        let explained: Explained = self.stage.control.call::<Explain>(&last).await?;
        Ok(self.out.tell(&view::explained(&explained))?)
    }
}

/// In the browser, unless something else is said. The miniature's terms are nobody's.
fn login(label: &str) -> LoginStart {
    LoginStart {
        vendor: Vendor::Anthropic,
        method: LoginMethod::Browser,
        label: Some(label.to_owned()),
        secret: None,
        base_url: None,
        compatible: None,
        shared_plan: false,
        cost: None,
        allow_hosts: Vec::new(),
        accept_terms: true,
    }
}

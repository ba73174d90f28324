//! Everything that changes at the vendor, behind one lock that is held for moments and never across an await.

use std::collections::{HashSet, VecDeque};

use crate::account::Kind;
use crate::anthropic::messages::Cache;
use crate::clock::Clock;
use crate::config::{AccountSpec, Browser, Config, Reply};
use crate::fault::{Fault, Who};
use crate::grants::Grants;
use crate::log::{Endpoint, Log};
use crate::openai::cache::Prefixes;
use crate::openai::responses::Kept;
use crate::openai_auth::Devices;
use crate::quota::buckets::Minute;
use crate::quota::windows::Windows;
use crate::site::QwenPlan;
use crate::watch::Replays;

/// One account as the vendor keeps it.
pub(crate) struct Account {
    pub(crate) spec: AccountSpec,
    pub(crate) account_uuid: String,
    pub(crate) organization_uuid: String,
    pub(crate) disabled: bool,
    /// Its plan has lapsed.
    pub(crate) lapsed: bool,
    pub(crate) windows: Windows,
    pub(crate) minute: Minute,
    /// Marked prefixes (Anthropic).
    pub(crate) cache: Cache,
    /// Automatic prefixes (OpenAI, Alibaba).
    pub(crate) prefixes: Prefixes,
}

impl Account {
    /// Is it billed by use, with limits per minute?
    pub(crate) fn is_metered(&self) -> bool {
        matches!(self.spec.kind, Kind::ApiKey | Kind::OpenAiKey | Kind::Qwen(QwenPlan::PayAsYouGo))
    }
}

/// See the module.
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) accounts: Vec<Account>,
    pub(crate) grants: Grants,
    pub(crate) replies: Vec<Reply>,
    /// Stored responses (OpenAI).
    pub(crate) kept: Kept,
    /// Device codes (OpenAI).
    pub(crate) devices: Devices,
    pub(crate) browser: Browser,
    pub(crate) faults: VecDeque<(Who, Fault)>,
    pub(crate) log: Log,
    pub(crate) violations: Violations,
    pub(crate) replays: Replays,
    /// SHA-256 of the bodies that agents have sent; empty: any body is fine.
    pub(crate) expected_bodies: HashSet<[u8; 32]>,
}

impl State {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            clock: Clock::new(config.clock),
            accounts: Vec::new(),
            grants: Grants::new(config.refresh_revokes_access),
            replies: config.replies.clone(),
            kept: Kept::default(),
            devices: Devices::default(),
            browser: config.browser.clone(),
            faults: VecDeque::new(),
            log: Log::new(config.log),
            violations: Violations::default(),
            replays: Replays::default(),
            expected_bodies: HashSet::new(),
        }
    }

    /// The account of this kind with this name or email.
    pub(crate) fn account_named(&self, name_or_email: &str, kind: Kind) -> Option<usize> {
        let named = |account: &Account| account.spec.name == name_or_email || account.spec.email == name_or_email;
        self.accounts.iter().position(|account| account.spec.kind == kind && named(account))
    }

    /// The account of this name.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.accounts.iter().position(|account| account.spec.name == name)
    }

    /// The next fault for this request, used up by one.
    pub(crate) fn take_fault(&mut self, account: Option<usize>, matches: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let name = account.and_then(|index| self.accounts.get(index)).map(|account| account.spec.name.as_str());
        let position = self.faults.iter().position(|(who, fault)| {
            let whose = match who {
                Who::Any => true,
                Who::Account(wanted) => name == Some(wanted),
            };
            whose && matches(fault)
        })?;
        let (_, fault) = self.faults.get_mut(position)?;
        let taken = fault.clone();
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.faults.remove(position);
        }
        Some(taken)
    }
}

/// Does the fault meet a request to this endpoint that names this model?
pub(crate) fn meets(fault: &Fault, endpoint: Endpoint, model: Option<&str>) -> bool {
    let on = fault.on == endpoint || fault.on == Endpoint::Inference && endpoint.is_inference();
    on && (fault.early || fault.model.is_none() || fault.model.as_deref() == model)
}

/// What the vendor holds against its clients. Bounded: beyond [`Violations::MOST`] they are only counted.
#[derive(Default)]
pub(crate) struct Violations {
    list: Vec<String>,
    more: usize,
}

impl Violations {
    const MOST: usize = 1000;

    pub(crate) fn add(&mut self, what: String) {
        tracing::warn!(violation = what, "the vendor in miniature objects");
        if self.list.len() < Self::MOST {
            self.list.push(what);
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let mut all = self.list.clone();
        if self.more > 0 {
            all.push(format!("and {} more", self.more));
        }
        all
    }
}

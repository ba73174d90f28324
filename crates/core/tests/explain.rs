//! What `remuda explain` prints, as a person reads it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use remuda_core::account::{AccountStatus, Cooldown, CostClass, Vendor};
use remuda_core::explain::explain;
use remuda_core::record::{
    Attempt, AttemptEnd, Placed, RECORD_VERSION, Record, Rival, Skipped, SourceReason, Tokens, Weighed,
};
use remuda_core::request::Home;
use remuda_core::route::{Because, Decided, Outcome, Refreshed, SkipReason, StateChange, Weighing};
use remuda_core::snapshot::Strategy;
use remuda_core::{AccountId, Class, Host, Protocol, RequestId, RequestKind, Scope, SessionKey, Verdict, Window};

const AT: i64 = 1_795_180_800;

fn id(n: u128) -> AccountId {
    AccountId(uuid::Uuid::from_u128(n))
}

fn attempt(n: u128, label: &str, ended: AttemptEnd) -> Attempt {
    Attempt {
        account: id(n),
        label: label.to_owned(),
        model: None,
        waited_ms: 0,
        refreshed: None,
        status: Some(200),
        upstream_request_id: None,
        started_ms: 0,
        head_ms: Some(350),
        ended,
        changes: Vec::new(),
        relayed: None,
    }
}

fn verdict(class: Class, until: Option<i64>, evidence: &str) -> Verdict {
    Verdict {
        class,
        scope: Scope::Account,
        fail_over: true,
        retry_same_after_s: None,
        until,
        evidence: evidence.to_owned(),
    }
}

fn record(outcome: Outcome) -> Record {
    Record {
        version: RECORD_VERSION,
        id: RequestId(uuid::Uuid::from_u128(0x019a_9e12_4c21_7000_8000_0000_0000_0001)),
        at: AT,
        host: Host::Claude,
        kind: RequestKind::Main,
        vendor: Vendor::Anthropic,
        protocol: Protocol::Messages.into(),
        path: "/anthropic/v1/messages".to_owned(),
        session: Some(SessionKey("claude:7f1c".to_owned())),
        project: None,
        model: "claude-opus-5".to_owned(),
        source: Some(id(1)),
        source_label: Some("work".to_owned()),
        source_reason: SourceReason::Bound,
        source_pool: None,
        placed: None,
        weighed: None,
        skipped: Vec::new(),
        attempts: Vec::new(),
        remembered: Vec::new(),
        outcome,
        client_status: 200,
        first_byte_ms: None,
        longest_gap_ms: None,
        total_ms: 12_000,
        held_ms: 0,
        request_bytes: 182_344,
        response_bytes: 0,
        tokens: Tokens::default(),
        cost_usd: None,
        cache_saved_usd: None,
        prices: None,
        cost_class: None,
        truncated: false,
        stopped: false,
    }
}

#[test]
fn a_move_to_the_next_account_of_the_chain() {
    let mut told = record(Outcome::Served { account: id(4), model: None });
    told.skipped = vec![
        Skipped { account: id(2), label: "home".to_owned(), reason: SkipReason::Cooling, until: Some(AT + 4_980) },
        Skipped { account: id(3), label: "key".to_owned(), reason: SkipReason::Metered, until: None },
    ];
    let refusal =
        verdict(Class::WindowExhausted, Some(AT + 8_000), "429, anthropic-ratelimit-unified-5h-status: rejected");
    let mut first = attempt(1, "work", AttemptEnd::Refused { verdict: refusal, in_stream: false });
    first.status = Some(429);
    first.upstream_request_id = Some("req_011CT5gk".to_owned());
    first.changes = vec!["authorization replaced".to_owned(), "anthropic-beta: oauth-2025-04-20 added".to_owned()];
    let mut second = attempt(4, "side project", AttemptEnd::Served);
    second.head_ms = Some(910);
    second.changes = vec!["authorization replaced".to_owned()];
    told.attempts = vec![first, second];
    told.remembered = vec![StateChange::Cooling(
        id(1),
        Some(Cooldown {
            until: AT + 8_000,
            reason: Class::WindowExhausted,
            stated: true,
            since: AT,
            evidence: String::new(),
            probing_until: None,
        }),
    )];
    told.first_byte_ms = Some(1_420);
    told.response_bytes = 45_678;
    told.tokens = Tokens { input: Some(12), output: Some(845), cache_read: Some(101_200), ..Tokens::default() };
    told.cost_usd = Some(0.0731);
    told.cost_class = Some(CostClass::Included);
    insta::assert_snapshot!(explain(&told, AT + 180), @r"
    Request 019a9e12-4c21-7000-8000-000000000001
      arrived 2026-11-20 13:20:00 UTC (3 min ago)
      from Claude Code, session claude:7f1c
      a turn of the conversation with model claude-opus-5, /anthropic/v1/messages

    Meant for work: the session lives there.

    Passed over:
      home is resting until 2026-11-20 14:43:00 UTC (in 1 h 20 min).
      key costs money and no rule allows it now (see `remuda spend`).

    Asked:
      1. work refused with status 429 after 350 ms: a plan window is spent
         (window_exhausted), until 2026-11-20 15:33:20 UTC (in 2 h 10 min).
         evidence: 429, anthropic-ratelimit-unified-5h-status: rejected
         changed: authorization replaced; anthropic-beta: oauth-2025-04-20 added
         the vendor's id: req_011CT5gk
      2. side project answered with status 200 after 910 ms.
         changed: authorization replaced

    Remembered:
      work rests until 2026-11-20 15:33:20 UTC (in 2 h 10 min): a plan window is
        spent.

    Served by side project in place of work. The client got status 200.

    Figures:
      time: first byte after 1.4 s, end after 12.0 s
      bytes: 182,344 sent, 45,678 received
      tokens: 12 in, 845 out, 101,200 from the cache
      cost: 0.0731 USD at list price, included in the subscription
    ");
}

#[test]
fn retries_a_refresh_and_nobody_left() {
    let mut told = record(Outcome::Error { from: Some(id(2)), class: Some(Class::Burst), retry_after_s: Some(21.0) });
    told.source_reason = SourceReason::Process;
    told.source_pool = Some("team".to_owned());
    let stale = verdict(Class::CredentialStale, None, "401, authentication_error");
    let mut first = attempt(1, "work", AttemptEnd::Refused { verdict: stale, in_stream: false });
    first.status = Some(401);
    first.refreshed = Some(Refreshed::Permanent);
    let burst = || verdict(Class::Burst, Some(AT + 33), "429, retry-after: 21");
    let refused = || AttemptEnd::Refused { verdict: burst(), in_stream: true };
    let (second, mut third) = (attempt(2, "home", refused()), attempt(2, "home", refused()));
    third.waited_ms = 21_000;
    let mut fourth = attempt(5, "far", AttemptEnd::Unreachable { why: "the name has no address".to_owned() });
    (fourth.status, fourth.model) = (None, Some("gpt-5.6-sol".to_owned()));
    told.attempts = vec![first, second, third, fourth];
    let guess = Cooldown {
        until: AT + 900,
        reason: Class::ModelExhausted,
        stated: false,
        since: AT,
        evidence: String::new(),
        probing_until: None,
    };
    told.remembered = vec![
        StateChange::Status(id(1), AccountStatus::NeedsLogin),
        StateChange::Probing(id(2), None, None),
        StateChange::ModelCooling(id(2), "claude-opus-5".to_owned(), Some(guess)),
        StateChange::Bind(SessionKey("claude:7f1c".to_owned()), Home { account: id(2), pool: Some("team".to_owned()) }),
    ];
    told.client_status = 429;
    told.held_ms = 21_000;
    told.total_ms = 22_400;
    insta::assert_snapshot!(explain(&told, AT + 90_000), @r"
    Request 019a9e12-4c21-7000-8000-000000000001
      arrived 2026-11-20 13:20:00 UTC (1 d 1 h ago)
      from Claude Code, session claude:7f1c
      a turn of the conversation with model claude-opus-5, /anthropic/v1/messages

    Meant for work in pool @team: chosen when the agent was started.

    Asked:
      1. work refused with status 401 after 350 ms: the token is out of date
         (credential_stale).
         evidence: 401, authentication_error
         Its token could not be refreshed: it needs a new login.
      2. home began a stream with status 200 after 350 ms and refused inside it: too
         many requests in a short time (burst), until 2026-11-20 13:20:33 UTC (1 d
         ago).
         evidence: 429, retry-after: 21
      3. home after a wait of 21.0 s began a stream with status 200 after 350 ms and
         refused inside it: too many requests in a short time (burst), until
         2026-11-20 13:20:33 UTC (1 d ago).
         evidence: 429, retry-after: 21
      4. far for gpt-5.6-sol could not be reached: the name has no address.

    Remembered:
      work needs a new login.
      home rests for claude-opus-5 until 2026-11-20 13:35:00 UTC (1 d ago): this
        model is not to be had on this account now; a guess, the vendor named no
        time.
      The session lives on home, placed by pool @team.

    Not served. The answer of home was handed on: too many requests in a short time.
    Earliest return: 2026-11-20 13:20:43 UTC (1 d ago). The client got status 429.

    Figures:
      time: end after 22.4 s, 21.0 s of it waited on purpose
      bytes: 182,344 sent, 0 received
      tokens: not stated
      cost: unknown
    ");
}

#[test]
fn nothing_was_sent() {
    let mut told = record(Outcome::Error { from: None, class: None, retry_after_s: None });
    (told.source, told.source_label, told.session) = (None, None, None);
    told.source_reason = SourceReason::Active;
    told.client_status = 503;
    told.total_ms = 1;
    insta::assert_snapshot!(explain(&told, AT), @r"
    Request 019a9e12-4c21-7000-8000-000000000001
      arrived 2026-11-20 13:20:00 UTC (now)
      from Claude Code
      a turn of the conversation with model claude-opus-5, /anthropic/v1/messages

    Meant for nobody: no account is active. `remuda use` chooses one.

    Nobody was asked.

    Not served: nobody could take it. Earliest return: unknown. The client got
    status 503.

    Figures:
      time: end after 1 ms
      bytes: 182,344 sent, 0 received
      tokens: not stated
      cost: unknown
    ");
}

#[test]
fn a_stream_that_broke_off() {
    let mut told = record(Outcome::StreamError { from: id(1), class: Class::Overloaded });
    let overloaded = verdict(Class::Overloaded, None, "in stream, overloaded_error");
    told.attempts = vec![attempt(1, "work", AttemptEnd::BrokeOff { verdict: overloaded })];
    told.truncated = true;
    insta::assert_snapshot!(explain(&told, AT + 5), @r"
    Request 019a9e12-4c21-7000-8000-000000000001
      arrived 2026-11-20 13:20:00 UTC (5 s ago)
      from Claude Code, session claude:7f1c
      a turn of the conversation with model claude-opus-5, /anthropic/v1/messages

    Meant for work: the session lives there.

    Asked:
      1. work answered with status 200 after 350 ms, then broke off: the vendor has
         no capacity (overloaded).
         evidence: in stream, overloaded_error

    work broke off after its answer had begun to reach the client, so nobody was
    asked again: the vendor has no capacity. The client got status 200.
      The stream ended without its last event: the answer may be incomplete.

    Figures:
      time: end after 12.0 s
      bytes: 182,344 sent, 0 received
      tokens: not stated
      cost: unknown
    ");
}

#[test]
fn a_refusal_that_no_other_account_would_mend() {
    let mut told = record(Outcome::Error { from: Some(id(1)), class: Some(Class::TermsRefused), retry_after_s: None });
    let refused = verdict(Class::TermsRefused, None, "400, only authorized for use with Claude Code");
    told.attempts = vec![attempt(1, "work", AttemptEnd::Refused { verdict: refused, in_stream: false })];
    told.client_status = 400;
    insta::assert_snapshot!(explain(&told, AT + 5), @r"
    Request 019a9e12-4c21-7000-8000-000000000001
      arrived 2026-11-20 13:20:00 UTC (5 s ago)
      from Claude Code, session claude:7f1c
      a turn of the conversation with model claude-opus-5, /anthropic/v1/messages

    Meant for work: the session lives there.

    Asked:
      1. work refused with status 200 after 350 ms: the vendor's terms do not allow
         this use (terms_refused).
         evidence: 400, only authorized for use with Claude Code

    Not served. The answer of work was handed on: the vendor's terms do not allow
    this use. Nobody else was asked: a refusal for the vendor's terms is not evaded.
    The client got status 400.

    Figures:
      time: end after 12.0 s
      bytes: 182,344 sent, 0 received
      tokens: not stated
      cost: unknown
    ");
}

#[test]
fn a_record_survives_its_json_form() {
    let mut told = record(Outcome::Served { account: id(4), model: Some("m".to_owned()) });
    told.attempts = vec![attempt(1, "work", AttemptEnd::BrokeOff { verdict: verdict(Class::Transient, None, "x") })];
    told.remembered = vec![StateChange::Status(id(1), AccountStatus::Disabled)];
    let text = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), told);
}

#[test]
fn no_line_is_longer_than_80_columns() {
    for reason in [SkipReason::NotGranted, SkipReason::StandsAlone, SkipReason::KillSwitch, SkipReason::Probing] {
        let mut told = record(Outcome::Error { from: None, class: None, retry_after_s: Some(4.0) });
        let label = "a label of more than forty characters, as some people like".replace(',', "");
        told.skipped = vec![Skipped { account: id(2), label, reason, until: Some(AT + 4_980) }];
        let text = explain(&told, AT);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn a_placement_names_the_figure_that_decided_and_those_of_the_others() {
    let mut told = record(Outcome::Error { from: None, class: None, retry_after_s: None });
    told.source_pool = Some("team".to_owned());
    let rival = |n, label: &str, because| Rival { account: id(n), label: label.to_owned(), because };
    told.placed = Some(Placed {
        strategy: Strategy::Headroom,
        because: Because::Used { window: Window::FiveHour, used_percent: 12.0 },
        others: vec![
            rival(2, "home", Because::Used { window: Window::SevenDay, used_percent: 40.25 }),
            rival(3, "lab", Because::Unknown),
        ],
    });
    let text = explain(&told, AT);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(
            "placed there by the strategy headroom: work has used 12.0 % of its fullest window (five_hour). The others: \
             home has used 40.2 % of its fullest window (seven_day); lab has told nothing of its quota yet."
        ),
        "{text}"
    );
}

#[test]
fn the_price_of_a_switch_stands_there_with_both_figures() {
    let told = |decided, wait_s| {
        let mut told = record(Outcome::Error { from: None, class: None, retry_after_s: None });
        let weighing = Weighing { decided, warm: id(2), tokens: 120_000, price_usd: 0.69, against_usd: 0.21, wait_s };
        told.weighed = Some(Weighed { label: "home".to_owned(), weighing });
        explain(&told, AT).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(told(Decided::StayAway, None).contains(
        "stayed on home although work is back: going back would write 120,000 tokens of prompt cache anew, for 0.69 USD at \
         list price, and 0.21 USD were spent on home since"
    ));
    assert!(told(Decided::Wait, Some(50)).contains(
        "waited 50 s for home: leaving it would have written 120,000 tokens of prompt cache anew, for 0.69 USD at list price, \
         and the wait counts as 0.21 USD"
    ));
    assert!(told(Decided::Leave, Some(50)).contains("did not wait 50 s for home: the wait counts as 0.21 USD"));
    assert!(told(Decided::GoBack, None).contains("went back to work: 0.21 USD at list price were spent on home since"));
}

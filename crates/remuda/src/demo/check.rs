//! What the demo claims, judged by what the agent got, what the vendor saw and what the gateway recorded. Pure.

use remuda_core::record::Record;
use remuda_core::route::SkipReason;
use serde::Serialize;

use super::names::{ENTERPRISE, PERSONAL, SIDE_PROJECT};
use super::story::{Asked, Day, Turn};

/// One claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// Stable name.
    pub(crate) name: &'static str,
    /// What is claimed.
    pub(crate) claim: &'static str,
    /// Is it so?
    pub(crate) held: bool,
    /// What was seen instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) found: Option<String>,
}

/// All claims. `left`: what is still there after everything was taken down.
pub(crate) fn judge(day: &Day, left: &[String]) -> Vec<Check> {
    vec![
        check(
            "served_by_choice",
            "enterprise was chosen, and enterprise answered",
            served_by_enterprise(day, &day.first),
        ),
        check("one_move", "when it ran dry, the question moved once, to personal", one_move(day)),
        check("before_the_first_word", "it moved before the first word", before_the_first_word(&day.detour)),
        check("nothing_lost_or_doubled", "every answer came whole, once, word for word", whole(day)),
        check("no_silent_spending", "side-project stood on the chain and cost nothing", no_spending(day)),
        check("back_home", "the conversation went back to enterprise", served_by_enterprise(day, &day.back)),
        check("isolation", "personal ran dry and never touched enterprise", isolation(&day.alone)),
        check("honest_refusal", "its agent was told when to come back", told_when(&day.alone)),
        check("no_violation", "the vendor saw no leak, no changed byte, nothing twice", list(&day.violations)),
        check("nothing_left", "no file and no open port is left", list(left)),
    ]
}

/// `found`: what was seen in place of it.
fn check(name: &'static str, claim: &'static str, found: Option<String>) -> Check {
    Check { name, claim, held: found.is_none(), found }
}

fn served_by_enterprise(day: &Day, turn: &Turn) -> Option<String> {
    let wanted = [asked(ENTERPRISE, 200, true)];
    (turn.asked != wanted || turn.heard.organization.as_ref() != Some(&day.enterprise)).then(|| way(turn))
}

fn one_move(day: &Day) -> Option<String> {
    let turn = &day.detour;
    let wanted = [asked(ENTERPRISE, 429, false), asked(PERSONAL, 200, true)];
    let recorded = labels(&turn.record) == [ENTERPRISE, PERSONAL];
    let heard = turn.heard.organization.as_ref() == Some(&day.personal);
    (turn.asked != wanted || !recorded || !heard).then(|| way(turn))
}

fn before_the_first_word(turn: &Turn) -> Option<String> {
    let too_late = turn.asked.iter().rev().skip(1).any(|asked| asked.content);
    (too_late || turn.heard.status != 200 || turn.heard.begun != 1)
        .then(|| format!("{}; {} answers began", way(turn), turn.heard.begun))
}

fn whole(day: &Day) -> Option<String> {
    let broken = |turn: &&Turn| {
        let heard = &turn.heard;
        heard.status != 200 || heard.text != turn.expected || (heard.begun, heard.ended) != (1, 1)
    };
    let turn = [&day.first, &day.detour, &day.back].into_iter().find(broken)?;
    Some(format!("{:?} in place of {:?}", turn.heard.text, turn.expected))
}

fn no_spending(day: &Day) -> Option<String> {
    let skipped = &day.detour.record.skipped;
    let passed_over = skipped.iter().any(|s| s.label == SIDE_PROJECT && s.reason == SkipReason::Metered);
    (day.paid > 0 || !passed_over).then(|| format!("{} paid requests, passed over: {skipped:?}", day.paid))
}

fn isolation(turn: &Turn) -> Option<String> {
    let alone = turn.asked == [asked(PERSONAL, 429, false)]
        && labels(&turn.record) == [PERSONAL]
        && turn.record.skipped.is_empty()
        && turn.heard.status == 429;
    (!alone).then(|| format!("{}, passed over: {:?}", way(turn), turn.record.skipped))
}

fn told_when(turn: &Turn) -> Option<String> {
    let seconds = turn.heard.retry_after.as_deref().and_then(|text| text.parse::<u64>().ok());
    (seconds.is_none_or(|s| s == 0) || turn.heard.text.is_empty())
        .then(|| format!("retry-after {:?}, {:?}", turn.heard.retry_after, turn.heard.text))
}

fn list(found: &[String]) -> Option<String> {
    (!found.is_empty()).then(|| found.join("; "))
}

fn asked(account: &str, status: u16, content: bool) -> Asked {
    Asked { account: account.to_owned(), status: Some(status), content }
}

fn labels(record: &Record) -> Vec<&str> {
    record.attempts.iter().map(|attempt| attempt.label.as_str()).collect()
}

/// Who was asked, and what they answered.
fn way(turn: &Turn) -> String {
    let one = |a: &Asked| {
        let status = a.status.map_or("nothing".to_owned(), |status| status.to_string());
        format!("{} answered {status}{}", a.account, if a.content { " with content" } else { "" })
    };
    let seen: Vec<String> = turn.asked.iter().map(one).collect();
    format!("{}; the agent got {}", seen.join(", then "), turn.heard.status)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::demo::agent::Heard;
    use crate::view::sample;

    fn turn(expected: &'static str, organization: &str, way: &[(&str, u16)], skipped: &Value) -> Turn {
        let asked = |(account, status): &(&str, u16)| asked(account, *status, *status == 200);
        let attempts: Vec<Value> =
            way.iter().map(|(label, status)| sample::attempt(1, label, *status, json!({"end": "served"}))).collect();
        let (_, status) = way.last().copied().unwrap();
        let messages = usize::from(status == 200);
        Turn {
            expected,
            heard: Heard {
                status,
                organization: Some(organization.to_owned()),
                retry_after: (status == 429).then(|| "60".to_owned()),
                text: if status == 200 { expected.to_owned() } else { "spent".to_owned() },
                begun: messages,
                ended: messages,
                first_word_ms: None,
            },
            asked: way.iter().map(asked).collect(),
            record: sample::record(json!({
                "id": "0197a000-0003-7000-8000-000000000001", "at": 1, "attempts": attempts, "skipped": skipped,
                "outcome": {"result": "error", "from": null, "class": null, "retry_after_s": null},
            })),
        }
    }

    fn good_day() -> Day {
        let nobody = json!([]);
        let paid = json!([{"account": "0197a000-0000-7000-8000-000000000003", "label": SIDE_PROJECT,
                           "reason": "metered", "until": null}]);
        Day {
            first: turn("one", "corp", &[(ENTERPRISE, 200)], &nobody),
            detour: turn("two", "home", &[(ENTERPRISE, 429), (PERSONAL, 200)], &paid),
            back: turn("three", "corp", &[(ENTERPRISE, 200)], &nobody),
            alone: turn("", "home", &[(PERSONAL, 429)], &nobody),
            enterprise: "corp".to_owned(),
            personal: "home".to_owned(),
            paid: 0,
            violations: Vec::new(),
        }
    }

    fn failed(day: &Day, left: &[String]) -> Vec<&'static str> {
        judge(day, left).into_iter().filter(|check| !check.held).map(|check| check.name).collect()
    }

    #[test]
    fn on_a_good_day_everything_holds() {
        assert_eq!(failed(&good_day(), &[]), Vec::<&str>::new());
    }

    /// Every claim can fail, and fails alone.
    #[rstest]
    #[case("served_by_choice", |day: &mut Day| day.first.asked[0].account = PERSONAL.to_owned())]
    #[case("served_by_choice", |day: &mut Day| day.first.heard.organization = Some("home".to_owned()))]
    #[case("one_move", |day: &mut Day| day.detour.asked.insert(1, asked(ENTERPRISE, 429, false)))]
    #[case("one_move", |day: &mut Day| day.detour.heard.organization = None)]
    #[case("one_move", |day: &mut Day| { day.detour.record.attempts.pop(); })]
    #[case("nothing_lost_or_doubled", |day: &mut Day| day.back.heard.text.push_str(" three"))]
    #[case("nothing_lost_or_doubled", |day: &mut Day| day.first.heard.ended = 0)]
    #[case("nothing_lost_or_doubled", |day: &mut Day| day.first.heard.begun = 2)]
    #[case("no_silent_spending", |day: &mut Day| day.paid = 1)]
    #[case("no_silent_spending", |day: &mut Day| day.detour.record.skipped.clear())]
    #[case("back_home", |day: &mut Day| day.back.asked[0].account = PERSONAL.to_owned())]
    #[case("isolation", |day: &mut Day| day.alone.asked.push(asked(ENTERPRISE, 429, false)))]
    #[case("isolation", |day: &mut Day| day.alone.record.skipped = good_day().detour.record.skipped)]
    #[case("honest_refusal", |day: &mut Day| day.alone.heard.retry_after = None)]
    #[case("no_violation", |day: &mut Day| day.violations.push("a cookie reached the vendor".to_owned()))]
    fn each_claim_can_fail(#[case] name: &str, #[case] spoil: fn(&mut Day)) {
        let mut day = good_day();
        spoil(&mut day);
        assert_eq!(failed(&day, &[]), [name]);
    }

    #[test]
    fn a_move_after_the_first_word_is_no_good_move() {
        let mut day = good_day();
        day.detour.asked[0].content = true;
        assert_eq!(failed(&day, &[]), ["one_move", "before_the_first_word"]);
    }

    #[test]
    fn what_is_left_behind_is_named() {
        let left = ["the directory /tmp/remuda-demo-x".to_owned()];
        let checks = judge(&good_day(), &left);
        assert_eq!(failed(&good_day(), &left), ["nothing_left"]);
        assert_eq!(checks.last().and_then(|check| check.found.as_deref()), Some(left[0].as_str()));
    }
}

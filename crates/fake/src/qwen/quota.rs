//! Quota at Alibaba: throttles by the minute for keys that are billed by use, windows for plans. Nothing is told before
//! it is spent.

use crate::quota::Window;
use crate::quota::buckets::Limit;
use crate::refusal::{QwenRefusal, month_day_time};
use crate::site::QwenPlan;
use crate::state::Account;

/// A row, and other words for it.
type Said = (QwenRefusal, Option<String>);

const DAY_S: i64 = 86_400;
/// Plans live by Beijing's clock.
const UTC_PLUS_8_S: i64 = 8 * 3600;

/// Takes what a request costs, or says what is spent.
pub(crate) fn admit(
    account: &mut Account,
    plan: QwenPlan,
    model: &str,
    tokens: u64,
    (now, now_ms): (i64, i64),
) -> Result<(), Said> {
    if plan == QwenPlan::PayAsYouGo {
        return account.minute.admit(tokens, 0, now_ms).map_err(|(limit, _)| match limit {
            Limit::Requests => (QwenRefusal::RateQuota, None),
            Limit::InputTokens | Limit::OutputTokens => (QwenRefusal::AllocationQuota, None),
        });
    }
    account.windows.roll(now);
    let spent = account.windows.spent(model).max_by_key(|window| window.resets_at);
    if let Some(spent) = spent {
        return Err(words(plan, &spent.window, spent.resets_at.unwrap_or(now)));
    }
    if plan == QwenPlan::Coding {
        let week = account.windows.0.iter_mut().find(|window| window.window == Window::SevenDay);
        if let Some(week) = week {
            week.resets_at.get_or_insert(next_monday(now));
        }
    }
    account.windows.charge(&account.spec.cost, model, now);
    Ok(())
}

/// What is said of this window when it is spent.
pub(crate) fn words(plan: QwenPlan, window: &Window, resets_at: i64) -> Said {
    let until = |length: &str| {
        let reset = month_day_time(resets_at);
        format!("Your token-plan {length} quota has been exhausted. The quota will reset at {reset} UTC.")
    };
    match (plan, window) {
        (QwenPlan::PayAsYouGo, _) => (QwenRefusal::AllocationQuota, None),
        (QwenPlan::Coding, Window::FiveHour) => (QwenRefusal::HourQuota, None),
        (QwenPlan::Coding, Window::SevenDay | Window::Model(_)) => (QwenRefusal::WeekQuota, None),
        (QwenPlan::Coding, Window::Month) => (QwenRefusal::MonthQuota, None),
        (QwenPlan::Token, Window::FiveHour) => (QwenRefusal::TokenPlanWeek, Some(until("5-hour"))),
        (QwenPlan::Token, Window::SevenDay | Window::Model(_)) => (QwenRefusal::TokenPlanWeek, Some(until("1-week"))),
        (QwenPlan::Token, Window::Month) => (QwenRefusal::TokenPlanTotal, None),
    }
}

/// The Coding Plan's week begins on Monday at 00:00 in Beijing.
fn next_monday(now: i64) -> i64 {
    let day = (now + UTC_PLUS_8_S).div_euclid(DAY_S);
    let weekday = (day + 3).rem_euclid(7); // 1970-01-01 was a Thursday
    (day + 7 - weekday) * DAY_S - UTC_PLUS_8_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_monday_in_beijing() {
        let monday = 1_795_363_200; // 2026-11-23 00:00 in Beijing
        for now in [monday - 1, monday - 6 * DAY_S, monday - 7 * DAY_S] {
            assert_eq!(next_monday(now), monday, "{now}");
        }
        assert_eq!(next_monday(monday), monday + 7 * DAY_S);
    }
}

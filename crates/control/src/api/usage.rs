//! What was used and what it cost: calendar buckets, sums, names.

use std::collections::HashMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, Zoned, ZonedRound};
use remuda_core::usage::QUARTER_S;
use remuda_core::{AccountId, UnixSeconds};
use remuda_store::{UsageGroup, UsageKey, UsageQuery};
use uuid::Uuid;

use super::Api;
use super::stored::Told;
use crate::types::{Failure, Usage, UsageAsked, UsageBucket, UsageBy, UsageRow, UsageSum, UsageTime};

/// What is added up when nobody says since when.
const USUAL_DAYS: i64 = 30;
/// Most buckets.
const MOST_BUCKETS: usize = 1_000;

impl Api {
    /// What was used and what it cost.
    ///
    /// # Errors
    /// The zone is unknown, the times make no sense, there are too many buckets, or the store fails.
    pub async fn usage(&self, asked: UsageAsked) -> Result<Usage, Failure> {
        let now = self.now();
        let zone = zone(asked.zone.as_deref())?;
        let until = up(asked.until.unwrap_or(now + 1));
        let first = match asked.since {
            Some(since) => since,
            None => day_before(until, USUAL_DAYS - 1, &zone)?,
        };
        let since = down(first);
        if since >= until {
            return Err(Failure::invalid("the time to add up ends before it begins"));
        }
        let bounds = match asked.bucket {
            Some(bucket) => bounds(since, until, bucket, &zone)?,
            None => vec![(since, String::new()), (until, String::new())],
        };
        self.herd.flush().await;
        let query = UsageQuery {
            bounds: bounds.iter().map(|bound| bound.0).collect(),
            by: match asked.by {
                None => UsageKey::All,
                Some(UsageBy::Account) => UsageKey::Account,
                Some(UsageBy::Project) => UsageKey::Project,
                Some(UsageBy::Model) => UsageKey::Model,
                Some(UsageBy::Agent) => UsageKey::Host,
            },
            account: asked.account.as_deref().map(|text| self.past_account(text)).transpose()?,
            project: asked.project,
            model: asked.model,
            host: asked.agent,
        };
        let groups = self.herd.store().usage(query).await.told()?;
        let (mut total, mut by_key, mut by_time) = (UsageSum::default(), Vec::new(), HashMap::<_, Vec<_>>::new());
        for group in groups {
            total.add(&group.sum);
            let key = self.name_of(&group, asked.by);
            take_in(&mut by_key, &key, &group.sum);
            by_time.entry(group.from).or_default().push((key, group.sum));
        }
        let split = asked.by.is_some();
        let times = match asked.bucket {
            None => Vec::new(),
            Some(_) => bounds
                .windows(2)
                .filter_map(|pair| if let [from, to] = pair { Some((from, to)) } else { None })
                .map(|(from, to)| {
                    let parts = by_time.remove(&from.0).unwrap_or_default();
                    let mut sum = UsageSum::default();
                    parts.iter().for_each(|(_, part)| sum.add(part));
                    let rows = if split { rows(parts) } else { Vec::new() };
                    UsageTime { from: from.0, to: to.0, name: from.1.clone(), sum, rows }
                })
                .collect(),
        };
        Ok(Usage {
            now,
            since,
            until,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            prices: remuda_vendors::anthropic::PRICES_OF.to_owned(),
            total: UsageRow::new("total".to_owned(), total),
            rows: if split { rows(by_key) } else { Vec::new() },
            times,
        })
    }

    /// What was used in the last 24 hours.
    pub(super) async fn last_day(&self) -> Result<UsageSum, Failure> {
        let until = up(self.now() + 1);
        let query = UsageQuery {
            bounds: vec![until - 86_400, until],
            by: UsageKey::All,
            account: None,
            project: None,
            model: None,
            host: None,
        };
        let groups = self.herd.store().usage(query).await.told()?;
        Ok(groups.first().map(|group| group.sum).unwrap_or_default())
    }

    /// An account that is there, or the id of one that was.
    fn past_account(&self, text: &str) -> Result<AccountId, Failure> {
        self.id_of(text).or_else(|failure| Uuid::parse_str(text.trim()).map(AccountId).map_err(|_| failure))
    }

    /// The account's present label; the last one of an account that is gone.
    fn name_of(&self, group: &UsageGroup, by: Option<UsageBy>) -> String {
        if by != Some(UsageBy::Account) {
            return group.key.clone();
        }
        let id = Uuid::parse_str(&group.key).map(AccountId).ok();
        let present = self.herd.look(|herd, _| Some(herd.accounts.get(&id?)?.label.to_string()));
        let removed = || group.label.as_ref().map(|label| format!("{label} (removed)"));
        present.or_else(removed).unwrap_or_else(|| group.key.clone())
    }
}

fn take_in(parts: &mut Vec<(String, UsageSum)>, key: &str, sum: &UsageSum) {
    match parts.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => known.add(sum),
        None => parts.push((key.to_owned(), *sum)),
    }
}

/// Largest cost first, then most tokens.
fn rows(parts: Vec<(String, UsageSum)>) -> Vec<UsageRow> {
    let mut rows: Vec<UsageRow> = parts.into_iter().map(|(key, sum)| UsageRow::new(key, sum)).collect();
    let tokens = |row: &UsageRow| row.sum.prompt() + row.sum.output;
    rows.sort_by(|a, b| {
        let cost = b.sum.cost_usd.total_cmp(&a.sum.cost_usd);
        cost.then_with(|| tokens(b).cmp(&tokens(a))).then_with(|| a.key.cmp(&b.key))
    });
    rows
}

fn down(at: UnixSeconds) -> UnixSeconds {
    at.div_euclid(QUARTER_S).saturating_mul(QUARTER_S)
}

fn up(at: UnixSeconds) -> UnixSeconds {
    down(at.saturating_add(QUARTER_S - 1))
}

fn zone(name: Option<&str>) -> Result<TimeZone, Failure> {
    match name {
        None => Ok(TimeZone::system()),
        Some("UTC") => Ok(TimeZone::UTC),
        Some(name) => TimeZone::get(name).map_err(|_| {
            Failure::invalid(format!("there is no time zone {name:?}")).remedy("name it like Europe/Berlin, or UTC")
        }),
    }
}

fn there(at: UnixSeconds, zone: &TimeZone) -> Result<Zoned, Failure> {
    Timestamp::from_second(at)
        .map(|at| at.to_zoned(zone.clone()))
        .map_err(|_| Failure::invalid(format!("{at} is no time that can be added up")))
}

/// Midnight so many days before.
fn day_before(at: UnixSeconds, days: i64, zone: &TimeZone) -> Result<UnixSeconds, Failure> {
    let far = || Failure::invalid("the time to add up begins before all times");
    let day = there(at - 1, zone)?.date().checked_sub(days.days()).map_err(|_| far())?;
    Ok(day.to_zoned(zone.clone()).map_err(|_| far())?.timestamp().as_second())
}

/// Boundaries of calendar buckets with their names: the first begins at `since`, the last ends at `until`.
fn bounds(
    since: UnixSeconds,
    until: UnixSeconds,
    bucket: UsageBucket,
    zone: &TimeZone,
) -> Result<Vec<(UnixSeconds, String)>, Failure> {
    let far = || Failure::invalid("the time to add up is beyond all times");
    let mut bounds = Vec::new();
    let mut from = there(since, zone)?;
    while from.timestamp().as_second() < until {
        if bounds.len() >= MOST_BUCKETS {
            return Err(Failure::invalid(format!("that would be more than {MOST_BUCKETS} buckets of time"))
                .remedy("take longer buckets, or begin later"));
        }
        bounds.push((down(from.timestamp().as_second()), name(&from, bucket)));
        from = next(&from, bucket).ok_or_else(far)?;
    }
    bounds.push((until, String::new()));
    Ok(bounds)
}

/// The beginning of the next bucket.
fn next(from: &Zoned, bucket: UsageBucket) -> Option<Zoned> {
    let day = from.date();
    let midnight =
        |date: Date| DateTime::from_parts(date, jiff::civil::Time::midnight()).to_zoned(from.time_zone().clone()).ok();
    match bucket {
        // Hours of the clock on the wall, also where it stands at the half or the quarter.
        UsageBucket::Hour => {
            let hour = from.round(ZonedRound::new().smallest(Unit::Hour).mode(jiff::RoundMode::Floor)).ok()?;
            hour.checked_add(1.hour()).ok()
        }
        UsageBucket::Day => midnight(day.tomorrow().ok()?),
        UsageBucket::Week => {
            let behind = i64::from(day.weekday().to_monday_zero_offset());
            midnight(day.checked_add((7 - behind).days()).ok()?)
        }
        UsageBucket::Month => midnight(day.first_of_month().checked_add(1.month()).ok()?),
    }
}

fn name(from: &Zoned, bucket: UsageBucket) -> String {
    let form = match bucket {
        UsageBucket::Hour => "%Y-%m-%d %H:%M",
        UsageBucket::Day | UsageBucket::Week => "%Y-%m-%d",
        UsageBucket::Month => "%Y-%m",
    };
    from.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// 2026-10-23 22:00 UTC, a Friday; in Berlin the clock goes back in the night to Sunday the 25th.
    const FRIDAY: UnixSeconds = 1_792_792_800;

    fn names(bucket: UsageBucket, zone: &str, until: UnixSeconds) -> Vec<(i64, String)> {
        let zone = TimeZone::get(zone).unwrap();
        let all = bounds(FRIDAY, until, bucket, &zone).unwrap();
        all.windows(2).map(|pair| ((pair[1].0 - pair[0].0) / 3600, pair[0].1.clone())).collect()
    }

    #[test]
    fn days_are_those_of_the_calendar_also_when_the_clock_is_changed() {
        let days = names(UsageBucket::Day, "Europe/Berlin", FRIDAY + 4 * 86_400);
        let expected = [(24, "2026-10-24"), (25, "2026-10-25"), (24, "2026-10-26"), (23, "2026-10-27")];
        assert_eq!(days, expected.map(|(hours, name)| (hours, name.to_owned())), "the last one is cut by the end");
    }

    #[rstest]
    #[case("Asia/Kolkata", "2026-10-24 03:30")]
    #[case("Asia/Kathmandu", "2026-10-24 03:45")]
    fn hours_begin_where_the_clock_on_the_wall_does(#[case] zone: &str, #[case] first: &str) {
        let hours = names(UsageBucket::Hour, zone, FRIDAY + 7200);
        assert_eq!(hours[0].1, first, "the first begins where it is told to");
        assert!(hours[1].1.ends_with(":00"), "{hours:?}");
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let weeks = names(UsageBucket::Week, "UTC", FRIDAY + 10 * 86_400);
        assert_eq!(weeks.iter().map(|w| w.1.as_str()).collect::<Vec<_>>(), ["2026-10-23", "2026-10-26", "2026-11-02"]);
        let months = names(UsageBucket::Month, "UTC", FRIDAY + 40 * 86_400);
        assert_eq!(months.iter().map(|m| m.1.as_str()).collect::<Vec<_>>(), ["2026-10", "2026-11", "2026-12"]);
    }

    #[test]
    fn too_many_buckets_are_refused() {
        let year = bounds(FRIDAY, FRIDAY + 400 * 86_400, UsageBucket::Hour, &TimeZone::UTC);
        assert!(year.unwrap_err().message.contains("1000 buckets"));
    }
}

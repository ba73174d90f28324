//! Times, shares and money in words, the same everywhere.

use anstyle::{AnsiColor, Style};
use remuda_core::{Class, CostClass, CredentialKind, UnixSeconds, Window};

/// Something to attend to at once.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Something to know.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// All is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Less important.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What the eye should find first.
pub(crate) const STRONG: Style = Style::new().bold();
/// A command to type.
pub(crate) const COMMAND: Style = AnsiColor::Cyan.on_default();

/// Puts text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// How a share of a window that is used looks, in percent.
pub(crate) fn share(used: f64) -> Style {
    match used {
        u if u >= 90.0 => BAD,
        u if u >= 70.0 => WARN,
        _ => GOOD,
    }
}

/// A length of time with its two largest units: `45s`, `2h14m`, `3d4h`. Never less than `0s`.
pub(crate) fn span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m", s / 60),
        3600..86_400 => format!("{}h{:02}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d{}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// A moment in the person's own time: `14:05` today, `Fri 14:05` within a week, else `2026-11-20 14:05`.
pub(crate) fn moment(at: UnixSeconds, now: UnixSeconds, zone: &jiff::tz::TimeZone) -> String {
    in_words(at, now, zone, "%H:%M")
}

/// The same with seconds, for logs.
pub(crate) fn moment_s(at: UnixSeconds, now: UnixSeconds, zone: &jiff::tz::TimeZone) -> String {
    in_words(at, now, zone, "%H:%M:%S")
}

fn in_words(at: UnixSeconds, now: UnixSeconds, zone: &jiff::tz::TimeZone, time: &str) -> String {
    let local = |t| jiff::Timestamp::from_second(t).map(|t| t.to_zoned(zone.clone()));
    let (Ok(then), Ok(today)) = (local(at), local(now)) else { return "?".to_owned() };
    let day = if then.date() == today.date() {
        ""
    } else if (at - now).abs() < 6 * 86_400 {
        "%a "
    } else {
        "%Y-%m-%d "
    };
    then.strftime(&format!("{day}{time}")).to_string()
}

/// `5h`, `7d`, `3h`, or the model's name.
pub(crate) fn window(window: &Window) -> String {
    match window {
        Window::Model(name) => name.clone(),
        other => other.length_s().map_or_else(String::new, |s| match s {
            s if s % 86_400 == 0 => format!("{}d", s / 86_400),
            s if s % 3600 == 0 => format!("{}h", s / 3600),
            s => span(i64::try_from(s).unwrap_or(i64::MAX)),
        }),
    }
}

/// Why an account rests, in a few words.
pub(crate) fn class(class: Class) -> &'static str {
    match class {
        Class::RequestFault => "the request itself was refused",
        Class::CredentialStale => "its token was out of date",
        Class::CredentialDead => "it needs a login",
        Class::AccountDisabled => "the vendor has closed it",
        Class::WindowExhausted => "a plan window is spent",
        Class::ModelExhausted => "the model's limit is spent",
        Class::Billing => "money or credits are spent",
        Class::Burst => "too many requests at once",
        Class::Overloaded => "the vendor is overloaded",
        Class::Transient => "a passing server fault",
        Class::NetworkBlocked => "the network path is blocked",
        Class::TermsRefused => "the vendor refuses this kind of use",
    }
}

/// `included`, `metered`, `free`.
pub(crate) fn cost(cost: CostClass) -> &'static str {
    match cost {
        CostClass::Included => "included",
        CostClass::Metered => "metered",
        CostClass::Free => "free",
    }
}

/// `subscription`, `long-lived token`, `API key`, `plan key`.
pub(crate) fn kind(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::Subscription => "subscription",
        CredentialKind::StaticToken => "long-lived token",
        CredentialKind::ApiKey => "API key",
        CredentialKind::PlanKey => "plan key",
        CredentialKind::SharedPlan => "shared plan",
    }
}

/// An argument as it must be typed in a shell.
pub(crate) fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':' | '+' | '=' | '/');
    if !argument.is_empty() && argument.chars().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

/// A command line as it must be typed in a shell, in the style of commands.
pub(crate) fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    let line: Vec<String> = std::iter::once("remuda").chain(arguments).map(quoted).collect();
    paint(COMMAND, line.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(-5, "0s")]
    #[case(45, "45s")]
    #[case(60, "1m")]
    #[case(3599, "59m")]
    #[case(8040, "2h14m")]
    #[case(3660, "1h01m")]
    #[case(273_600, "3d4h")]
    fn spans_have_at_most_two_units(#[case] seconds: i64, #[case] words: &str) {
        assert_eq!(span(seconds), words);
    }

    #[rstest]
    #[case("work", "work")]
    #[case("@spare", "@spare")]
    #[case("my side project", "'my side project'")]
    #[case("it's", r"'it'\''s'")]
    #[case("", "''")]
    #[case("$HOME", "'$HOME'")]
    fn what_a_shell_would_change_is_quoted(#[case] argument: &str, #[case] typed: &str) {
        assert_eq!(quoted(argument), typed);
    }

    #[rstest]
    #[case(1_763_640_000, "12:00")]
    #[case(1_763_640_000 + 86_400, "Fri 12:00")]
    #[case(1_763_640_000 + 30 * 86_400, "2025-12-20 12:00")]
    fn a_moment_names_the_day_only_when_it_is_another(#[case] at: UnixSeconds, #[case] words: &str) {
        assert_eq!(moment(at, 1_763_640_000, &jiff::tz::TimeZone::UTC), words);
    }
}

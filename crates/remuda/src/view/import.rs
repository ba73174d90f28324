//! What an import shows.

use remuda_control::types::{Fate, FoundLogin, Imported};
use remuda_core::UnixSeconds;

use super::table::Table;
use super::words::{BAD, DIM, GOOD, STRONG, command, kind, moment, paint};
use super::{note, notes};

/// Everything that was found, and what became of it.
pub(crate) fn imported(imported: &Imported, zone: &jiff::tz::TimeZone) -> String {
    let mut text = String::new();
    if imported.logins.is_empty() {
        text.push_str("No logins of other programs were found.\n");
    } else {
        let mut table =
            Table::new(["ACCOUNT", "VENDOR", "KIND", "WHO", "PLAN", "FOUND IN", "ENDS", "REFRESHED BY", ""]);
        for login in &imported.logins {
            table.row([
                paint(STRONG, login.account.as_deref().unwrap_or("-")),
                login.vendor.to_string(),
                kind(login.kind).to_owned(),
                who(login),
                login.who.plan.clone().unwrap_or_default(),
                place(login),
                login.expires_at.map_or_else(String::new, |at| ends(at, imported.now, zone)),
                login.refreshed_by.clone(),
                fate(login.fate, imported.dry_run),
            ]);
        }
        text.push_str(&table.render());
    }
    let whys = imported.logins.iter().filter_map(|login| {
        let why = login.why.as_ref()?;
        Some(format!("{}: {why}", login.account.clone().unwrap_or_else(|| place(login))))
    });
    text.push_str(&notes(&whys.collect::<Vec<_>>()));
    section(&mut text, if imported.dry_run { "Would be kept" } else { "Kept" }, &imported.kept);
    if imported.dry_run && !imported.refusals.is_empty() {
        let rows = format!("{} rows for [[refusals]] in config.toml", imported.refusals.len());
        section(&mut text, "Would be written", &[rows]);
    }
    section(&mut text, "Not taken over", &imported.not_kept);
    for trouble in &imported.troubles {
        text.push_str(&format!("{} {}: {}\n", paint(BAD, "Not readable:"), trouble.file, trouble.why));
    }
    let taken = imported.logins.iter().any(|login| matches!(login.fate, Fate::Borrowed | Fate::Moved));
    if imported.dry_run && taken {
        text.push_str(&note(&format!("nothing was changed. Borrow them with {}", command(["import"]))));
        text.push('\n');
    } else if taken {
        text.push_str(&format!("See them with {}\n", command(["status"])));
    }
    text
}

fn section(text: &mut String, head: &str, lines: &[String]) {
    if !lines.is_empty() {
        text.push_str(&format!("{}\n", paint(STRONG, format!("{head}:"))));
        for line in lines {
            text.push_str(&format!("  {line}\n"));
        }
    }
}

fn who(login: &FoundLogin) -> String {
    let parts = [&login.who.email, &login.who.organization];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
}

fn place(login: &FoundLogin) -> String {
    if login.slot.is_empty() { login.program.clone() } else { format!("{} {}", login.program, login.slot) }
}

fn ends(at: UnixSeconds, now: UnixSeconds, zone: &jiff::tz::TimeZone) -> String {
    if at <= now { paint(BAD, "over") } else { moment(at, now, zone) }
}

fn fate(fate: Fate, dry_run: bool) -> String {
    match (fate, dry_run) {
        (Fate::Borrowed, false) => paint(GOOD, "borrowed"),
        (Fate::Moved, false) => paint(GOOD, "moved"),
        (Fate::Borrowed, true) => "to borrow".to_owned(),
        (Fate::Moved, true) => "to move".to_owned(),
        (Fate::Known, _) => paint(DIM, "known"),
        (Fate::Failed, _) => paint(BAD, "not taken"),
    }
}

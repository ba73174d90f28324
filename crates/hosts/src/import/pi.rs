//! Pi: `auth.json` with all its slots, and what the failover extension wished for them.

use remuda_core::UnixSeconds;

use super::failover;
use super::file::{Trouble, json};
use super::found::{Found, Source};
use super::place::{Place, Program};
use super::slot;

pub(super) fn read(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else { return Ok(()) };
    for (id, entry) in file.as_object().into_iter().flatten() {
        let source = Source { program: Program::Pi, file: place.file.clone(), slot: id.clone() };
        match slot::read(source, entry) {
            Ok(login) => found.logins.extend(login),
            Err(why) => found.remarks.push(format!("Pi's {id} {why}")),
        }
    }
    // In the order of their families, then of their numbers; JSON objects have none of their own.
    found.logins.sort_by_key(|login| {
        let (base, number) = slot::numbered(&login.source.slot);
        (login.vendor, base.to_owned(), number)
    });
    failover::read(place, now, found)
}

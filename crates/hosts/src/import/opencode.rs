//! OpenCode: `auth.json`. Entries of several accounts, as one multi-account plugin stores them there, are read like its
//! own file.

use remuda_core::UnixSeconds;

use super::fields::text;
use super::file::{Trouble, json};
use super::found::{Found, Source};
use super::labelled;
use super::place::{Place, Program};
use super::slot;

pub(super) fn read(place: &Place, now: UnixSeconds, found: &mut Found) -> Result<(), Trouble> {
    let Some(file) = json(&place.file)? else { return Ok(()) };
    for (id, entry) in file.as_object().into_iter().flatten() {
        if text(entry, &["type"]).as_deref() == Some("multi-oauth") {
            labelled::multi_oauth(place, Program::OpenCode, &format!("{id}/"), entry, now, found);
            continue;
        }
        let source = Source { program: Program::OpenCode, file: place.file.clone(), slot: id.clone() };
        match slot::read(source, entry) {
            Ok(login) => found.logins.extend(login),
            Err(why) => found.remarks.push(format!("OpenCode's {id} {why}")),
        }
    }
    Ok(())
}

//! `remuda import`.

use remuda_control::types::{Fate, ImportHow, ImportPlace, ImportStart, Imported, RefusalRow};
use remuda_control::verb::Import;
use remuda_control::{Code, Failure};
use remuda_hosts::Environment;
use remuda_hosts::import::places;

use super::{Context, FAILED, OK};
use crate::backend::Backend;
use crate::cli::ImportArgs;
use crate::config::{Config, parse_toml, write_whole};
use crate::view;

pub(super) async fn import(context: &Context, args: ImportArgs) -> anyhow::Result<u8> {
    let environment: Environment = std::env::vars_os().collect();
    let places: Vec<ImportPlace> = places(&environment, args.from.map(Into::into))
        .into_iter()
        .map(|place| ImportPlace {
            program: place.program.as_str().to_owned(),
            host: place.host,
            file: place.file.display().to_string(),
            beside: place.beside.iter().map(|file| file.display().to_string()).collect(),
        })
        .collect();
    let how = if args.take { ImportHow::Move } else { ImportHow::Borrow };
    let start = ImportStart { places, how, dry_run: true, accept_terms: args.accept_terms };
    let backend = context.backend().await?;
    let done = carry_out(context, &backend, &args, start).await;
    backend.close().await;
    let mut imported = done?;
    if !imported.dry_run && !imported.refusals.is_empty() {
        let written = write_rows(context, &imported.refusals)?;
        imported.kept.extend(written);
    }
    let bad = imported.logins.iter().any(|login| login.fate == Fate::Failed) || !imported.troubles.is_empty();
    context.out.answer(imported, |imported| view::imported(imported, &jiff::tz::TimeZone::system()))?;
    Ok(if bad { FAILED } else { OK })
}

async fn carry_out(
    context: &Context,
    backend: &Backend,
    args: &ImportArgs,
    start: ImportStart,
) -> anyhow::Result<Imported> {
    let seen = backend.call::<Import>(start.clone()).await?;
    let nothing = seen.logins.iter().all(|login| !matches!(login.fate, Fate::Borrowed | Fate::Moved));
    if args.dry_run || nothing {
        return Ok(seen);
    }
    if !args.accept_terms && !seen.terms.is_empty() {
        for terms in seen.terms.values() {
            context.out.note(&view::terms(terms, false).unwrap_or_default());
        }
        let instead = "read it (remuda import --dry-run --json), then say so with --accept-terms";
        if !context.agreed("Have you read this, and do you want to go on?", instead)? {
            return Err(
                Failure::new(Code::TermsNotAccepted, "nothing was taken over: the terms were not accepted").into()
            );
        }
    }
    if args.take && !args.yes {
        let question = "Remuda will own these logins and take them out of their programs' files. Go on?";
        if !context.agreed(question, "say so with --yes")? {
            return Err(Failure::new(Code::Conflict, "nothing was taken over").into());
        }
    }
    Ok(backend.call::<Import>(ImportStart { dry_run: false, accept_terms: true, ..start }).await?)
}

/// Puts the rows behind what stands in `config.toml`. Returns what was kept, in words.
fn write_rows(context: &Context, rows: &[RefusalRow]) -> Result<Vec<String>, Failure> {
    let path = context.paths.config();
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(crate::paths::unusable(&path, &error)),
    };
    let known = parse_toml::<Config>(&before, &path)?.refusals;
    let mut after = before;
    let mut kept = Vec::new();
    for row in rows {
        let text = format!("\n# from an earlier tool (remuda import)\n[[refusals]]\n{}", toml_of(row)?);
        let written = parse_toml::<Config>(&text, &path)?.refusals;
        if written.iter().all(|row| known.contains(row)) {
            continue;
        }
        kept.extend(written.iter().map(|row| format!("a row in config.toml: {}", row.0.in_words())));
        after.push_str(&text);
    }
    if !kept.is_empty() {
        parse_toml::<Config>(&after, &path)?;
        write_whole(&path, &after)?;
    }
    Ok(kept)
}

fn toml_of(row: &RefusalRow) -> Result<String, Failure> {
    toml::to_string(row).map_err(|error| Failure::new(Code::Internal, "a row cannot be written").why(error.to_string()))
}

//! `remuda setup`, `remuda undo`: an agent's own settings, changed for good and back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use remuda_control::types::{AccountView, Empty, KeyCreate, KeyRef, KeyScope, Status};
use remuda_control::verb::{CreateKey, GetStatus, ListKeys, RevokeKey};
use remuda_control::{Code, Failure};
use remuda_core::{Host, Vendor};
use remuda_hosts::setup::{OnDisk, Receipt, Restored, SetupPlan, Surroundings, Wanted, Written, diff, plan};
use remuda_hosts::{Environment, HostSpec};
use secrecy::SecretString;
use serde::Serialize;

use super::{Context, OK};
use crate::backend::Backend;
use crate::cli::{SetupArgs, UndoArgs};
use crate::{launch, view};

/// What stands in a shown difference for the key that is not made yet.
const KEY_TO_COME: &str = "rmd_…";

/// What `setup` or `undo` did, or would do.
#[derive(Debug, Serialize)]
pub(crate) struct SetUp {
    /// Which agent.
    pub(crate) host: Host,
    /// The agent's name.
    pub(crate) name: &'static str,
    /// Was anything written?
    pub(crate) done: bool,
    /// The files, and what changes in each.
    pub(crate) files: Vec<FileShown>,
    /// What a careful owner wants to know.
    pub(crate) notes: Vec<String>,
}

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct FileShown {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The changed lines as `diff -u` shows them; empty: it stays as it is.
    pub(crate) diff: String,
    /// A copy of what was there before.
    pub(crate) backup: Option<PathBuf>,
}

/// A file, read, with what it becomes.
struct Changed {
    disk: OnDisk,
    path: PathBuf,
    after: Option<String>,
}

impl Changed {
    fn shown(&self, backup: Option<PathBuf>) -> FileShown {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        FileShown { path: self.path.clone(), diff: diff(&text(&self.disk.text), &text(&self.after)), backup }
    }

    fn write(&self) -> Result<(), Failure> {
        match &self.after {
            after if *after == self.disk.text => Ok(()),
            Some(text) => self.disk.write(text).map_err(unusable),
            None => self.disk.remove().map_err(unusable),
        }
    }
}

pub(super) async fn setup(context: &Context, args: SetupArgs) -> anyhow::Result<u8> {
    let (spec, host) = spec(args.host.into())?;
    let store = Receipts::of(context, host);
    let daemon = if args.dry_run { None } else { Some(launch::daemon(&context.paths).await?) };
    let status = match &daemon {
        Some(daemon) => daemon.call::<GetStatus>(Empty {}).await?,
        None => context.ask::<GetStatus>(Empty {}).await?,
    };
    let url = match &status.daemon {
        Some(daemon) => daemon.url.clone(),
        None => format!("http://{}", context.config()?.listen),
    };
    let known = store.read()?;
    let standing = match known.as_ref().filter(|known| known.url == url) {
        Some(known) if stands(known)? && key_is_good(context, &known.key).await? => Some(known),
        _ => None,
    };
    if let Some(known) = standing {
        let files = known.files.iter().map(|file| unchanged(&file.path)).collect();
        let notes = vec!["it is set up already; nothing was changed".to_owned()];
        context.out.answer(SetUp { host, name: spec.name, done: false, files, notes }, view::set_up)?;
        return Ok(OK);
    }
    // What an earlier setup left is taken out first, so that its values never count as the person's own.
    let clean = known.as_ref().map(cleaned).transpose()?.unwrap_or_default();
    let intended = Intended { spec, url: &url, served: served(spec, &status), clean: &clean };
    let preview = intended.changes(&SecretString::from(KEY_TO_COME))?;
    let shown = preview.1.iter().map(|(changed, _)| changed.shown(None)).collect();
    let mut answer = SetUp { host, name: spec.name, done: false, files: shown, notes: preview.0 };
    if args.dry_run {
        context.out.answer(answer, view::set_up)?;
        return Ok(OK);
    }
    context.out.note(view::set_up(&answer).trim_end());
    let instead = "look at it with --dry-run, then say --yes";
    if !args.yes && !context.agreed("Write this?", instead)? {
        return Err(Failure::new(Code::Conflict, "nothing was changed").into());
    }
    let Some(daemon) = daemon else { return Ok(OK) };
    let (key, id) = mint(&daemon, spec).await?;
    let (notes, changes) = intended.changes(&key)?;
    let mut receipt =
        Receipt { host, key: id, url: url.clone(), at: jiff::Timestamp::now().as_second(), files: vec![] };
    for (number, (changed, wanted)) in changes.iter().enumerate() {
        let before = clean.get(&changed.path).map_or(changed.disk.text.as_deref(), |text| text.as_deref());
        let backup = before.map(|text| store.back_up(number, text)).transpose()?;
        let written = Written::apply(wanted, before, backup).map_err(|error| broken(&changed.path, &error))?.1;
        receipt.files.push(written);
    }
    // Before the files: whatever happens in between, `undo` knows what to look for.
    store.write(&receipt)?;
    answer.files.clear();
    for ((changed, _), written) in changes.iter().zip(&receipt.files) {
        changed.write()?;
        answer.files.push(changed.shown(written.backup.clone()));
    }
    if let Some(known) = known {
        revoke(&daemon, &known.key).await;
    }
    answer.done = true;
    answer.notes = notes;
    context.out.answer(answer, view::set_up_done)?;
    Ok(OK)
}

pub(super) async fn undo(context: &Context, args: UndoArgs) -> anyhow::Result<u8> {
    let (spec, host) = spec(args.host.into())?;
    let store = Receipts::of(context, host);
    let Some(receipt) = store.read()? else {
        let notes = vec![format!("{} is not set up; nothing was changed", spec.name)];
        context.out.answer(SetUp { host, name: spec.name, done: false, files: vec![], notes }, view::set_up)?;
        return Ok(OK);
    };
    let mut answer = SetUp { host, name: spec.name, done: !args.dry_run, files: vec![], notes: vec![] };
    let mut changes = Vec::new();
    let mut keep_backups = false;
    for file in &receipt.files {
        let disk = OnDisk::read(&file.path).map_err(unusable)?;
        let (after, notes) = restored(file, disk.text.as_deref())?;
        keep_backups |= !notes.is_empty();
        answer.notes.extend(notes);
        let changed = Changed { disk, path: file.path.clone(), after };
        answer.files.push(changed.shown(file.backup.clone()));
        changes.push(changed);
    }
    if !args.dry_run {
        for changed in &changes {
            changed.write()?;
        }
        let backend = context.backend().await?;
        revoke(&backend, &receipt.key).await;
        backend.close().await;
        store.forget(&receipt, keep_backups)?;
    }
    context.out.answer(answer, view::undone)?;
    Ok(OK)
}

fn spec(host: Host) -> Result<(&'static HostSpec, Host), Failure> {
    let spec = remuda_hosts::spec(host).ok_or_else(|| Failure::invalid("Remuda does not know this agent"))?;
    Ok((spec, host))
}

/// Vendors of all accounts that the agent can use, those of the active choice first.
fn served(spec: &HostSpec, status: &Status) -> Vec<Vendor> {
    let able = |account: &&AccountView| spec.can_use(account.vendor, account.speaks);
    let mut accounts: Vec<_> = status.accounts.iter().filter(able).collect();
    accounts.sort_by_key(|account| !account.active);
    let mut vendors: Vec<Vendor> = Vec::new();
    for account in accounts {
        if !vendors.contains(&account.vendor) {
            vendors.push(account.vendor);
        }
    }
    vendors
}

/// What each file would be without an earlier setup; `None`: it would not be there.
type Clean = BTreeMap<PathBuf, Option<String>>;

/// Each file with what is put into it.
type Changes = Vec<(Changed, Wanted)>;

struct Intended<'a> {
    spec: &'static HostSpec,
    url: &'a str,
    served: Vec<Vendor>,
    clean: &'a Clean,
}

impl Intended<'_> {
    /// The notes, and what each file becomes with this key.
    fn changes(&self, key: &SecretString) -> Result<(Vec<String>, Changes), Failure> {
        let inherited: Environment = std::env::vars_os().collect();
        let home = std::env::home_dir().ok_or_else(|| Failure::new(Code::Store, "there is no home directory"))?;
        let exists = |path: &Path| match self.clean.get(path) {
            Some(text) => text.is_some(),
            None => path.exists(),
        };
        let (base_url, served) = (self.url, &self.served);
        let around = Surroundings { inherited: &inherited, home, base_url, key, served, exists: &exists };
        let SetupPlan { files, mut notes } = plan(self.spec, &around);
        if files.is_empty() {
            let vendor = self.spec.ways[0].vendor;
            return Err(Failure::new(
                Code::NeedsLogin,
                format!("there is no account that {} could use", self.spec.name),
            )
            .remedy(format!("remuda login {vendor}")));
        }
        let mut changes = Vec::new();
        for wanted in files {
            let disk = OnDisk::read(&wanted.path).map_err(unusable)?;
            let before = self.clean.get(&wanted.path).map_or(disk.text.as_deref(), |text| text.as_deref());
            let (after, _) = Written::apply(&wanted, before, None).map_err(|error| broken(&wanted.path, &error))?;
            if disk.is_open() {
                let shown = view::quoted(&disk.place.display().to_string());
                notes.push(format!("others can read {shown}, which will hold the client key: chmod 600 {shown}"));
            }
            changes.push((Changed { disk, path: wanted.path.clone(), after: Some(after) }, wanted));
        }
        Ok((notes, changes))
    }
}

fn unchanged(path: &Path) -> FileShown {
    FileShown { path: path.to_owned(), diff: String::new(), backup: None }
}

/// Is every file as that setup left it, as far as its values go?
fn stands(receipt: &Receipt) -> Result<bool, Failure> {
    for file in &receipt.files {
        let disk = OnDisk::read(&file.path).map_err(unusable)?;
        let stands = disk.text.as_deref().map(|text| file.stands(text)).transpose();
        if !stands.map_err(|error| broken(&file.path, &error))?.unwrap_or_default() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Every file without that setup.
fn cleaned(receipt: &Receipt) -> Result<Clean, Failure> {
    let mut clean = Clean::new();
    for file in &receipt.files {
        let disk = OnDisk::read(&file.path).map_err(unusable)?;
        clean.insert(file.path.clone(), restored(file, disk.text.as_deref())?.0);
    }
    Ok(clean)
}

/// What a file becomes without our values, and what to say about it.
fn restored(file: &Written, now: Option<&str>) -> Result<(Option<String>, Vec<String>), Failure> {
    let shown = file.path.display();
    let backup = file.backup.as_ref().map(std::fs::read_to_string).transpose().map_err(|error| {
        Failure::new(Code::Store, format!("the copy of {shown} cannot be read")).why(error.to_string())
    })?;
    let Some(now) = now else {
        let copy = file.backup.as_ref().map(|path| format!("; what it held before setup is in {}", path.display()));
        return Ok((None, vec![format!("{shown} is not there any more{}", copy.unwrap_or_default())]));
    };
    match file.restore(now, backup.as_deref()).map_err(|error| {
        let failure = broken(&file.path, &error);
        match &file.backup {
            Some(path) => failure.remedy(format!("mend it, or put back what was there before: {}", path.display())),
            None => failure,
        }
    })? {
        Restored::Exactly => Ok((backup, vec![])),
        Restored::Without { text, kept } => {
            let mut notes = vec![format!("{shown} was changed since; only what setup wrote is taken out of it")];
            if !kept.is_empty() {
                notes.push(format!("left as somebody else has set it since: {}", kept.join(", ")));
            }
            Ok((text, notes))
        }
    }
}

async fn mint(daemon: &Backend, spec: &HostSpec) -> Result<(SecretString, String), Failure> {
    let create = KeyCreate {
        name: format!("remuda setup {}", spec.host.as_str()),
        host: spec.host,
        scope: KeyScope::Agent,
        pin: None,
        pinned_by_project: false,
        hold_s: None,
        project: None,
        lifetime_s: None,
    };
    let minted = daemon.call::<CreateKey>(create).await?;
    Ok((minted.secret.0, minted.key.id))
}

async fn key_is_good(context: &Context, id: &str) -> Result<bool, Failure> {
    Ok(context.ask::<ListKeys>(Empty {}).await?.keys.iter().any(|key| key.id == id))
}

/// A key that is gone already is as good as revoked.
async fn revoke(backend: &Backend, id: &str) {
    let revoked = backend.call::<RevokeKey>(KeyRef { key: id.to_owned() }).await;
    drop(revoked);
}

fn unusable(error: remuda_hosts::setup::DiskError) -> Failure {
    Failure::new(Code::Store, "a settings file cannot be used")
        .why(error.to_string())
        .remedy("nothing was changed in it")
}

fn broken(path: &Path, error: &remuda_hosts::setup::EditError) -> Failure {
    Failure::new(Code::Conflict, format!("{} is left as it is", path.display()))
        .why(error.to_string())
        .remedy("mend the file, then the same command again")
}

/// Receipts and copies, for their owner alone.
struct Receipts {
    directory: PathBuf,
    host: Host,
}

impl Receipts {
    fn of(context: &Context, host: Host) -> Self {
        Self { directory: context.paths.setups(), host }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.host.as_str()))
    }

    fn read(&self) -> Result<Option<Receipt>, Failure> {
        let path = self.path();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&path, &error)),
        };
        let receipt = serde_json::from_str(&text).map_err(|error| {
            Failure::new(Code::Store, format!("{} is damaged", path.display()))
                .why(error.to_string())
                .remedy(format!("it tells what setup changed; copies of the files are in {}", self.directory.display()))
        })?;
        Ok(Some(receipt))
    }

    fn write(&self, receipt: &Receipt) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(receipt).map_err(|error| self.failed(&self.path(), &error.into()))?;
        self.put(&self.path(), &text)
    }

    fn back_up(&self, number: usize, text: &str) -> Result<PathBuf, Failure> {
        let now = jiff::Timestamp::now().as_second();
        let path = self.directory.join(format!("{}-{now}-{number}.backup", self.host.as_str()));
        self.put(&path, text)?;
        Ok(path)
    }

    fn put(&self, path: &Path, text: &str) -> Result<(), Failure> {
        // Written whole or not at all, for its owner alone: like the settings files themselves.
        let write = || remuda_hosts::setup::write_private(path, text);
        write().map_err(|error| self.failed(path, &error))
    }

    fn forget(&self, receipt: &Receipt, keep_backups: bool) -> Result<(), Failure> {
        let copies = receipt.files.iter().filter_map(|file| file.backup.clone()).filter(|_| !keep_backups);
        for path in copies.chain([self.path()]) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(self.failed(&path, &error)),
                _ => {}
            }
        }
        Ok(())
    }

    fn failed(&self, path: &Path, error: &std::io::Error) -> Failure {
        Failure::new(Code::Store, format!("{} cannot be used", path.display())).why(error.to_string())
    }
}

//! Setting an agent up for good: a few values in its own settings files, and out again. Files keep their comments, order and
//! permissions; what was there before is kept beside a receipt, so that taking it out restores every byte.
//!
//! Pure but for `disk`: which values go where is a table per agent, how a value gets into a text is in `json` and
//! `toml`, what to do about a file that changed meanwhile is in `receipt`.

mod diff;
pub(crate) mod disk;
mod edit;
mod json;
mod receipt;
mod toml;
mod wanted;

pub use diff::diff;
pub use disk::write_private;
pub use disk::{DiskError, OnDisk};
pub use edit::{Edit, EditError, Format};
pub use receipt::{Change, Receipt, Restored, Written};
pub use wanted::{SetupPlan, Surroundings, Wanted, plan};

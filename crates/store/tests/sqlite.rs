//! The suite on the local back end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

mod suite;

use std::sync::Arc;

use remuda_store::{KeySource, Places, SqliteOptions, SqliteStore, Store};
use suite::make::NOW;

struct Directory(tempfile::TempDir);

impl suite::Place for Directory {
    async fn fresh() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn Store> {
        let places = Places { state: self.0.path().join("state"), config: self.0.path().join("config") };
        let options = SqliteOptions { key_source: KeySource::File, ..SqliteOptions::new(places) };
        Arc::new(SqliteStore::open(options, NOW).await.unwrap())
    }
}

suite::every_fact!(Directory);

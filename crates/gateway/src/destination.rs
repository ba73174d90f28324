//! Where an account's requests go: its endpoint, taken apart once.

use std::collections::HashMap;

use parking_lot::RwLock;
use remuda_upstream::{Origin, OriginError};

/// Endpoints that were taken apart before. Bounded: when full, all are forgotten.
#[derive(Debug, Default)]
pub struct Destinations {
    known: RwLock<HashMap<String, (Origin, String)>>,
}

impl Destinations {
    const MOST: usize = 1_000;

    /// Origin and path prefix of a base URL.
    ///
    /// # Errors
    /// It is no base URL.
    pub fn of(&self, base: &str) -> Result<(Origin, String), OriginError> {
        if let Some(known) = self.known.read().get(base) {
            return Ok(known.clone());
        }
        let fresh = Origin::from_base(base)?;
        let mut known = self.known.write();
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert(base.to_owned(), fresh.clone());
        Ok(fresh)
    }
}

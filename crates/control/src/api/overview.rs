//! Everything that one screen shows.

use remuda_store::RecordQuery;

use super::stored::Told;
use super::{Api, see};
use crate::types::{Empty, Failure, Overview, RequestView};

/// Requests that have ended.
const RECENT: u32 = 20;

impl Api {
    /// Everything that one screen shows.
    ///
    /// # Errors
    /// The store fails.
    pub async fn overview(&self, _: Empty) -> Result<Overview, Failure> {
        // Taken first: what changes while the rest is read comes again with the stream.
        let events_after = self.daemon.as_ref().map(|_| self.ring.now().to_string());
        self.herd.flush().await;
        let page = self.herd.store().records(RecordQuery { limit: RECENT, ..RecordQuery::default() }).await.told()?;
        Ok(Overview {
            now: self.now(),
            events_after,
            daemon: self.daemon.as_ref().map(|running| running.facts.clone()),
            herd: self.herd_view(),
            live: self.herd.events().live().iter().map(|live| see::live(live)).collect(),
            recent: page.records.iter().map(RequestView::from).collect(),
            alerts: self.holding_alerts(),
            last_day: self.last_day().await?,
        })
    }
}

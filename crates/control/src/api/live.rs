//! Requests under way: listed, stopped.

use super::{Api, see};
use crate::types::{Code, Empty, Failure, LiveRef, LiveRequests, LiveStopped};

impl Api {
    /// Requests under way, oldest first.
    ///
    /// # Errors
    /// None so far.
    pub async fn live(&self, _: Empty) -> Result<LiveRequests, Failure> {
        let requests = self.herd.events().live().iter().map(|live| see::live(live)).collect();
        Ok(LiveRequests { now: self.now(), requests })
    }

    /// Stops a request: its agent sees an error, or, where the answer is on its way already, a stream that is cut.
    ///
    /// # Errors
    /// No such request is under way, or several are meant.
    pub async fn stop_live(&self, LiveRef { request }: LiveRef) -> Result<LiveStopped, Failure> {
        let text = request.trim().to_lowercase();
        let mut meant = self.herd.events().live();
        meant.retain(|live| !text.is_empty() && live.id.to_string().starts_with(&text));
        let [live] = &meant[..] else {
            let what = if meant.is_empty() { "no request under way begins" } else { "several requests begin" };
            return Err(Failure::new(Code::UnknownRequest, format!("{what} with {text:?}"))
                .remedy("`remuda live` lists the requests under way"));
        };
        let request = see::live(live);
        live.stop.cancel();
        Ok(LiveStopped { request })
    }
}

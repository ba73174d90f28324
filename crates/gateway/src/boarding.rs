//! Getting onto an account: at once where there is room, otherwise in line, and on along the chain when the wait would be
//! too long. So dozens of subagents that lose their account in the same moment do not fall on the next one all together:
//! its first answers show what it can carry, and if they are refusals, those in line never ask.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use remuda_core::route::Route;
use remuda_core::{AccountId, SessionKey};

use crate::flight::Flight;
use crate::herd::Ride;

/// An account that is slow to show what it can carry is not waited for longer than this.
const LONGEST_RAMP: Duration = Duration::from_secs(15);
/// Longest wait for an account that carries as many requests as its owner lets it.
const LONGEST_LINE: Duration = Duration::from_secs(60);

impl<B> Flight<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
{
    /// A ride on the account of the last [`remuda_core::route::Action::Send`]; `None`: the route goes another way now.
    pub(crate) async fn board(&mut self, route: &mut Route, account: AccountId) -> Option<Ride> {
        let herd = Arc::clone(&self.gateway.herd);
        let lines = herd.lines();
        if (!route.asks_first() || lines.is_empty(account))
            && let Some(ride) = herd.board(route, account, self.gateway.now())
        {
            return Some(ride);
        }
        let began = tokio::time::Instant::now();
        let ramp_until = (began + LONGEST_RAMP).min(self.deadline);
        let line_until = (began + LONGEST_LINE).min(self.deadline);
        let place = lines.join(account, family(route));
        self.draft.waits(self.gateway.now().saturating_add(LONGEST_RAMP.as_secs() as i64));
        let ride = loop {
            let moved = lines.moved();
            let changes = herd.look_again(route, self.gateway.now());
            self.draft.remembered(changes);
            if !route.asks_first() || route.tried().last() != Some(&account) {
                break None;
            }
            if place.is_first()
                && let Some(ride) = herd.board(route, account, self.gateway.now())
            {
                break Some(ride);
            }
            let now = tokio::time::Instant::now();
            if now >= ramp_until && herd.has_seat(account) {
                break Some(herd.ride(account));
            }
            if now >= line_until {
                let changes = herd.too_busy(route, self.gateway.now());
                self.draft.remembered(changes);
                break None;
            }
            let until = if now < ramp_until { ramp_until } else { line_until };
            let _something_moved_or_time_is_up = tokio::time::timeout_at(until, moved).await;
        };
        drop(place);
        self.draft.waited(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        ride
    }
}

/// A conversation and its subagents stand in line as one.
fn family(route: &Route) -> SessionKey {
    let request = route.request();
    let parent = request.conversation.parent.as_ref().or(request.session.as_ref());
    parent.cloned().unwrap_or_else(|| SessionKey(String::new()))
}

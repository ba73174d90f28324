//! Where a scripted failure breaks a stream off.

use crate::answer::{Event, Part};
use crate::fault::{Effect, Point};

/// Where the effect breaks the body off, if it does.
pub(crate) fn break_point(effect: &Effect) -> Option<Point> {
    match effect {
        Effect::Serve | Effect::Refuse(_) | Effect::Answer { .. } | Effect::Spent { .. } => None,
        Effect::ErrorEvent { at, .. } | Effect::Truncate { at, .. } | Effect::Stall { at } | Effect::Reset { at } => {
            Some(*at)
        }
    }
}

/// Is there more of a handshake than its first event?
pub(crate) fn long_handshake(events: &[Event]) -> bool {
    events.get(1).is_some_and(|event| event.part == Part::Handshake)
}

/// How many events go out before the break.
pub(crate) fn kept_events(events: &[Event], point: Point) -> usize {
    let first = |part: Part| events.iter().position(|event| event.part == part).unwrap_or(events.len());
    match point {
        Point::BeforeHeaders | Point::AfterHeaders => 0,
        Point::AfterHandshake => events.iter().position(|event| event.part != Part::Handshake).unwrap_or(events.len()),
        Point::AfterContent => first(Part::Content) + 1,
        Point::After(events) => events,
    }
}

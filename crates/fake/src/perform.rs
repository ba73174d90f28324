//! Puts an answer on the wire, together with everything a script wants to go wrong.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::answer::{Answer, Content, Part};
use crate::breaking::{break_point, kept_events, long_handshake};
use crate::fault::{Chunking, Effect, Fault, Point};
use crate::log::{Ending, Progress};
use crate::play::{Cut, Play, Step};
use crate::route::NoAnswer;

/// The connection that the answer goes to.
pub(crate) struct Stage {
    pub(crate) progress: Arc<Progress>,
    pub(crate) cut: Arc<Cut>,
    /// Name and value of the header by which the vendor tells this request from others.
    pub(crate) request_id: (&'static str, String),
    /// Is this an answer whose content an agent acts on?
    pub(crate) counts_as_content: bool,
    /// Pause before each event.
    pub(crate) pace: Duration,
    /// Does the client take gzip?
    pub(crate) takes_gzip: bool,
}

/// Waits, breaks off before the headers, or gives the response. Without an `answer` only the first two remain.
pub(crate) async fn perform(
    answer: Option<Answer>,
    fault: Option<&Fault>,
    stage: Stage,
) -> Result<Response<Play>, NoAnswer> {
    if let Some(fault) = fault.filter(|fault| fault.delay_ms > 0) {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    match fault.map(|fault| &fault.effect) {
        Some(Effect::Stall { at: Point::BeforeHeaders }) => {
            stage.progress.end(Ending::Broken);
            std::future::pending::<()>().await;
        }
        Some(Effect::Reset { at: Point::BeforeHeaders }) => {
            stage.cut.reset();
            stage.progress.end(Ending::Broken);
            return Err(NoAnswer);
        }
        Some(Effect::Truncate { at: Point::BeforeHeaders, .. }) => {
            stage.progress.end(Ending::Broken);
            return Err(NoAnswer);
        }
        _ => {}
    }
    let Some(answer) = answer else {
        stage.progress.end(Ending::Broken);
        return Err(NoAnswer);
    };
    stage.progress.answered(answer.status);
    let headers = headers(&answer, fault, &stage);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::new(body(answer, fault, stage));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

/// Is the body to be compressed?
fn gzips(fault: Option<&Fault>, stage: &Stage) -> bool {
    stage.takes_gzip && fault.is_some_and(|fault| fault.compressed)
}

fn headers(answer: &Answer, fault: Option<&Fault>, stage: &Stage) -> HeaderMap {
    let mut map = HeaderMap::new();
    let mut set = |name: &str, value: &str| match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(_)) if value.is_empty() => {
            map.remove(name);
        }
        (Ok(name), Ok(value)) => {
            map.insert(name, value);
        }
        _ => tracing::warn!(name, value, "not a header"),
    };
    match &answer.content {
        Content::Text { kind, .. } => set("content-type", kind),
        Content::Stream(..) => {
            set("content-type", "text/event-stream; charset=utf-8");
            set("cache-control", "no-cache");
        }
    }
    set(stage.request_id.0, &stage.request_id.1);
    if gzips(fault, stage) {
        set("content-encoding", "gzip");
    }
    answer.headers.iter().for_each(|(name, value)| set(name, value));
    if let Some(fault) = fault {
        if fault.novelties {
            set("x-herd", "3; ch\u{e9}val");
        }
        fault.headers.iter().for_each(|(name, value)| set(name, value));
        let trailers: Vec<_> = fault.trailers.iter().map(|(name, _)| name.as_str()).collect();
        set("trailer", &trailers.join(", "));
    }
    map
}

fn body(answer: Answer, fault: Option<&Fault>, stage: Stage) -> Play {
    let effect = fault.map_or(&Effect::Serve, |fault| &fault.effect);
    let pace = fault.and_then(|fault| fault.pace_ms).map_or(stage.pace, Duration::from_millis);
    let chunking = fault.and_then(|fault| fault.chunking);
    let ok = answer.status == 200 && stage.counts_as_content;
    let (is_stream, pieces) = match answer.content {
        Content::Text { body, .. } => (false, text_pieces(body, effect)),
        Content::Stream(mut events, grammar) => {
            let breaks = break_point(effect);
            if breaks == Some(Point::AfterHandshake)
                && !long_handshake(&events)
                && let Some(event) = grammar.handshake()
            {
                events.insert(1.min(events.len()), event);
            }
            let keep = breaks.map_or(events.len(), |point| kept_events(&events, point));
            events.truncate(keep);
            if let Some(refused) = answer.failure {
                events.push(grammar.failure(&refused, keep));
            }
            (true, events.into_iter().map(|event| (event.bytes, event.part == Part::Content)).collect())
        }
    };
    let broken = break_point(effect).is_some();
    let pieces = if gzips(fault, &stage) { gzip(pieces, broken) } else { pieces };
    let plain = !is_stream && !broken && chunking.is_none() && fault.is_none_or(|fault| fault.trailers.is_empty());
    let length: usize = pieces.iter().map(|(bytes, _)| bytes.len()).sum();
    let mut steps = VecDeque::new();
    for (bytes, content) in whole(pieces, chunking) {
        if is_stream && !pace.is_zero() {
            steps.push_back(Step::Pause(pace));
        }
        let content = content && ok;
        if content && !is_stream {
            steps.push_back(Step::Content); // with a known length nobody asks after the last byte
        }
        for chunk in cut(bytes, chunking) {
            steps.push_back(Step::Send(chunk));
            if chunking.is_some() {
                steps.push_back(Step::Flush);
            }
        }
        if content && is_stream {
            steps.push_back(Step::Content);
        }
    }
    ending(&mut steps, effect, fault);
    let finish = if broken { Ending::Broken } else { Ending::Complete };
    let length = plain.then_some(length as u64);
    Play::new(steps, length, finish, stage.progress, stage.cut)
}

/// A text in one piece, or the part of it that goes out before the break. It counts as content when it is whole.
fn text_pieces(body: Bytes, effect: &Effect) -> Vec<(Bytes, bool)> {
    let keep = match break_point(effect) {
        // An `event: error` in a body that is no stream was turned into a refusal before.
        None | Some(Point::BeforeHeaders) => body.len(),
        Some(Point::AfterHeaders | Point::AfterHandshake) => 0,
        Some(Point::AfterContent) => body.len() / 2,
        Some(Point::After(bytes)) => bytes.min(body.len()),
    };
    if keep == 0 { Vec::new() } else { vec![(body.slice(..keep), keep == body.len())] }
}

/// Each piece flushed, so that it can be read by itself; the end of the gzip stream only if the body has its end.
fn gzip(pieces: Vec<(Bytes, bool)>, broken: bool) -> Vec<(Bytes, bool)> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut all = Vec::with_capacity(pieces.len() + 1);
    for (bytes, content) in pieces {
        // Writing to memory does not fail.
        let _ = encoder.write_all(&bytes).and_then(|()| encoder.flush());
        all.push((std::mem::take(encoder.get_mut()).into(), content));
    }
    if !broken {
        all.push((encoder.finish().unwrap_or_default().into(), false));
    }
    all
}

fn whole(pieces: Vec<(Bytes, bool)>, chunking: Option<Chunking>) -> Vec<(Bytes, bool)> {
    if chunking != Some(Chunking::Whole) || pieces.is_empty() {
        return pieces;
    }
    let content = pieces.iter().any(|(_, content)| *content);
    let mut all = BytesMut::new();
    pieces.iter().for_each(|(bytes, _)| all.extend_from_slice(bytes));
    vec![(all.freeze(), content)]
}

fn cut(mut bytes: Bytes, chunking: Option<Chunking>) -> Vec<Bytes> {
    let mut chunks = Vec::new();
    match chunking {
        Some(Chunking::Bytes(size)) => {
            while bytes.len() > size.max(1) {
                chunks.push(bytes.split_to(size.max(1)));
            }
        }
        Some(Chunking::SplitUtf8) => {
            // After the first byte of each character of several.
            while let Some(at) = bytes.iter().skip(1).position(|byte| *byte >= 0xC0).map(|at| at + 2) {
                if at >= bytes.len() {
                    break;
                }
                chunks.push(bytes.split_to(at));
            }
        }
        Some(Chunking::Events | Chunking::Whole) | None => {}
    }
    chunks.push(bytes);
    chunks
}

fn ending(steps: &mut VecDeque<Step>, effect: &Effect, fault: Option<&Fault>) {
    match effect {
        Effect::Truncate { clean: false, .. } => steps.extend([Step::Flush, Step::Close]),
        Effect::Stall { .. } => steps.push_back(Step::Hang),
        Effect::Reset { .. } => steps.extend([Step::Flush, Step::Reset]),
        _ => {}
    }
    if let Some(fault) = fault.filter(|fault| !fault.trailers.is_empty()) {
        let mut trailers = HeaderMap::new();
        for (name, value) in &fault.trailers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                trailers.append(name, value);
            }
        }
        steps.push_back(Step::Trailers(trailers));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_keeps_the_bytes() {
        let text = Bytes::from("a🐎ñ b駿");
        for chunking in [None, Some(Chunking::Bytes(1)), Some(Chunking::Bytes(3)), Some(Chunking::SplitUtf8)] {
            let chunks = cut(text.clone(), chunking);
            assert_eq!(chunks.concat(), text, "{chunking:?}");
            assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "{chunking:?}");
        }
        assert_eq!(cut(text.clone(), Some(Chunking::Bytes(1))).len(), text.len());
        let split = cut(text, Some(Chunking::SplitUtf8));
        assert_eq!(split.iter().filter(|chunk| std::str::from_utf8(chunk).is_err()).count(), 4, "{split:?}");
    }
}

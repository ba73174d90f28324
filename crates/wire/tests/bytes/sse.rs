//! The event scanner, against a naive reading of the whole stream.

use proptest::prelude::*;
use remuda_wire::sse::{Event, MAX_EVENT, Scanner};
use rstest::rstest;

use crate::split::{cuts, split};

/// An event that outlives its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    name: Vec<u8>,
    data: Option<Vec<u8>>,
    comment: bool,
    oversize: bool,
}

fn seen(event: Event<'_>) -> (Seen, u64) {
    let Event { name, data, comment, oversize, end } = event;
    (Seen { name: name.to_vec(), data: data.map(<[u8]>::to_vec), comment, oversize }, end)
}

fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<(Seen, u64)>, bool) {
    let mut scanner = Scanner::default();
    let mut events = Vec::new();
    pieces.into_iter().for_each(|piece| scanner.feed(piece, |event| events.push(seen(event))));
    (events, scanner.mid_event())
}

/// The lines of a stream with where each ends, terminator included; the last one has none.
fn lines(mut raw: &[u8]) -> (Vec<(&[u8], usize)>, &[u8]) {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(stop) = raw.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        let next = if raw[stop..].starts_with(b"\r\n") { stop + 2 } else { stop + 1 };
        at += next;
        lines.push((&raw[..stop], at));
        raw = &raw[next..];
    }
    (lines, raw)
}

/// The same, read the slow way.
fn naive(raw: &[u8]) -> (Vec<(Seen, u64)>, bool) {
    let bom = b"\xef\xbb\xbf";
    let skipped = if raw.starts_with(bom) { 3 } else { 0 };
    let (lines, rest) = lines(&raw[skipped..]);
    let mut events = Vec::new();
    let mut event = Vec::new();
    for (line, end) in lines {
        if !line.is_empty() {
            event.push(line);
            continue;
        }
        let fields: Vec<(&[u8], &[u8])> = event
            .iter()
            .map(|line: &&[u8]| match line.iter().position(|&byte| byte == b':') {
                Some(colon) => {
                    let value = &line[colon + 1..];
                    (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
                }
                None => (*line, &b""[..]),
            })
            .collect();
        let data: Vec<_> = fields.iter().filter(|(field, _)| *field == b"data").map(|(_, value)| *value).collect();
        let name = fields.iter().rfind(|(field, _)| *field == b"event").map_or(&b""[..], |(_, value)| value);
        if !event.is_empty() {
            let seen = Seen {
                name: name.to_vec(),
                data: (!data.is_empty()).then(|| data.join(&b'\n')),
                comment: name.is_empty() && data.is_empty(),
                oversize: false,
            };
            events.push((seen, (end + skipped) as u64));
        }
        event.clear();
    }
    (events, !event.is_empty() || !rest.is_empty())
}

/// What the two must agree upon: where a carriage return and its line feed come apart, the end is before the latter.
fn agree(raw: &[u8], got: &[(Seen, u64)], want: &[(Seen, u64)]) -> bool {
    got.len() == want.len()
        && got.iter().zip(want).all(|((seen, at), (wanted, end))| {
            seen == wanted && (at == end || at + 1 == *end && raw[usize::try_from(*at).unwrap()] == b'\n')
        })
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => "(data|event|id|retry|datax|x): ?[a-z: {}\"]{0,12}",
        1 => Just("data".to_owned()),
        1 => Just("event".to_owned()),
        1 => ":[a-z ]{0,5}",
        1 => "[a-zäß: ]{0,9}",
        4 => Just(String::new()),
    ];
    let end = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    (any::<bool>(), prop::collection::vec((line, end), 0..40), "[a-z:]{0,5}").prop_map(|(bom, lines, rest)| {
        let mut raw = if bom { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        lines.iter().for_each(|(line, end)| raw.extend([line.as_bytes(), end.as_bytes()].concat()));
        raw.extend(rest.bytes());
        raw
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_cutting_of_any_stream_gives_the_same_events(raw in stream(), cuts in cuts()) {
        let (want, cut) = naive(&raw);
        prop_assert_eq!(&scan([&raw[..]]).0, &want);
        for (got, mid_event) in [scan([&raw[..]]), scan(split(&raw, &cuts)), scan(raw.chunks(1)), scan(raw.chunks(2))] {
            prop_assert!(agree(&raw, &got, &want), "got {got:?}, not {want:?}");
            // A byte order mark alone is no event but shows as a beginning.
            prop_assert!(mid_event == cut || raw == b"\xef\xbb\xbf");
        }
    }

    #[test]
    fn any_bytes_are_survived_and_read_the_same_however_they_are_cut(
        raw in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r'), Just(b':'), Just(0xEF), Just(0xBB), Just(0xBF)], 0..80),
        cuts in cuts(),
    ) {
        let (want, _) = scan([&raw[..]]);
        let (got, _) = scan(split(&raw, &cuts));
        prop_assert!(agree(&raw, &got, &want), "got {got:?}, not {want:?}");
    }
}

fn one(raw: &[u8]) -> Seen {
    let (mut events, cut) = scan([raw]);
    assert!(!cut && events.len() == 1, "{events:?}");
    events.remove(0).0
}

#[rstest]
#[case::usual("event: ping\ndata: {\"type\":\"ping\"}\n\n", "ping", Some("{\"type\":\"ping\"}"))]
#[case::no_space("event:ping\ndata:x\n\n", "ping", Some("x"))]
#[case::two_spaces("data:  x\n\n", "", Some(" x"))]
#[case::several_lines("data: a\ndata\ndata: b\n\n", "", Some("a\n\nb"))]
#[case::last_name_counts("event: a\nevent: b\ndata: x\n\n", "b", Some("x"))]
#[case::returns("event: ping\r\ndata: x\r\n\r\n", "ping", Some("x"))]
#[case::comment_within(": hello\nevent: ping\ndata: x\n\n", "ping", Some("x"))]
#[case::no_data("event: ping\n\n", "ping", None)]
fn an_event_is_its_name_and_its_data(#[case] raw: &str, #[case] name: &str, #[case] data: Option<&str>) {
    let seen = one(raw.as_bytes());
    assert_eq!(seen.name, name.as_bytes());
    assert_eq!(seen.data.as_deref(), data.map(str::as_bytes));
    assert!(!seen.comment);
}

#[rstest]
#[case(": keep-alive\n\n")]
#[case("retry: 3000\n\n")]
#[case("id: 7\n: x\n\n")]
fn comments_ids_and_retry_times_are_no_event(#[case] raw: &str) {
    assert!(one(raw.as_bytes()).comment);
}

#[test]
fn an_event_beyond_the_limit_is_reported_without_data_and_the_next_one_whole() {
    let filler = "x".repeat(MAX_EVENT);
    let raw = format!("event: big\ndata: {filler}\n\nevent: small\ndata: y\n\n");
    for size in [raw.len(), 1 << 16, 1 << 20, 4097] {
        let (events, cut) = scan(raw.as_bytes().chunks(size));
        assert!(!cut);
        let [(big, _), (small, end)] = events.try_into().unwrap();
        assert_eq!(big, Seen { name: b"big".into(), data: None, comment: false, oversize: true });
        assert_eq!(small, Seen { name: b"small".into(), data: Some(b"y".into()), comment: false, oversize: false });
        assert_eq!(end, raw.len() as u64);
    }
}

#[test]
fn the_limit_is_the_same_however_the_stream_is_cut() {
    for size in [MAX_EVENT, MAX_EVENT + 1] {
        let raw = format!("data: {}\n\n", "x".repeat(size - 7));
        for chunk in [raw.len(), raw.len() - 1, raw.len() - 2, 1000, 65_536] {
            let (events, _) = scan(raw.as_bytes().chunks(chunk));
            assert_eq!(events[0].0.oversize, size > MAX_EVENT, "{size} in pieces of {chunk}");
        }
    }
}

#[test]
fn a_line_without_end_is_not_collected_without_end() {
    let mut scanner = Scanner::default();
    for _ in 0..100 {
        scanner.feed(&[b'x'; 1 << 16], |_| panic!("no event"));
    }
    assert!(scanner.mid_event());
    assert!(format!("{scanner:?}").len() < 10_000, "the line was kept");
}

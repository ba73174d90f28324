//! The event stream as a client reads it.

use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use http::header::HOST;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::time::{Duration, timeout};

use crate::client::{Client, read_failure};
use crate::types::{EVENTS_PATH, Event, EventKind, Failure};

/// The daemon says at least this often that it is there; it does so every 15 seconds.
const SILENCE: Duration = Duration::from_secs(60);
/// No event is longer.
const LONGEST: usize = 16 << 20;

/// What happens in the daemon, as it happens.
pub struct EventStream {
    client: Client,
    body: Incoming,
    connection: Pin<Box<dyn Future<Output = ()> + Send>>,
    connected: bool,
    text: Vec<u8>,
    ready: VecDeque<(String, Event)>,
}

impl Client {
    /// Begins to listen, behind this place or from now on. No kinds: all.
    ///
    /// # Errors
    /// [`crate::Code::NotRunning`] when nobody listens on the socket, otherwise what the daemon says.
    pub async fn events(&self, kinds: &[EventKind], after: Option<&str>) -> Result<EventStream, Failure> {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let mut query = Vec::new();
        if !kinds.is_empty() {
            query.push(("kinds", kinds.join(",")));
        }
        query.extend(after.map(|after| ("after", after.to_owned())));
        let query = serde_urlencoded::to_string(&query).unwrap_or_default();
        let request = http::Request::get(format!("{EVENTS_PATH}?{query}"))
            .header(HOST, "localhost")
            .body(Full::<Bytes>::default())
            .map_err(|error| self.broken(&error.to_string()))?;
        let stream = TokioIo::new(self.connect().await?);
        let begin = async {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
            let mut connection: Pin<Box<dyn Future<Output = ()> + Send>> =
                Box::pin(async move { drop(connection.await) });
            let response = sender.send_request(request);
            tokio::pin!(response);
            let (response, connected) = tokio::select! {
                response = &mut response => (response?, true),
                () = &mut connection => (response.await?, false),
            };
            Ok::<_, hyper::Error>((response, connection, connected))
        };
        let begun = timeout(SILENCE, begin).await.map_err(|_| self.silent())?;
        let (response, connection, connected) = begun.map_err(|error| self.broken(&error.to_string()))?;
        let (head, body) = response.into_parts();
        let mut stream =
            EventStream { client: self.clone(), body, connection, connected, text: Vec::new(), ready: VecDeque::new() };
        if head.status.is_success() {
            return Ok(stream);
        }
        let mut text = Vec::new();
        while let Some(bytes) = stream.frame().await? {
            text.extend_from_slice(&bytes);
        }
        Err(read_failure(head.status, &text))
    }
}

impl EventStream {
    /// Waits for the next event, with the place behind it. `None`: the daemon has stopped.
    ///
    /// # Errors
    /// The daemon fell silent, or what it says cannot be read.
    pub async fn next(&mut self) -> Result<Option<(String, Event)>, Failure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.frame().await? else { return Ok(None) };
            self.text.extend_from_slice(&bytes);
            self.take_whole()?;
            if self.text.len() > LONGEST {
                return Err(self.client.broken("an event is too long"));
            }
        }
    }

    /// The next bytes. A daemon that ends cuts the stream: that is its end, too.
    async fn frame(&mut self) -> Result<Option<Bytes>, Failure> {
        let Self { body, connection, connected, .. } = self;
        let arrives = async {
            loop {
                let frame = if *connected {
                    tokio::select! {
                        frame = body.frame() => frame,
                        () = &mut *connection => {
                            *connected = false;
                            continue;
                        }
                    }
                } else {
                    body.frame().await
                };
                match frame {
                    // Trailers: there are none in this stream.
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => return Some(data),
                        Err(_) => continue,
                    },
                    Some(Err(_)) | None => return None,
                }
            }
        };
        timeout(SILENCE, arrives).await.map_err(|_| self.client.silent())
    }

    /// Moves what is complete from text to events.
    fn take_whole(&mut self) -> Result<(), Failure> {
        while let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
            let whole: Vec<u8> = self.text.drain(..end + 2).collect();
            if let Some(event) = event(&String::from_utf8_lossy(&whole)) {
                let (place, event) = event.map_err(|why| self.client.broken(&why))?;
                self.ready.push_back((place, event));
            }
        }
        Ok(())
    }
}

/// One event; `None` for comments and what is no event. A kind that this version does not know is passed over.
fn event(text: &str) -> Option<Result<(String, Event), String>> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (place, kind, data) = (field("id")?, field("event")?, field("data")?);
    EventKind::ALL.iter().find(|known| known.as_str() == kind)?;
    Some(match serde_json::from_str(data) {
        Ok(event) => Ok((place.to_owned(), event)),
        Err(error) => Err(format!("an event of kind {kind} cannot be read: {error}")),
    })
}

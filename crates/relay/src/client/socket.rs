//! A WebSocket to a relay. Belongs to one lane; kept between its requests.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, header};
use remuda_upstream::{Client as Http, Connected};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};

use crate::client::transport::{Address, MOST_RECORD, Trouble};
use crate::code::{self, Code};
use crate::message::{self, CONVERSATION, Credit, Hello, Named, PROTOCOLS, Problem, RELAY, Resume, Welcome, record};
use crate::record::{HEADER, Kind, Record};

/// Longest wait for the handshake and for the relay's introduction.
const SOON: Duration = Duration::from_secs(20);
/// How often a client that waits says that it is there.
const ALIVE: Duration = Duration::from_secs(15);
/// Longest wait for the relay to take bytes.
const STUCK: Duration = Duration::from_secs(60);
/// Granted again when so many bytes have been read.
const GRANT: u64 = 64 * 1024;
/// Longest answer that is read to its end after it was cancelled.
const MOST_DRAINED: usize = 64;

/// See the module.
pub struct Socket {
    stream: WebSocketStream<Connected>,
    /// Bytes read and not yet granted again.
    owed: u64,
    spoke: Instant,
}

impl Socket {
    /// Opens one and asks the relay who it is.
    ///
    /// # Errors
    /// [`Trouble::Refused`], [`Trouble::NotSent`].
    pub async fn open(http: &Http, address: &Address, conversation: &str) -> Result<(Self, Welcome), Trouble> {
        let opening = async {
            let connected = http.connect(&address.origin).await.map_err(|error| error.to_string())?;
            Ok::<_, String>(shake_hands(connected, address, conversation).await)
        };
        let not_sent = |_| Trouble::NotSent(format!("no WebSocket within {} s", SOON.as_secs()));
        let mut socket = tokio::time::timeout(SOON, opening).await.map_err(not_sent)?.map_err(Trouble::NotSent)??;
        let hello = record(Kind::Hello, &Hello { protocols: PROTOCOLS.to_vec() });
        let welcome = async {
            socket.send(hello).await?;
            socket.record().await
        };
        let welcome = tokio::time::timeout(SOON, welcome).await.map_err(not_sent)?.map_err(Trouble::NotSent)?;
        match welcome.kind {
            Kind::Hello => Ok((socket, message::read(&welcome.content).map_err(Trouble::Refused)?)),
            Kind::Problem => Err(Trouble::Refused(message::read(&welcome.content).map_err(Trouble::Refused)?)),
            _ => Err(Trouble::NotSent("the relay did not introduce itself".to_owned())),
        }
    }

    /// Is the other end still there, as far as can be told without asking? To be looked at before a kept socket is used.
    pub fn is_open(&mut self) -> bool {
        loop {
            match self.stream.next().now_or_never() {
                None => return true,
                Some(Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_)))) => {}
                Some(_) => return false,
            }
        }
    }

    /// Sends an exchange. The relay has taken it when this returns; the answer's records follow.
    ///
    /// # Errors
    /// [`Trouble::Refused`], [`Trouble::Lost`].
    pub async fn exchange(&mut self, content: &Bytes, silence: Duration) -> Result<(), Trouble> {
        self.ask(Record::new(Kind::Exchange, content.clone()), silence).await
    }

    /// Asks for the rest of an answer.
    ///
    /// # Errors
    /// [`Trouble::Refused`], [`Trouble::Lost`].
    pub async fn resume(&mut self, resume: &Resume, silence: Duration) -> Result<(), Trouble> {
        self.ask(record(Kind::Resume, resume), silence).await
    }

    async fn ask(&mut self, question: Record, silence: Duration) -> Result<(), Trouble> {
        self.send(question).await.map_err(Trouble::Lost)?;
        let taken = async {
            loop {
                let answer = self.record().await.map_err(Trouble::Lost)?;
                match answer.kind {
                    Kind::Taken => return Ok(()),
                    Kind::Alive => {}
                    Kind::Problem => {
                        let problem = message::read(&answer.content);
                        return Err(problem.map_or_else(|p: Problem| Trouble::Lost(p.message), Trouble::Refused));
                    }
                    _ => return Err(Trouble::Lost("the relay sent what it may not".to_owned())),
                }
            }
        };
        tokio::time::timeout(silence, taken)
            .await
            .unwrap_or_else(|_| Err(Trouble::Lost("the relay is silent".to_owned())))
    }

    /// Cancels the request under way and reads what is left of its answer. `true`: the socket is as good as new.
    pub async fn cancel(&mut self, id: &str) -> bool {
        let ending = async {
            self.send(record(Kind::Cancel, &Named { id: id.to_owned() })).await?;
            for _ in 0..MOST_DRAINED {
                if matches!(self.record().await?.kind, Kind::End | Kind::Problem) {
                    return Ok::<_, String>(true);
                }
            }
            Ok(false)
        };
        tokio::time::timeout(SOON, ending).await.is_ok_and(|ended| ended.unwrap_or(false))
    }

    /// The next record. Says now and then that this end is there.
    ///
    /// # Errors
    /// The connection is lost: in words.
    pub async fn record(&mut self) -> Result<Record, String> {
        if self.owed >= GRANT {
            let bytes = std::mem::take(&mut self.owed);
            self.send(record(Kind::Credit, &Credit { bytes })).await?;
        }
        loop {
            let silent_until = self.spoke + ALIVE;
            let message = tokio::select! {
                message = self.stream.next() => message,
                () = tokio::time::sleep_until(silent_until) => {
                    self.send(Record::new(Kind::Alive, Bytes::new())).await?;
                    continue;
                }
            };
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    let record = Record::only(bytes, MOST_RECORD).map_err(|error| error.to_string())?;
                    if !matches!(record.kind, Kind::Alive | Kind::Taken | Kind::Hello) {
                        self.owed += record.wire_len();
                    }
                    return Ok(record);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_) | Message::Text(_) | Message::Frame(_))) | None => {
                    return Err("the relay closed the WebSocket".to_owned());
                }
                Some(Err(error)) => return Err(error.to_string()),
            }
        }
    }

    async fn send(&mut self, record: Record) -> Result<(), String> {
        self.spoke = Instant::now();
        let sent = tokio::time::timeout(STUCK, self.stream.send(Message::Binary(record.to_bytes()))).await;
        sent.map_err(|_| "the relay takes nothing".to_owned())?.map_err(|error| error.to_string())
    }
}

async fn shake_hands(connected: Connected, address: &Address, conversation: &str) -> Result<Socket, Trouble> {
    let unusable = |what: &str| Trouble::NotSent(what.to_owned());
    let host = address.origin.header().to_str().map_err(|_| unusable("the relay's URL cannot be used"))?;
    // The scheme only shapes the request line: TLS, if any, is spoken already.
    let uri = format!("ws://{host}{}", address.path("socket"));
    let uri = uri.parse().map_err(|_| unusable("the relay's URL cannot be used"))?;
    let mut request =
        ClientRequestBuilder::new(uri).into_client_request().map_err(|_| unusable("the relay's URL cannot be used"))?;
    let authorization =
        address.authorization().ok_or_else(|| unusable("the relay's token cannot stand in a header"))?;
    request.headers_mut().insert(header::AUTHORIZATION, authorization);
    if let Ok(name) = HeaderValue::try_from(conversation) {
        request.headers_mut().insert(CONVERSATION, name);
    }
    let most = Some(MOST_RECORD + HEADER);
    let config = WebSocketConfig::default().max_message_size(most).max_frame_size(most);
    match tokio_tungstenite::client_async_with_config(request, connected, Some(config)).await {
        Ok((stream, _)) => Ok(Socket { stream, owed: 0, spoke: Instant::now() }),
        Err(WsError::Http(response)) => Err(refused(response.status().as_u16(), response.headers())),
        Err(error) => Err(Trouble::NotSent(error.to_string())),
    }
}

fn refused(status: u16, headers: &HeaderMap) -> Trouble {
    let code = headers.get(code::HEADER).and_then(|value| value.to_str().ok()).and_then(Code::named);
    match code.filter(|_| headers.contains_key(RELAY)) {
        Some(code) => Trouble::Refused(Problem::before(code, format!("the relay refused the WebSocket: {code}"))),
        None => Trouble::NotSent(format!("something that is no relay answered with status {status}")),
    }
}

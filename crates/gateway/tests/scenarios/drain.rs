//! The listeners: a Unix socket beside TCP, and an end that lets streams finish.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use remuda_gateway::guard::Turned;
use remuda_gateway::{ClientBody, Guard, Peer, Server, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;

/// Says who asks, once it is let.
struct Slow {
    arrived: Semaphore,
    go: Semaphore,
}

impl Slow {
    fn new(go: usize) -> Arc<Self> {
        Arc::new(Self { arrived: Semaphore::new(0), go: Semaphore::new(go) })
    }
}

impl Service for Slow {
    async fn call(&self, _: Request<Incoming>, peer: Peer) -> Response<ClientBody> {
        self.arrived.add_permits(1);
        self.go.acquire().await.unwrap().forget();
        Response::new(ClientBody::of(match peer {
            Peer::Tcp(_) => "tcp".to_owned(),
            Peer::Unix { uid } => format!("unix {uid}"),
        }))
    }
    fn turned_away(&self, why: Turned, _: &Request<Incoming>) -> Response<ClientBody> {
        Response::new(ClientBody::of(why.to_string()))
    }
}

async fn tcp(service: Arc<Slow>) -> (Server<Slow>, std::net::SocketAddr) {
    let server = Server::new(service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    server.listen_tcp(listener, Guard::tcp(address.port(), &[]));
    (server, address)
}

const ASK: &[u8] = b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn a_request_under_way_ends_in_peace_and_no_new_connection_is_taken() {
    let service = Slow::new(0);
    let (server, address) = tcp(Arc::clone(&service)).await;
    let mut under_way = TcpStream::connect(address).await.unwrap();
    under_way.write_all(ASK).await.unwrap();
    service.arrived.acquire().await.unwrap().forget();
    let mut answer = String::new();
    let (in_time, read, ()) =
        tokio::join!(server.drain(Duration::from_secs(20)), under_way.read_to_string(&mut answer), async {
            // Refused once the listener is closed; only then is the request let go.
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
            service.go.add_permits(1);
        },);
    read.unwrap();
    assert!(in_time);
    assert!(answer.ends_with("tcp"), "{answer}");
}

#[tokio::test]
async fn at_the_deadline_what_is_left_is_cut() {
    let service = Slow::new(0);
    let (server, address) = tcp(Arc::clone(&service)).await;
    let mut stuck = TcpStream::connect(address).await.unwrap();
    stuck.write_all(ASK).await.unwrap();
    service.arrived.acquire().await.unwrap().forget();
    assert!(!server.drain(Duration::from_millis(50)).await);
    let mut rest = Vec::new();
    assert_eq!(stuck.read_to_end(&mut rest).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn the_unix_socket_knows_who_asks() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("s");
    let server = Server::new(Slow::new(1));
    server.listen_unix(UnixListener::bind(&path).unwrap());
    let mut client = UnixStream::connect(&path).await.unwrap();
    let own = client.peer_cred().unwrap().uid();
    client.write_all(b"GET /x HTTP/1.1\r\nhost: remuda\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with(&format!("unix {own}")), "{answer}");
    server.drain(Duration::from_secs(1)).await;
}

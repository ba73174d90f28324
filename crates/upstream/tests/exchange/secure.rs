//! TLS: trusted by the user's own authority file, refused otherwise, and the same promises as without.

use std::io::Write;
use std::sync::Arc;

use http_body_util::BodyExt;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use remuda_upstream::{Client, Config, Counts, Error, Origin};
use rstest::rstest;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::scripted::{Fed, SECOND, Server, client, client_with, collect, post, read_request};

/// A certificate for loopback, signed by an authority whose PEM file is beside it.
struct Trust {
    acceptor: TlsAcceptor,
    authority: NamedTempFile,
}

impl Trust {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let file = NamedTempFile::new().unwrap();
        std::fs::write(file.path(), authority.pem()).unwrap();
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority: file }
    }

    fn client(&self) -> Client {
        client_with(|config| config.extra_ca_file = Some(self.authority.path().to_owned()))
    }

    /// A server whose connections have passed the handshake.
    async fn serve<S, F>(&self, host: &str, script: S) -> (Server, Origin)
    where
        S: Fn(TlsStream<TcpStream>) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let acceptor = self.acceptor.clone();
        let server = Server::start(move |socket, _| {
            let (acceptor, script) = (acceptor.clone(), script.clone());
            async move {
                if let Ok(tls) = acceptor.accept(socket).await {
                    script(tls).await;
                }
            }
        })
        .await;
        let origin = format!("https://{host}:{}", server.origin.port()).parse().unwrap();
        (server, origin)
    }
}

async fn answer_all(mut tls: TlsStream<TcpStream>) {
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    loop {
        let request = read_request(&mut tls).await;
        if request.head.is_empty() {
            return;
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", request.body.len());
        tls.write_all(head.as_bytes()).await.unwrap();
        tls.write_all(&request.body).await.unwrap();
        tls.flush().await.unwrap();
    }
}

#[rstest]
#[case::by_address("127.0.0.1")]
#[case::by_name("localhost")]
#[tokio::test]
async fn the_users_authority_is_trusted_and_connections_are_kept(#[case] host: &str) {
    let trust = Trust::new();
    let (server, origin) = trust.serve(host, answer_all).await;
    let client = trust.client();
    for size in [2, 3_000_000, 0, 100] {
        let body = vec![b'x'; size];
        let got = collect(client.send(&origin, post(body.clone())).await.unwrap()).await.unwrap().0;
        assert!(got == body);
    }
    assert_eq!(server.accepted(), 1);
    assert_eq!(client.counts(), Counts { opened: 1, reused: 3, resent: 0, idle: 1 });
}

#[tokio::test]
async fn an_unknown_authority_is_refused_before_anything_is_sent() {
    let (served, other) = (Trust::new(), Trust::new());
    let (_server, origin) = served.serve("127.0.0.1", answer_all).await;
    let error = other.client().send(&origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
    assert!(!error.sent());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let trust = Trust::new();
    let (server, _) = trust.serve("127.0.0.1", answer_all).await;
    let origin = format!("https://127.0.0.2:{}", server.origin.port()).parse().unwrap();
    let error = trust.client().send(&origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. } | Error::Connect { .. }), "{error}");
}

#[tokio::test]
async fn records_that_came_together_leave_as_one_frame() {
    let trust = Trust::new();
    let (_server, origin) = trust
        .serve("127.0.0.1", |mut tls| async move {
            read_request(&mut tls).await;
            tls.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            // Taken into one write of the socket, each as a record of its own.
            let session = tls.get_mut().1;
            for event in 0..10 {
                session.writer().write_all(format!("4\r\n{event:04}\r\n").as_bytes()).unwrap();
            }
            session.writer().write_all(b"0\r\n\r\n").unwrap();
            tls.flush().await.unwrap();
        })
        .await;
    let mut body = trust.client().send(&origin, post("{}")).await.unwrap().into_body();
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame, (0..10).map(|event| format!("{event:04}")).collect::<String>());
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_broken_record_behind_data_is_an_error_at_once() {
    let trust = Trust::new();
    let (_server, origin) = trust
        .serve("127.0.0.1", |mut tls| async move {
            read_request(&mut tls).await;
            tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            read_request(&mut tls).await;
            // rustls reads 4 KiB at a time: the good record comes with one read, most of the broken one with the next.
            let (tcp, session) = tls.get_mut();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}", "x".repeat(3900));
            session.writer().write_all(answer.as_bytes()).unwrap();
            let mut raw = Vec::new();
            session.write_tls(&mut raw).unwrap();
            assert!((3900..4096).contains(&raw.len()), "{}", raw.len());
            raw.extend(b"\x17\x03\x03\x01\x00");
            raw.extend([b'?'; 256]);
            tcp.write_all(&raw).await.unwrap();
            std::future::pending().await
        })
        .await;
    let client = trust.client();
    // The session tickets have been read with the first answer.
    client.send(&origin, post("{}")).await.unwrap();
    let mut body = client.send(&origin, post("{}")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 3900);
    let error = body.frame().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed { before_head: false, source: Some(_) }), "{error}");
}

/// TLS takes up to 64 KiB more than the socket does. Which size leaves some of the body there is up to the machine:
/// the sizes tried are less than that apart.
#[tokio::test]
async fn what_the_caller_gave_is_on_its_way_before_more_is_awaited() {
    let trust = Trust::new();
    let (send, mut taken) = tokio::sync::mpsc::unbounded_channel();
    let (_server, origin) = trust
        .serve("127.0.0.1", move |mut tls| {
            let send = send.clone();
            async move {
                // The client fills the socket meanwhile.
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                let (mut total, mut piece) = (0, vec![0; 65_536]);
                while !piece.starts_with(b"!") {
                    let read = tls.read(&mut piece).await.unwrap();
                    assert!(read > 0);
                    total += read;
                    send.send(total).unwrap();
                }
                tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
                tls.flush().await.unwrap();
                let _ = tls.shutdown().await;
            }
        })
        .await;
    let client = client_with(|config| {
        config.extra_ca_file = Some(trust.authority.path().to_owned());
        config.max_idle = 0;
    });
    for size in (1_000_000..7_000_000).step_by(60_000) {
        let (feed, body) = Fed::new(size as u64 + 1);
        feed.send(Ok(vec![b'x'; size].into())).unwrap();
        let rest = async {
            while taken.recv().await.unwrap() <= size {}
            feed.send(Ok("!".into())).unwrap();
        };
        let request = http::Request::post("/").body(body).unwrap();
        let both = async { tokio::join!(client.send(&origin, request), rest).0 };
        let response = tokio::time::timeout(20 * SECOND, both).await.expect("part of the body was kept back");
        assert_eq!(response.unwrap().status().as_u16(), 200);
    }
}

#[rstest]
#[case::with_notice(true)]
#[case::without_notice(false)]
#[tokio::test]
async fn a_body_until_the_end_of_the_connection_ends_cleanly_only_with_tls_own_notice(#[case] notice: bool) {
    let trust = Trust::new();
    let (_server, origin) = trust
        .serve("127.0.0.1", move |mut tls| async move {
            read_request(&mut tls).await;
            tls.write_all(b"HTTP/1.1 200 OK\r\n\r\nhi").await.unwrap();
            tls.flush().await.unwrap();
            if notice {
                tls.shutdown().await.unwrap();
            }
        })
        .await;
    let collected = collect(trust.client().send(&origin, post("{}")).await.unwrap()).await;
    match collected {
        Ok((body, _)) => assert!(notice && body == b"hi"),
        Err(error) => assert!(!notice && matches!(error, Error::Closed { before_head: false, .. }), "{error}"),
    }
}

#[tokio::test]
async fn a_refusal_behind_a_failed_write_is_read_also_under_tls() {
    let trust = Trust::new();
    let (_server, origin) = trust
        .serve("127.0.0.1", |mut tls| async move {
            let mut first = [0; 1000];
            tls.read_exact(&mut first).await.unwrap();
            tls.write_all(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\nno").await.unwrap();
            tls.flush().await.unwrap();
        })
        .await;
    let client = trust.client();
    let body = bytes::Bytes::from(vec![b'x'; 32 << 20]);
    for _ in 0..10 {
        let response = client.send(&origin, post(body.clone())).await.unwrap();
        assert_eq!(response.status().as_u16(), 429);
        assert_eq!(collect(response).await.unwrap().0, b"no");
    }
}

#[tokio::test]
async fn plain_text_where_tls_is_expected_is_a_tls_error() {
    let server = Server::start(|mut socket, _| async move {
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        crate::scripted::wait_for_close(&mut socket).await;
    })
    .await;
    let origin = format!("https://127.0.0.1:{}", server.origin.port()).parse().unwrap();
    let error = client().send(&origin, post("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}

#[rstest]
#[case::missing(None)]
#[case::empty(Some(""))]
#[case::no_certificate(Some("hello"))]
#[case::broken(Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))]
fn an_unusable_authority_file_is_reported_at_the_start_with_its_name(#[case] content: Option<&str>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("authority.pem");
    if let Some(content) = content {
        std::fs::write(&path, content).unwrap();
    }
    let config = Config { extra_ca_file: Some(path), ..Config::default() };
    let error = Client::new(config).unwrap_err();
    assert!(matches!(error, Error::Certificates { .. }));
    assert!(error.to_string().contains("authority.pem"), "{error}");
}

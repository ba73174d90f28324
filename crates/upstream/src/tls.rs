//! The TLS settings of a client: ring, the platform's authorities plus those of the user, HTTP/1.1 only.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;

use crate::error::Error;

/// Built at the first https connection: reading the platform's authorities takes milliseconds and megabytes, which a
/// start without https does not need.
pub(crate) struct Tls {
    extra: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    /// Reads the user's own authorities, so that a wrong file is reported at the start.
    pub(crate) fn new(extra_ca_file: Option<&Path>) -> Result<Self, Error> {
        let extra = extra_ca_file.map_or(Ok(Vec::new()), read_certificates)?;
        Ok(Self { extra, connector: OnceCell::new() })
    }

    pub(crate) async fn connector(&self) -> io::Result<&TlsConnector> {
        self.connector
            .get_or_try_init(|| async {
                let extra = self.extra.clone();
                let config = tokio::task::spawn_blocking(|| build(extra)).await.map_err(io::Error::other)?;
                Ok(TlsConnector::from(Arc::new(config.map_err(io::Error::other)?)))
            })
            .await
    }
}

fn build(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let refused = |why: String| Error::Certificates { path: path.to_owned(), why };
    let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("the file holds no PEM certificate".to_owned()));
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| refused(error.to_string()))?;
    }
    Ok(certificates)
}

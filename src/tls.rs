//! TLS for what the console asks of others: the system's own trust, and the cryptography library that
//! WebRTC brings anyway. Pure but for what the system's verifier reads at the first connection.

use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How servers are verified: by what the operating system trusts, a company's own proxy included.
pub fn config() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build()
}

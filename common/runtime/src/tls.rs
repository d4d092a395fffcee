//! The one provider of TLS: aws-lc-rs.
//!
//! Place: called first by every main function and by the set-up of tests (dependencies.md §4): with two providers
//! compiled in, the first handshake would panic. Opens no connection.

/// Makes aws-lc-rs the provider of this process; later calls change nothing.
pub fn install() {
    let _installed_before = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

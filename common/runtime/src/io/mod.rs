//! The only list of transports and stores.
//!
//! Place: below `commit/`. Each transport or store is a folder or file here; no event is understood here.

pub mod kafka;
pub mod segment;
pub mod sql;
pub mod sqlite_log;
pub mod tail;

/// Whether a host is this machine: what goes there crosses no network.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The same of `host:port`.
pub(crate) fn is_on_this_machine(address: &str) -> bool {
    is_this_machine(address.rsplit_once(':').map_or(address, |(host, _)| host))
}

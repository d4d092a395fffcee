//! A port of this machine that stays ours for as long as the value lives, also while nobody listens on it.
//!
//! Place: under every process that is started again and again beside others. The numbers lie below those that the system
//! hands out by itself and those of `deploy/local`, and are claimed by name, so that two programs never mean the same one.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as Name, UnixListener};
use std::sync::Arc;

use anyhow::bail;

const FIRST: u16 = 10_000;
const MANY: u32 = 10_000;

/// A port that is held.
#[derive(Debug, Clone)]
pub struct Port {
    /// The port on the loopback address.
    pub address: SocketAddr,
    // Bound to a name of the system that goes away with this process.
    _claim: Arc<UnixListener>,
}

impl Port {
    /// The next one that is free.
    ///
    /// # Errors
    /// When none is.
    pub fn hold() -> anyhow::Result<Self> {
        let begin = std::process::id().wrapping_mul(97);
        for n in 0..MANY {
            let number = FIRST + u16::try_from(begin.wrapping_add(n) % MANY)?;
            let name = Name::from_abstract_name(format!("gooru-da-port-{number}"))?;
            let Ok(claim) = UnixListener::bind_addr(&name) else { continue };
            let address = SocketAddr::from(([127, 0, 0, 1], number));
            if TcpListener::bind(address).is_ok() {
                return Ok(Self { address, _claim: Arc::new(claim) });
            }
        }
        bail!("none of the ports from {FIRST} on is free");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_held_is_given_to_nobody_else() {
        let held: Vec<Port> = (0..20).map(|_| Port::hold().unwrap()).collect();
        let mut numbers: Vec<u16> = held.iter().map(|port| port.address.port()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
    }
}

//! The program demux: the service demux on a cluster.
//!
//! Place: a line around `service::run`. Decides nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    da_runtime::cluster::main("demux", demux::service::run)
}

//! The program dep: the service dep on a cluster.
//!
//! Place: a line around `service::run`. Decides nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    da_runtime::cluster::main("dep", dep::service::run)
}

//! The program gep: the service gep on a cluster.
//!
//! Place: a line around `service::run`. Decides nothing.

use std::process::ExitCode;

fn main() -> ExitCode {
    da_runtime::cluster::main("gep", gep::service::run)
}

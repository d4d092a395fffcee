//! A process that aborts at one record, started by the tests of process killers: `fragile kafka|sql TOPIC GROUP DATABASE`.
//!
//! Place: around [`tests::cluster::fragile`]; of no use by itself.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<&'static str> = std::env::args().skip(1).map(|word| &*word.leak()).collect();
    let Ok(words) = <[&'static str; 4]>::try_from(words) else { return ExitCode::from(2) };
    tests::cluster::fragile::run(words);
    ExitCode::SUCCESS
}

//! `make measures`: prints the size table, writes it to the file named, fails on what must hold.
//!
//! Place: a few lines around `tests::measure`. Changes nothing but that one file.

#![expect(clippy::print_stdout, reason = "the table is this program's result")]

use std::process::ExitCode;

use tests::measure;

fn main() -> ExitCode {
    let rows = measure::measures();
    let page = measure::page(&rows);
    println!("{page}");
    if let Some(file) = std::env::args().nth(1)
        && let Err(error) = std::fs::write(measure::root().join(&file), &page)
    {
        eprintln!("writing {file}: {error}");
        return ExitCode::from(3);
    }
    let broken: Vec<&String> = rows.iter().flat_map(|row| &row.broken).collect();
    for line in &broken {
        println!("must not be: {line}");
    }
    if broken.is_empty() && measure::is_project() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

//! The data folder: whether it takes writes, how long the disk needs to keep one, and whether the data file is whole.
//!
//! Place: part of `examine`, for one process on one file and for the keys of a cluster. Writes a scratch file of its own
//! and takes it away again; the data file is only read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use da_runtime::clock::SystemClock;
use da_runtime::commit::embedded_txn::FILE;
use da_runtime::io::sqlite_log::Reader;
use da_runtime::ports::Clock;

use super::Check;

/// Writes measured, and bytes of each: what a small round writes.
const WRITES: usize = 5;
const BYTES: [u8; 4096] = [0; 4096];

/// The data file: whether it can be read and written to, and how far groups are behind in it.
pub(super) fn file(dir: &Path) -> Check {
    let path = dir.join(FILE);
    let this = Check::new("file", path.display().to_string());
    if !path.exists() {
        return Check::skipped("file", format!("{} is not there yet; da up makes it", path.display()));
    }
    if let Err(error) = OpenOptions::new().append(true).open(&path) {
        return this.found(format!("it cannot be written to: {error}"), "run as the owner of the data folder");
    }
    let seen = Reader::open(&path).and_then(|mut reader| {
        let whole = reader.query("PRAGMA quick_check(1)")?;
        Ok((whole, reader.positions()?))
    });
    let (whole, positions) = match seen {
        Ok(seen) => seen,
        Err(fault) => return this.fault(&fault, ("da doctor again", "put a copy back: docs/runbook.md, Copies")),
    };
    let told = whole.first().and_then(|row| row.values().next()).and_then(|value| value.as_str()).unwrap_or("nothing");
    let waiting: i64 = positions.iter().map(|p| p.end.0 - p.next.0).sum();
    let this = this.said(format!("whole; {waiting} records wait")).measured("records_waiting", waiting);
    if told == "ok" {
        return this;
    }
    this.found(
        format!("SQLite finds it damaged: {told}"),
        "stop, keep the file, put a copy back: docs/runbook.md, Copies",
    )
}

/// How long the disk under a folder needs to keep 4 KiB.
pub(super) fn writing(dir: &Path) -> Check {
    if !dir.is_dir() {
        return Check::skipped("writing", format!("{} is not there yet", dir.display()));
    }
    let this = Check::new("writing", dir.display().to_string());
    let scratch = dir.join(format!(".doctor-{}", std::process::id()));
    let took = kept(&scratch);
    // What cannot be written need not be there to be taken away.
    let _absent = fs::remove_file(&scratch);
    match took {
        Ok(took) => this.timed(&took, "move the folder to a faster disk: every answer to a partner waits for it"),
        Err(error) => this
            .found(format!("it cannot be written to: {error}"), "give this user the folder, or make room on its disk"),
    }
}

fn kept(scratch: &Path) -> io::Result<Vec<i64>> {
    let mut file = File::create(scratch)?;
    let mut took = Vec::with_capacity(WRITES);
    for _ in 0..WRITES {
        let begun = SystemClock.now();
        file.write_all(&BYTES)?;
        file.sync_data()?;
        took.push(SystemClock.now().since(begun));
    }
    Ok(took)
}

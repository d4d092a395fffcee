//! Free room on the disk under a folder, as the system's own `df` tells it.
//!
//! Place: last part of `examine`. Where there is no `df`, the check is skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Check;

/// Less than this is a finding, KiB, and less than so many in a hundred.
const LEAST_KIB: i64 = 1 << 20;
const LEAST_PERCENT: i64 = 5;

/// Free room under a folder, or under the nearest folder above it that is there.
pub(super) fn free(check: &'static str, dir: &Path) -> Check {
    let there = nearest(dir);
    let told = Command::new("df").arg("-Pk").arg(&there).output();
    let text = match told {
        Ok(told) if told.status.success() => String::from_utf8_lossy(&told.stdout).into_owned(),
        Ok(told) => return Check::skipped(check, format!("df {}: {}", there.display(), told.status)),
        Err(error) => return Check::skipped(check, format!("df cannot be run: {error}")),
    };
    match read(&text) {
        Some((all, left)) => judged(Check::new(check, dir.display().to_string()), (all, left)),
        None => Check::skipped(check, format!("df {} tells nothing that can be read", there.display())),
    }
}

/// The folder, or the nearest above it that is there.
fn nearest(dir: &Path) -> PathBuf {
    let there = dir.ancestors().find(|dir| dir.is_dir());
    there.filter(|dir| !dir.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// All and free KiB of the one file system that `df -Pk` was asked about.
fn read(text: &str) -> Option<(i64, i64)> {
    let line = text.lines().nth(1)?;
    // The name of a device may hold spaces, and so may the place: numbers stand before the column that ends in `%`.
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().position(|word| word.ends_with('%'))?;
    let number = |back: usize| words.get(percent.checked_sub(back)?)?.parse::<i64>().ok();
    Some((number(3)?, number(1)?))
}

fn judged(this: Check, (all, left): (i64, i64)) -> Check {
    let percent = left.saturating_mul(100) / all.max(1);
    let gib = |kib: i64| format!("{}.{} GiB", kib >> 20, ((kib & ((1 << 20) - 1)) * 10) >> 20);
    let text = format!("{} free of {}, {percent} %", gib(left), gib(all));
    let this = this.measured("free_kib", left).measured("free_percent", percent);
    if left >= LEAST_KIB && percent >= LEAST_PERCENT {
        return this.said(text);
    }
    this.found(text, "make room: a full disk answers 503 to partners until there is some")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn the_line_of_df_is_read_and_judged() {
        let head = "Filesystem     1024-blocks      Used Available Capacity Mounted on\n";
        let line = "/dev/my disk      41943040  20971520  20971520      50% /var/lib/a b\n";
        assert_eq!(read(&format!("{head}{line}")), Some((41_943_040, 20_971_520)));
        assert_eq!(read(head), None);
        let fine = judged(Check::new("disk", "d"), (41_943_040, 20_971_520));
        assert_eq!((fine.state, fine.text.as_str()), (State::Ok, "20.0 GiB free of 40.0 GiB, 50 %"));
        let little = judged(Check::new("disk", "d"), (41_943_040, (1 << 20) - 1));
        assert_eq!(little.state, State::Finding, "{little:?}");
        let share = judged(Check::new("disk", "d"), (100 << 20, 4 << 20));
        assert_eq!((share.state, share.findings.len()), (State::Finding, 1), "4 GiB, but 4 %");
    }

    #[test]
    fn a_folder_that_is_not_there_yet_stands_for_the_one_above_it() {
        let dir = std::env::temp_dir();
        assert_eq!(nearest(&dir.join("no-such/folder")), dir);
        assert_eq!(nearest(Path::new("no-such-folder")), Path::new("."));
    }
}

//! Real data beside the repository, where it is at hand.
//!
//! Place: asked by tests that need more than they make themselves; without it they say `skipped`, never `passed`.

use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data")
}

/// A file, or nothing where it is not at hand.
#[must_use]
pub fn file(path: &str) -> Option<Vec<u8>> {
    std::fs::read(root().join(path)).ok()
}

/// All files of a folder with their names, sorted; none where it is not at hand.
#[must_use]
pub fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(root().join(folder)).into_iter().flatten().flatten();
    let mut found: Vec<_> =
        entries.filter_map(|e| Some((e.file_name().into_string().ok()?, std::fs::read(e.path()).ok()?))).collect();
    found.sort();
    found
}

/// Says that a test could not run.
pub fn skipped(test: &str) {
    eprintln!("skipped {test}: the data folder is not at hand");
}

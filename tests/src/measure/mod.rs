//! Sizes and habits of the source text: what `make measures` prints and `make check` limits.
//!
//! Place: read by the house test and the `measures` program. Counts comments and blank lines, leaves `#[cfg(test)]`
//! modules out, and looks at text only: what the compiler can hold is held by lints.

mod scan;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

pub use table::{Measure, is_core, is_project, measures, page, reading_order};

/// The crates whose files are measured, by folder.
pub const CRATES: [&str; 6] = ["common/model", "common/runtime", "gep", "demux", "dep", "cli"];

/// One source file, taken apart.
#[derive(Debug)]
pub struct SourceFile {
    /// Path from the root of the project.
    pub path: String,
    /// Its text as written.
    pub text: String,
    /// Its production text with comments blanked.
    pub code: String,
    /// Its production text with comments and string contents blanked.
    pub bare: String,
    /// Lines outside of `#[cfg(test)]`.
    pub production: usize,
    /// Lines inside of `#[cfg(test)]`.
    pub test: usize,
    /// Functions outside of `#[cfg(test)]`.
    pub functions: Vec<Function>,
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Lines from its `fn` to its closing brace.
    pub lines: usize,
}

/// The root of the project.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every production source file of the measured crates, in order.
#[must_use]
pub fn sources() -> Vec<SourceFile> {
    let all = CRATES.iter().flat_map(|folder| files_under(&format!("{folder}/src"), "rs"));
    all.filter(|path| !is_test(path)).map(|path| SourceFile::read(&path)).collect()
}

/// Every file that only tests: whole files of tests beside the production files, and the package `tests`.
#[must_use]
pub fn test_sources() -> Vec<SourceFile> {
    let beside = CRATES.iter().flat_map(|folder| files_under(folder, "rs")).filter(|path| is_test(path));
    beside.chain(files_under("tests", "rs")).map(|path| SourceFile::read(&path)).collect()
}

/// `tests.rs`, `…_tests.rs`, and everything in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/")
}

/// Files below a folder with an ending, in order; paths from the root.
#[must_use]
pub fn files_under(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(folder), folder, &mut found);
    found.retain(|path| path.ends_with(&format!(".{ending}")));
    found.sort();
    found
}

fn collect(at: &Path, name: &str, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(at) else {
        return;
    };
    for entry in entries.flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &name, found);
        } else {
            found.push(name);
        }
    }
}

impl SourceFile {
    /// Reads and takes apart one file; a file that is gone is empty.
    #[must_use]
    pub fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_default();
        Self::of(path, text)
    }

    /// Takes a text apart.
    #[must_use]
    pub fn of(path: &str, text: String) -> Self {
        let bare = scan::without_comments_and_strings(&text);
        let code = scan::without_comments(&text);
        let tests = scan::test_lines(&bare);
        let keep = |from: &str| {
            from.lines().zip(&tests).filter(|(_, test)| !**test).fold(String::new(), |all, (line, _)| all + line + "\n")
        };
        let (bare, code) = (keep(&bare), keep(&code));
        let test = tests.iter().filter(|test| **test).count();
        Self {
            path: path.to_owned(),
            production: tests.len() - test,
            test,
            functions: scan::functions(&bare),
            text,
            code,
            bare,
        }
    }

    /// Whether the production code names a word, not as part of a longer one.
    #[must_use]
    pub fn names(&self, word: &str) -> bool {
        scan::names(&self.bare, word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "//! Head.\nuse a::b;\n\nfn f() {\n    let s = \"} // no\";\n    // }\n}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";

    #[test]
    fn a_file_is_taken_apart_without_being_fooled_by_texts_and_comments() {
        let file = SourceFile::of("x.rs", TEXT.to_owned());
        assert_eq!((file.production, file.test), (8, 4));
        assert_eq!(file.functions.len(), 1);
        assert_eq!((file.functions[0].name.as_str(), file.functions[0].lines), ("f", 4));
        assert!(file.names("a") && file.names("b") && !file.names("no") && !file.names("g"));
        assert!(file.code.contains("} // no"));
    }
}

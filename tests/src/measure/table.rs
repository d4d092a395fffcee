//! The measures of beauty: what was counted, what is aimed at, what must hold.
//!
//! Place: `make measures` prints the rows; the house test asserts those that have a limit. Sizes leave tests out.

use super::{SourceFile, files_under, root, sources, test_sources};

/// One row of the table.
#[derive(Debug)]
pub struct Measure {
    /// What is counted.
    pub name: &'static str,
    /// What was found.
    pub found: String,
    /// What is aimed at.
    pub target: &'static str,
    /// What must hold, as text; empty where nothing must.
    pub must: &'static str,
    /// What breaks the must, named; empty when it holds.
    pub broken: Vec<String>,
}

/// Words that make a file impure: I/O, clock, log, metric.
const IMPURE: [&str; 17] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "stdin",
    "stdout",
    "stderr",
    "TcpStream",
    "SystemTime",
    "Instant",
    "da_runtime",
    "tokio",
    "sqlx",
    "axum",
    "tracing",
    "println",
];

/// The files to read for the whole truth, in this order.
const READING_ORDER: [&str; 10] = [
    "common/model/src/handler.rs",
    "common/model/src/effects.rs",
    "demux/src/pipeline.rs",
    "demux/src/metrics/timespent.rs",
    "gep/src/pipeline.rs",
    "dep/src/pipeline.rs",
    "dep/src/processors/lesson_score.rs",
    "common/runtime/src/driver.rs",
    "common/model/src/delivery/take_over.rs",
    "common/runtime/src/commit/embedded_txn.rs",
];

/// The reading order with the production lines of each file; 0 for a file that is not there.
#[must_use]
pub fn reading_order() -> Vec<(&'static str, usize)> {
    READING_ORDER.iter().map(|path| (*path, SourceFile::read(path).production)).collect()
}

/// All rows, counted now.
#[must_use]
pub fn measures() -> Vec<Measure> {
    let files = sources();
    vec![
        file_lines(&files),
        function_lines(&files),
        documented(&files),
        headers(&files),
        panics(&files),
        pure_cores(&files),
        pure_whole(&files),
        tests_per_line(&files),
        unsafe_files(&files),
        macros(&files),
        reading(),
    ]
}

fn file_lines(files: &[SourceFile]) -> Measure {
    let sizes = sorted(files.iter().map(|f| f.production));
    Measure {
        name: "production lines per file, p90 / longest",
        found: format!("{} / {}", percentile(&sizes, 90), percentile(&sizes, 100)),
        target: "250 / 500",
        must: "500",
        broken: files.iter().filter(|f| f.production > 500).map(|f| format!("{}: {}", f.path, f.production)).collect(),
    }
}

fn function_lines(files: &[SourceFile]) -> Measure {
    let sizes = sorted(files.iter().flat_map(|f| f.functions.iter().map(|g| g.lines)));
    let long = |f: &SourceFile| {
        let path = f.path.clone();
        f.functions
            .iter()
            .filter(|g| g.lines > 60)
            .map(move |g| format!("{path} {}: {}", g.name, g.lines))
            .collect::<Vec<_>>()
    };
    let numbers = [90, 99, 100].map(|p| percentile(&sizes, p).to_string());
    Measure {
        name: "lines per function, p90 / p99 / longest",
        found: numbers.join(" / "),
        target: "18 / 50 / 60",
        must: "60",
        broken: files.iter().flat_map(long).collect(),
    }
}

fn documented(files: &[SourceFile]) -> Measure {
    let mut all = 0;
    let mut bare = Vec::new();
    for file in files {
        for (line, documented) in public_items(file) {
            all += 1;
            if !documented {
                bare.push(format!("{}: {line}", file.path));
            }
        }
    }
    Measure {
        name: "public items documented",
        found: percent(all - bare.len(), all),
        target: "100 %",
        must: "100 %",
        broken: bare,
    }
}

/// Public items and whether a doc comment stands before them. A `pub mod` or `pub use` is documented where it leads.
fn public_items(file: &SourceFile) -> Vec<(String, bool)> {
    let kinds = ["fn ", "const ", "static ", "struct ", "enum ", "trait ", "type ", "async fn ", "unsafe fn "];
    let mut documented = false;
    let mut items = Vec::new();
    for line in file.text.lines().map(str::trim) {
        if line == "#[cfg(test)]" {
            break;
        }
        if line.starts_with("///") || line.starts_with("#[doc") {
            documented = true;
        } else if let Some(item) = line.strip_prefix("pub ") {
            if kinds.iter().any(|kind| item.starts_with(kind)) && !item.contains('$') {
                items.push((item.to_owned(), documented));
            }
            documented = false;
        } else if !line.starts_with("#[") && !line.starts_with("//") && !line.ends_with(")]") {
            documented = documented && line.is_empty();
        }
    }
    items
}

fn headers(files: &[SourceFile]) -> Measure {
    let bare: Vec<String> = files.iter().filter(|f| !f.text.starts_with("//! ")).map(|f| f.path.clone()).collect();
    Measure {
        name: "files with a header",
        found: percent(files.len() - bare.len(), files.len()),
        target: "100 %",
        must: "100 %",
        broken: bare,
    }
}

fn panics(files: &[SourceFile]) -> Measure {
    let words = [".unwrap()", "panic!(", "todo!(", "unimplemented!(", "unreachable!()"];
    let found: Vec<String> = files
        .iter()
        .flat_map(|f| words.iter().filter(|w| f.bare.contains(**w)).map(|w| format!("{}: {w}", f.path)))
        .collect();
    Measure {
        name: "`unwrap`, panic in production (indexing: lint)",
        found: found.len().to_string(),
        target: "0",
        must: "0",
        broken: found,
    }
}

/// Whether a file belongs to da-model or to a service's core.
#[must_use]
pub fn is_core(path: &str) -> bool {
    let of_model = path.starts_with("common/model/");
    let service = ["gep/src/", "demux/src/", "dep/src/"].iter().find_map(|folder| path.strip_prefix(folder));
    of_model || service.is_some_and(|rest| !rest.starts_with("service") && rest != "main.rs")
}

fn is_pure(file: &SourceFile) -> bool {
    !IMPURE.iter().any(|word| file.names(word)) && !file.bare.contains("metrics::counter")
}

fn pure_cores(files: &[SourceFile]) -> Measure {
    let cores: Vec<&SourceFile> = files.iter().filter(|f| is_core(&f.path)).collect();
    let impure: Vec<String> = cores.iter().filter(|f| !is_pure(f)).map(|f| f.path.clone()).collect();
    Measure {
        name: "pure files (no I/O, clock, log, metric): da-model and cores",
        found: percent(cores.len() - impure.len(), cores.len()),
        target: "100 %",
        must: "100 %",
        broken: impure,
    }
}

fn pure_whole(files: &[SourceFile]) -> Measure {
    let pure = files.iter().filter(|f| is_pure(f)).count();
    let found = percent(pure, files.len());
    Measure { name: "pure files: whole", found, target: "≥ 60 %", must: "", broken: Vec::new() }
}

fn tests_per_line(files: &[SourceFile]) -> Measure {
    let production: usize = files.iter().map(|f| f.production).sum();
    let inside: usize = files.iter().map(|f| f.test).sum();
    let outside: usize = test_sources().iter().map(|file| file.text.lines().count()).sum();
    let ratio = (inside + outside) as f64 / (production.max(1)) as f64;
    let found = format!("{ratio:.2} ({} / {production})", inside + outside);
    Measure { name: "test lines per production line", found, target: "about 1.0", must: "", broken: Vec::new() }
}

fn unsafe_files(files: &[SourceFile]) -> Measure {
    let found: Vec<String> = files.iter().filter(|f| f.names("unsafe")).map(|f| f.path.clone()).collect();
    let broken = if found.len() > 1 { found.clone() } else { Vec::new() };
    Measure { name: "files with `unsafe`", found: found.len().to_string(), target: "1", must: "1", broken }
}

fn macros(files: &[SourceFile]) -> Measure {
    let found: Vec<String> =
        files.iter().flat_map(|f| (0..f.bare.matches("macro_rules!").count()).map(|_| f.path.clone())).collect();
    let in_core = found.iter().filter(|path| is_core(path) && !path.starts_with("common/model/"));
    let broken = if found.len() > 2 { found.clone() } else { in_core.cloned().collect() };
    Measure {
        name: "`macro_rules!` (none in a service core)",
        found: found.len().to_string(),
        target: "≤ 2",
        must: "2",
        broken,
    }
}

fn reading() -> Measure {
    let files = reading_order();
    let total: usize = files.iter().map(|(_, lines)| lines).sum();
    let mut broken: Vec<String> = files.iter().filter(|(_, n)| *n == 0).map(|(p, _)| format!("{p}: missing")).collect();
    if total > 1_200 {
        broken.extend(files.iter().map(|(path, lines)| format!("{path}: {lines}")));
    }
    Measure { name: "lines of the reading order", found: total.to_string(), target: "≤ 1,200", must: "1,200", broken }
}

fn sorted(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    sizes
}

fn percentile(sorted: &[usize], p: usize) -> usize {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * p).div_ceil(100)).copied().unwrap_or(0)
}

fn percent(part: usize, whole: usize) -> String {
    format!("{} % ({part} / {whole})", (part * 100).checked_div(whole).unwrap_or(100))
}

/// The table as a page.
#[must_use]
pub fn page(rows: &[Measure]) -> String {
    let mut text = String::from("# Measures\n\nWritten by `make measures`; `make check` fails on the last column.\n\n");
    text.push_str("| Measure | Found | Target | Must |\n|---|---|---|---|\n");
    for row in rows {
        text.push_str(&format!("| {} | {} | {} | {} |\n", row.name, row.found, row.target, row.must));
    }
    let crates = super::CRATES.map(|folder| {
        let files: Vec<SourceFile> =
            files_under(&format!("{folder}/src"), "rs").iter().map(|path| SourceFile::read(path)).collect();
        let lines: usize = files.iter().map(|f| f.production).sum();
        format!("| {folder} | {} | {lines} |\n", files.len())
    });
    text.push_str("\n| Crate | Files | Production lines |\n|---|---|---|\n");
    text.push_str(&crates.concat());
    text
}

/// Whether the root looks like the project, so that an empty table is not taken for a clean one.
#[must_use]
pub fn is_project() -> bool {
    root().join("topics.yaml").is_file()
}

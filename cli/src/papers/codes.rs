//! The pages of stable codes and telemetry names, taken from the documented variants of the closed lists.
//!
//! Place: the source of a list is its own documentation, so it is read as text; there is no second list to forget.

const OUTCOME: &str = include_str!("../../../common/model/src/outcome.rs");
const NAMES: &str = include_str!("../../../common/model/src/names.rs");

/// One value of a closed list.
struct Code<'a> {
    code: &'a str,
    doc: String,
}

/// Verdicts, reasons, flags and outcomes.
pub(super) fn page() -> String {
    let mut text =
        String::from("# Codes\n\nFrom `outcome.rs`; written by `make docs`. A code is never renamed or reused.\n");
    for (list, title) in [
        ("Verdict", "Verdicts: what a partner is told about one event"),
        ("Reason", "Reasons: why an event or record was refused"),
        ("Flag", "Flags: what was corrected in an accepted event"),
        ("Outcome", "Outcomes: what became of a record in a handler"),
    ] {
        text.push_str(&table(OUTCOME, list, title));
    }
    text
}

/// Metrics, labels, log events and spans.
pub(super) fn telemetry() -> String {
    let mut text = String::from("# Telemetry\n\nFrom `names.rs`; written by `make docs`.\n");
    for (list, title) in [("Metric", "Metrics"), ("Label", "Labels"), ("LogEvent", "Log events"), ("Span", "Spans")] {
        text.push_str(&table(NAMES, list, title));
    }
    text
}

fn table(source: &str, list: &str, title: &str) -> String {
    let rows: String = codes(source, list).iter().map(|code| format!("| `{}` | {} |\n", code.code, code.doc)).collect();
    format!("\n## {title}\n\n| Code | Meaning |\n|---|---|\n{rows}")
}

fn codes<'a>(source: &'a str, list: &str) -> Vec<Code<'a>> {
    let head = format!("{list} {{");
    let body = source.lines().skip_while(|line| line.trim() != head).skip(1).take_while(|line| line.trim() != "}");
    let mut doc = String::new();
    let mut found = Vec::new();
    for line in body.map(str::trim) {
        if let Some(part) = line.strip_prefix("///") {
            doc.push_str(part);
        } else if let Some(code) = line.split('"').nth(1) {
            found.push(Code { code, doc: std::mem::take(&mut doc).trim().replace('|', "\\|") });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use da_model::outcome::{Flag, Reason};

    use super::*;

    #[test]
    fn the_page_lists_every_code_with_its_meaning() {
        let reasons = codes(OUTCOME, "Reason");
        assert!(reasons.iter().map(|c| c.code).eq(Reason::ALL.iter().map(|r| r.code())));
        assert!(codes(OUTCOME, "Flag").iter().map(|c| c.code).eq(Flag::ALL.iter().map(|f| f.code())));
        assert!(reasons.iter().all(|c| !c.doc.is_empty()));
    }
}

//! `deploy/settings/full.yaml`: every setting with its meaning and its default.
//!
//! Place: values come from the defaults in use, meanings from the documented keys of `config/raw.rs`, read as text.

use da_runtime::config::raw::Raw;
use serde_json::{Map, Value};

const SOURCE: &str = include_str!("../../../common/runtime/src/config/raw.rs");

/// The file.
///
/// # Errors
/// Never in practice: settings are plain JSON.
pub(super) fn file() -> anyhow::Result<String> {
    let mut text = String::from(
        "# Every setting with its default; written by `make docs`. Save what you change as da.yaml.\n\
         # The environment overrides the file: DA__HTTP__LISTEN=0.0.0.0:80 sets http.listen.\n",
    );
    if let Value::Object(fields) = serde_json::to_value(Raw::default())? {
        group("Raw", &fields, 0, &mut text);
    }
    Ok(text)
}

fn group(name: &str, fields: &Map<String, Value>, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for (key, doc, kind) in documented(name) {
        let Some(value) = fields.get(key) else { continue };
        text.push_str(&format!("{indent}# {doc}\n"));
        match value {
            Value::Object(inner) if !documented(kind).is_empty() => {
                text.push_str(&format!("{indent}{key}:\n"));
                group(kind, inner, depth + 1, text);
            }
            Value::Null => text.push_str(&format!("{indent}# {key}: …\n")),
            Value::Object(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                text.push_str(&format!("{indent}{key}: {value}\n"));
            }
        }
    }
}

/// Key, meaning and type of each setting of a group, in the order of the source.
fn documented(name: &str) -> Vec<(&'static str, String, &'static str)> {
    let head = format!("{name} {{");
    let body = SOURCE.lines().skip_while(|line| line.trim() != head).skip(1).take_while(|line| line.trim() != "}");
    let mut doc = String::new();
    let mut found = Vec::new();
    for line in body.map(str::trim) {
        if let Some(part) = line.strip_prefix("///") {
            doc.push_str(part);
        } else if let Some((key, rest)) = line.split_once(": ").filter(|_| !line.starts_with('#')) {
            let kind = rest.split([' ', ',']).next().unwrap_or_default();
            found.push((key, std::mem::take(&mut doc).trim().to_owned(), kind));
        }
    }
    found
}

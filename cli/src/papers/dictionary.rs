//! The data dictionary: every field of every schema with its type and meaning.
//!
//! Place: walks the compiled-in Avro schemas. Judges nothing: compatibility is da-model's affair.

use anyhow::Context;
use da_model::schema::{self, SCHEMAS};
use da_model::topics;
use serde_json::Value;

/// The page.
///
/// # Errors
/// Where a compiled-in schema is no JSON.
pub(super) fn page() -> anyhow::Result<String> {
    let mut text =
        String::from("# Dictionary\n\nFrom `schemas/`; written by `make docs`. `?` marks what may be null.\n");
    for (name, id) in SCHEMAS {
        let source = schema::schema_text(name).with_context(|| format!("schema {name} is not compiled in"))?;
        let parsed: Value = serde_json::from_str(source).with_context(|| format!("schema {name}"))?;
        let used: Vec<&str> = topics::all().iter().filter(|t| t.schema == *name).map(|t| t.name.as_str()).collect();
        text.push_str(&format!("\n## {name}\n\n"));
        if let Some(doc) = parsed.get("doc").and_then(Value::as_str) {
            text.push_str(&format!("{doc}\n\n"));
        }
        text.push_str(&format!("Id on the embedded log: {id}. Topics: `{}`.\n\n", used.join("`, `")));
        text.push_str("| Field | Type | Meaning |\n|---|---|---|\n");
        fields(&parsed, "", &mut text);
    }
    Ok(text)
}

fn fields(record: &Value, prefix: &str, text: &mut String) {
    let Some(list) = record.get("fields").and_then(Value::as_array) else {
        return;
    };
    for field in list {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let doc = field.get("doc").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{prefix}{name}");
        let Some(kind) = field.get("type") else { continue };
        text.push_str(&format!("| `{path}` | {} | {} |\n", word(kind), doc.replace('|', "\\|")));
        for inner in records(kind) {
            fields(inner, &format!("{path}."), text);
        }
    }
}

/// A type in one phrase.
fn word(kind: &Value) -> String {
    match kind {
        Value::String(name) => name.rsplit('.').next().unwrap_or(name).to_owned(),
        Value::Array(branches) => {
            let named: Vec<String> = branches.iter().filter(|b| b.as_str() != Some("null")).map(word).collect();
            let mark = if named.len() < branches.len() { "?" } else { "" };
            format!("{}{mark}", named.join(" or "))
        }
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            match (text("logicalType"), text("type"), text("name")) {
                (Some("decimal"), ..) => format!("decimal, scale {}", fields.get("scale").unwrap_or(&Value::Null)),
                (Some(logical), ..) => logical.to_owned(),
                (None, Some("array"), _) => format!("list of {}", fields.get("items").map(word).unwrap_or_default()),
                (None, Some("map"), _) => format!("map of {}", fields.get("values").map(word).unwrap_or_default()),
                (None, Some("enum"), _) => symbols(fields.get("symbols")),
                (None, Some(kind), Some(name)) => format!("{kind} {name}"),
                (None, Some(kind), None) => kind.to_owned(),
                (None, None, _) => fields.get("type").map(word).unwrap_or_default(),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

fn symbols(list: Option<&Value>) -> String {
    let words: Vec<&str> = list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    words.join(", ")
}

/// The records defined inside a type.
fn records(kind: &Value) -> Vec<&Value> {
    match kind {
        Value::Array(branches) => branches.iter().flat_map(records).collect(),
        Value::Object(fields) if fields.get("type").and_then(Value::as_str) == Some("record") => vec![kind],
        Value::Object(fields) => {
            ["items", "values", "type"].iter().filter_map(|key| fields.get(*key)).flat_map(records).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

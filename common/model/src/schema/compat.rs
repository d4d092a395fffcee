//! Whether a new version of a schema reads everything written with the earlier ones (BACKWARD_TRANSITIVE).
//!
//! Place: asked before a start and by `da schemas check`; names the field at fault. Resolves no data.

use apache_avro::Schema;
use apache_avro::error::CompatibilityError;
use apache_avro::schema::{RecordSchema, UnionSchema};
use apache_avro::schema_compatibility::{Compatibility, SchemaCompatibility};

/// Why a schema does not read an earlier version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// One of the texts is no schema.
    #[error("version {version} is no Avro schema: {cause}")]
    NoSchema {
        /// Number of the version, from 1; the new one is the last.
        version: usize,
        /// What is wrong.
        cause: String,
    },
    /// A field cannot be read.
    #[error("field `{field}` cannot be read from version {version}: {cause}")]
    Field {
        /// The field, with dots between records and `[]` behind arrays and maps; empty for the record itself.
        field: String,
        /// Number of the earlier version, from 1.
        version: usize,
        /// What is wrong.
        cause: String,
    },
}

/// Checks `new` against all earlier versions, oldest first.
///
/// # Errors
/// The first field that stands in the way.
pub fn backward_transitive(new: &str, earlier: &[&str]) -> Result<(), Incompatible> {
    let reader = parsed(new, earlier.len() + 1)?;
    for (n, text) in earlier.iter().enumerate() {
        let version = n + 1;
        let writer = parsed(text, version)?;
        if let Some((field, cause)) = fault(&writer, &reader) {
            return Err(Incompatible::Field { field, version, cause });
        }
    }
    Ok(())
}

/// Whether values of one writer may be read at all; a value with a symbol or branch that is gone is told when it comes.
pub(super) fn readable(writer: &Schema, reader: &Schema) -> Result<(), Incompatible> {
    match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full | Compatibility::Partial) => Ok(()),
        Err(_) => {
            let (field, cause) = fault(writer, reader).unwrap_or_default();
            Err(Incompatible::Field { field, version: 1, cause })
        }
    }
}

fn parsed(text: &str, version: usize) -> Result<Schema, Incompatible> {
    Schema::parse_str(text).map_err(|e| Incompatible::NoSchema { version, cause: e.to_string() })
}

/// The innermost field that stands in the way, and why.
fn fault(writer: &Schema, reader: &Schema) -> Option<(String, String)> {
    let cause = match SchemaCompatibility::can_read(writer, reader) {
        Ok(Compatibility::Full) => return None,
        Ok(Compatibility::Partial) => "a symbol or branch is gone".to_owned(),
        Err(CompatibilityError::MissingDefaultValue(name)) => {
            return Some((name, "the new field has no default".to_owned()));
        }
        Err(CompatibilityError::WrongType { .. }) => "the type is another".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(inner_fault(writer, reader).unwrap_or((String::new(), cause)))
}

fn inner_fault(writer: &Schema, reader: &Schema) -> Option<(String, String)> {
    if let (Schema::Record(writer), Schema::Record(reader)) = (writer, reader) {
        return record_fault(writer, reader);
    }
    if let (Schema::Array(writer), Schema::Array(reader)) = (writer, reader) {
        return fault(&writer.items, &reader.items).map(|(at, why)| (joined("[]", &at), why));
    }
    if let (Schema::Map(writer), Schema::Map(reader)) = (writer, reader) {
        return fault(&writer.types, &reader.types).map(|(at, why)| (joined("[]", &at), why));
    }
    if let (Schema::Union(writer), Schema::Union(reader)) = (writer, reader) {
        return union_fault(writer, reader);
    }
    None
}

fn record_fault(writer: &RecordSchema, reader: &RecordSchema) -> Option<(String, String)> {
    reader.fields.iter().find_map(|field| {
        let old = writer.fields.iter().find(|f| f.name == field.name)?;
        fault(&old.schema, &field.schema).map(|(at, why)| (joined(&field.name, &at), why))
    })
}

fn union_fault(writer: &UnionSchema, reader: &UnionSchema) -> Option<(String, String)> {
    writer.variants().iter().find_map(|old| {
        let name = old.name()?;
        let new = reader.variants().iter().find(|v| v.name() == Some(name))?;
        fault(old, new)
    })
}

fn joined(outer: &str, inner: &str) -> String {
    match inner {
        "" => outer.to_owned(),
        _ if inner.starts_with("[]") => format!("{outer}{inner}"),
        _ => format!("{outer}.{inner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{SCHEMAS, schema_text};

    fn changed(name: &str, from: &str, to: &str) -> Result<(), Incompatible> {
        let old = schema_text(name).unwrap();
        let new = old.replacen(from, to, 1);
        assert_ne!(old, new, "the text to replace stands in the schema");
        backward_transitive(&new, &[old])
    }

    fn field_of(verdict: Result<(), Incompatible>) -> String {
        match verdict {
            Err(Incompatible::Field { field, version: 1, .. }) => field,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn every_schema_reads_itself() {
        for (name, _) in SCHEMAS {
            let text = schema_text(name).unwrap();
            assert_eq!(backward_transitive(text, &[text]), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_new_field_needs_a_default() {
        let field = r#"{"name": "timezone", "#;
        let bare = format!(r#"{{"name": "planet", "type": "string"}}, {field}"#);
        assert_eq!(field_of(changed("accepted", field, &bare)), "planet");
        let with = format!(r#"{{"name": "planet", "type": "string", "default": "earth"}}, {field}"#);
        assert_eq!(changed("accepted", field, &with), Ok(()));
    }

    #[test]
    fn the_field_at_fault_is_named_with_its_path() {
        let verdict = changed("de.score", r#""path", "daily""#, r#""daily""#);
        assert_eq!(field_of(verdict), "context.track");
        let verdict = changed("usage", r#""withdrawn", "latest""#, r#""latest""#);
        assert_eq!(field_of(verdict), "changes[].cause");
        let verdict = changed("de.score", r#""precision": 5"#, r#""precision": 6"#);
        assert_eq!(field_of(verdict), "result.score");
    }

    #[test]
    fn all_earlier_versions_count() {
        let old = schema_text("de.view").unwrap();
        let other = schema_text("de.score").unwrap();
        let verdict = backward_transitive(old, &[old, other]);
        assert!(matches!(verdict, Err(Incompatible::Field { version: 2, .. })), "{verdict:?}");
        assert!(matches!(backward_transitive("{", &[old]), Err(Incompatible::NoSchema { version: 2, .. })));
    }
}

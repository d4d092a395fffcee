//! A value of one schema as a value of another: Avro's schema resolution, led by both schemas.
//!
//! Place: the middle of `resolve`. apache-avro's own resolution sees the value alone: it takes a record for the first
//! branch of a union that it fits, does not compare the scale of decimals and refuses short ones. Reads no bytes.

use std::collections::HashMap;

use apache_avro::Schema;
use apache_avro::schema::{EnumSchema, Name, RecordField, RecordSchema, ResolvedSchema, UnionSchema};
use apache_avro::types::Value;

/// A fit, or why there is none: the field and what is wrong with it.
type Fitted<T> = Result<T, String>;

/// The named types of both sides.
pub(super) struct Fit<'s> {
    writer: ResolvedSchema<'s>,
    reader: ResolvedSchema<'s>,
}

impl<'s> Fit<'s> {
    /// Between the schema a value was written with, and the one it is wanted in.
    pub(super) fn between(writer: &'s Schema, reader: &'s Schema) -> Fitted<Self> {
        let named = |schema| ResolvedSchema::try_from(schema).map_err(|e: apache_avro::Error| e.to_string());
        Ok(Self { writer: named(writer)?, reader: named(reader)? })
    }

    /// The value as `reader` has it. `writer` is finite, so this ends.
    pub(super) fn fit(&self, value: Value, writer: &Schema, reader: &Schema) -> Fitted<Value> {
        let (writer, reader) = (meant(writer, self.writer.get_names())?, meant(reader, self.reader.get_names())?);
        match (value, writer, reader) {
            (Value::Union(branch, value), Schema::Union(written), reader) => {
                let branch = usize::try_from(branch).ok().and_then(|n| written.variants().get(n));
                self.fit(*value, branch.ok_or("a branch is out of range")?, reader)
            }
            (value, writer, Schema::Union(wanted)) => self.branch(value, writer, wanted),
            (Value::Record(values), Schema::Record(written), Schema::Record(wanted)) if same(written, wanted) => {
                self.record(values, written, wanted)
            }
            (Value::Array(items), Schema::Array(written), Schema::Array(wanted)) => {
                let fitted = items.into_iter().map(|item| self.fit(item, &written.items, &wanted.items));
                fitted.collect::<Fitted<_>>().map(Value::Array)
            }
            (Value::Map(items), Schema::Map(written), Schema::Map(wanted)) => {
                let fitted =
                    items.into_iter().map(|(key, item)| Ok((key, self.fit(item, &written.types, &wanted.types)?)));
                fitted.collect::<Fitted<_>>().map(Value::Map)
            }
            (Value::Enum(_, word), _, Schema::Enum(wanted)) => symbol(word, wanted),
            (value, writer, reader) => leaf(value, writer, reader),
        }
    }

    /// The first branch of the same type, else the first that the value can be promoted to.
    fn branch(&self, value: Value, writer: &Schema, wanted: &UnionSchema) -> Fitted<Value> {
        let named = |branch: &Schema| {
            let branch = meant(branch, self.reader.get_names())?;
            Ok::<_, String>(alike(writer, branch))
        };
        for (index, branch) in wanted.variants().iter().enumerate() {
            if named(branch)? {
                return self.fit(value, writer, branch).map(|value| in_branch(index, value));
            }
        }
        let promoted =
            wanted.variants().iter().enumerate().find_map(|(index, branch)| {
                leaf(value.clone(), writer, branch).ok().map(|value| in_branch(index, value))
            });
        promoted.ok_or_else(|| "its type is in no branch of ours".to_owned())
    }

    fn record(&self, values: Vec<(String, Value)>, written: &RecordSchema, wanted: &RecordSchema) -> Fitted<Value> {
        let mut values: HashMap<String, Value> = values.into_iter().collect();
        let mut fields = Vec::with_capacity(wanted.fields.len());
        for field in &wanted.fields {
            let value = match written.fields.iter().find(|f| f.name == field.name) {
                Some(from) => {
                    let value = values.remove(&field.name).ok_or("a field has no value")?;
                    self.fit(value, &from.schema, &field.schema)
                }
                None => self.default_of(field),
            };
            fields.push((field.name.clone(), value.map_err(|why| within(&field.name, &why))?));
        }
        Ok(Value::Record(fields))
    }

    fn default_of(&self, field: &RecordField) -> Fitted<Value> {
        let default = field.default.clone().ok_or("it is missing and has no default")?;
        let value = Value::try_from(default).map_err(|e| e.to_string())?;
        // The default of a union is of its first branch.
        let value = if let Schema::Union(union) = &field.schema {
            let first = union.variants().first().ok_or("an empty union")?;
            let first = value.resolve_with_names(first, self.reader.get_names()).map_err(|e| e.to_string())?;
            in_branch(0, first)
        } else {
            value.resolve_with_names(&field.schema, self.reader.get_names()).map_err(|e| e.to_string())?
        };
        Ok(value)
    }
}

fn meant<'a>(schema: &'a Schema, names: &HashMap<Name, &'a Schema>) -> Fitted<&'a Schema> {
    if let Schema::Ref { name } = schema {
        return names.get(name).copied().ok_or_else(|| format!("the type {name} is not described"));
    }
    Ok(schema)
}

/// Records are the same by their last name: a namespace may move.
fn same(written: &RecordSchema, wanted: &RecordSchema) -> bool {
    written.name.name() == wanted.name.name()
}

/// Whether a branch is of the writer's type.
fn alike(writer: &Schema, branch: &Schema) -> bool {
    match (writer, branch) {
        (Schema::Record(written), Schema::Record(wanted)) => same(written, wanted),
        (writer, branch) => {
            let (written, wanted) = (writer.name().map(Name::name), branch.name().map(Name::name));
            std::mem::discriminant(writer) == std::mem::discriminant(branch) && written == wanted
        }
    }
}

fn symbol(word: String, wanted: &EnumSchema) -> Fitted<Value> {
    let position = |word: &str| wanted.symbols.iter().position(|symbol| symbol == word);
    let (index, word) = match (position(&word), &wanted.default) {
        (Some(index), _) => (index, word),
        (None, Some(default)) => (position(default).unwrap_or(0), default.clone()),
        (None, None) => return Err("its word is not among ours".to_owned()),
    };
    Ok(Value::Enum(u32::try_from(index).map_err(|e| e.to_string())?, word))
}

/// Types without parts: equal ones, and those that Avro lets grow.
fn leaf(value: Value, writer: &Schema, reader: &Schema) -> Fitted<Value> {
    if let (Schema::Decimal(written), Schema::Decimal(wanted)) = (writer, reader) {
        let equal = (written.precision, written.scale) == (wanted.precision, wanted.scale);
        return if equal { Ok(value) } else { Err("its decimals have another precision or scale".to_owned()) };
    }
    if let (Schema::Fixed(written), Schema::Fixed(wanted)) = (writer, reader) {
        return if written.size == wanted.size { Ok(value) } else { Err("it has another size".to_owned()) };
    }
    if std::mem::discriminant(writer) == std::mem::discriminant(reader) {
        return Ok(value);
    }
    Ok(match (value, reader) {
        (Value::Int(n), Schema::Long) => Value::Long(n.into()),
        (Value::Int(n), Schema::TimestampMillis) => Value::TimestampMillis(n.into()),
        (Value::Long(n), Schema::TimestampMillis) => Value::TimestampMillis(n),
        (Value::TimestampMillis(n), Schema::Long) => Value::Long(n),
        (Value::Int(n), Schema::Date) => Value::Date(n),
        (Value::Date(n), Schema::Int) => Value::Int(n),
        (Value::String(text), Schema::Bytes) => Value::Bytes(text.into_bytes()),
        (Value::Bytes(bytes), Schema::String) => {
            Value::String(String::from_utf8(bytes).map_err(|_| "its bytes are no text")?)
        }
        (_, _) => return Err("its type is another".to_owned()),
    })
}

fn in_branch(index: usize, value: Value) -> Value {
    Value::Union(u32::try_from(index).unwrap_or(u32::MAX), Box::new(value))
}

fn within(field: &str, why: &str) -> String {
    match why.strip_prefix("field `") {
        Some(inner) => format!("field `{field}.{inner}"),
        None => format!("field `{field}`: {why}"),
    }
}

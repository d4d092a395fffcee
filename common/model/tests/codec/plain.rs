//! Plain JSON as apache-avro values, led by the schema file alone: the codec has no part in it.
//!
//! Place: the other side of every comparison. A field that the schema does not know fails the test.

use std::collections::HashMap;

use apache_avro::Decimal;
use apache_avro::schema::{Name, ResolvedSchema, Schema};
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use da_model::event::Lineage;
use da_model::schema::schema_text;
use da_model::score::Points;
use da_model::time::LocalDate;
use serde_json::{Value as Json, json};
use uuid::Uuid;

/// The parsed schema of a folder of `schemas/`.
pub fn schema(name: &str) -> Schema {
    Schema::parse_str(schema_text(name).unwrap()).unwrap()
}

/// The datum apache-avro writes for a plain JSON value.
pub fn datum(schema: &Schema, json: &Json) -> Vec<u8> {
    let resolved = ResolvedSchema::try_from(schema).unwrap();
    let value = value(json, schema, resolved.get_names()).unwrap_or_else(|| panic!("no value of the schema: {json}"));
    GenericDatumWriter::builder(schema).build().unwrap().write_value_to_vec(value).unwrap()
}

/// The lineage block as it is on the wire.
pub fn lineage(lineage: &Lineage<'_>) -> Json {
    json!({
        "id": Uuid::from_bytes(lineage.id).to_string(),
        "src": lineage.src.as_ref().map(|s| json!({
            "topic": s.topic, "partition": s.partition.0, "offset": s.offset.0, "index": s.index,
        })),
        "root": lineage.root.map(|r| json!({"eventKey": r.event_key.to_string(), "at": r.at.0})),
        "hop": lineage.hop,
        "seq": lineage.seq,
    })
}

type Names<'s> = HashMap<Name, &'s Schema>;

fn value(json: &Json, schema: &Schema, names: &Names<'_>) -> Option<Value> {
    match schema {
        Schema::Ref { name } => value(json, names[name], names),
        Schema::Null => json.is_null().then_some(Value::Null),
        Schema::Boolean => json.as_bool().map(Value::Boolean),
        Schema::Int => Some(Value::Int(json.as_i64()?.try_into().ok()?)),
        Schema::Long => json.as_i64().map(Value::Long),
        Schema::TimestampMillis => json.as_i64().map(Value::TimestampMillis),
        Schema::Date => LocalDate::from_iso(json.as_str()?).map(|date| Value::Date(date.0)),
        Schema::String => json.as_str().map(|text| Value::String(text.to_owned())),
        Schema::Bytes => json.as_str().map(|text| Value::Bytes(text.as_bytes().to_vec())),
        Schema::Decimal(decimal) => Some(Value::Decimal(unscaled(json, decimal.scale)?)),
        Schema::Fixed(_) => Some(Value::Fixed(16, Uuid::try_parse(json.as_str()?).ok()?.as_bytes().to_vec())),
        Schema::Enum(symbols) => {
            let index = symbols.symbols.iter().position(|s| Some(s.as_str()) == json.as_str())?;
            Some(Value::Enum(u32::try_from(index).ok()?, symbols.symbols[index].clone()))
        }
        Schema::Array(array) => {
            let items = json.as_array()?.iter().map(|item| value(item, &array.items, names));
            items.collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Schema::Map(map) => {
            let entries = json.as_object()?.iter().map(|(key, v)| Some((key.clone(), value(v, &map.types, names)?)));
            entries.collect::<Option<HashMap<_, _>>>().map(Value::Map)
        }
        Schema::Union(union) => union.variants().iter().enumerate().find_map(|(index, branch)| {
            let inner = value(json, branch, names)?;
            Some(Value::Union(u32::try_from(index).ok()?, Box::new(inner)))
        }),
        Schema::Record(record) => {
            let fields = json.as_object()?;
            if fields.len() != record.fields.len() {
                return None;
            }
            let values = record.fields.iter().map(|field| {
                let inner = value(fields.get(&field.name)?, &field.schema, names)?;
                Some((field.name.clone(), inner))
            });
            values.collect::<Option<Vec<_>>>().map(Value::Record)
        }
        other => panic!("the schemas have no {other:?}"),
    }
}

/// The fewest bytes of two's complement, found by trying.
fn unscaled(json: &Json, scale: usize) -> Option<Decimal> {
    let (points, rounded) = Points::parse(&json.as_number()?.to_string()).unwrap();
    let value = if scale == 2 { points.0 / 100 } else { points.0 };
    assert!(!rounded && (scale == 4 || points.0 % 100 == 0), "{json} has more than {scale} decimals");
    let bytes = value.to_be_bytes();
    let fewest = (1..=8).find(|n| {
        let extended = if bytes[8 - n] >= 0x80 { -1_i64 } else { 0 };
        bytes[8 - n..].iter().fold(extended, |v, b| v << 8 | i64::from(*b)) == value
    })?;
    Some(Decimal::from(&bytes[8 - fewest..]))
}

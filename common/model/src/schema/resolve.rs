//! Values written with another version of a schema, brought into the bytes of our own version.
//!
//! Place: between the wire and the hand codec, for schema ids that are not ours: it only runs while versions are
//! mixed. Slow and right: apache-avro reads and writes, `fit` resolves. Asks no registry: the shell brings the text.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::{DecimalSchema, InnerDecimalSchema, Name, UuidSchema};
use apache_avro::writer::datum::GenericDatumWriter;

use super::compat::{self, Incompatible};
use super::fit::Fit;
use super::{Schemas, schema_text};
use crate::fault::Rejection;
use crate::outcome::Reason;

/// The longest value that is resolved; ours are shorter (delivery.md §11: an event has 256 KiB).
pub const LONGEST_VALUE: usize = 1 << 20;
/// The longest text of a writer's schema.
pub const LONGEST_SCHEMA: usize = 256 << 10;
/// How deep values of a writer may be nested.
const DEEPEST: usize = 32;
/// What apache-avro may set aside for one text or list, whatever a length in the value says.
const LARGEST_PIECE: usize = 64 << 20;

/// Why nothing written with a schema can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Ours is no list of known schemas.
    #[error("no schema of ours is called `{0}`")]
    NotOurs(String),
    /// The text is too long, or describes values without an end.
    #[error("the schema is refused: {0}")]
    Unsafe(&'static str),
    /// The text is no schema, or ours cannot read it.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
}

/// How values of one foreign schema become values of ours.
#[derive(Debug)]
pub struct Resolution {
    name: &'static str,
    writer: Schema,
    reader: Schema,
}

/// The schema id in front of a value, where it is not one of ours; `None` too for a value without any.
#[must_use]
pub fn foreign_id(value: &[u8], schemas: &Schemas) -> Option<u32> {
    let ([0, id @ ..], _) = value.split_first_chunk::<5>()? else { return None };
    let id = u32::from_be_bytes(*id);
    schemas.name_of(id).is_none().then_some(id)
}

impl Resolution {
    /// From the text of the writer's schema to ours called `name`.
    ///
    /// # Errors
    /// [`Unreadable`] names the field that stands in the way.
    pub fn new(writer: &str, name: &'static str) -> Result<Self, Unreadable> {
        if writer.len() > LONGEST_SCHEMA {
            return Err(Unreadable::Unsafe("its text is longer than 256 KiB"));
        }
        let ours = schema_text(name).ok_or_else(|| Unreadable::NotOurs(name.to_owned()))?;
        let parsed = |text: &str, version| {
            Schema::parse_str(text).map_err(|e| Incompatible::NoSchema { version, cause: e.to_string() })
        };
        let (writer, reader) = (parsed(writer, 1)?, parsed(ours, 2)?);
        Shape::default().depth(&writer)?;
        compat::readable(&writer, &reader)?;
        Ok(Self { name, writer, reader })
    }

    /// A value of the foreign schema as a value of ours, with our id in front.
    ///
    /// # Errors
    /// `undecodable` where the bytes do not fit the writer's schema, or hold what ours has no word for.
    pub fn to_ours(&self, value: &[u8], schemas: &Schemas) -> Result<Vec<u8>, Rejection> {
        static CAP: LazyLock<usize> = LazyLock::new(|| apache_avro::util::max_allocation_bytes(LARGEST_PIECE));
        if value.len() > LONGEST_VALUE.min(*CAP) {
            return Err(undecodable("the value is too long to be resolved"));
        }
        let mut from = Exact { rest: value.get(5..).unwrap_or_default(), ended: false };
        let reader = GenericDatumReader::builder(&self.writer).build().map_err(flaw)?;
        let read = reader.read_value(&mut from);
        // apache-avro takes the end of the bytes for a null.
        if from.ended {
            return Err(undecodable("the value ends before its schema does"));
        }
        let read = read.map_err(flaw)?;
        if !from.rest.is_empty() {
            return Err(undecodable("bytes are left behind the value"));
        }
        let fit = Fit::between(&self.writer, &self.reader).map_err(|why| undecodable(&why))?;
        let fitted = fit.fit(read, &self.writer, &self.reader).map_err(|why| undecodable(&why))?;
        let writer = GenericDatumWriter::builder(&self.reader).build().map_err(flaw)?;
        let mut ours = vec![0];
        ours.extend_from_slice(&schemas.id_of(self.name).to_be_bytes());
        writer.write_value(&mut ours, fitted).map_err(flaw)?;
        Ok(ours)
    }
}

/// Bytes that remember whether more was asked of them than there is.
struct Exact<'r> {
    rest: &'r [u8],
    ended: bool,
}

impl Read for Exact<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.rest.read(into)?;
        self.ended |= read < into.len();
        Ok(read)
    }
}

/// Bounds what a value may become: with every leaf of at least one byte, and no record within itself, a value has no
/// more parts than [`DEEPEST`] times its bytes.
#[derive(Default)]
struct Shape<'s> {
    /// How deep the named types seen so far are.
    named: HashMap<&'s Name, usize>,
}

impl<'s> Shape<'s> {
    /// How deep values of a schema are.
    fn depth(&mut self, schema: &'s Schema) -> Result<usize, Unreadable> {
        let depth = 1 + if let Schema::Record(record) = schema {
            let inner = self.deepest(record.fields.iter().map(|field| &field.schema))?;
            self.named.insert(&record.name, inner + 1);
            inner
        } else if let Schema::Union(union) = schema {
            let inner = self.deepest(union.variants().iter().filter(|branch| !matches!(branch, Schema::Null)))?;
            return Ok(inner + 1);
        } else if let Schema::Array(array) = schema {
            self.depth(&array.items)?
        } else if let Schema::Map(map) = schema {
            self.depth(&map.types)?
        } else {
            return self.leaf(schema);
        };
        if depth == 1 {
            return Err(Unreadable::Unsafe("it has a record without fields"));
        }
        if depth > DEEPEST { Err(Unreadable::Unsafe("its records are nested too deep")) } else { Ok(depth) }
    }

    fn deepest(&mut self, mut schemas: impl Iterator<Item = &'s Schema>) -> Result<usize, Unreadable> {
        schemas.try_fold(0, |deepest, schema| self.depth(schema).map(|depth| depth.max(deepest)))
    }

    fn leaf(&mut self, schema: &'s Schema) -> Result<usize, Unreadable> {
        if let Schema::Ref { name } = schema {
            return self.named.get(name).copied().ok_or(Unreadable::Unsafe("a record is within itself"));
        }
        if let Schema::Null = schema {
            return Err(Unreadable::Unsafe("it has a field that is always null"));
        }
        let size = fixed_size(schema).unwrap_or(1);
        if !(1..=LONGEST_VALUE).contains(&size) {
            return Err(Unreadable::Unsafe("it has a field of no bytes, or of more than a value may have"));
        }
        if let Some(name) = schema.name() {
            self.named.insert(name, 1);
        }
        Ok(1)
    }
}

/// How many bytes a value of fixed size has.
fn fixed_size(schema: &Schema) -> Option<usize> {
    if let Schema::Fixed(fixed)
    | Schema::Duration(fixed)
    | Schema::Uuid(UuidSchema::Fixed(fixed))
    | Schema::Decimal(DecimalSchema { inner: InnerDecimalSchema::Fixed(fixed), .. }) = schema
    {
        return Some(fixed.size);
    }
    None
}

fn flaw(error: apache_avro::Error) -> Rejection {
    undecodable(&error.to_string())
}

fn undecodable(detail: &str) -> Rejection {
    Rejection::new(Reason::Undecodable, detail)
}

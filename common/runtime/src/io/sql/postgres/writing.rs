//! The one statement that commits a batch: positions and blobs by `commit.sql`, then the rows of every table.
//!
//! Place: built by the store; one text for all batches, which grows when a batch does something new to a table, and takes
//! empty arrays for what a batch does not do. Its demands come last in the text and are met first: a batch whose owner
//! lost something writes nothing. Runs nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::fault::Fault;
use da_model::state::{Row, RowKey, Table};
use sqlx::postgres::PgArguments;

use super::store::unregistered;
use super::{bind, statements};

/// Positions, and whether rows are made by their owner alone.
const HEAD: &str = include_str!("commit.sql");
/// The parameters of [`HEAD`].
const HEAD_PARAMETERS: usize = 10;

/// What a batch does with rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Deed {
    /// Writes them, there or not.
    Replace,
    /// Makes rows that were not there; demands that none is there now.
    Make,
    /// Removes them.
    Remove,
}

/// The statement, and what it can do.
#[derive(Debug)]
pub(super) struct Writing {
    deeds: BTreeMap<Place, (&'static Table, bool)>,
    text: Arc<str>,
}

/// A table by its name, and what is done with rows of it.
type Place = (&'static str, Deed);
/// A row as a batch leaves it.
type Write<'u> = (&'u RowKey, Option<&'u Arc<Row>>);

/// The rows of a batch by what is done with them.
#[derive(Debug, Default)]
pub(super) struct Deeds<'u>(BTreeMap<Place, Vec<Write<'u>>>);

impl<'u> Deeds<'u> {
    /// Sorts the writes of a batch; `absent` says of which rows it is known that they were not there.
    pub(super) fn of(writes: &'u [(RowKey, Option<Arc<Row>>)], absent: impl Fn(&RowKey) -> bool) -> Self {
        let mut deeds = Self::default();
        for (key, row) in writes {
            let deed = match row {
                None => Deed::Remove,
                Some(_) if absent(key) => Deed::Make,
                Some(_) => Deed::Replace,
            };
            deeds.0.entry((key.table().name, deed)).or_default().push((key, row.as_ref()));
        }
        deeds
    }
}

impl Writing {
    /// A statement that can replace rows of these tables; each with whether its SQL table has `updated_at`.
    pub(super) fn of(tables: impl Iterator<Item = (&'static Table, bool)>) -> Self {
        let deeds = tables.map(|(table, stamped)| ((table.name, Deed::Replace), (table, stamped))).collect();
        let text = text(&deeds).into();
        Self { deeds, text }
    }

    /// The statement for the deeds of a batch, and their arrays behind the parameters of the positions.
    pub(super) fn statement(&mut self, deeds: &Deeds<'_>, args: &mut PgArguments) -> Result<Arc<str>, Fault> {
        let known = self.deeds.len();
        for (name, deed) in deeds.0.keys() {
            let of = self.deeds.get(&(*name, Deed::Replace)).copied().ok_or_else(|| unregistered(name))?;
            self.deeds.entry((*name, *deed)).or_insert(of);
        }
        if self.deeds.len() > known {
            self.text = text(&self.deeds).into();
        }
        for (deed, (table, _)) in &self.deeds {
            let rows = deeds.0.get(deed).map_or(&[][..], Vec::as_slice);
            match deed.1 {
                Deed::Remove => bind::add_keys(args, (table, table.keys.len()), rows.iter().map(|(key, _)| *key))?,
                Deed::Replace | Deed::Make => {
                    let rows: Vec<_> = rows.iter().filter_map(|(key, row)| Some((*key, (*row)?))).collect();
                    bind::add_rows(args, table, &rows)?;
                }
            }
        }
        Ok(Arc::clone(&self.text))
    }
}

fn text(deeds: &BTreeMap<Place, (&'static Table, bool)>) -> String {
    let mut first = HEAD_PARAMETERS + 1;
    let mut text = HEAD.trim_end().to_owned();
    let mut demands = vec![
        "da_demand((SELECT count(*) FROM whole), ($10::bigint IS NOT NULL)::integer, 'claims')".to_owned(),
        "da_demand((SELECT count(*) FROM moved), cardinality($2), 'positions')".to_owned(),
    ];
    for (n, ((name, deed), (table, stamped))) in deeds.iter().enumerate() {
        let piece = match deed {
            Deed::Replace => statements::upsert(table, *stamped, first),
            Deed::Make => statements::insert(table, *stamped, first),
            Deed::Remove => statements::delete(table, first),
        };
        text.push_str(&format!(",\nd{n} AS ({piece})"));
        if *deed == Deed::Make {
            demands
                .push(format!("da_demand((SELECT count(*) FROM d{n}), cardinality(${first}), 'new rows of {name}')"));
        }
        first += table.keys.len() + if *deed == Deed::Remove { 0 } else { table.values.len() };
    }
    format!("{text}\nSELECT {}", demands.join(", "))
}

//! Values by id, of which only those are read in full that an event touches.
//!
//! Place: the resources of a session, the sessions of an assessment. A value begins with its gist, which is all that
//! totals need; the rest stays as it lies in the row and is written back unread. So an event costs what it touches,
//! and a little per value beside it, however long a session grows. Values lie in the order they came.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use super::{Id, Reader, Stored, Writer};
use crate::order::Order;

/// A value that can lie on a shelf.
pub(crate) trait Shelved: Stored {
    /// What totals need to know of it: the first field of its stored form.
    type Gist: Stored + Copy + Debug;

    /// Its gist.
    fn gist(&self) -> &Self::Gist;
}

/// Values by id.
#[derive(Debug, Clone)]
pub(crate) struct Shelf<V: Shelved> {
    row: Option<Arc<[u8]>>,
    /// From which order key all values count theirs.
    base: Order,
    entries: Vec<Entry<V>>,
}

#[derive(Debug, Clone)]
struct Entry<V: Shelved> {
    id: Id,
    kept: Kept<V>,
}

#[derive(Debug, Clone)]
enum Kept<V: Shelved> {
    Stored(V::Gist, Range<usize>),
    Open(Box<V>),
}

impl<V: Shelved> Default for Shelf<V> {
    fn default() -> Self {
        Self { row: None, base: Order::ZERO, entries: Vec::new() }
    }
}

impl<V: Shelved> Entry<V> {
    fn gist(&self) -> &V::Gist {
        match &self.kept {
            Kept::Stored(gist, _) => gist,
            Kept::Open(value) => value.gist(),
        }
    }

    const fn open(&self) -> Option<&V> {
        match &self.kept {
            Kept::Stored(..) => None,
            Kept::Open(value) => Some(value),
        }
    }

    const fn open_mut(&mut self) -> Option<&mut V> {
        match &mut self.kept {
            Kept::Stored(..) => None,
            Kept::Open(value) => Some(value),
        }
    }
}

impl<V: Shelved> Shelf<V> {
    /// The gists of all values.
    pub(crate) fn gists(&self) -> impl Iterator<Item = (&Id, &V::Gist)> {
        self.entries.iter().map(|entry| (&entry.id, entry.gist()))
    }

    /// Opens the values that are asked for; `None` where one cannot be read.
    pub(crate) fn open(&mut self, wanted: impl Fn(&Id, &V::Gist) -> bool) -> Option<()> {
        for entry in &mut self.entries {
            let Kept::Stored(gist, at) = &entry.kept else { continue };
            if wanted(&entry.id, gist) {
                let row = self.row.as_ref()?;
                let value = Reader::within(row, at.clone(), self.base).and_then(|mut reader| V::get(&mut reader))?;
                entry.kept = Kept::Open(Box::new(value));
            }
        }
        Some(())
    }

    /// An opened value.
    pub(crate) fn get(&self, id: &Id) -> Option<&V> {
        self.entries.iter().find(|entry| entry.id == *id).and_then(Entry::open)
    }

    /// An opened value, to change it.
    pub(crate) fn get_mut(&mut self, id: &Id) -> Option<&mut V> {
        self.entries.iter_mut().find(|entry| entry.id == *id).and_then(Entry::open_mut)
    }

    /// The opened values.
    pub(crate) fn opened(&mut self) -> impl Iterator<Item = (&Id, &mut V)> {
        self.entries.iter_mut().filter_map(|entry| match &mut entry.kept {
            Kept::Stored(..) => None,
            Kept::Open(value) => Some((&entry.id, &mut **value)),
        })
    }

    /// An opened value, to change it; a new one, first said at `order`, where there is none under the id.
    pub(crate) fn opened_or(&mut self, id: Id, order: Order, new: impl FnOnce() -> V) -> &mut V {
        let at = self.entries.iter().position(|entry| entry.id == id).unwrap_or_else(|| {
            if self.entries.is_empty() {
                self.base = order;
            }
            self.entries.push(Entry { id, kept: Kept::Open(Box::new(new())) });
            self.entries.len() - 1
        });
        match self.entries.get_mut(at).and_then(Entry::open_mut) {
            Some(value) => value,
            None => unreachable!("what an event touches is opened before it is merged"),
        }
    }

    fn entry_in(from: &mut Reader<'_>, base: Order) -> Option<Entry<V>> {
        let id = Id::get(from)?;
        let at = from.span()?;
        let mut reader = Reader::within(from.row(), at.clone(), base)?;
        let gist = reader.fields()?.next(&mut reader)?;
        Some(Entry { id, kept: Kept::Stored(gist, at) })
    }
}

impl<V: Shelved> Stored for Shelf<V> {
    fn put(&self, to: &mut Writer) {
        to.length(self.entries.len());
        to.order(self.base);
        for entry in &self.entries {
            entry.id.put(to);
            match &entry.kept {
                Kept::Stored(_, at) => {
                    to.span(self.row.as_deref().and_then(|row| row.get(at.clone())).unwrap_or_default());
                }
                Kept::Open(value) => to.spanned(self.base, &**value),
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.length()?;
        let base = from.order()?;
        let mut entries = Vec::with_capacity(count + 1);
        for _ in 0..count {
            entries.push(Self::entry_in(from, base)?);
        }
        Some(Self { row: Some(Arc::clone(from.row())), base, entries })
    }

    fn is_nothing(&self) -> bool {
        self.entries.is_empty()
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

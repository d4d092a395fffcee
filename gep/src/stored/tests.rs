//! The form of stored state: what is written is read again, and nothing else is taken for it.
//!
//! Place: unit tests of the module. What the fold makes of read states is tested in `tests/fold.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use da_model::state::{Row, Value};
use proptest::prelude::*;

use super::{Id, Reader, Shelf, Shelved, Stored, VERSION, Writer, bytes, load, row, word};
use crate::order::{Moment, Order, Said};

#[derive(Debug, Clone, Default, PartialEq)]
struct Part {
    gist: Gist,
    name: Option<Said<super::Word>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Gist {
    points: Option<Said<(i64, i64)>>,
    flag: bool,
}

#[derive(Debug, Default)]
struct Whole {
    said: Vec<Said<Moment>>,
    parts: Shelf<Part>,
    number: i64,
    small: i32,
    after: Option<Order>,
    by_id: BTreeMap<Id, (i64, i64)>,
}

impl Part {
    fn fields(&self) -> [&dyn Stored; 2] {
        [&self.gist, &self.name]
    }
}

impl Stored for Part {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { gist: fields.next(from)?, name: fields.next(from)? };
        fields.end(read)
    }
}

impl Gist {
    fn fields(&self) -> [&dyn Stored; 2] {
        [&self.points, &self.flag]
    }
}

impl Stored for Gist {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self { points: fields.next(from)?, flag: fields.next(from)? };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }

    fn nothing() -> Option<Self> {
        Some(Self::default())
    }
}

impl Whole {
    fn fields(&self) -> [&dyn Stored; 6] {
        [&self.said, &self.parts, &self.number, &self.small, &self.after, &self.by_id]
    }
}

impl Stored for Whole {
    fn put(&self, to: &mut Writer) {
        to.fields(&self.fields());
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let mut fields = from.fields()?;
        let read = Self {
            said: fields.next(from)?,
            parts: fields.next(from)?,
            number: fields.next(from)?,
            small: fields.next(from)?,
            after: fields.next(from)?,
            by_id: fields.next(from)?,
        };
        fields.end(read)
    }

    fn is_nothing(&self) -> bool {
        self.fields().iter().all(|field| field.is_nothing())
    }
}

impl Shelved for Part {
    type Gist = Gist;

    fn gist(&self) -> &Gist {
        &self.gist
    }
}

/// An order key of any four parts.
fn order(parts: [i64; 4]) -> Order {
    Order::ZERO.plus(parts)
}

fn part(n: i64, text: &str) -> Part {
    let at = order([n, n / 3, n % 7, n]);
    Part { gist: Gist { points: Some(Said(at, (n, 10_000))), flag: n % 2 == 0 }, name: Some(Said(at, word(text))) }
}

fn put(whole: &mut Whole, n: i64, text: &str) {
    let id = Id::of(text);
    assert!(whole.parts.open(|other, _| *other == id).is_some(), "readable");
    *whole.parts.opened_or(id, order([n, 0, 0, n]), Part::default) = part(n, text);
}

fn written(whole: &Whole) -> Vec<u8> {
    bytes(whole)
}

fn read(bytes: &[u8]) -> Option<Whole> {
    load(Some(&row(bytes))).ok()
}

const UUID: &str = "ea24c629-7c90-5663-a697-4dbe2bbc81da";

fn example() -> Whole {
    let mut whole = Whole::default();
    for (n, text) in [(1_772_442_000_000, UUID), (15_000, "question"), (i64::MAX, "q1"), (i64::MIN, "")] {
        put(&mut whole, n, text);
    }
    whole.after = Some(order([1, -2, 3, -4]));
    whole.by_id.insert(Id::of("é"), (12_345, i64::MIN));
    whole
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(numbers in any::<[i64; 6]>(), small in any::<i32>(), text in "\\PC{0,40}") {
        let [a, b, c, d, raw, max] = numbers;
        let mut whole = example();
        whole.said = vec![Said(order([a, b, c, d]), Moment(raw)), Said(order([a, d, 0, b]), Moment(max))];
        whole.number = raw;
        whole.small = small;
        whole.by_id.insert(Id::of(&text), (raw, max));
        put(&mut whole, a, &text);
        let bytes = written(&whole);
        let mut again = read(&bytes).unwrap();
        prop_assert_eq!(&written(&again), &bytes, "parts that stay closed");
        prop_assert_eq!((&again.said, again.number, again.small), (&whole.said, raw, small));
        prop_assert_eq!((&again.by_id, again.after), (&whole.by_id, whole.after));
        prop_assert!(again.parts.open(|_, _| true).is_some());
        prop_assert_eq!(again.parts.get(&Id::of(&text)), Some(&part(a, &text)));
        prop_assert_eq!(&written(&again), &bytes, "opened parts");
    }

    #[test]
    fn a_damaged_row_is_refused_or_another_state(at in 0_usize..200, byte in any::<u8>()) {
        let mut bytes = written(&example());
        let length = bytes.len();
        bytes[at % length] = byte;
        if let Some(mut whole) = read(&bytes) {
            let _ = whole.parts.open(|_, _| true);
        }
    }

    #[test]
    fn an_id_keeps_its_text(text in "\\PC{0,40}") {
        let id = Id::of(&text);
        prop_assert!(id.is(&text));
        prop_assert_eq!(id.to_text(), text);
    }
}

#[test]
fn a_row_that_ends_early_or_late_or_is_of_another_version_is_refused() {
    let bytes = written(&example());
    assert!(read(&bytes).is_some());
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_none(), "{end} of {}", bytes.len());
    }
    assert!(read(&[&bytes[..], &[0]].concat()).is_none());
    assert!(read(&[&[VERSION + 1], &bytes[1..]].concat()).is_none());
    assert!(load::<Whole>(Some(&Row(vec![Value::from("{}")]))).is_err(), "text");
    assert!(read(&[VERSION, 1 << 6]).is_none(), "a field nobody knows");
    assert!(load::<Whole>(None).unwrap().is_nothing());
}

#[test]
fn uuids_words_and_whole_points_are_short() {
    let length = |value: &dyn Fn(&mut super::Writer)| {
        let mut to = super::Writer::new(VERSION);
        value(&mut to);
        to.into_bytes().len() - 1
    };
    assert_eq!(length(&|to| to.text(UUID)), 17);
    assert_eq!(length(&|to| to.text(&UUID.to_uppercase())), 37);
    assert_eq!(length(&|to| to.text("question")), 1);
    assert_eq!(length(&|to| (20_000_i64, 310_000_i64).put(to)), 2);
    let event = order([1_772_442_000_000, 300, 0, 77]);
    assert_eq!(length(&|to| (to.order(event), to.order(event)).0), length(&|to| to.order(event)) + 1);
}

#[test]
fn only_opened_parts_can_be_had() {
    let bytes = written(&example());
    let mut whole = read(&bytes).unwrap();
    let id = Id::of("q1");
    assert!(whole.parts.get(&id).is_none());
    assert!(whole.parts.open(|other, _| *other == id).is_some());
    assert_eq!(whole.parts.get(&id), Some(&part(i64::MAX, "q1")));
    assert_eq!(whole.parts.opened().count(), 1);
    assert_eq!(whole.parts.gists().count(), 4);
    let row: Arc<[u8]> = bytes.into();
    assert!(Reader::within(&row, 0..row.len() + 1, Order::ZERO).is_none());
}

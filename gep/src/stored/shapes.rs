//! How the building blocks of state are stored: numbers, texts, points, options, lists, maps, structs.
//!
//! Place: used by the structs of session and item, which list their own fields.

use std::collections::BTreeMap;

use super::{Id, Reader, Stored, Word, Writer};
use crate::order::{Moment, Order, Said};

impl Stored for bool {
    fn put(&self, to: &mut Writer) {
        to.byte(u8::from(*self));
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        match from.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn is_nothing(&self) -> bool {
        !*self
    }

    fn nothing() -> Option<Self> {
        Some(false)
    }
}

impl Stored for u8 {
    fn put(&self, to: &mut Writer) {
        to.byte(*self);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.byte()
    }

    fn is_nothing(&self) -> bool {
        *self == 0
    }

    fn nothing() -> Option<Self> {
        Some(0)
    }
}

impl Stored for i64 {
    fn put(&self, to: &mut Writer) {
        to.number(*self);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.number()
    }

    fn is_nothing(&self) -> bool {
        *self == 0
    }

    fn nothing() -> Option<Self> {
        Some(0)
    }
}

impl Stored for i32 {
    fn put(&self, to: &mut Writer) {
        to.number(i64::from(*self));
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.number()?.try_into().ok()
    }

    fn is_nothing(&self) -> bool {
        *self == 0
    }

    fn nothing() -> Option<Self> {
        Some(0)
    }
}

/// Raw and max points.
impl Stored for (i64, i64) {
    fn put(&self, to: &mut Writer) {
        points(self.0, to);
        points(self.1, to);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        Some((points_in(from)?, points_in(from)?))
    }
}

/// What one point is in stored decimals.
const POINT: i64 = 10_000;

fn points(n: i64, to: &mut Writer) {
    if n % POINT == 0 {
        to.number(n / POINT * 2);
    } else {
        to.number(1);
        to.number(n);
    }
}

fn points_in(from: &mut Reader<'_>) -> Option<i64> {
    let n = from.number()?;
    match n {
        1 => from.number(),
        n if n % 2 == 0 => (n / 2).checked_mul(POINT),
        _ => None,
    }
}

/// A mean and of how many.
impl Stored for (i32, i32) {
    fn put(&self, to: &mut Writer) {
        self.0.put(to);
        self.1.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        Some((i32::get(from)?, i32::get(from)?))
    }
}

impl Stored for Word {
    fn put(&self, to: &mut Writer) {
        to.text(self);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.text()
    }
}

impl Stored for Order {
    fn put(&self, to: &mut Writer) {
        to.order(*self);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.order()
    }
}

impl Stored for Moment {
    fn put(&self, to: &mut Writer) {
        to.moment(self.0);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        from.moment().map(Self)
    }
}

impl<T: Stored> Stored for Said<T> {
    fn put(&self, to: &mut Writer) {
        to.order(self.0);
        self.1.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        Some(Self(from.order()?, T::get(from)?))
    }
}

/// Only ever a field: the struct says whether it is there.
impl<T: Stored> Stored for Option<T> {
    fn put(&self, to: &mut Writer) {
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        T::get(from).map(Some)
    }

    fn is_nothing(&self) -> bool {
        self.is_none()
    }

    fn nothing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn put(&self, to: &mut Writer) {
        to.length(self.len());
        for value in self {
            value.put(to);
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.length()?;
        let mut values = Self::with_capacity(count);
        for _ in 0..count {
            values.push(T::get(from)?);
        }
        Some(values)
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn nothing() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Stored> Stored for BTreeMap<Id, T> {
    fn put(&self, to: &mut Writer) {
        to.length(self.len());
        for (id, value) in self {
            id.put(to);
            value.put(to);
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Self> {
        let count = from.length()?;
        (0..count).map(|_| Some((Id::get(from)?, T::get(from)?))).collect()
    }

    fn is_nothing(&self) -> bool {
        self.is_empty()
    }

    fn nothing() -> Option<Self> {
        Some(Self::new())
    }
}

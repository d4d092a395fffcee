//! The desk at which an event is checked field by field: all its violations, its corrections, its unknown fields.
//!
//! Place: used by every adapter, so that a rule and its code are spelt once (domain.md §2.1, §2.6). Checks never stop
//! at the first violation: a missing value reads as empty and the event is refused at the end.

use da_model::fault::Rejection;
use da_model::ids::Text;
use da_model::outcome::{Flag, Reason};
use da_model::time::Timestamp;

use crate::intake::Partner;
use crate::reader::{Limits, Names, Shape, Value};

/// The longest id, in characters.
pub const ID_LIMIT: usize = 64;

/// What was found out about one element so far.
#[derive(Debug)]
pub struct Desk<'d> {
    /// Who sent it.
    pub partner: &'d Partner,
    /// When it was received.
    pub received_at: Timestamp,
    /// What it may hold.
    pub limits: &'d Limits,
    /// All violations.
    pub reasons: Vec<Rejection>,
    /// What was corrected.
    pub flags: Vec<Flag>,
    /// Paths of unknown fields.
    pub unknown: Vec<String>,
}

/// An object of an event, present or not, with its path.
#[derive(Debug, Clone, Copy)]
pub struct Part<'t, 'b> {
    object: Option<Value<'t, 'b>>,
    path: &'t str,
}

/// A field that may be absent, or wrong and already refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field<T> {
    /// Not sent.
    Absent,
    /// Refused.
    Bad,
    /// Sent.
    Given(T),
}

impl<T> Field<T> {
    /// The value, if there is one.
    pub fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }
}

impl<'t, 'b> Part<'t, 'b> {
    /// An object under a path.
    #[must_use]
    pub const fn new(object: Option<Value<'t, 'b>>, path: &'t str) -> Self {
        Self { object, path }
    }

    /// A field; null and absent are the same.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Value<'t, 'b>> {
        self.object?.get(name).filter(|value| !value.is_null())
    }

    /// Whether the key was sent, null or not.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.object.is_some_and(|object| object.get(name).is_some())
    }

    /// The path of a field.
    #[must_use]
    pub fn path_of(self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }

    /// Keys and values.
    pub fn entries(self) -> impl Iterator<Item = (Value<'t, 'b>, Value<'t, 'b>)> {
        self.object.into_iter().flat_map(Value::entries)
    }
}

/// Whether a text stands for "absent".
#[must_use]
pub fn is_sentinel(text: &str) -> bool {
    match text.len() {
        0 => true,
        2 => text.eq_ignore_ascii_case("na"),
        4 => text.eq_ignore_ascii_case("null"),
        9 => text.eq_ignore_ascii_case("undefined"),
        _ => false,
    }
}

impl<'d> Desk<'d> {
    /// An empty desk.
    #[must_use]
    pub const fn new(partner: &'d Partner, received_at: Timestamp, limits: &'d Limits) -> Self {
        Self { partner, received_at, limits, reasons: Vec::new(), flags: Vec::new(), unknown: Vec::new() }
    }

    /// Notes a violation; the same one at the same place counts once.
    pub fn refuse(&mut self, reason: Reason, path: String, detail: impl Into<String>) {
        if !self.reasons.iter().any(|r| r.reason == reason && r.path == path) {
            self.reasons.push(Rejection::at(reason, path, detail));
        }
    }

    /// Notes a correction once.
    pub fn flag(&mut self, flag: Flag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Notes a required field that is not there.
    pub fn missing(&mut self, part: Part<'_, '_>, name: &str) {
        self.refuse(Reason::MissingField, part.path_of(name), format!("{name} is required"));
    }

    /// Notes a field of the wrong JSON type.
    pub fn bad_type(&mut self, part: Part<'_, '_>, name: &str, wanted: &str) {
        self.refuse(Reason::BadType, part.path_of(name), format!("{name} must be {wanted}"));
    }

    /// An object inside another; null, absent and sentinels make an empty one.
    pub fn part<'t, 'b>(&mut self, of: Part<'t, 'b>, name: &str, path: &'t str) -> Part<'t, 'b> {
        let value = of.get(name).filter(|v| !v.text().is_some_and(|text| is_sentinel(&text)));
        let object = value.filter(|v| v.shape() == Shape::Object);
        if value.is_some() && object.is_none() {
            self.bad_type(of, name, "an object");
        }
        Part::new(object, path)
    }

    /// Counts the fields nobody knows, and refuses identity fields that stand twice.
    pub fn audit(&mut self, part: Part<'_, '_>, known: &Names<'_>, identity: &[&str]) {
        for (key, _) in part.entries() {
            if !key.is_one_of(known) {
                let name: String =
                    key.text().unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect();
                self.unknown.push(part.path_of(&name));
            }
        }
        for name in identity {
            if part.object.is_some_and(|object| object.under(name).nth(1).is_some()) {
                self.refuse(Reason::DuplicateField, part.path_of(name), format!("{name} stands twice"));
            }
        }
    }

    /// A text; sentinels count as absent.
    pub fn text<'b>(&mut self, part: Part<'_, 'b>, name: &str) -> Field<Text<'b>> {
        let Some(value) = part.get(name) else { return Field::Absent };
        match value.text() {
            Some(text) if is_sentinel(&text) => Field::Absent,
            Some(text) => Field::Given(text),
            None => {
                self.bad_type(part, name, "a string");
                Field::Bad
            }
        }
    }

    /// Whether a text stands there that is no sentinel.
    #[must_use]
    pub fn part_has_text(&self, part: Part<'_, '_>, name: &str) -> bool {
        part.get(name).and_then(Value::text).is_some_and(|text| !is_sentinel(&text))
    }

    /// An id: 1–64 characters, none of them a control character.
    pub fn id<'b>(&mut self, part: Part<'_, 'b>, name: &str) -> Field<Text<'b>> {
        let field = self.text(part, name);
        if let Field::Given(text) = &field {
            let path = || part.path_of(name);
            if !self.id_is_good(text, path) {
                return Field::Bad;
            }
        }
        field
    }

    /// Checks the text of an id.
    pub fn id_is_good(&mut self, text: &str, path: impl Fn() -> String) -> bool {
        let long = text.len() > ID_LIMIT && text.chars().count() > ID_LIMIT;
        if long {
            self.refuse(Reason::BadId, path(), format!("at most {ID_LIMIT} characters"));
        }
        let control = text.chars().any(char::is_control);
        if control {
            self.refuse(Reason::BadId, path(), "no control characters");
        }
        !long && !control
    }

    /// An id that must be there; refused and empty where it is not.
    pub fn required_id<'b>(&mut self, part: Part<'_, 'b>, name: &str) -> Text<'b> {
        match self.id(part, name) {
            Field::Given(id) => id,
            Field::Bad => Text::Borrowed(""),
            Field::Absent => {
                self.missing(part, name);
                Text::Borrowed("")
            }
        }
    }

    /// A whole number, as a number or as text.
    pub fn integer(&mut self, part: Part<'_, '_>, name: &str) -> Field<i64> {
        let Some(value) = part.get(name) else { return Field::Absent };
        match value.text() {
            // With an exponent it is a number out of range, with a fraction none of the type.
            None if value.number().is_some_and(|digits| !digits.contains('.')) => {
                self.in_range(part, name, value.whole())
            }
            Some(text) if is_sentinel(&text) => Field::Absent,
            Some(text) if is_whole(text.trim()) => self.in_range(part, name, text.trim().parse().ok()),
            Some(_) | None => {
                self.bad_type(part, name, "an integer");
                Field::Bad
            }
        }
    }

    fn in_range(&mut self, part: Part<'_, '_>, name: &str, number: Option<i64>) -> Field<i64> {
        let Some(number) = number else {
            self.refuse(Reason::BadNumber, part.path_of(name), format!("{name} is no integer in range"));
            return Field::Bad;
        };
        Field::Given(number)
    }

    /// A text that must be one of a list of words.
    pub fn word<T>(&mut self, part: Part<'_, '_>, name: &str, read: impl Fn(&str) -> Option<T>) -> Field<T> {
        match self.text(part, name) {
            Field::Given(text) => match read(&text) {
                Some(value) => Field::Given(value),
                None => {
                    self.refuse(Reason::BadEnum, part.path_of(name), format!("{name} is none of the known words"));
                    Field::Bad
                }
            },
            Field::Absent => Field::Absent,
            Field::Bad => Field::Bad,
        }
    }

    /// true or false, also as text.
    pub fn boolean(&mut self, part: Part<'_, '_>, name: &str) -> Field<bool> {
        let Some(value) = part.get(name) else { return Field::Absent };
        match (value.shape(), value.text().as_deref()) {
            (Shape::Bool(yes), _) => Field::Given(yes),
            (_, Some("true")) => Field::Given(true),
            (_, Some("false")) => Field::Given(false),
            (_, Some(text)) if is_sentinel(text) => Field::Absent,
            _ => {
                self.bad_type(part, name, "true or false");
                Field::Bad
            }
        }
    }
}

/// Whether a text is the decimal form of a whole number.
#[must_use]
pub fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

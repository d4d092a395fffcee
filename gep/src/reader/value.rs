//! A key or value of a read element: shape, text and children.
//!
//! Place: what adapters look at. Text borrows the body unless it has escapes; what the element may not name
//! (U+0000, lone surrogates) reads as U+FFFD, its refusal is already noted.

use std::borrow::Cow;

use super::number;
use super::tag::{Names, Tag};
use super::tape::{Doc, Node, Shape};

/// A value in a [`Doc`].
#[derive(Debug, Clone, Copy)]
pub struct Value<'t, 'b> {
    doc: &'t Doc<'b>,
    at: usize,
}

impl<'t, 'b> Value<'t, 'b> {
    /// The whole document.
    #[must_use]
    pub const fn root(doc: &'t Doc<'b>) -> Self {
        Self { doc, at: 0 }
    }

    pub(super) const fn at(doc: &'t Doc<'b>, at: usize) -> Self {
        Self { doc, at }
    }

    fn node(self) -> Option<&'t Node> {
        self.doc.nodes.get(self.at)
    }

    /// What it is.
    #[must_use]
    pub fn shape(self) -> Shape {
        self.node().map_or(Shape::Null, |n| n.shape)
    }

    fn span(self) -> &'b str {
        let span = self.node().map_or(0..0, |n| index(n.start)..index(n.end));
        self.doc.text.get(span).unwrap_or_default()
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.shape() == Shape::Null
    }

    /// The text of a string.
    #[must_use]
    pub fn text(self) -> Option<Cow<'b, str>> {
        match self.shape() {
            Shape::Text(false) => Some(Cow::Borrowed(self.span())),
            Shape::Text(true) => Some(Cow::Owned(unescaped(self.span()))),
            Shape::Null | Shape::Bool(_) | Shape::Number | Shape::Object | Shape::Array => None,
        }
    }

    /// The digits of a number as sent.
    #[must_use]
    pub fn number(self) -> Option<&'b str> {
        (self.shape() == Shape::Number).then(|| self.span())
    }

    /// A number that is whole and stands without fraction and exponent.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        number::whole(self.number()?)
    }

    /// The values of an array; none of anything else.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let mut at = self.at + 1;
        let end = if self.shape() == Shape::Array { self.end() } else { 0 };
        std::iter::from_fn(move || {
            let item = (at < end).then_some(Self { doc: self.doc, at })?;
            at = item.end();
            Some(item)
        })
    }

    /// The keys and values of an object in the order sent; none of anything else.
    pub fn entries(self) -> impl Iterator<Item = (Self, Self)> {
        let mut at = self.at + 1;
        let end = if self.shape() == Shape::Object { self.end() } else { 0 };
        std::iter::from_fn(move || {
            let key = (at < end).then_some(Self { doc: self.doc, at })?;
            let value = Self { doc: self.doc, at: at + 1 };
            at = value.end();
            Some((key, value))
        })
    }

    /// Whether this key is one of a list of names.
    #[must_use]
    pub fn is_one_of(self, names: &Names<'_>) -> bool {
        let Some(tag) = self.node().map(|n| n.tag) else { return false };
        names.iter().any(|(known, name)| tag.may_be(known) && self.is(name))
    }

    /// Whether this key or string is `name`.
    #[must_use]
    pub fn is(self, name: &str) -> bool {
        let Some(node) = self.node() else { return false };
        match node.shape {
            Shape::Text(false) => {
                self.doc.text.as_bytes().get(index(node.start)..index(node.end)) == Some(name.as_bytes())
            }
            Shape::Text(true) => unescaped(self.span()) == name,
            Shape::Null | Shape::Bool(_) | Shape::Number | Shape::Object | Shape::Array => false,
        }
    }

    /// The last value under a key.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Self> {
        self.under(name).last()
    }

    /// The values under a key, in the order sent.
    pub fn under(self, name: &str) -> impl Iterator<Item = Self> {
        let tag = Tag::of(name.as_bytes());
        self.entries().filter(move |(key, _)| key.may_be(tag) && key.is(name)).map(|(_, value)| value)
    }

    fn may_be(self, tag: Tag) -> bool {
        self.node().is_some_and(|node| node.tag.may_be(tag))
    }

    fn end(self) -> usize {
        self.node().map_or(usize::MAX, |n| index(n.next))
    }
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// A string's text with its escapes resolved; the scanner has checked them.
fn unescaped(span: &str) -> String {
    let mut text = String::with_capacity(span.len());
    let mut rest = span;
    while let Some((plain, tail)) = rest.split_once('\\') {
        text.push_str(plain);
        rest = escape(tail, &mut text);
    }
    text.push_str(rest);
    text
}

/// Resolves the escape at the start of `tail` (behind its backslash) and returns what follows it.
fn escape<'s>(tail: &'s str, text: &mut String) -> &'s str {
    let mut chars = tail.chars();
    let plain = match chars.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => return unicode(chars.as_str(), text),
        Some(other) => other,
        None => return "",
    };
    text.push(plain);
    chars.as_str()
}

fn unicode<'s>(digits: &'s str, text: &mut String) -> &'s str {
    let first = hex(digits);
    let rest = digits.get(4..).unwrap_or_default();
    let second = rest.strip_prefix("\\u").map(hex).filter(|low| (0xdc00..=0xdfff).contains(low));
    if let (0xd800..=0xdbff, Some(second)) = (first, second) {
        let joined = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        text.push(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
        return rest.get(6..).unwrap_or_default();
    }
    text.push(char::from_u32(first).filter(|c| *c != '\0').unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

fn hex(digits: &str) -> u32 {
    digits.get(..4).and_then(|d| u32::from_str_radix(d, 16).ok()).unwrap_or(0)
}

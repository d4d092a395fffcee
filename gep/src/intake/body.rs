//! A request body or record → its elements.
//!
//! Place: first step of the intake. Syntax of the whole is checked here, so that a body is refused before any of its
//! elements is judged (domain.md §2.4); what an element says is not looked at.

use da_model::outcome::Reason;

use super::Element;
use crate::reader::{self, Container, Doc, Limits, Scanner, SyntaxError, Token};

/// How the elements of a body stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// One object, an array, or `{"events":[…]}`.
    Json,
    /// One object a line.
    Ndjson,
}

/// Why a body as a whole is refused; nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail} (line {line}, column {column})")]
pub struct BodyError {
    /// `bad_body` or `too_many_events`.
    pub code: &'static str,
    /// What is wrong.
    pub detail: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// Finds the elements of a body.
///
/// # Errors
/// [`BodyError`] when the syntax is broken, nothing is in it, or too much.
pub fn split_body<'b>(body: &'b [u8], form: BodyForm, limits: &Limits) -> Result<Vec<Element<'b>>, BodyError> {
    let found = match form {
        BodyForm::Ndjson => lines(body, limits)?,
        BodyForm::Json => json(body, limits)?,
    };
    if found.is_empty() { Err(bad_body(body, 0, "there is no event in it")) } else { Ok(found) }
}

/// The elements of a record of a partner's topic: nothing can be wrong with it that is not a verdict.
pub(super) fn split_record<'b>(value: &'b [u8], limits: &Limits) -> Vec<Element<'b>> {
    let whole = |reason, detail: &str| vec![Element::refused(value, reason, detail)];
    if trimmed_start(value).first() != Some(&b'[') {
        return vec![Element::new(value)];
    }
    match split_array(value, limits) {
        Ok(spans) if spans.is_empty() => whole(Reason::Empty, "an empty array"),
        Ok(spans) => spans.into_iter().map(|bytes| Element { indexed: true, ..Element::new(bytes) }).collect(),
        Err(Trouble::TooMany) => whole(Reason::TooLarge, &format!("more than {} events", limits.max_events)),
        Err(Trouble::Syntax { deep: true, .. }) => vec![refused_by(value, reader::too_deep(limits))],
        Err(Trouble::Syntax { .. }) if std::str::from_utf8(value).is_err() => whole(Reason::BadUtf8, "no UTF-8"),
        Err(Trouble::Syntax { .. }) if value.len() > limits.max_event_bytes => {
            whole(Reason::TooLarge, &format!("{} bytes, at most {}", value.len(), limits.max_event_bytes))
        }
        Err(Trouble::Syntax { error, .. }) => vec![refused_by(value, reader::broken(value, error))],
    }
}

fn refused_by(bytes: &[u8], rejection: da_model::Rejection) -> Element<'_> {
    Element { refused: Some(rejection), ..Element::new(bytes) }
}

fn lines<'b>(body: &'b [u8], limits: &Limits) -> Result<Vec<Element<'b>>, BodyError> {
    let mut found = Vec::new();
    for line in body.split(|b| *b == b'\n') {
        let line = trimmed(line);
        if line.is_empty() {
            continue;
        }
        if found.len() == limits.max_events {
            return Err(too_many(limits));
        }
        found.push(Element::new(line));
    }
    Ok(found)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

fn trimmed_start(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| !is_space(*b)).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// The bytes without JSON's white space around them.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = trimmed_start(bytes);
    let end = bytes.iter().rposition(|b| !is_space(*b)).map_or(0, |n| n + 1);
    bytes.get(..end).unwrap_or_default()
}

fn json<'b>(body: &'b [u8], limits: &Limits) -> Result<Vec<Element<'b>>, BodyError> {
    let start = body.len() - trimmed_start(body).len();
    let array = match body.get(start) {
        Some(b'[') => Some(body),
        Some(b'{') => wrapped(body).map_err(|e| bad_body(body, e.at, e.what))?,
        Some(_) => {
            skim(body).map_err(|e| bad_body(body, e.at, e.what))?;
            None
        }
        None => return Ok(Vec::new()),
    };
    let Some(array) = array else { return Ok(vec![Element::new(trimmed(body))]) };
    if let Some(found) = read_array(array, limits) {
        return Ok(found);
    }
    match split_array(array, limits) {
        Ok(spans) => Ok(spans.into_iter().map(Element::new).collect()),
        Err(Trouble::TooMany) => Err(too_many(limits)),
        Err(Trouble::Syntax { error, .. }) => Err(bad_body(body, error.at, error.what)),
    }
}

fn too_many(limits: &Limits) -> BodyError {
    let detail = format!("more than {} events", limits.max_events);
    BodyError { code: "too_many_events", detail, line: 1, column: 1 }
}

fn bad_body(body: &[u8], at: usize, what: &str) -> BodyError {
    let (line, column) = reader::place(body, at);
    BodyError { code: "bad_body", detail: what.to_owned(), line, column }
}

fn skim(body: &[u8]) -> Result<(), SyntaxError> {
    let mut scanner = Scanner::new(body);
    while scanner.step()?.is_some() {}
    Ok(())
}

/// The array of `{"events":[…]}`; `None` for any other object. An object with an event name is an event.
fn wrapped(body: &[u8]) -> Result<Option<&[u8]>, SyntaxError> {
    let mut scanner = Scanner::new(body);
    let mut key: &[u8] = b"";
    let mut from = None;
    let mut array = None;
    let mut named = false;
    while let Some(placed) = scanner.step()? {
        match (placed.token, scanner.depth()) {
            (Token::Key(_), 1) => {
                key = body.get(placed.start..placed.end).unwrap_or_default();
                named |= matches!(key, b"eventName" | b"event_name");
            }
            (Token::Open(Container::Array), 2) if key == b"events" => from = Some(placed.start),
            (Token::Close, 1) => array = from.take().and_then(|from| body.get(from..placed.end)).or(array),
            _ => {}
        }
    }
    Ok(array.filter(|_| !named))
}

/// The elements of an array of objects, read in the same pass; `None` where anything is unusual about it, which
/// [`split_array`] then judges.
fn read_array<'b>(body: &'b [u8], limits: &Limits) -> Option<Vec<Element<'b>>> {
    let text = std::str::from_utf8(body).ok()?;
    let mut rest = unspaced(text).strip_prefix('[')?;
    let mut found = Vec::new();
    loop {
        rest = unspaced(rest);
        let doc = Doc::read_first(rest, limits).filter(|_| found.len() < limits.max_events)?;
        let (element, behind) = rest.split_at_checked(doc.len()).filter(|(e, _)| e.len() <= limits.max_event_bytes)?;
        found.push(Element { doc: Some(doc), ..Element::new(element.as_bytes()) });
        let behind = unspaced(behind);
        if let Some(end) = behind.strip_prefix(']') {
            return unspaced(end).is_empty().then_some(found);
        }
        rest = behind.strip_prefix(',')?;
    }
}

fn unspaced(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

enum Trouble {
    TooMany,
    Syntax { error: SyntaxError, deep: bool },
}

/// The elements of an array.
fn split_array<'b>(body: &'b [u8], limits: &Limits) -> Result<Vec<&'b [u8]>, Trouble> {
    let mut scanner = Scanner::new(body);
    let mut found = Vec::new();
    let mut from = 0;
    let mut deep = false;
    loop {
        let placed = match scanner.step() {
            Ok(Some(placed)) => placed,
            Ok(None) => return Ok(found),
            Err(error) => return Err(Trouble::Syntax { error, deep }),
        };
        deep |= scanner.depth() > limits.max_depth + 1;
        match (placed.token, scanner.depth()) {
            (Token::Open(_), 2) => from = placed.start,
            (Token::Open(_) | Token::Key(_), _) => continue,
            (Token::Close, 1) => {}
            (Token::Text(_), 1) => from = placed.start - 1,
            (Token::Number | Token::True | Token::False | Token::Null, 1) => from = placed.start,
            _ => continue,
        }
        if scanner.depth() == 2 {
            continue;
        }
        if found.len() == limits.max_events {
            return Err(Trouble::TooMany);
        }
        found.push(body.get(from..scanner.at()).unwrap_or_default());
    }
}

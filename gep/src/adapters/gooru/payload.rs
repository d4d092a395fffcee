//! payLoadObject: an object, or a string that holds one.
//!
//! Place: read by the envelope and by system events. A string is read with the same limits as the event around it;
//! nothing in it is ever nested a second time.

use da_model::ids::Text;
use da_model::outcome::Reason;

use crate::reader::{Doc, Shape, Value};
use crate::validate::{Desk, Part, is_sentinel};

/// Where a payload stands.
pub(super) const PATH: &str = "/payLoadObject";

/// The text of a payload that was sent as a string.
pub(super) fn text(root: Part<'_, '_>) -> Option<String> {
    let text = root.get("payLoadObject")?.text()?;
    (!is_sentinel(&text)).then(|| text.into_owned())
}

/// Reads a payload that was sent as a string.
pub(super) fn inner<'p>(desk: &mut Desk<'_>, root: Part<'_, '_>, text: Option<&'p str>) -> Option<Doc<'p>> {
    let doc = match Doc::read(text?, desk.limits) {
        Ok(doc) if Value::root(&doc).shape() == Shape::Object => doc,
        Err(refused) if refused.reason == Reason::TooDeep => {
            desk.refuse(Reason::TooDeep, PATH.to_owned(), refused.detail);
            return None;
        }
        Ok(_) | Err(_) => {
            desk.bad_type(root, "payLoadObject", "an object");
            return None;
        }
    };
    for fault in doc.faults() {
        desk.refuse(fault.reason, format!("{PATH}{}", fault.path), fault.detail);
    }
    Some(doc)
}

/// Competency codes: the keys of an object, or the texts of an array.
pub(super) fn codes<'b>(desk: &mut Desk<'_>, payload: Part<'_, '_>) -> Vec<Text<'b>> {
    let Some(value) = payload.get("taxonomyIds") else { return Vec::new() };
    let texts: Vec<Option<String>> = match value.shape() {
        Shape::Object => value.entries().map(|(key, _)| key.text().map(Text::into_owned)).collect(),
        Shape::Array => value.items().filter(|i| !i.is_null()).map(|i| i.text().map(Text::into_owned)).collect(),
        Shape::Text(_) if value.text().is_some_and(|text| is_sentinel(&text)) => Vec::new(),
        Shape::Null | Shape::Bool(_) | Shape::Number | Shape::Text(_) => vec![None],
    };
    collect_codes(desk, payload.path_of("taxonomyIds"), texts)
}

/// Checked codes without repeats; a text that is missing has the wrong type.
pub(in crate::adapters) fn collect_codes<'b>(
    desk: &mut Desk<'_>,
    path: String,
    texts: Vec<Option<String>>,
) -> Vec<Text<'b>> {
    let mut codes: Vec<Text<'b>> = Vec::new();
    for text in texts {
        let Some(code) = text else {
            desk.refuse(Reason::BadType, path.clone(), "codes are texts");
            continue;
        };
        let known = codes.iter().any(|known| **known == code);
        if !is_sentinel(&code) && !known && desk.id_is_good(&code, || path.clone()) {
            codes.push(Text::Owned(code));
        }
    }
    codes
}

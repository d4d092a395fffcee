//! The details of a system event that may leave the intake.
//!
//! Place: the allow-list of domain.md §7.1. Everything is copied field by field; nested values are rebuilt from ids
//! and codes alone, so nothing that was not looked at can pass.

use da_model::ids::Text;

use super::envelope::Envelope;
use crate::reader::{Shape, Value};
use crate::validate::{Desk, Field, Part, is_sentinel};

/// Fields of data, source and target that are kept as they are.
const KEPT: &[&str] = &[
    "id",
    "format",
    "content_format",
    "subformat",
    "sub_format",
    "content_subformat",
    "title",
    "question_type",
    "content_type",
    "course_id",
    "unit_id",
    "lesson_id",
    "collection_id",
    "class_id",
    "parent_content_id",
    "original_content_id",
    "rubric_id",
    "sequence_id",
    "is_deleted",
    "contentGooruId",
    "parentGooruId",
    "courseGooruId",
    "unitGooruId",
    "lessonGooruId",
    "classGooruId",
];

/// What a system event says beside its envelope.
#[derive(Debug)]
pub(super) struct Details<'b> {
    pub(super) format: Option<Text<'b>>,
    pub(super) learner_id: Option<Text<'b>>,
    pub(super) parent_id: Option<Text<'b>>,
    pub(super) course_id: Option<Text<'b>>,
    pub(super) unit_id: Option<Text<'b>>,
    pub(super) lesson_id: Option<Text<'b>>,
    pub(super) class_id: Option<Text<'b>>,
    pub(super) data: Vec<(Text<'b>, Text<'b>)>,
}

impl Details<'_> {
    /// Whether the content is a class.
    pub(super) fn is_of_class(&self) -> bool {
        self.format.as_deref().is_some_and(|format| format.eq_ignore_ascii_case("class"))
    }
}

/// Reads the details.
pub(super) fn read<'b>(desk: &mut Desk<'_>, from: Envelope<'_, 'b, '_>) -> Details<'b> {
    let payload = from.payload;
    let data = Part::new(object(payload, "data"), "/payLoadObject/data");
    let target = Part::new(object(payload, "target"), "/payLoadObject/target");
    let format = owned(desk.text(payload, "contentFormat")).or_else(|| plain(data, "format"));
    let mut id = |name: &'static str, others: [&'static str; 2]| {
        let sent = desk.id(from.context, name).given();
        sent.or_else(|| others.iter().find_map(|other| plain(data, other)))
            .or_else(|| others.iter().find_map(|other| plain(target, other)))
    };
    Details {
        format,
        parent_id: id("parentGooruId", ["parent_content_id", "parentGooruId"]),
        course_id: id("courseGooruId", ["course_id", "courseGooruId"]),
        unit_id: id("unitGooruId", ["unit_id", "unitGooruId"]),
        lesson_id: id("lessonGooruId", ["lesson_id", "lessonGooruId"]),
        class_id: id("classGooruId", ["class_id", "classGooruId"]),
        learner_id: ["user_id", "student_id", "userId"].iter().find_map(|name| plain(data, name)),
        data: allowed(payload, data),
    }
}

fn object<'t, 'b>(part: Part<'t, 'b>, name: &str) -> Option<Value<'t, 'b>> {
    part.get(name).filter(|value| value.shape() == Shape::Object)
}

fn owned<'b>(field: Field<Text<'_>>) -> Option<Text<'b>> {
    field.given().map(|text| Text::Owned(text.into_owned()))
}

/// An id or word of the details; what is none is left out.
fn plain<'b>(part: Part<'_, '_>, name: &str) -> Option<Text<'b>> {
    let text = part.get(name)?.text()?;
    let good = !is_sentinel(&text) && text.chars().count() <= 64 && !text.chars().any(char::is_control);
    good.then(|| Text::Owned(text.into_owned()))
}

/// The allow-listed map.
fn allowed<'b>(payload: Part<'_, '_>, data: Part<'_, '_>) -> Vec<(Text<'b>, Text<'b>)> {
    let mut found = Vec::new();
    if let Some(name) = plain(payload, "subEventName").filter(|name| name.starts_with("event.")) {
        found.push((Text::Borrowed("subEventName"), name));
    }
    kept(data, "", &mut found);
    kept(Part::new(object(payload, "source"), ""), "source.", &mut found);
    kept(Part::new(object(payload, "target"), ""), "target.", &mut found);
    for (part, name) in [(data, "gut_codes"), (payload, "referenceParentGooruIds")] {
        let texts: Vec<_> = part.get(name).into_iter().flat_map(Value::items).filter_map(Value::text).collect();
        if !texts.is_empty() {
            found.push((Text::Borrowed(name), Text::Owned(list(texts.iter().map(AsRef::as_ref)))));
        }
    }
    if let Some(taxonomy) = taxonomy(data) {
        found.push((Text::Borrowed("taxonomy"), Text::Owned(taxonomy)));
    }
    found
}

fn kept<'b>(part: Part<'_, '_>, prefix: &str, found: &mut Vec<(Text<'b>, Text<'b>)>) {
    for name in KEPT {
        let Some(value) = part.get(name) else { continue };
        let text = match value.shape() {
            Shape::Text(_) => value.text().map(Text::into_owned).filter(|text| !is_sentinel(text)),
            Shape::Number => value.number().map(str::to_owned),
            Shape::Bool(yes) => Some(yes.to_string()),
            Shape::Null | Shape::Object | Shape::Array => None,
        };
        if let Some(text) = text {
            found.push((Text::Owned(format!("{prefix}{name}")), Text::Owned(text)));
        }
    }
}

/// Codes and display codes of a taxonomy, as JSON.
fn taxonomy(data: Part<'_, '_>) -> Option<String> {
    let mut json = String::new();
    for (code, value) in data.get("taxonomy")?.entries() {
        json.push(if json.is_empty() { '{' } else { ',' });
        quote(&code.text().unwrap_or_default(), &mut json);
        json.push_str(":{");
        if let Some(display) = value.get("code").and_then(Value::text) {
            json.push_str("\"code\":");
            quote(&display, &mut json);
        }
        json.push('}');
    }
    (!json.is_empty()).then(|| json + "}")
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut json = String::from("[");
    for text in texts {
        if json.len() > 1 {
            json.push(',');
        }
        quote(text, &mut json);
    }
    json + "]"
}

fn quote(text: &str, json: &mut String) {
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}

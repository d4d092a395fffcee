//! The checks of an element's form: size, depth, number of keys, characters; and the names of system events.
//!
//! Place: before `read`. Follows delivery.md §11; knows no field.

use serde_json::Value;

const MAX_BYTES: usize = 256 * 1024;
const MAX_STRING: usize = 64 * 1024;
const MAX_KEYS: usize = 2_000;
const MAX_DEPTH: usize = 64;

/// The parsed element, or the code of its refusal.
///
/// # Errors
/// One code of "event, form" of domain.md §2.6.
pub(super) fn check(raw: &str) -> Result<Value, &'static str> {
    if raw.len() > MAX_BYTES {
        return Err("too_large");
    }
    let value: Value = serde_json::from_str(raw).map_err(|_| "bad_json")?;
    if !value.is_object() {
        return Err("not_an_object");
    }
    let mut size = Size::default();
    size.walk(&value, 1);
    match size {
        Size { nul: true, .. } => Err("bad_character"),
        Size { depth, keys, string, .. } if depth > MAX_DEPTH || keys > MAX_KEYS || string > MAX_STRING => {
            Err("too_deep")
        }
        Size { .. } => Ok(value),
    }
}

#[derive(Default)]
struct Size {
    depth: usize,
    keys: usize,
    string: usize,
    nul: bool,
}

impl Size {
    fn walk(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.text(text),
            Value::Array(list) => {
                self.depth = self.depth.max(depth);
                list.iter().for_each(|v| self.walk(v, depth + 1));
            }
            Value::Object(map) => {
                self.depth = self.depth.max(depth);
                self.keys += map.len();
                map.iter().for_each(|(key, v)| {
                    self.text(key);
                    self.walk(v, depth + 1);
                });
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.string = self.string.max(text.len());
        self.nul |= text.contains('\0');
    }
}

/// Whether a name is one of the system events of domain.md §7.1.
#[must_use]
pub(super) fn is_system(name: &str) -> bool {
    let prefixes = ["item.", "class.", "profile.", "event.user.", "event.anonymous."];
    let names = [
        "content.reorder",
        "course.reorder",
        "collaborators.update",
        "question.rubirc.association",
        "question.rubric.association",
    ];
    names.contains(&name) || prefixes.iter().any(|p| name.starts_with(p))
}

//! Settings: one file, then the environment; every mistake is named with its place and its near miss.
//!
//! Place: first step of every start. `raw` is what may be written, `checked` what is used, `load` reads files and
//! environment. Holds no setting itself.

pub mod checked;
pub mod cluster;
mod finding;
pub mod load;
mod near;
pub mod raw;

use garde::Validate;
use serde_json::Value;

pub use checked::Settings;
pub use finding::{Finding, Place, Severity};
pub use load::load;

use self::finding::{BAD_VALUE, BROKEN_RULE, DOUBTFUL, Kind, LATER_FEATURE, OUT_OF_RANGE, UNKNOWN_VARIABLE};
use self::near::near_miss;
use self::raw::Raw;

/// What settings are made of.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Name and text of the file.
    pub file: Option<(String, String)>,
    /// Variables `DA__…`.
    pub environment: Vec<(String, String)>,
}

/// One setting in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// `http.max_events`.
    pub key: String,
    /// Its value as JSON.
    pub value: String,
    /// `default`, `file`, or the variable's name.
    pub origin: String,
}

/// Settings that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Findings that stop nothing.
    pub warnings: Vec<Finding>,
    /// Every setting in force with its origin, for `da config show`.
    pub effective: Vec<Effective>,
}

/// Reads settings from what was gathered.
///
/// # Errors
/// Every finding, at least one of them an error.
pub fn read(sources: &Sources) -> Result<Loaded, Vec<Finding>> {
    let mut reading = Reading::of_file(sources.file.as_ref()).map_err(|finding| vec![finding])?;
    for (name, text) in &sources.environment {
        reading.overlay(name, text);
    }
    reading.finish()
}

/// How to show the settings: one line per key.
#[must_use]
pub fn show(effective: &[Effective]) -> String {
    effective.iter().map(|e| format!("{} = {}  # {}\n", e.key, e.value, e.origin)).collect()
}

struct Reading<'s> {
    file: Option<&'s (String, String)>,
    written: Value,
    raw: Raw,
    from_environment: Vec<(String, String)>,
    findings: Vec<Finding>,
}

impl<'s> Reading<'s> {
    fn of_file(file: Option<&'s (String, String)>) -> Result<Self, Finding> {
        let mut written = Value::Null;
        let mut raw = Raw::default();
        if let Some((name, text)) = file.filter(|(_, text)| !is_blank(text)) {
            raw = serde_saphyr::from_str(text).map_err(|e| Finding::of_yaml(name, &e))?;
            written = serde_saphyr::from_str(text).map_err(|e| Finding::of_yaml(name, &e))?;
        }
        Ok(Self { file, written, raw, from_environment: Vec::new(), findings: Vec::new() })
    }

    /// One variable over what is there: it is known by its place in the tree of all settings.
    fn overlay(&mut self, name: &str, text: &str) {
        let path: Vec<String> = name.trim_start_matches("DA__").split("__").map(str::to_lowercase).collect();
        let mut tree = serde_json::to_value(&self.raw).unwrap_or_default();
        let plain = Value::String(text.to_owned());
        let value = if text.is_empty() {
            plain.clone()
        } else {
            serde_saphyr::from_str(text).unwrap_or_else(|_| plain.clone())
        };
        let Err(Unknown { written, known }) = place(&mut tree, &path, value) else {
            let read = serde_json::from_value(tree.clone());
            // A text may look like a number: a replica's slot is often its ordinal.
            let read = read.or_else(|error| {
                let again = place(&mut tree, &path, plain).ok().and_then(|()| serde_json::from_value(tree).ok());
                again.ok_or(error)
            });
            match read {
                Ok(raw) => {
                    self.raw = raw;
                    self.from_environment.push((path.join("."), name.to_owned()));
                }
                Err(error) => self.found(BAD_VALUE, name, error.to_string()),
            }
            return;
        };
        if let Some(text) = finding::later(path.iter().map(String::as_str)) {
            self.found(LATER_FEATURE, name, text);
            return;
        }
        let near = near_miss(&written, known.iter().map(String::as_str));
        let hint = near.map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        self.found(UNKNOWN_VARIABLE, name, format!("names no setting{hint}"));
    }

    fn found(&mut self, kind: Kind, variable: &str, message: String) {
        self.findings.push(Finding::new(kind, Place::Environment(variable.to_owned()), message));
    }

    fn finish(mut self) -> Result<Loaded, Vec<Finding>> {
        if let Err(report) = self.raw.validate() {
            for (path, error) in report.iter() {
                let finding = self.at(&path.to_string(), OUT_OF_RANGE, &error.to_string());
                self.findings.push(finding);
            }
        }
        let settings = match checked::check(&self.raw) {
            Ok((settings, warnings)) => {
                self.broken(warnings);
                Some(settings)
            }
            Err(broken) => {
                self.broken(broken);
                None
            }
        };
        let effective = self.effective();
        match settings {
            Some(settings) if self.findings.iter().all(|f| f.severity == Severity::Warning) => {
                Ok(Loaded { settings, warnings: self.findings, effective })
            }
            _ => Err(self.findings),
        }
    }

    fn broken(&mut self, rules: Vec<checked::Broken>) {
        for rule in rules {
            let kind = if rule.only_a_warning { DOUBTFUL } else { BROKEN_RULE };
            let finding = self.at(&rule.key, kind, &rule.message);
            self.findings.push(finding);
        }
    }

    /// A finding about a key, at the place where its value was written.
    fn at(&self, key: &str, kind: Kind, message: &str) -> Finding {
        let place = match self.origin(key) {
            Origin::Environment(variable) => Place::Environment(variable),
            Origin::Default => Place::Default(key.to_owned()),
            Origin::File => {
                let (name, text) = self.file.map_or(("", ""), |(name, text)| (name.as_str(), text.as_str()));
                let (line, column) = near::position(text, key).unwrap_or((0, 0));
                Place::File { name: name.to_owned(), line, column }
            }
        };
        Finding::new(kind, place, format!("{key} {message}"))
    }

    fn origin(&self, key: &str) -> Origin {
        let under = |(path, _): &&(String, String)| key == path || key.starts_with(&format!("{path}."));
        if let Some((_, variable)) = self.from_environment.iter().rev().find(under) {
            return Origin::Environment(variable.clone());
        }
        let written = self.written.pointer(&pointer(key)).is_some();
        if written { Origin::File } else { Origin::Default }
    }

    fn effective(&self) -> Vec<Effective> {
        let mut leaves = Vec::new();
        flatten(&serde_json::to_value(&self.raw).unwrap_or_default(), String::new(), &mut leaves);
        let shown = leaves.into_iter().map(|(key, value)| {
            let origin = match self.origin(&key) {
                Origin::Environment(variable) => variable,
                Origin::File => "file".to_owned(),
                Origin::Default => "default".to_owned(),
            };
            let value = if key.ends_with("_file") { "***".to_owned() } else { value };
            Effective { key, value, origin }
        });
        shown.collect()
    }
}

enum Origin {
    Default,
    File,
    Environment(String),
}

fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// `partner_topics[0].topic` → `/partner_topics/0/topic`.
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('[', ".").replace(']', "").replace('.', "/"))
}

fn flatten(value: &Value, key: String, leaves: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let inner = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(member, inner, leaves);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            leaves.push((key, value.to_string()));
        }
    }
}

/// A part of a variable's name that names no setting, and the keys known at its place.
struct Unknown {
    written: String,
    known: Vec<String>,
}

/// Puts a value at a path that the tree has, or below a map of free names.
fn place(tree: &mut Value, path: &[String], value: Value) -> Result<(), Unknown> {
    let Some((first, rest)) = path.split_first() else {
        *tree = value;
        return Ok(());
    };
    let unknown = |known: Vec<String>| Err(Unknown { written: first.clone(), known });
    let Value::Object(members) = tree else { return unknown(Vec::new()) };
    let known: Vec<String> = members.keys().cloned().collect();
    let Some(member) = members.get_mut(first) else { return unknown(known) };
    match (first.as_str(), rest.split_first(), member) {
        ("partners" | "groups", Some((name, below)), Value::Object(named)) => {
            let entry = named.entry(name.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
            if let (Some(key), Value::Object(fields)) = (below.first(), &mut *entry) {
                fields.entry(key.clone()).or_insert(Value::Null);
            }
            place(entry, below, value)
        }
        (_, _, member) => place(member, rest, value),
    }
}

#[cfg(test)]
mod tests;

//! Reads one posted element as the document says it must be read: what it says, or the codes of its refusal.
//!
//! Place: the oracle's own reader over `serde_json::Value`; shares nothing with the adapters. Knows the Gooru envelope;
//! the flat grading form is in `flat`. Does not know receipt times.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::number;
use super::told::{Carried, Id, ItemKind, Name, Place, ResourceKind, Step, Told};
use super::{flat, form};

/// Codes of a refusal.
pub type Codes = BTreeSet<&'static str>;

/// What one element turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Usage events; a flat override can be several.
    Usage(Vec<Told>),
    /// A system event: accepted, and of no concern here.
    System,
    /// Refused.
    Refused(Codes),
}

/// Keeps each text once.
#[derive(Debug, Default)]
pub struct Names(HashSet<Id>);

impl Names {
    /// The shared copy of a text.
    pub fn of(&mut self, text: &str) -> Id {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Id = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

/// A reader of one element that collects every violation.
pub struct Reader<'r> {
    root: &'r Value,
    /// Shared texts.
    pub names: &'r mut Names,
    /// Codes so far.
    pub codes: Codes,
}

/// Reads the raw text of one element.
pub fn read(raw: &str, tenant: &str, names: &mut Names) -> Heard {
    let root = match form::check(raw) {
        Ok(root) => root,
        Err(code) => return Heard::Refused(Codes::from([code])),
    };
    if root.get("event_name").is_some() && root.get("eventName").is_none() {
        return flat::read(&root, tenant, names);
    }
    let mut reader = Reader { root: &root, names, codes: Codes::new() };
    let told = reader.envelope();
    match (reader.codes.is_empty(), told) {
        (true, Some(told)) => Heard::Usage(vec![told]),
        (true, None) => Heard::System,
        (false, _) => Heard::Refused(reader.codes),
    }
}

/// Whether a text counts as absent.
#[must_use]
pub fn is_sentinel(text: &str) -> bool {
    text.is_empty() || ["null", "undefined", "na"].contains(&text.to_ascii_lowercase().as_str())
}

impl<'r> Reader<'r> {
    /// A reader of a flat form.
    pub fn new(root: &'r Value, names: &'r mut Names) -> Self {
        Self { root, names, codes: Codes::new() }
    }

    /// The value at a path; null counts as absent.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&'r Value> {
        self.root.pointer(path).filter(|v| !v.is_null())
    }

    /// A text at a path; sentinels count as absent.
    pub fn text(&mut self, path: &str) -> Option<&'r str> {
        match self.at(path)? {
            Value::String(text) => Some(text.as_str()).filter(|t| !is_sentinel(t)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.codes.insert("bad_type");
                None
            }
        }
    }

    /// An optional id.
    pub fn id(&mut self, path: &str) -> Option<Id> {
        let text = self.text(path)?;
        if text.chars().count() > 64 || text.chars().any(char::is_control) {
            self.codes.insert("bad_id");
            return None;
        }
        Some(self.names.of(text))
    }

    /// A required id.
    pub fn required(&mut self, path: &str) -> Option<Id> {
        let sentinel = self.at(path).is_none_or(|v| v.as_str().is_some_and(is_sentinel));
        if sentinel {
            self.codes.insert("missing_field");
            return None;
        }
        self.id(path)
    }

    /// A point in time in ms.
    pub fn time(&mut self, path: &str) -> Option<i64> {
        let value = self.at(path)?;
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if is_sentinel(text) => return None,
            Value::String(text) => text.parse::<i64>().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        match number {
            Some(n) if n < 100_000_000_000 => Some(n * 1000),
            Some(n) => Some(n),
            None => {
                self.codes.insert("bad_time");
                None
            }
        }
    }

    /// A whole number, or its text.
    pub fn whole(&mut self, path: &str) -> Option<i64> {
        let found = match self.at(path)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if is_sentinel(text) => return None,
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        if found.is_none() {
            self.codes.insert("bad_type");
        }
        found
    }

    /// Points with their maximum at two paths; both or neither. A comment is 0 of 0 where that is allowed.
    pub fn score(&mut self, paths: (&str, &str), comments: bool) -> (Option<(i128, i128)>, bool) {
        let [raw, max] = [paths.0, paths.1].map(|path| self.at(path).map(|v| number::points(&v.to_string())));
        match (raw, max) {
            (None, None) => (None, false),
            (Some(Some(0)), Some(Some(0))) if comments => (None, true),
            (Some(Some(raw)), Some(Some(max))) if max > 0 && raw >= 0 && raw <= max => (Some((raw, max)), false),
            (Some(None), _) | (_, Some(None)) => {
                self.codes.insert("bad_type");
                (None, false)
            }
            (Some(_), _) | (None, Some(_)) => {
                self.codes.insert("score_range");
                (None, false)
            }
        }
    }

    fn envelope(&mut self) -> Option<Told> {
        let (name, suffix) = self.name()?;
        let step = self.step(name, suffix);
        let user = self.required("/user/gooruUId");
        if user.as_deref() == Some("anonymous") {
            self.codes.insert("anonymous_user");
        }
        let (session, event_id) = (self.required("/session/sessionId"), self.required("/eventId"));
        let content = self.required("/context/contentGooruId");
        let parent = self.id("/context/parentGooruId");
        let (start, end) = self.times(name, step);
        let (item_kind, item_word) = self.item_kind();
        let whole = matches!(name, Name::Item | Name::Update);
        let (item, resource) = if whole { (content, None) } else { (parent, content) };
        let mut told = Told {
            event_id: event_id.unwrap_or_default(),
            name,
            step,
            user: user.unwrap_or_default(),
            session: session.unwrap_or_default(),
            start,
            end,
            zone: self.zone(),
            item,
            item_kind,
            item_word,
            resource,
            resource_kind: None,
            place: self.place(),
            path_id: self.whole("/context/pathId").unwrap_or(0),
            daily: false,
            status: None,
            question_type: None,
            score: None,
            comment: false,
            withdrawn: false,
            external_time: None,
            reaction: None,
            codes: self.taxonomy(),
            student: self.student(),
            carried: self.carried(),
        };
        told.daily = told.carried.content_source.as_deref() == Some("dailyclassactivity");
        self.details(&mut told);
        Some(told)
    }

    fn details(&mut self, told: &mut Told) {
        match told.name {
            Name::Item => {
                if told.step == Step::Stop && told.says_external() {
                    told.score = self.score(("/metrics/score", "/metrics/maxScore"), false).0;
                    told.external_time = self.whole("/metrics/timeSpent").map(|t| t.max(0));
                }
            }
            Name::Inside | Name::Single => self.visit(told),
            Name::Reaction => self.reaction(told),
            Name::Grade | Name::Override | Name::Update => self.correction(told),
        }
    }

    fn visit(&mut self, told: &mut Told) {
        told.question_type = self.text("/payLoadObject/questionType").map(|t| self.names.of(t));
        told.resource_kind = self.resource_kind();
        let sent = self.at("/payLoadObject/attemptStatus").is_some();
        if told.resource_kind.is_none() && (told.question_type.is_some() || (sent && told.step == Step::Stop)) {
            told.resource_kind = Some(ResourceKind::Question);
        }
        if told.step == Step::Stop && told.resource_kind != Some(ResourceKind::Resource) {
            told.status = Some(self.status().unwrap_or("attempted"));
        }
    }

    fn reaction(&mut self, told: &mut Told) {
        told.resource_kind = self.resource_kind();
        let word = self.at("/context/reactionType").map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
        let words = ["", "i-need-help", "i-donot-understand", "meh", "i-can-understand", "i-can-explain"];
        let Some(word) = word.filter(|w| !is_sentinel(w)) else {
            self.codes.insert("missing_field");
            return;
        };
        let number = words.iter().position(|w| *w == word).map(|n| n as i64).or_else(|| word.parse().ok());
        match number {
            Some(n @ 0..=5) => {
                told.reaction = Some(n);
                told.event_id = format!("{}#{n}", told.event_id).into();
            }
            Some(_) => {
                self.codes.insert("reaction_range");
            }
            None => {
                self.codes.insert("bad_enum");
            }
        }
    }

    fn correction(&mut self, told: &mut Told) {
        let status = if told.name == Name::Override { self.status() } else { None };
        if !matches!(status, None | Some("correct" | "incorrect")) {
            self.codes.insert("bad_enum");
        }
        let paths = ("/payLoadObject/score", "/payLoadObject/maxScore");
        let reason = self.text("/payLoadObject/reason").map(str::to_ascii_lowercase);
        told.withdrawn = told.name == Name::Update && reason.as_deref() == Some("withdrawn");
        if told.withdrawn {
            return;
        }
        (told.score, told.comment) = self.score(paths, status.is_none());
        told.status = status;
        if told.name != Name::Update {
            told.resource_kind = self.resource_kind().or(Some(ResourceKind::Question));
        }
        if told.score.is_none() && !told.comment && status.is_none() && !self.codes.contains("score_range") {
            self.codes.insert("missing_field");
        }
    }

    /// Name, and the step a shorthand name ends with; `None` where it is unknown or of a system event.
    fn name(&mut self) -> Option<(Name, Option<Step>)> {
        let Some(text) = self.text("/eventName") else {
            self.codes.insert("missing_field");
            return None;
        };
        let (base, suffix) = match (text.strip_suffix(".start"), text.strip_suffix(".stop")) {
            (Some(base), _) => (base, Some(Step::Start)),
            (None, Some(base)) => (base, Some(Step::Stop)),
            (None, None) => (text, None),
        };
        let inside = self.at("/context/parentGooruId").and_then(Value::as_str).is_some_and(|p| !is_sentinel(p));
        let name = match base {
            "collection.play" | "collection-play" => Name::Item,
            "assessment.play" if suffix.is_some() => Name::Item,
            "collection.resource.play" | "collection-resource-play" => Name::Inside,
            "resource.play" if suffix.is_some() && inside => Name::Inside,
            "resource.play" | "resource-play-dots" => Name::Single,
            "reaction.create" => Name::Reaction,
            "resource.rubric.grade" => Name::Grade,
            "resource.score.update" => Name::Override,
            "collection.score.update" => Name::Update,
            _ if form::is_system(text) => return None,
            _ => {
                self.codes.insert("unknown_event");
                return None;
            }
        };
        Some((name, suffix))
    }

    fn step(&mut self, name: Name, suffix: Option<Step>) -> Step {
        if !name.is_play() {
            return Step::None;
        }
        let said = match self.text("/context/type").map(str::to_ascii_lowercase).as_deref() {
            Some("start") => Some(Step::Start),
            Some("stop") => Some(Step::Stop),
            Some(_) => {
                self.codes.insert("unknown_type");
                return Step::None;
            }
            None => None,
        };
        if suffix.is_some() && said.is_some() && suffix != said {
            self.codes.insert("bad_enum");
        }
        if suffix.or(said).is_none() {
            self.codes.insert("missing_field");
        }
        suffix.or(said).unwrap_or(Step::None)
    }

    /// Start and end as sent; a missing end is the start, a missing start of anything but a stop is the end.
    fn times(&mut self, name: Name, step: Step) -> (Option<i64>, Option<i64>) {
        let (start, end) = (self.time("/startTime"), self.time("/endTime"));
        if start.is_none() && end.is_none() && name != Name::Reaction && !self.codes.contains("bad_time") {
            self.codes.insert("missing_field");
        }
        let end = end.or(start);
        let start = if step == Step::Stop { start } else { start.or(end) };
        (start, end)
    }

    /// Kind and word of the item; a shorthand name of an assessment sets the kind.
    fn item_kind(&mut self) -> (Option<ItemKind>, Option<Id>) {
        let word = self.text("/context/collectionType").map(str::to_ascii_lowercase);
        let shorthand = self.root.get("eventName").and_then(Value::as_str).unwrap_or_default();
        let word = word.or_else(|| shorthand.starts_with("assessment.play.").then(|| "assessment".to_owned()));
        let Some(word) = word else { return (None, None) };
        let kind = item_kind_of(&word);
        if kind.is_none() {
            self.codes.insert("bad_enum");
        }
        (kind, Some(self.names.of(&word)))
    }

    fn resource_kind(&mut self) -> Option<ResourceKind> {
        match self.text("/context/resourceType").map(str::to_ascii_lowercase).as_deref() {
            Some("resource") => Some(ResourceKind::Resource),
            Some("question") => Some(ResourceKind::Question),
            Some(_) => {
                self.codes.insert("bad_enum");
                None
            }
            None => None,
        }
    }

    fn status(&mut self) -> Option<&'static str> {
        let word = self.text("/payLoadObject/attemptStatus")?;
        let status = status_of(word);
        if status.is_none() {
            self.codes.insert("bad_enum");
        }
        status
    }

    fn place(&mut self) -> Place {
        Place {
            class: self.id("/context/classGooruId"),
            course: self.id("/context/courseGooruId"),
            unit: self.id("/context/unitGooruId"),
            lesson: self.id("/context/lessonGooruId"),
        }
    }

    fn zone(&mut self) -> Id {
        let zone = self.root.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
        let known = da_model::time::zone_known(zone) && !is_sentinel(zone);
        self.names.of(if known { zone } else { "UTC" })
    }

    fn student(&mut self) -> bool {
        match self.at("/payLoadObject/isStudent") {
            Some(Value::Bool(b)) => *b,
            Some(Value::String(text)) => text != "false",
            _ => true,
        }
    }

    fn taxonomy(&mut self) -> Vec<Id> {
        let mut codes: Vec<Id> = match self.at("/payLoadObject/taxonomyIds") {
            Some(Value::Object(map)) => map.keys().map(|code| self.names.of(code)).collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(|c| self.names.of(c)).collect(),
            _ => Vec::new(),
        };
        codes.sort();
        codes
    }

    fn carried(&mut self) -> Carried {
        let mut any = |path: &str, other: &str| {
            let text = self.text(path).or_else(|| self.text(other));
            text.map(|t| self.names.of(t))
        };
        let context_collection_id = any("/contextCollectionId", "/context/contextCollectionId");
        let context_collection_type = any("/contextCollectionType", "/context/contextCollectionType");
        let source = self.text("/context/contentSource").map(str::to_ascii_lowercase);
        let rest: Vec<&str> =
            ["/context/appId", "/context/collectionSubType", "/payLoadObject/gradingType", "/payLoadObject/graderId"]
                .into_iter()
                .map(|path| self.text(path).unwrap_or_default())
                .collect();
        let rest = rest.join("|");
        Carried {
            path_type: self.text("/context/pathType").map(|t| self.names.of(t)),
            content_source: source.map(|s| self.names.of(&s)),
            context_collection_id,
            context_collection_type,
            additional_context: self.text("/context/additionalContext").map(Into::into),
            question_count: self.whole("/context/questionCount"),
            client_source: self.text("/context/clientSource").map(|t| self.names.of(t)),
            rest: self.names.of(&rest),
        }
    }
}

/// Kind of an item by the client's word.
#[must_use]
pub fn item_kind_of(word: &str) -> Option<ItemKind> {
    match word {
        "collection" | "scollection" | "collection-external" => Some(ItemKind::Collection),
        "assessment" | "assessment-external" | "assessment/url" | "offline-activity" => Some(ItemKind::Assessment),
        _ => None,
    }
}

/// Status of an answer by the client's word.
#[must_use]
pub fn status_of(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "correct" => Some("correct"),
        "incorrect" | "in-correct" => Some("incorrect"),
        "skipped" => Some("skipped"),
        "attempted" | "started" => Some("attempted"),
        _ => None,
    }
}

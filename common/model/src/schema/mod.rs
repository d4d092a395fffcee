//! The schemas of every topic and the way between bytes and events.
//!
//! Place: the Driver encodes with it, handlers decode with it. Wire form: 0x00, schema id (4 bytes, big-endian),
//! datum (dependencies.md §7).

pub mod codec;
pub mod compat;
mod fit;
pub mod json;
mod json_rare;
pub mod json_text;
pub mod resolve;
pub mod subject;

/// The schema files, by the folder name under `schemas/`, with the fixed id of each version on the embedded log.
///
/// Ids are compiled in and never reused (delivery.md §5).
pub const SCHEMAS: &[(&str, u32)] = &[
    ("accepted", 1),
    ("rejected", 2),
    ("system", 3),
    ("usage", 4),
    ("content", 5),
    ("dead_letter", 6),
    ("de.timespent", 7),
    ("de.score", 8),
    ("de.reaction", 9),
    ("de.view", 10),
    ("de.competency", 11),
    ("de.system", 12),
];

/// The text of a schema's newest version; `None` for a name that is not listed.
#[must_use]
pub fn schema_text(name: &str) -> Option<&'static str> {
    Some(match name {
        "accepted" => include_str!("../../../../schemas/accepted/v1.avsc"),
        "rejected" => include_str!("../../../../schemas/rejected/v1.avsc"),
        "system" => include_str!("../../../../schemas/system/v1.avsc"),
        "usage" => include_str!("../../../../schemas/usage/v1.avsc"),
        "content" => include_str!("../../../../schemas/content/v1.avsc"),
        "dead_letter" => include_str!("../../../../schemas/dead_letter/v1.avsc"),
        "de.timespent" => include_str!("../../../../schemas/de.timespent/v1.avsc"),
        "de.score" => include_str!("../../../../schemas/de.score/v1.avsc"),
        "de.reaction" => include_str!("../../../../schemas/de.reaction/v1.avsc"),
        "de.view" => include_str!("../../../../schemas/de.view/v1.avsc"),
        "de.competency" => include_str!("../../../../schemas/de.competency/v1.avsc"),
        "de.system" => include_str!("../../../../schemas/de.system/v1.avsc"),
        _ => return None,
    })
}

/// Which schema id means which schema, on the log in use.
#[derive(Debug, Clone)]
pub struct Schemas {
    ids: Vec<(&'static str, u32)>,
}

impl Schemas {
    /// The fixed ids of the embedded log.
    #[must_use]
    pub fn embedded() -> Self {
        Self { ids: SCHEMAS.to_vec() }
    }

    /// The ids of a registry, by schema. Under the first id of a schema values are written; under every one they are
    /// read: a registry may give the same schema one id per subject.
    #[must_use]
    pub const fn of(ids: Vec<(&'static str, u32)>) -> Self {
        Self { ids }
    }

    /// The id under which values of a schema are written; 0 for a name that is not listed.
    #[must_use]
    pub fn id_of(&self, name: &str) -> u32 {
        self.ids.iter().find(|(n, _)| *n == name).map_or(0, |(_, id)| *id)
    }

    /// The schema of an id; `None` for a foreign id.
    #[must_use]
    pub fn name_of(&self, id: u32) -> Option<&'static str> {
        self.ids.iter().find(|(_, i)| *i == id).map(|(n, _)| *n)
    }
}

//! What a registry lacks of our schemas, and bringing it there; and whether the versions on disk read each other.
//!
//! Place: the work of `da schemas`. Asks through da-runtime's client, prints nothing, deletes nothing.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use da_model::schema::compat::{Incompatible, backward_transitive};
use da_model::schema::{SCHEMAS, schema_text, subject};
use da_runtime::registry::LEVEL;
use da_runtime::registry::client::{Client, Version};
use da_runtime::registry::error::RegistryError;
use serde::Serialize;

/// One subject of ours, as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `<topic>-value`.
    pub name: String,
    /// Folder of `schemas/`.
    pub schema: &'static str,
    /// The id of our schema, where it is registered.
    pub id: Option<u32>,
    /// The level of the subject, where it has one of its own.
    pub level: Option<String>,
    /// What must change.
    pub changes: Vec<Change>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The schema is registered as this version.
    Register {
        /// The number it will have, where the registry counts without holes.
        version: u32,
    },
    /// The level is set.
    Level {
        /// What it is now.
        from: Option<String>,
    },
    /// An earlier version stands in the way; nothing can be done here.
    Hindered(Incompatible),
}

/// All subjects of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In topology order.
    pub subjects: Vec<Subject>,
}

/// The versions of one schema on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its folder.
    pub schema: String,
    /// How many versions it has.
    pub versions: usize,
    /// What is wrong; empty where all is well.
    pub findings: Vec<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register { version } => write!(f, "register version {version}"),
            Self::Level { from: Some(from) } => write!(f, "set the level from {from} to {LEVEL}"),
            Self::Level { from: None } => write!(f, "set the level to {LEVEL}"),
            Self::Hindered(why) => write!(f, "cannot be registered: {why}"),
        }
    }
}

impl Plan {
    /// Whether nothing must change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subjects.iter().all(|subject| subject.changes.is_empty())
    }

    /// How many subjects cannot be brought up to date.
    #[must_use]
    pub fn hindered(&self) -> usize {
        let hindered = |subject: &&Subject| subject.changes.iter().any(|change| matches!(change, Change::Hindered(_)));
        self.subjects.iter().filter(hindered).count()
    }
}

/// What the registry lacks.
///
/// # Errors
/// A [`RegistryError`].
pub fn plan(client: &Client) -> Result<Plan, RegistryError> {
    let ours = subject::all().filter_map(|(name, schema)| Some((name, schema, schema_text(schema)?)));
    let subjects = ours.map(|(name, schema, text)| planned(client, (name, schema), text));
    Ok(Plan { subjects: subjects.collect::<Result<_, _>>()? })
}

fn planned(client: &Client, (name, schema): (String, &'static str), text: &str) -> Result<Subject, RegistryError> {
    let id = client.id_of(&name, text)?;
    let mut changes = Vec::new();
    let mut level = client.level(&name)?;
    if id.is_none() {
        let earlier = client.versions(&name)?;
        changes.push(new_version(text, &earlier));
        // A level without a version is the registry's own default, seen through the subject.
        level = level.filter(|_| !earlier.is_empty());
    }
    if level.as_deref() != Some(LEVEL) {
        changes.push(Change::Level { from: level.clone() });
    }
    Ok(Subject { name, schema, id, level, changes })
}

fn new_version(text: &str, earlier: &[Version]) -> Change {
    let texts: Vec<&str> = earlier.iter().map(|version| version.schema.as_str()).collect();
    let number = |place: usize| place.checked_sub(1).and_then(|n| earlier.get(n)).map_or(place, |v| v.version as usize);
    match backward_transitive(text, &texts) {
        Ok(()) => Change::Register { version: earlier.last().map_or(1, |last| last.version.saturating_add(1)) },
        Err(Incompatible::Field { field, version, cause }) => {
            Change::Hindered(Incompatible::Field { field, version: number(version), cause })
        }
        Err(Incompatible::NoSchema { version, cause }) => {
            Change::Hindered(Incompatible::NoSchema { version: number(version), cause })
        }
    }
}

/// Registers what is missing and sets levels; the ids are in what is given back.
///
/// # Errors
/// A [`RegistryError`]; what was done before it stands, and the same call goes on from there.
pub fn carry_out(client: &Client, plan: Plan) -> Result<Plan, RegistryError> {
    let subjects = plan.subjects.into_iter().map(|subject| brought(client, subject));
    Ok(Plan { subjects: subjects.collect::<Result<_, _>>()? })
}

fn brought(client: &Client, mut subject: Subject) -> Result<Subject, RegistryError> {
    let Some(text) = schema_text(subject.schema) else { return Ok(subject) };
    let levels = subject.changes.iter().any(|change| matches!(change, Change::Level { .. }));
    let first = subject.changes.contains(&Change::Register { version: 1 });
    // A registry may know no level of a subject that it does not have yet.
    if levels && !first {
        client.set_level(&subject.name, LEVEL)?;
    }
    if subject.id.is_none() {
        subject.id = Some(registered(client, &subject.name, text)?);
    }
    if levels && first {
        client.set_level(&subject.name, LEVEL)?;
    }
    subject.level = Some(LEVEL.to_owned());
    Ok(subject)
}

/// The id of our schema, now that it is registered. A registry may refuse as a conflict what another deployment
/// registers at the same moment: then the schema is there.
fn registered(client: &Client, subject: &str, text: &str) -> Result<u32, RegistryError> {
    match client.register(subject, text) {
        Err(conflict @ RegistryError::Incompatible { .. }) => client.id_of(subject, text)?.ok_or(conflict),
        answer => answer,
    }
}

/// Whether the versions of every schema under `folder` read each other, and the newest is the one of this program.
///
/// # Errors
/// What the file system says about the folder itself.
pub fn check(folder: &Path) -> io::Result<Vec<Checked>> {
    let named = |e: io::Error| io::Error::new(e.kind(), format!("{} cannot be read: {e}", folder.display()));
    fs::read_dir(folder).map_err(named)?;
    SCHEMAS.iter().map(|(schema, _)| checked(&folder.join(schema), schema)).collect()
}

fn checked(folder: &Path, schema: &str) -> io::Result<Checked> {
    let (mut texts, mut findings) = (Vec::new(), Vec::new());
    for number in 1.. {
        match fs::read_to_string(folder.join(format!("v{number}.avsc"))) {
            Ok(text) => texts.push(text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => break,
            Err(e) => return Err(io::Error::new(e.kind(), format!("{}/v{number}.avsc: {e}", folder.display()))),
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (earlier, text) in texts.iter().enumerate() {
        let before = texts.get(..earlier).unwrap_or_default();
        if let Err(why) = backward_transitive(text, before) {
            findings.push(format!("v{}: {why}", earlier + 1));
        }
    }
    let beyond = beyond(folder, texts.len())?;
    findings.extend(beyond.map(|name| format!("{name} does not follow v{}", texts.len())));
    if texts.last().copied() != schema_text(schema) {
        findings.push(match texts.len() {
            0 => "has no v1.avsc".to_owned(),
            newest => format!("v{newest} is not the text that this program was built with"),
        });
    }
    Ok(Checked { schema: schema.to_owned(), versions: texts.len(), findings })
}

/// A version file behind a missing number.
fn beyond(folder: &Path, versions: usize) -> io::Result<Option<String>> {
    let Ok(files) = fs::read_dir(folder) else { return Ok(None) };
    for file in files {
        let name = file?.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix('v').and_then(|rest| rest.strip_suffix(".avsc"));
        if number.is_some_and(|number| number.parse::<usize>().is_ok_and(|n| n > versions)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn schemas() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas")
    }

    #[test]
    fn the_schemas_of_this_project_read_their_earlier_versions() {
        let checked = check(&schemas()).unwrap();
        assert_eq!(checked.len(), SCHEMAS.len());
        for schema in checked {
            assert!(schema.versions >= 1 && schema.findings.is_empty(), "{schema:?}");
        }
        assert!(check(Path::new("no-such-folder")).unwrap_err().to_string().contains("no-such-folder"));
    }

    #[test]
    fn a_version_that_breaks_an_earlier_one_names_the_field() {
        let folder = std::env::temp_dir().join(format!("da-schemas-{}", std::process::id()));
        let view = folder.join("de.view");
        fs::create_dir_all(&view).unwrap();
        let text = schema_text("de.view").unwrap();
        fs::write(view.join("v1.avsc"), text).unwrap();
        fs::write(view.join("v2.avsc"), text.replacen(r#""name": "eventId""#, r#""name": "eventIdent""#, 1)).unwrap();
        fs::write(view.join("v4.avsc"), text).unwrap();
        let found = checked(&view, "de.view").unwrap();
        let absent = checked(&folder.join("usage"), "usage").unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found.versions, 2);
        let told = found.findings.join("; ");
        for part in ["v2: field `eventIdent`", "version 1", "v4.avsc does not follow v2", "v2 is not the text"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        assert_eq!(absent.findings, ["has no v1.avsc"]);
    }

    #[test]
    fn a_new_version_follows_the_last_and_names_what_hinders_it() {
        let version = |version, text: &str| Version { version, id: 9, schema: text.to_owned() };
        let text = schema_text("de.view").unwrap();
        assert_eq!(new_version(text, &[]), Change::Register { version: 1 });
        assert_eq!(new_version(text, &[version(3, text)]), Change::Register { version: 4 });
        let other = schema_text("de.score").unwrap();
        let told = new_version(text, &[version(3, text), version(7, other)]).to_string();
        assert!(told.contains("version 7"), "{told}");
    }
}

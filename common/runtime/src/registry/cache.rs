//! What is known of a registry, kept on disk for the time it is away: our ids, and the schemas of foreign ids.
//!
//! Place: beside `client`; one folder per registry, named after its URL. Files are replaced as a whole, so that a crash
//! leaves the old or the new one; what cannot be read counts as not known. Asks nobody.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use da_model::schema::resolve::LONGEST_SCHEMA;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest file that is read.
const LONGEST_FILE: u64 = 4 * LONGEST_SCHEMA as u64;

/// The folder of one registry.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    url: String,
}

/// The file `ids.json`: for each of our schemas its id.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ids {
    /// The registry they are of.
    registry: String,
    /// By subject and fingerprint of the schema's text.
    ids: BTreeMap<String, u32>,
}

impl Cache {
    /// The part of `folder` that belongs to the registry at `url`. Nothing is made before something is kept.
    #[must_use]
    pub fn of(folder: &Path, url: &str) -> Self {
        Self { folder: folder.join(fingerprint(url).get(..16).unwrap_or_default()), url: url.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The id of a schema of ours under a subject.
    #[must_use]
    pub fn id_of(&self, subject: &str, text: &str) -> Option<u32> {
        self.ids().get(&entry(subject, text)).copied()
    }

    /// Keeps ids of ours, given as subject, text and id; what is kept of other versions stays. Says whether one of
    /// them was another before: then the registry was built anew, and everything kept of the old one is forgotten.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_ids(&self, ids: &[(String, &str, u32)]) -> io::Result<bool> {
        let mut kept = self.ids();
        let rebuilt =
            ids.iter().any(|(subject, text, id)| kept.get(&entry(subject, text)).is_some_and(|old| old != id));
        if rebuilt {
            kept.clear();
            fs::remove_dir_all(self.folder.join("schemas")).or_else(|e| absent(&e).then_some(()).ok_or(e))?;
        }
        let before = kept.len();
        kept.extend(ids.iter().map(|(subject, text, id)| (entry(subject, text), *id)));
        if rebuilt || kept.len() != before {
            let file = Ids { registry: self.url.clone(), ids: kept };
            self.replace(&self.folder.join("ids.json"), &serde_json::to_vec_pretty(&file)?)?;
        }
        Ok(rebuilt)
    }

    /// The text of a schema by its id.
    #[must_use]
    pub fn schema(&self, id: u32) -> Option<String> {
        String::from_utf8(bounded(&self.schema_file(id)).ok()?).ok()
    }

    /// Keeps the text of a schema by its id.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep_schema(&self, id: u32, text: &str) -> io::Result<()> {
        self.replace(&self.schema_file(id), text.as_bytes())
    }

    fn schema_file(&self, id: u32) -> PathBuf {
        self.folder.join("schemas").join(format!("{id}.avsc"))
    }

    fn ids(&self) -> BTreeMap<String, u32> {
        let read = bounded(&self.folder.join("ids.json")).ok();
        let file: Option<Ids> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        file.filter(|file| file.registry == self.url).map(|file| file.ids).unwrap_or_default()
    }

    /// Writes beside the file, then puts it in its place.
    fn replace(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(file.parent().unwrap_or(&self.folder))?;
        let fresh = file.with_extension(format!("{}.new", std::process::id()));
        let mut out = File::create(&fresh)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        fs::rename(&fresh, file)
    }
}

fn bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LONGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn entry(subject: &str, text: &str) -> String {
    format!("{subject} {}", fingerprint(text))
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Which processors run in which group of a process.
//!
//! Place: checked at start, before anything is opened. A group names its consumer group; a processor is in exactly one.
//! Reads no file: that is the shell's.

use crate::processors::{PROCESSORS, Processor};

/// Processors of one group.
pub type Processors = Vec<&'static dyn Processor>;

/// The settings of dep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The groups of this process.
    pub groups: Vec<Group>,
}

/// A named list of processors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The consumer group.
    pub name: &'static str,
    /// Names of processors; `None` means all.
    pub processors: Option<Vec<String>>,
}

/// What is wrong with the groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupError {
    /// A name that no processor has.
    Unknown(String),
    /// A processor in two groups.
    Twice(String),
}

impl std::fmt::Display for GroupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "no processor is named `{name}`"),
            Self::Twice(name) => write!(f, "processor `{name}` is in more than one group"),
        }
    }
}

impl std::error::Error for GroupError {}

impl Default for Settings {
    fn default() -> Self {
        Self { groups: vec![Group { name: "dep", processors: None }] }
    }
}

impl Settings {
    /// Every group with its processors, in the order of the registry.
    ///
    /// # Errors
    /// [`GroupError`] for an unknown name, or one in two groups.
    pub fn chosen(&self) -> Result<Vec<(&'static str, Processors)>, GroupError> {
        let mut taken: Vec<&str> = Vec::new();
        let mut groups = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let processors = group.chosen()?;
            if let Some(twice) = processors.iter().find(|processor| taken.contains(&processor.name())) {
                return Err(GroupError::Twice(twice.name().to_owned()));
            }
            taken.extend(processors.iter().map(|processor| processor.name()));
            groups.push((group.name, processors));
        }
        Ok(groups)
    }
}

impl Group {
    fn chosen(&self) -> Result<Processors, GroupError> {
        let Some(names) = &self.processors else {
            return Ok(PROCESSORS.to_vec());
        };
        match names.iter().find(|name| !PROCESSORS.iter().any(|processor| processor.name() == *name)) {
            Some(unknown) => Err(GroupError::Unknown(unknown.clone())),
            None => Ok(PROCESSORS.iter().copied().filter(|p| names.iter().any(|name| name == p.name())).collect()),
        }
    }
}

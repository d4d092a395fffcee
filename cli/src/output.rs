//! What a command prints and how it ends: result lines on stdout, notes on stderr, one exit code.
//!
//! Place: handed to every command. The only file of the project that writes to stdout; it decides between people's
//! form and `--json`, and keeps quiet when told to. Does not know what is printed.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// How a command ended; the numbers are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine,
    /// The command did its work and found something that a person should look at.
    Findings,
    /// The command was called wrongly.
    WrongUse,
    /// A file, server or folder that is needed cannot be reached.
    Unreachable,
    /// Stopped half-way; the same call goes on from there.
    Interrupted,
}

/// A refusal that speaks plainly: what was attempted and why not, then what to try next.
#[derive(Debug)]
pub struct Refusal {
    /// How the process ends.
    pub exit: Exit,
    /// What was attempted with what, and what came back.
    pub what: String,
    /// What to try next; empty where nothing sensible can be said.
    pub next: String,
}

/// Where and in which form a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    form: Form,
    quiet: bool,
}

/// For whom the result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Tables and sentences.
    People,
    /// One JSON value per line.
    Json,
}

impl Exit {
    /// The process exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::WrongUse => 2,
            Self::Unreachable => 3,
            Self::Interrupted => 4,
        }
    }
}

impl Refusal {
    /// The caller is at fault.
    pub fn wrong_use(what: impl Into<String>, next: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { exit: Exit::WrongUse, what: what.into(), next: next.into() })
    }

    /// Something needed is not there.
    pub fn unreachable(what: impl Into<String>, next: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { exit: Exit::Unreachable, what: what.into(), next: next.into() })
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        if self.next.is_empty() { Ok(()) } else { write!(f, "\n  try: {}", self.next) }
    }
}

impl std::error::Error for Refusal {}

impl Output {
    /// Prints in `form`; `quiet` leaves out notes and progress.
    #[must_use]
    pub const fn new(form: Form, quiet: bool) -> Self {
        Self { form, quiet }
    }

    /// For whom the result is printed.
    #[must_use]
    pub const fn form(self) -> Form {
        self.form
    }

    /// Whether a bar or a table may be redrawn in place.
    #[must_use]
    pub fn is_live(self) -> bool {
        !self.quiet && self.form == Form::People && io::stdout().is_terminal()
    }

    /// Whether progress and notes are left out.
    #[must_use]
    pub const fn is_quiet(self) -> bool {
        self.quiet
    }

    /// One line of the result, for people.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn line(self, text: impl std::fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// One JSON value of the result, on a line of its own.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn value(self, value: &impl Serialize) -> io::Result<()> {
        self.line(serde_json::to_string(value)?)
    }

    /// A remark on stderr that is no part of the result.
    pub fn note(self, text: impl std::fmt::Display) {
        if !self.quiet {
            let _closed = writeln!(io::stderr().lock(), "{text}");
        }
    }

    /// An error on stderr; it is printed even when quiet.
    pub fn error(self, text: impl std::fmt::Display) {
        let _closed = writeln!(io::stderr().lock(), "da: {text}");
    }

    /// A table for people, or one JSON object per row with the headings as names.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn table(self, headings: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        if self.form == Form::Json {
            return rows.iter().try_for_each(|row| self.value(&object_of(headings, row)));
        }
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(headings);
        table.add_rows(rows);
        self.line(table)
    }
}

fn object_of(headings: &[&str], row: &[String]) -> serde_json::Map<String, serde_json::Value> {
    headings.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), cell.as_str().into())).collect()
}

//! The board of the demo: the class table as the views show it, drawn again and again, or plain lines without a terminal.
//!
//! Place: reads the data file like any analyst. Computes nothing: every number is a cell of `class_progress`.

use da_runtime::io::sqlite_log::Reader;
use serde_json::{Map, Value};

use crate::output::{Form, Output};

const SQL: &str = "SELECT class, item_kind, percent, count, learners, time_ms / 60000 AS minutes, views, items \
                   FROM class_progress WHERE level = 'course' ORDER BY class, item_kind";
const HEADINGS: [&str; 8] = ["class", "items", "score %", "scored", "learners", "minutes", "views", "different items"];
const COLUMNS: [&str; 8] = ["class", "item_kind", "percent", "count", "learners", "minutes", "views", "items"];
/// Plain lines come after so many more answers.
const PLAIN_PARTS: u64 = 12;

/// The board.
pub(crate) struct Board {
    reader: Reader,
    events: u64,
    drawn: usize,
    told: u64,
    out: Output,
}

impl Board {
    /// A board over a data file; `events` is how many will be posted.
    pub(crate) const fn new(reader: Reader, events: u64, out: Output) -> Self {
        Self { reader, events, drawn: 0, told: 0, out }
    }

    /// Shows how things stand after so many answers. A look that fails is left out: the next one comes at once.
    pub(crate) fn show(&mut self, answered: u64) {
        if self.out.is_live() {
            let _closed = self.draw(answered);
        } else if answered.saturating_sub(self.told) * PLAIN_PARTS >= self.events {
            self.told = answered;
            let rows = self.rows().unwrap_or_default();
            let cells = rows
                .iter()
                .map(|row| format!("{} {} {}", cell(row, "class"), cell(row, "item_kind"), cell(row, "percent")));
            let text: Vec<String> = cells.collect();
            self.out.note(format_args!("{answered}/{} events answered; {}", self.events, text.join(", ")));
        }
    }

    /// The table as it stands in the end, on a terminal and without one; for programs one row a line.
    ///
    /// # Errors
    /// When the file cannot be read or stdout is closed.
    pub(crate) fn last(&mut self) -> anyhow::Result<()> {
        if self.out.is_live() {
            return self.draw(self.events);
        }
        if self.out.form() == Form::Json {
            return Ok(self.rows()?.iter().try_for_each(|row| self.out.value(row))?);
        }
        let table = self.table()?;
        Ok(self.out.line(table)?)
    }

    fn draw(&mut self, answered: u64) -> anyhow::Result<()> {
        let table = self.table()?;
        let done = usize::try_from(answered * 30 / self.events.max(1)).unwrap_or(30).min(30);
        let bar = format!("▕{}{}▏ {answered}/{} events", "█".repeat(done), " ".repeat(30 - done), self.events);
        let text = format!("{table}\n\n{bar}");
        let up = if self.drawn == 0 { String::new() } else { format!("\x1b[{}A\x1b[J", self.drawn) };
        self.drawn = text.lines().count();
        Ok(self.out.line(format_args!("{up}{text}"))?)
    }

    fn table(&mut self) -> anyhow::Result<String> {
        let rows = self.rows()?;
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY).set_header(HEADINGS);
        for row in &rows {
            table.add_row(COLUMNS.map(|column| cell(row, column)));
        }
        Ok(table.to_string())
    }

    fn rows(&mut self) -> anyhow::Result<Vec<Map<String, Value>>> {
        Ok(self.reader.query(SQL)?)
    }
}

fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        Some(Value::String(text)) if column == "class" => text.chars().take(8).collect(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if column == "percent" => format!("{:.2}", number.as_f64().unwrap_or_default()),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => "–".to_owned(),
    }
}

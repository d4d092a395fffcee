//! Log lines: what happened, under a documented name, with a few fields.
//!
//! Place: called at life-cycle steps and per batch or refused request. Takes no payload: fields are codes, numbers,
//! names of settings and of topics, and hashes.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::io::IsTerminal;
use std::sync::{LazyLock, Mutex, PoisonError};

use da_model::names::LogEvent;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format;

use crate::clock::SystemClock;
use crate::ports::Clock;

/// Lines of one event per second; the others are counted and told with the next line.
const LINES_PER_SECOND: u32 = 20;

/// Fields of a line, by name.
pub type Fields<'a> = &'a [(&'a str, &'a dyn Display)];

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Begins to write lines to standard error; later calls change nothing.
///
/// `level` is error, warn, info, debug or trace, or a filter of the tracing crate.
pub fn install(format: Format, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    // What cannot be written is dropped: told to a standard error that is full, it would be a panic of the thread.
    let lines = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    let lines = lines.with_writer(std::io::stderr).with_target(false);
    // The message says everything to people; fields are for machines.
    let message_only = format::debug_fn(|writer, field, value| match field.name() {
        "message" => write!(writer, "{value:?}"),
        _ => Ok(()),
    });
    // A second call finds a subscriber in place, which is what it asked for.
    let _ = match format {
        Format::Text => lines.with_ansi(std::io::stderr().is_terminal()).fmt_fields(message_only).try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// Someone must act.
pub fn error(event: LogEvent, fields: Fields<'_>) {
    if let Some(held_back) = GATE.pass(event, second()) {
        tracing::error!(event = event.code(), "{}", Line(event, fields, held_back));
    }
}

/// Something went wrong and was dealt with.
pub fn warn(event: LogEvent, fields: Fields<'_>) {
    if let Some(held_back) = GATE.pass(event, second()) {
        tracing::warn!(event = event.code(), "{}", Line(event, fields, held_back));
    }
}

/// A step of the life-cycle.
pub fn info(event: LogEvent, fields: Fields<'_>) {
    if let Some(held_back) = GATE.pass(event, second()) {
        tracing::info!(event = event.code(), "{}", Line(event, fields, held_back));
    }
}

/// One batch.
pub fn debug(event: LogEvent, fields: Fields<'_>) {
    if let Some(held_back) = GATE.pass(event, second()) {
        tracing::debug!(event = event.code(), "{}", Line(event, fields, held_back));
    }
}

fn second() -> i64 {
    SystemClock.now().0.div_euclid(1000)
}

static GATE: LazyLock<Gate> = LazyLock::new(Gate::default);

/// Holds back lines of an event that comes too often.
#[derive(Debug, Default)]
struct Gate(Mutex<HashMap<LogEvent, Passed>>);

#[derive(Debug, Default, Clone, Copy)]
struct Passed {
    second: i64,
    lines: u32,
    held_back: u32,
}

impl Gate {
    /// How many lines were held back before this one, or `None` if it is held back too.
    fn pass(&self, event: LogEvent, second: i64) -> Option<u32> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(event).or_default();
        if seen.second != second {
            (seen.second, seen.lines) = (second, 0);
        }
        if seen.lines == LINES_PER_SECOND {
            seen.held_back = seen.held_back.saturating_add(1);
            return None;
        }
        seen.lines += 1;
        Some(std::mem::take(&mut seen.held_back))
    }
}

struct Line<'a>(LogEvent, Fields<'a>, u32);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())?;
        for (name, value) in self.1 {
            write!(f, " {name}={value}")?;
        }
        if self.2 > 0 {
            write!(f, " held_back={}", self.2)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_event_and_its_fields() {
        let line = Line(LogEvent::Listening, &[("address", &"127.0.0.1:1"), ("connections", &7)], 0);
        assert_eq!(line.to_string(), "listening address=127.0.0.1:1 connections=7");
    }
    #[test]
    fn an_event_that_comes_too_often_is_held_back_and_counted() {
        let gate = Gate::default();
        for _ in 0..LINES_PER_SECOND {
            assert_eq!(gate.pass(LogEvent::RequestRefused, 7), Some(0));
        }
        assert_eq!(gate.pass(LogEvent::RequestRefused, 7), None);
        assert_eq!(gate.pass(LogEvent::RequestRefused, 7), None);
        assert_eq!(gate.pass(LogEvent::Listening, 7), Some(0));
        assert_eq!(gate.pass(LogEvent::RequestRefused, 8), Some(2));
        assert_eq!(gate.pass(LogEvent::RequestRefused, 8), Some(0));
    }
}

//! Log lines: what happened, under a documented name, with a few fields.
//!
//! Place: called at life-cycle steps and per batch or refused request. Takes no payload: fields are codes, numbers,
//! names of settings and of topics, and hashes.

use std::fmt::{self, Display};

use da_model::names::LogEvent;
use tracing_subscriber::EnvFilter;

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
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second call finds a subscriber in place, which is what it asked for.
    let _ = match format {
        Format::Text => lines.try_init(),
        Format::Json => lines.json().flatten_event(true).try_init(),
    };
}

/// Someone must act.
pub fn error(event: LogEvent, fields: Fields<'_>) {
    tracing::error!(event = event.code(), "{}", Line(event, fields));
}

/// Something went wrong and was dealt with.
pub fn warn(event: LogEvent, fields: Fields<'_>) {
    tracing::warn!(event = event.code(), "{}", Line(event, fields));
}

/// A step of the life-cycle.
pub fn info(event: LogEvent, fields: Fields<'_>) {
    tracing::info!(event = event.code(), "{}", Line(event, fields));
}

/// One batch.
pub fn debug(event: LogEvent, fields: Fields<'_>) {
    tracing::debug!(event = event.code(), "{}", Line(event, fields));
}

struct Line<'a>(LogEvent, Fields<'a>);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())?;
        for (name, value) in self.1 {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_its_event_and_its_fields() {
        let line = Line(LogEvent::Listening, &[("address", &"127.0.0.1:1"), ("connections", &7)]);
        assert_eq!(line.to_string(), "listening address=127.0.0.1:1 connections=7");
    }
}

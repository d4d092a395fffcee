//! The grammar of event names: `usage.<object>.<metric>` and `<entity>.<action>`.
//!
//! Place: wherever a name is taken apart or put together. Reads the old spelling `timspent`, never writes it. Does not
//! know which objects have which metrics: the registries of demux and dep do.

use std::fmt;

use crate::event::MetricKind;

/// A name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name<'a> {
    /// `usage.<object>.<metric>`.
    Usage {
        /// What the metric is about: `question`, `lesson`.
        object: &'a str,
        /// The metric.
        metric: MetricKind,
    },
    /// `<entity>.<action>`.
    Entity {
        /// content, class or user.
        entity: &'a str,
        /// What happened: `course-assigned`.
        action: &'a str,
    },
}

impl<'a> Name<'a> {
    /// Takes a name apart; `None` where it does not follow the grammar.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split('.');
        let name = match (parts.next()?, parts.next()?, parts.next()) {
            ("usage", object, Some(metric)) => Self::Usage { object: word(object)?, metric: metric_of(metric)? },
            ("usage", _, None) | (_, _, Some(_)) => return None,
            (entity, action, None) => Self::Entity { entity: word(entity)?, action: word(action)? },
        };
        parts.next().is_none().then_some(name)
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { object, metric } => write!(f, "usage.{object}.{metric}"),
            Self::Entity { entity, action } => write!(f, "{entity}.{action}"),
        }
    }
}

fn metric_of(text: &str) -> Option<MetricKind> {
    match text {
        "timspent" => Some(MetricKind::Timespent),
        _ => MetricKind::from_code(text),
    }
}

fn word(text: &str) -> Option<&str> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(inner)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_and_together() {
        let name = Name::parse("usage.question.score").unwrap();
        assert_eq!(name, Name::Usage { object: "question", metric: MetricKind::Score });
        assert_eq!(name.to_string(), "usage.question.score");
        let name = Name::parse("class.course-assigned").unwrap();
        assert_eq!(name, Name::Entity { entity: "class", action: "course-assigned" });
        assert_eq!(name.to_string(), "class.course-assigned");
    }

    #[test]
    fn the_old_spelling_is_read_and_never_written() {
        assert_eq!(Name::parse("usage.resource.timspent").unwrap().to_string(), "usage.resource.timespent");
    }

    #[test]
    fn other_texts_are_no_names() {
        for text in ["", "usage", "usage.question", "usage.question.speed", "usage.question.score.x", "a.b.c", "a..b"] {
            assert_eq!(Name::parse(text), None, "{text}");
        }
        assert_eq!(Name::parse("Class.joined"), None);
        assert_eq!(Name::parse("class."), None);
    }
}

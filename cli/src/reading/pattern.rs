//! Topic patterns of `da tap`: `demux.*.score`, with or without the common prefix.
//!
//! Place: chooses among the topics of `topics.yaml`. A `*` stands for any text, dots included.

use da_model::ids::TopicName;
use da_model::topics;

/// The listed topics that a pattern names, in the order of the list.
#[must_use]
pub fn topics_of(pattern: &str) -> Vec<TopicName> {
    let pattern = pattern.strip_prefix(topics::PREFIX).unwrap_or(pattern);
    topics::all().iter().filter(|topic| matches(pattern, &topic.name)).map(|topic| TopicName(&topic.name)).collect()
}

/// The listed topic nearest to a pattern that named none, for "did you mean".
#[must_use]
pub fn nearest(pattern: &str) -> Option<&'static str> {
    let near = |topic: &&'static topics::Topic| distance(pattern, &topic.name);
    topics::all().iter().min_by_key(near).filter(|t| near(t) * 3 <= t.name.len()).map(|t| t.name.as_str())
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(tail) = name.strip_prefix(head) else {
        return false;
    };
    tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| tail.get(at..).is_some_and(|t| matches(rest, t)))
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(b.chars()) {
            let cost = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = cost.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let names = |pattern: &str| topics_of(pattern).iter().map(|t| t.0).collect::<Vec<_>>();
        let scores = ["demux.question.score", "demux.collection.score", "demux.assessment.score"];
        assert_eq!(names("demux.*.score"), scores);
        assert_eq!(names("dep.class.view"), ["dep.class.view"]);
        assert_eq!(names(&format!("{}gep.dead", topics::PREFIX)), ["gep.dead"]);
        assert_eq!(names("*").len(), topics::all().len());
        assert!(names("demux.*.scores").is_empty());
    }

    #[test]
    fn a_near_miss_is_named() {
        assert_eq!(nearest("demux.asessment.score"), Some("demux.assessment.score"));
        assert_eq!(nearest("x"), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}

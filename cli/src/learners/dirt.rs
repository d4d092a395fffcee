//! What goes wrong on the way from a client: repeats, reused ids, disorder, invalid fields.
//!
//! Place: between behaviour and the request; each refused kind breaks exactly one rule of domain.md §2, so its reason
//! is known. The bench profile has none of it.

use super::random::Random;

/// What becomes of one event on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Plain,
    /// It arrives and arrives again later.
    Twice,
    /// It arrives and its id comes back with other content.
    Conflict,
    /// It arrives some events later.
    Late,
    /// It breaks a rule.
    Broken,
}

/// Draws a fate (performance.md §6 point 7).
pub fn fate(random: &mut Random) -> Fate {
    match random.below(1_000) {
        0 => Fate::Twice,
        1 => Fate::Conflict,
        2..=11 => Fate::Broken,
        12..=61 => Fate::Late,
        _ => Fate::Plain,
    }
}

/// The same id with another answer, end or score; `None` where nothing in it can be changed that way.
#[must_use]
pub fn conflicting(body: &str) -> Option<String> {
    let swaps = [
        ("\"attemptStatus\":\"correct\"", "\"attemptStatus\":\"incorrect\""),
        ("\"attemptStatus\":\"incorrect\"", "\"attemptStatus\":\"correct\""),
        ("\"clientSource\":\"web\"", "\"clientSource\":\"portal\""),
        ("\"clientSource\":\"mobile\"", "\"clientSource\":\"tablet\""),
    ];
    swaps.iter().find(|(from, _)| body.contains(from)).map(|(from, to)| body.replacen(from, to, 1))
}

/// A copy that breaks one rule.
pub fn broken(random: &mut Random, body: &str) -> String {
    let breaks: [(&str, &str); 8] = [
        ("\"eventName\":", "\"eventNme\":"),
        ("\"gooruUId\":", "\"gooruUid_\":"),
        ("\"sessionId\":\"", "\"sessionId\":\"0123456789012345678901234567890123456789"),
        ("\"eventName\":\"", "\"eventName\":\"un"),
        ("\"type\":\"start\"", "\"type\":\"pause\""),
        ("\"collectionType\":\"", "\"collectionType\":\"quiz-"),
        ("\"attemptStatus\":\"", "\"attemptStatus\":\"almost-"),
        ("\"reactionType\":\"", "\"reactionType\":\"9"),
    ];
    let from = random.index(breaks.len());
    let applicable = breaks.iter().cycle().skip(from).take(breaks.len()).find(|(from, _)| body.contains(from));
    applicable.map_or_else(|| "{}".to_owned(), |(from, to)| body.replacen(from, to, 1))
}

/// The event without its learner (the stream with an empty key).
#[must_use]
pub fn keyless(body: &str) -> String {
    body.replacen("\"gooruUId\":", "\"gooruUid_\":", 1)
}

/// Far above the limit of one event, in strings that are each below theirs.
#[must_use]
pub fn giant(body: &str) -> String {
    let text = "x".repeat(60_000);
    let filler: Vec<String> = (0..6).map(|n| format!("\"filler{n}\":\"{text}\"")).collect();
    body.replacen('{', &format!("{{{},", filler.join(",")), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_copy_differs_and_a_giant_is_above_the_limit() {
        let body = "{\"eventName\":\"resource.play\",\"user\":{\"gooruUId\":\"u\"},\"clientSource\":\"web\"}";
        let mut random = Random::new(1, 1);
        assert!((0..50).all(|_| broken(&mut random, body) != body));
        assert!(giant(body).len() > 256 * 1024);
        assert!(conflicting(body).unwrap().contains("portal"));
        assert!(!keyless(body).contains("gooruUId"));
    }
}

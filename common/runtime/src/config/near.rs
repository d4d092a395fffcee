//! Near misses and places: which name was probably meant, and where in the file a key is written.
//!
//! Place: used for messages only. Reads no settings.

/// The known name that differs in few letters from what was written.
pub(super) fn near_miss<'k>(written: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let best = known.map(|name| (distance(written, name), name)).min()?;
    (best.0 <= written.chars().count().max(3) / 3).then_some(best.1)
}

/// Letters to add, remove, change or swap.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&row, j) + usize::from(from != to);
            let mut best = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(to) && b.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Line and column of a key such as `http.rate.burst_seconds` in block style; of its nearest parent in flow style.
pub(super) fn position(text: &str, key: &str) -> Option<(u64, u64)> {
    let mut found = None;
    let mut line_from = 0;
    for part in key.split('.') {
        let name = part.split('[').next().unwrap_or(part);
        let hit = text.lines().enumerate().skip(line_from).find_map(|(n, line)| {
            let indent = line.len() - line.trim_start().len();
            let written = line.trim_start().trim_start_matches("- ");
            let rest = written.strip_prefix(name)?;
            rest.trim_start().starts_with(':').then_some((n, indent))
        });
        let Some((n, indent)) = hit else { break };
        found = Some((n as u64 + 1, indent as u64 + 1));
        line_from = n + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_near() {
        let known = ["http", "admin", "session_timeout"];
        assert_eq!(near_miss("htpp", known.into_iter()), Some("http"));
        assert_eq!(near_miss("sesion_timeout", known.into_iter()), Some("session_timeout"));
        assert_eq!(near_miss("zebra", known.into_iter()), None);
    }

    #[test]
    fn a_key_is_found_below_its_parents() {
        let text = "admin:\n  listen: a\nhttp:\n  rate:\n    burst_seconds: 1\n  listen: b\n";
        assert_eq!(position(text, "http.listen"), Some((6, 3)));
        assert_eq!(position(text, "http.rate.burst_seconds"), Some((5, 5)));
        assert_eq!(position(text, "cache.bytes"), None);
    }
}

//! Rust text without a parser: comments and strings blanked, test modules found, functions measured.
//!
//! Place: good enough for this project's own formatted code; it is no parser and does not try to be one.

use super::Function;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    BlockComment(usize),
    Text { hashes: Option<usize> },
}

/// Comments blanked; line breaks stay.
pub(super) fn without_comments(text: &str) -> String {
    blanked(text, false)
}

/// Comments and contents of strings blanked; line breaks stay.
pub(super) fn without_comments_and_strings(text: &str) -> String {
    blanked(text, true)
}

fn blanked(text: &str, strings: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut state = State::Code;
    let mut at = 0;
    while let Some(&now) = chars.get(at) {
        let (next, taken) = step(state, &chars, at);
        let hidden = match state {
            State::Code if next == State::Code => strings && taken > 2, // a char literal
            State::Code => matches!(next, State::LineComment | State::BlockComment(_)),
            State::LineComment | State::BlockComment(_) => true,
            State::Text { .. } => strings && next != State::Code,
        };
        for &c in chars.get(at..at + taken).unwrap_or(&[now]) {
            out.push(if hidden && c != '\n' { ' ' } else { c });
        }
        state = next;
        at += taken;
    }
    out
}

/// The state after the characters at `at`, and how many of them were looked at.
fn step(state: State, chars: &[char], at: usize) -> (State, usize) {
    let now = chars.get(at).copied().unwrap_or(' ');
    let after = chars.get(at + 1).copied().unwrap_or(' ');
    match state {
        State::Code => code_step(chars, at, (now, after)),
        State::LineComment if now == '\n' => (State::Code, 1),
        State::LineComment => (State::LineComment, 1),
        State::BlockComment(depth) => match (now, after) {
            ('/', '*') => (State::BlockComment(depth + 1), 2),
            ('*', '/') if depth == 1 => (State::Code, 2),
            ('*', '/') => (State::BlockComment(depth - 1), 2),
            _ => (state, 1),
        },
        State::Text { hashes: None } if now == '\\' => (state, 2),
        State::Text { hashes } if now == '"' => {
            let needed = hashes.unwrap_or(0);
            let closing = chars.iter().skip(at + 1).take(needed).filter(|c| **c == '#').count();
            if closing == needed { (State::Code, 1 + needed) } else { (state, 1) }
        }
        State::Text { .. } => (state, 1),
    }
}

fn code_step(chars: &[char], at: usize, pair: (char, char)) -> (State, usize) {
    match pair {
        ('/', '/') => (State::LineComment, 2),
        ('/', '*') => (State::BlockComment(1), 2),
        ('"', _) => (State::Text { hashes: None }, 1),
        ('r', '"' | '#') if !follows_word(chars, at) => raw(chars, at),
        ('\'', _) => (State::Code, char_literal(chars, at)),
        _ => (State::Code, 1),
    }
}

fn raw(chars: &[char], at: usize) -> (State, usize) {
    let hashes = chars.iter().skip(at + 1).take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) == Some(&'"') {
        (State::Text { hashes: Some(hashes) }, 2 + hashes)
    } else {
        (State::Code, 1)
    }
}

fn follows_word(chars: &[char], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| chars.get(before)).is_some_and(|c| is_word(*c) && *c != 'b')
}

/// Length of a char literal at `at`; 1 for a lifetime.
fn char_literal(chars: &[char], at: usize) -> usize {
    if chars.get(at + 1) == Some(&'\\') {
        return chars.iter().skip(at + 3).position(|c| *c == '\'').map_or(1, |end| end + 4);
    }
    if chars.get(at + 2) == Some(&'\'') { 3 } else { 1 }
}

/// For each line, whether it lies in a `#[cfg(test)]` item.
pub(super) fn test_lines(bare: &str) -> Vec<bool> {
    let mut marks = Vec::new();
    let mut depth = 0_i64;
    let mut inside: Option<(i64, bool)> = None;
    for line in bare.lines() {
        if inside.is_none() && line.trim() == "#[cfg(test)]" {
            inside = Some((depth, false));
        }
        marks.push(inside.is_some());
        let opened = line.matches('{').count() as i64;
        depth += opened - line.matches('}').count() as i64;
        if let Some((start, begun)) = inside {
            let begun = begun || opened > 0;
            let ended = depth == start && (begun || line.trim_end().ends_with(';'));
            inside = (!ended).then_some((start, begun));
        }
    }
    marks
}

/// Functions with their length.
pub(super) fn functions(bare: &str) -> Vec<Function> {
    let lines: Vec<&str> = bare.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else {
            continue;
        };
        if let Some(length) = body_length(&lines, at) {
            found.push(Function { name, lines: length });
        }
    }
    found
}

fn function_name(line: &str) -> Option<String> {
    let (before, after) = line.split_once("fn ")?;
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern"];
    if !before.split_whitespace().all(|word| qualifiers.contains(&word)) {
        return None;
    }
    let name: String = after.chars().take_while(|c| is_word(*c)).collect();
    (!name.is_empty()).then_some(name)
}

/// Lines from a signature to the end of its body; `None` for a signature without a body.
fn body_length(lines: &[&str], from: usize) -> Option<usize> {
    let mut depth = 0_i64;
    let mut brackets = 0_i64;
    for (count, line) in lines.iter().skip(from).enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                ';' if depth == 0 && brackets == 0 => return None,
                _ => continue,
            }
            if c == '}' && depth == 0 {
                return Some(count + 1);
            }
        }
    }
    None
}

/// Whether `text` names `word`, bounded by what is no part of a word. A word with `::` or `(` counts as it is.
pub(super) fn names(text: &str, word: &str) -> bool {
    let bounded = |at: usize| {
        let before = text.get(..at).and_then(|t| t.chars().last());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        let open = |c: Option<char>| c.is_none_or(|c| !is_word(c));
        open(before) && (open(after) || word.ends_with(|c| !is_word(c)))
    };
    text.match_indices(word).any(|(at, _)| word.starts_with(|c| !is_word(c)) || bounded(at))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

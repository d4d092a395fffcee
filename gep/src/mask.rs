//! Overwrites secrets in the bytes of a refused event (domain.md §2.6).
//!
//! Place: last step before an original is kept in `gep.rejected`. Works on bytes, so it also works on broken JSON and
//! inside strings that hold JSON; changes no length.

/// Keys whose string values are never kept.
const SECRETS: [&[u8]; 6] = [b"sessionToken", b"apiKey", b"access_token", b"userIp", b"userAgent", b"text"];

/// Overwrites with `*` every byte of a string that follows a secret key and a colon, up to its closing quote or the
/// end of the input.
pub fn mask_secrets(bytes: &mut [u8]) {
    let mut at = 0;
    while let Some(quote) = find_quote(bytes, at) {
        at = quote + 1;
        let Some(value) = secret_value(bytes, at) else { continue };
        let end = closing_quote(bytes, value);
        bytes.get_mut(value.start..end).unwrap_or_default().fill(b'*');
        at = end;
    }
}

fn find_quote(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(|b| *b == b'"').map(|n| from + n)
}

/// Where a value starts, and how many backslashes its quotes carry.
#[derive(Clone, Copy)]
struct Opened {
    start: usize,
    slashes: usize,
}

/// The string value behind a secret key that starts at `at`.
fn secret_value(bytes: &[u8], at: usize) -> Option<Opened> {
    let rest = bytes.get(at..)?;
    let key = SECRETS.iter().find(|key| rest.starts_with(key))?;
    let mut here = at + key.len();
    here += run(bytes, here, |b| b == b'\\');
    if bytes.get(here) != Some(&b'"') {
        return None;
    }
    here += 1;
    here += run(bytes, here, is_space);
    if bytes.get(here) != Some(&b':') {
        return None;
    }
    here += 1;
    here += run(bytes, here, is_space);
    let slashes = run(bytes, here, |b| b == b'\\');
    here += slashes;
    (bytes.get(here) == Some(&b'"')).then_some(Opened { start: here + 1, slashes })
}

/// The first backslash or quote of the closing quote; the end of the input where there is none.
fn closing_quote(bytes: &[u8], value: Opened) -> usize {
    let mut at = value.start;
    while let Some(quote) = find_quote(bytes, at) {
        let before = bytes.get(value.start..quote).unwrap_or_default();
        let slashes = before.iter().rev().take_while(|b| **b == b'\\').count();
        let inner_end = value.slashes == 1 && slashes % 4 == 1;
        if inner_end {
            return quote - 1;
        }
        if slashes % 2 == 0 {
            return quote;
        }
        at = quote + 1;
    }
    bytes.len()
}

fn run(bytes: &[u8], from: usize, of: fn(u8) -> bool) -> usize {
    bytes.get(from..).unwrap_or_default().iter().take_while(|b| of(**b)).count()
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        mask_secrets(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn secrets_become_stars_of_equal_length() {
        assert_eq!(masked(r#"{"sessionToken":"tok-SECRET-1","a":"b"}"#), r#"{"sessionToken":"************","a":"b"}"#);
        assert_eq!(masked(r#"{"sessionToken" : "tok-SECRET-"#), r#"{"sessionToken" : "***********"#);
        assert_eq!(masked(r#"{"text":"a\"b","x":1}"#), r#"{"text":"****","x":1}"#);
        assert_eq!(masked(r#"{"text":"a\\","x":"y"}"#), r#"{"text":"***","x":"y"}"#);
        assert_eq!(
            masked(r#"{"userIp":null,"text":3,"context":"text"}"#),
            r#"{"userIp":null,"text":3,"context":"text"}"#
        );
        assert_eq!(
            masked(r#""apiKey":"k","userAgent":"u","access_token":"a","userIp":"1""#),
            r#""apiKey":"*","userAgent":"*","access_token":"*","userIp":"*""#
        );
        assert_eq!(masked(r#"{"text":"","text":"#), r#"{"text":"","text":"#);
    }

    #[test]
    fn secrets_in_a_string_that_holds_json_are_masked_too() {
        let sent = r#"{"payLoadObject":"{\"answerObject\":[{\"text\":\"three\",\"order\":1}]}","a":"b"}"#;
        let kept = r#"{"payLoadObject":"{\"answerObject\":[{\"text\":\"*****\",\"order\":1}]}","a":"b"}"#;
        assert_eq!(masked(sent), kept);
        assert_eq!(masked(r#""{\"text\":\"a\\\"b\",\"c\":1}""#), r#""{\"text\":\"******\",\"c\":1}""#);
    }
}

//! What must be kept of refused bytes: secrets overwritten, cut at 64 KiB, and the hash of what was sent.
//!
//! Place: the audit's own reading of domain.md §2.6; shares nothing with the intake's mask.

use sha2::{Digest, Sha256};

const LIMIT: usize = 65_536;
const SECRETS: [&str; 6] = ["sessionToken", "apiKey", "access_token", "userIp", "userAgent", "text"];

/// SHA-256, hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes to keep.
pub(super) fn kept(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < out.len() {
        match value_after_secret(&out, at) {
            Some(start) => at = overwrite(&mut out, start),
            None => at += 1,
        }
    }
    out.truncate(LIMIT);
    out
}

/// Where the value's characters begin, if a quoted secret name, a colon and a quote begin here.
fn value_after_secret(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let name = SECRETS.iter().find(|name| rest.starts_with(format!("\"{name}\"").as_bytes()))?;
    let blank = |from: usize| from + bytes.iter().skip(from).take_while(|b| b.is_ascii_whitespace()).count();
    let colon = blank(at + name.len() + 2);
    let quote = bytes.get(colon).filter(|b| **b == b':').map(|_| blank(colon + 1))?;
    bytes.get(quote).filter(|b| **b == b'"').map(|_| quote + 1)
}

/// Overwrites characters up to the closing quote; each character becomes one star.
fn overwrite(bytes: &mut Vec<u8>, start: usize) -> usize {
    let (mut end, mut escaped) = (start, false);
    while let Some(byte) = bytes.get(end) {
        if *byte == b'"' && !escaped {
            break;
        }
        escaped = *byte == b'\\' && !escaped;
        end += 1;
    }
    let inside = bytes.get(start..end).unwrap_or_default();
    let characters = inside.iter().filter(|b| **b & 0xc0 != 0x80).count();
    bytes.splice(start..end, std::iter::repeat_n(b'*', characters));
    start + characters + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_become_stars_also_where_the_text_is_cut() {
        let masked = |text: &str| String::from_utf8(kept(text.as_bytes())).unwrap();
        assert_eq!(masked(r#"{"sessionToken" : "tok-SECRET-1","a":1}"#), r#"{"sessionToken" : "************","a":1}"#);
        assert_eq!(masked(r#"{"apiKey":"ab"#), r#"{"apiKey":"**"#);
        assert_eq!(masked(r#"{"apiKey":null,"text":"a\"b"}"#), r#"{"apiKey":null,"text":"****"}"#);
        assert_eq!(kept(&[b'x'; 70_000]).len(), 65_536);
        assert_eq!(sha256(b"{\"\xff\"}").len(), 64);
    }
}

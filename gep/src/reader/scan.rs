//! The tokenizer: RFC 8259 and nothing else, one token per call, no recursion.
//!
//! Place: lowest layer of the reader; used to find the elements of a body and to read one element. Works on bytes:
//! whether they are UTF-8 is the caller's question, but outside strings only ASCII passes. One bit per open bracket.

/// The kind of a bracket pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// `{}`
    Object,
    /// `[]`
    Array,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// An opening bracket.
    Open(Container),
    /// A closing bracket.
    Close,
    /// A key, its quotes left out of the span.
    Key(Quoted),
    /// A string, its quotes left out of the span.
    Text(Quoted),
    /// A number.
    Number,
    /// true
    True,
    /// false
    False,
    /// null
    Null,
}

/// What a string looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Quoted {
    /// It has escapes.
    pub(crate) escaped: bool,
    /// It names U+0000 or a lone surrogate.
    pub(crate) bad: bool,
}

/// A token with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// The token.
    pub(crate) token: Token,
    /// First byte.
    pub(crate) start: usize,
    /// Byte behind the last.
    pub(crate) end: usize,
}

/// The text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Where.
    pub(crate) at: usize,
    /// What would have been right.
    pub(crate) what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrClose,
    Key,
    KeyOrClose,
    CommaOrClose,
    End,
}

/// Open brackets, one bit each: set for an object.
#[derive(Debug, Default)]
struct Brackets {
    words: Vec<u64>,
    depth: usize,
}

impl Brackets {
    fn push(&mut self, container: Container) {
        let bit = self.depth % 64;
        if bit == 0 {
            self.words.push(0);
        }
        if let (Container::Object, Some(word)) = (container, self.words.last_mut()) {
            *word |= 1 << bit;
        }
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let bit = self.depth % 64;
        if bit == 0 {
            self.words.pop();
        } else if let Some(word) = self.words.last_mut() {
            *word &= !(1 << bit);
        }
    }

    fn top(&self) -> Option<Container> {
        let bit = self.depth.checked_sub(1)? % 64;
        let word = self.words.last()?;
        Some(if word >> bit & 1 == 1 { Container::Object } else { Container::Array })
    }
}

/// Reads one JSON value, token by token.
#[derive(Debug)]
pub(crate) struct Scanner<'b> {
    bytes: &'b [u8],
    at: usize,
    expect: Expect,
    open: Brackets,
}

type Step = Result<Placed, SyntaxError>;

impl<'b> Scanner<'b> {
    /// A scanner at the start of one JSON text.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0, expect: Expect::Value, open: Brackets::default() }
    }

    /// How many brackets are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.depth
    }

    /// Where the next token is looked for.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next token; `None` behind a complete text.
    pub(crate) fn step(&mut self) -> Result<Option<Placed>, SyntaxError> {
        self.skip_space();
        if self.expect == Expect::CommaOrClose {
            if let Some(placed) = self.comma_or_close()? {
                return Ok(Some(placed));
            }
            self.skip_space();
        }
        let Some(byte) = self.peek() else {
            return if self.expect == Expect::End { Ok(None) } else { Err(self.wrong("the text ends too early")) };
        };
        match self.expect {
            Expect::End => Err(self.wrong("nothing may follow the value")),
            Expect::KeyOrClose if byte == b'}' => Ok(Some(self.close())),
            Expect::ValueOrClose if byte == b']' => Ok(Some(self.close())),
            Expect::Key | Expect::KeyOrClose => self.key(byte).map(Some),
            Expect::Value | Expect::ValueOrClose | Expect::CommaOrClose => self.value(byte).map(Some),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn wrong(&self, what: &'static str) -> SyntaxError {
        SyntaxError { at: self.at, what }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn comma_or_close(&mut self) -> Result<Option<Placed>, SyntaxError> {
        let within = self.open.top();
        match (self.peek(), within) {
            (Some(b','), Some(Container::Object)) => self.expect = Expect::Key,
            (Some(b','), Some(Container::Array)) => self.expect = Expect::Value,
            (Some(b'}'), Some(Container::Object)) | (Some(b']'), Some(Container::Array)) => {
                return Ok(Some(self.close()));
            }
            (None, _) => return Err(self.wrong("the text ends too early")),
            (Some(_), _) => return Err(self.wrong("a comma or a closing bracket was expected")),
        }
        self.at += 1;
        Ok(None)
    }

    fn close(&mut self) -> Placed {
        let start = self.at;
        self.at += 1;
        self.open.pop();
        self.after_value();
        Placed { token: Token::Close, start, end: self.at }
    }

    fn after_value(&mut self) {
        self.expect = if self.open.depth == 0 { Expect::End } else { Expect::CommaOrClose };
    }

    fn key(&mut self, byte: u8) -> Step {
        if byte != b'"' {
            return Err(self.wrong("a quoted key was expected"));
        }
        let (quoted, start, end) = self.quoted()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.wrong("a colon was expected"));
        }
        self.at += 1;
        self.expect = Expect::Value;
        Ok(Placed { token: Token::Key(quoted), start, end })
    }

    fn value(&mut self, byte: u8) -> Step {
        let start = self.at;
        let token = match byte {
            b'{' => return Ok(self.open(Container::Object, Expect::KeyOrClose)),
            b'[' => return Ok(self.open(Container::Array, Expect::ValueOrClose)),
            b'"' => {
                let (quoted, start, end) = self.quoted()?;
                self.after_value();
                return Ok(Placed { token: Token::Text(quoted), start, end });
            }
            b't' => self.literal(b"true", Token::True)?,
            b'f' => self.literal(b"false", Token::False)?,
            b'n' => self.literal(b"null", Token::Null)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.wrong("a value was expected")),
        };
        self.after_value();
        Ok(Placed { token, start, end: self.at })
    }

    fn open(&mut self, container: Container, expect: Expect) -> Placed {
        let start = self.at;
        self.at += 1;
        self.open.push(container);
        self.expect = expect;
        Placed { token: Token::Open(container), start, end: self.at }
    }

    fn literal(&mut self, word: &'static [u8], token: Token) -> Result<Token, SyntaxError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.wrong("a value was expected"));
        }
        self.at += word.len();
        Ok(token)
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit was expected")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.peek() {
                return Err(self.wrong("a number may not begin with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Token::Number)
    }

    /// Reads a string from its opening quote on; the span leaves the quotes out.
    fn quoted(&mut self) -> Result<(Quoted, usize, usize), SyntaxError> {
        self.at += 1;
        let start = self.at;
        let mut quoted = Quoted::default();
        loop {
            self.at += plain_run(self.bytes.get(self.at..).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((quoted, start, self.at - 1));
                }
                Some(b'\\') => {
                    quoted.escaped = true;
                    quoted.bad |= self.escape()?;
                }
                Some(_) => return Err(self.wrong("a control character in a string must be escaped")),
                None => return Err(self.wrong("the string does not end")),
            }
        }
    }

    /// Reads one escape; true where it names U+0000 or a lone surrogate.
    fn escape(&mut self) -> Result<bool, SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(false)
            }
            Some(b'u') => {
                self.at += 1;
                let unit = self.hex4()?;
                self.surrogate(unit)
            }
            Some(_) | None => Err(self.wrong("this escape is not known")),
        }
    }

    fn surrogate(&mut self, unit: u16) -> Result<bool, SyntaxError> {
        match unit {
            0 | 0xdc00..=0xdfff => Ok(true),
            0xd800..=0xdbff => {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                if !rest.starts_with(b"\\u") {
                    return Ok(true);
                }
                let back = self.at;
                self.at += 2;
                let paired = (0xdc00..=0xdfff).contains(&self.hex4()?);
                if !paired {
                    self.at = back;
                }
                Ok(!paired)
            }
            _ => Ok(false),
        }
    }

    fn hex4(&mut self) -> Result<u16, SyntaxError> {
        let mut unit = 0_u16;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u16::try_from(d).ok());
            let Some(digit) = digit else {
                return Err(self.wrong("four hexadecimal digits were expected"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// How many bytes stand before the first quote, backslash or control character; eight at a time.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let (words, _) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let slash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let stop = quote | slash | below(word, 0x20);
        if stop != 0 {
            return n * 8 + usize::try_from(stop.trailing_zeros() / 8).unwrap_or(0);
        }
    }
    let from = words.len() * 8;
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::plain_run;

    #[test]
    fn a_plain_run_ends_at_the_first_stop_wherever_it_stands() {
        for length in 0..20 {
            let plain = vec![0xe9_u8; length];
            assert_eq!(plain_run(&plain), length);
            let stops = [b'"', b'\\', 0, 0x1f];
            for (stop, at) in stops.into_iter().flat_map(|stop| (0..length).map(move |at| (stop, at))) {
                let mut bytes = plain.clone();
                bytes[at] = stop;
                assert_eq!(plain_run(&bytes), at, "{stop} at {at} of {length}");
            }
        }
        assert_eq!(plain_run(b" !#[]~\x7f\x80"), 8);
    }
}

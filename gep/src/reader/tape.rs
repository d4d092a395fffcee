//! One element as a flat list of nodes in document order.
//!
//! Place: what [`super::Value`] walks. Holds spans only, so an event costs one list and no tree. Limits are checked
//! while the list grows: what is too deep is refused before its end is looked for.

use da_model::fault::Rejection;
use da_model::outcome::Reason;

use super::scan::{Container, Placed, Scanner, SyntaxError, Token};
use super::tag::Tag;
use super::{Limits, number};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// null
    Null,
    /// true or false
    Bool(bool),
    /// A number.
    Number,
    /// A string, or a key; true where it has escapes.
    Text(bool),
    /// An object: its keys and values follow in turn.
    Object,
    /// An array: its values follow.
    Array,
}

/// One key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) shape: Shape,
    /// Of keys: what tells most names apart.
    pub(super) tag: Tag,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The node behind this one and all inside it.
    pub(super) next: u32,
}

/// One element that is JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc<'b> {
    pub(super) text: &'b str,
    pub(super) nodes: Vec<Node>,
    faults: Vec<Fault>,
}

/// A violation that leaves the structure whole, so that the rest can be checked too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fault {
    reason: Reason,
    node: usize,
    detail: &'static str,
}

/// No more than this many violations of form are named per element.
const FAULTS_LIMIT: usize = 16;

impl<'b> Doc<'b> {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// `bad_json`, or `too_deep` for nesting and the number of keys.
    pub fn read(text: &'b str, limits: &Limits) -> Result<Self, Rejection> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut tape = Tape::new(limits);
        while let Some(placed) = scanner.step().map_err(|e| broken(text.as_bytes(), e))? {
            tape.take(text, placed)?;
        }
        Ok(Self { text, nodes: tape.nodes, faults: tape.faults })
    }

    /// Reads the object at the start of a text; `None` where there is none that can be read.
    pub(crate) fn read_first(text: &'b str, limits: &Limits) -> Option<Self> {
        let mut scanner = Scanner::new(text.as_bytes());
        let mut tape = Tape::new(limits);
        let first = scanner.step().ok()?.filter(|placed| placed.token == Token::Open(Container::Object))?;
        tape.take(text, first).ok()?;
        while scanner.depth() > 0 {
            tape.take(text, scanner.step().ok()??).ok()?;
        }
        let text = text.get(..scanner.at())?;
        Some(Self { text, nodes: tape.nodes, faults: tape.faults })
    }

    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Violations of form that did not stop the reading: `too_deep` for strings, `bad_character`, `bad_number`.
    #[must_use]
    pub fn faults(&self) -> Vec<Rejection> {
        self.faults.iter().map(|f| Rejection::at(f.reason, self.pointer(f.node), f.detail)).collect()
    }

    /// The JSON pointer of a node; of a key: of its object.
    fn pointer(&self, node: usize) -> String {
        let mut path = String::new();
        let mut at = 0;
        while let Some(parent) = self.nodes.get(at).filter(|_| at != node) {
            let Some((name, child)) = self.child_around(at, parent.shape, node) else { break };
            path.push('/');
            path.push_str(&name);
            at = child;
        }
        path
    }

    fn child_around(&self, parent: usize, shape: Shape, node: usize) -> Option<(String, usize)> {
        let end = self.nodes.get(parent)?.next;
        let mut at = parent + 1;
        let mut index = 0_usize;
        while at < usize::try_from(end).unwrap_or(usize::MAX) {
            let value = if shape == Shape::Object { at + 1 } else { at };
            let next = usize::try_from(self.nodes.get(value)?.next).ok()?;
            if (value..next).contains(&node) {
                return Some((self.step_name(shape, at, index), value));
            }
            at = next;
            index += 1;
        }
        None
    }

    fn step_name(&self, shape: Shape, key: usize, index: usize) -> String {
        if shape == Shape::Object { self.name(key) } else { index.to_string() }
    }

    /// A key as a pointer names it, shortened: keys are the partner's text.
    fn name(&self, key: usize) -> String {
        let key = super::Value::at(self, key).text().unwrap_or_default();
        let short: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
        short.replace('~', "~0").replace('/', "~1")
    }
}

struct Tape<'l> {
    limits: &'l Limits,
    nodes: Vec<Node>,
    open: Vec<usize>,
    keys: usize,
    faults: Vec<Fault>,
}

impl<'l> Tape<'l> {
    fn new(limits: &'l Limits) -> Self {
        Self { limits, nodes: Vec::with_capacity(128), open: Vec::new(), keys: 0, faults: Vec::new() }
    }

    fn take(&mut self, text: &str, placed: Placed) -> Result<(), Rejection> {
        match placed.token {
            Token::Open(container) => self.open(placed, container)?,
            Token::Close => self.close(placed),
            Token::Key(quoted) => {
                self.keys += 1;
                if self.keys > self.limits.max_keys {
                    let detail = format!("more than {} keys", self.limits.max_keys);
                    return Err(Rejection::new(Reason::TooDeep, detail));
                }
                self.string(placed, quoted);
                self.tag(if quoted.escaped { Tag::ESCAPED } else { Tag::of(within(text, placed).as_bytes()) });
            }
            Token::Text(quoted) => self.string(placed, quoted),
            Token::Number => {
                self.fault(number::overflows(within(text, placed)), Reason::BadNumber, "the number is not finite");
                self.leaf(placed, Shape::Number);
            }
            Token::True => self.leaf(placed, Shape::Bool(true)),
            Token::False => self.leaf(placed, Shape::Bool(false)),
            Token::Null => self.leaf(placed, Shape::Null),
        }
        Ok(())
    }

    fn open(&mut self, placed: Placed, container: Container) -> Result<(), Rejection> {
        if self.open.len() >= self.limits.max_depth {
            return Err(too_deep(self.limits));
        }
        self.open.push(self.nodes.len());
        let shape = match container {
            Container::Object => Shape::Object,
            Container::Array => Shape::Array,
        };
        self.leaf(placed, shape);
        Ok(())
    }

    fn close(&mut self, placed: Placed) {
        let next = short(self.nodes.len());
        if let Some(node) = self.open.pop().and_then(|at| self.nodes.get_mut(at)) {
            node.end = short(placed.end);
            node.next = next;
        }
    }

    fn string(&mut self, placed: Placed, quoted: super::scan::Quoted) {
        let long = placed.end - placed.start > self.limits.max_string_bytes;
        self.fault(long, Reason::TooDeep, "the string is too long");
        self.fault(quoted.bad, Reason::BadCharacter, "U+0000 or a lone surrogate");
        self.leaf(placed, Shape::Text(quoted.escaped));
    }

    fn tag(&mut self, tag: Tag) {
        if let Some(key) = self.nodes.last_mut() {
            key.tag = tag;
        }
    }

    fn leaf(&mut self, placed: Placed, shape: Shape) {
        let next = short(self.nodes.len() + 1);
        self.nodes.push(Node { shape, tag: Tag::ESCAPED, start: short(placed.start), end: short(placed.end), next });
    }

    /// Remembers a violation of the node that is pushed next.
    fn fault(&mut self, violated: bool, reason: Reason, detail: &'static str) {
        if violated && self.faults.len() < FAULTS_LIMIT {
            self.faults.push(Fault { reason, node: self.nodes.len(), detail });
        }
    }
}

fn within(text: &str, placed: Placed) -> &str {
    text.get(placed.start..placed.end).unwrap_or_default()
}

/// The refusal of too many open brackets.
pub(crate) fn too_deep(limits: &Limits) -> Rejection {
    Rejection::new(Reason::TooDeep, format!("nested deeper than {}", limits.max_depth))
}

/// The refusal of broken syntax.
pub(crate) fn broken(bytes: &[u8], error: SyntaxError) -> Rejection {
    let (line, column) = place(bytes, error.at);
    Rejection::new(Reason::BadJson, format!("line {line}, column {column}: {}", error.what))
}

/// Line and column of a byte, both from 1; columns count characters.
pub(crate) fn place(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let begin = before.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let column = before.get(begin..).unwrap_or_default().iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
    (line, column)
}

/// Spans fit 32 bits: an element over the size limit is refused before it is read.
fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

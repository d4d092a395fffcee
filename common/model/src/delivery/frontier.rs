//! The next offset of a partition moves forward only.
//!
//! Place: asked by every protocol before it stores a position. Knows no group and no store.

use crate::ids::Offset;

/// Why a position may not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the next offset would go back from {from} to {to}")]
pub struct Backwards {
    /// Stored.
    pub from: Offset,
    /// Asked for.
    pub to: Offset,
}

/// The position behind a record that was just decided.
///
/// # Errors
/// [`Backwards`] when the record lies before the stored position.
pub const fn advance(next: Offset, decided: Offset) -> Result<Offset, Backwards> {
    if decided.0 < next.0 { Err(Backwards { from: next, to: decided }) } else { Ok(decided.next()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward_only() {
        let cases = [(0, 0, Some(1)), (5, 5, Some(6)), (5, 9, Some(10)), (5, 4, None), (5, 0, None)];
        for (next, decided, expected) in cases {
            assert_eq!(advance(Offset(next), Offset(decided)).ok(), expected.map(Offset), "{next} {decided}");
        }
    }
}

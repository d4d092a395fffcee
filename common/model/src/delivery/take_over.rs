//! (store position, group offset) → begin, resume, publish first, or ask the operator (delivery.md §4).
//!
//! Place: asked when a partition is taken over by a protocol that keeps the position in a store and tells the log
//! afterwards. The embedded protocol has one position only and does not ask.

use crate::ids::Offset;

/// What to do with a partition just taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// Neither knows the partition: begin at the configured start, never at the end, and commit that at once.
    Begin,
    /// Both agree: go on at this offset.
    Resume(Offset),
    /// The store is ahead: publish what it kept for the range, then go on at `to`.
    PublishFirst {
        /// Group offset.
        from: Offset,
        /// Store position.
        to: Offset,
    },
    /// The log is ahead of the store, or knows what the store never saw: a backup was restored or an offset moved by
    /// hand.
    AskOperator {
        /// Store position.
        store: Option<Offset>,
        /// Group offset.
        group: Offset,
    },
}

/// Decides from the two positions.
#[must_use]
pub fn take_over(store: Option<Offset>, group: Option<Offset>) -> TakeOver {
    match (store, group) {
        (None, None) => TakeOver::Begin,
        (None, Some(group)) => TakeOver::AskOperator { store, group },
        (Some(to), None) => TakeOver::PublishFirst { from: Offset(0), to },
        (Some(to), Some(from)) => match from.cmp(&to) {
            std::cmp::Ordering::Equal => TakeOver::Resume(to),
            std::cmp::Ordering::Less => TakeOver::PublishFirst { from, to },
            std::cmp::Ordering::Greater => TakeOver::AskOperator { store, group: from },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_positions_decide() {
        let o = |n| Some(Offset(n));
        let cases = [
            (None, None, TakeOver::Begin),
            (o(7), o(7), TakeOver::Resume(Offset(7))),
            (o(7), o(4), TakeOver::PublishFirst { from: Offset(4), to: Offset(7) }),
            (o(7), None, TakeOver::PublishFirst { from: Offset(0), to: Offset(7) }),
            (o(7), o(9), TakeOver::AskOperator { store: o(7), group: Offset(9) }),
            (None, o(9), TakeOver::AskOperator { store: None, group: Offset(9) }),
        ];
        for (store, group, expected) in cases {
            assert_eq!(take_over(store, group), expected, "{store:?} {group:?}");
        }
    }
}

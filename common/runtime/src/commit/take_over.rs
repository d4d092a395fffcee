//! Taking partitions over: claim them in the store, read the group offsets, and publish what former owners left
//! (delivery.md §4).
//!
//! Place: the only start of a partition in `sql_txn`, also after a commit whose outcome is unknown. First the store,
//! then the log: after the claim no old commit can appear. Two positions that do not fit stop the process.

use da_model::delivery::take_over::{TakeOver, take_over};
use da_model::fault::{Cause, Fault};
use da_model::ids::{Offset, TopicPartition};

use super::sql_txn::committed;
use super::{Outbox, Position};
use crate::ports::{Blob, Claim, Committed, Epoch, Member, Move, Store, Unit};

/// A partition that may be read from its position on.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) at: TopicPartition,
    pub(super) epoch: Epoch,
    pub(super) position: Position,
    pub(super) attempts: u32,
}

/// What is to be published before anything is read.
#[derive(Default)]
struct Left {
    out: Vec<Outbox>,
    upto: Vec<(TopicPartition, Committed)>,
}

/// Takes partitions over.
pub(super) fn run(member: &mut dyn Member, store: &mut dyn Store, of: &[TopicPartition]) -> Result<Vec<Taken>, Fault> {
    let claims = store.claim(of)?;
    let groups = member.committed(of)?;
    let mut left = Left::default();
    let mut taken = Vec::with_capacity(of.len());
    let mut begins = Vec::new();
    for (claim, group) in claims.into_iter().zip(groups) {
        let group = group.map(|group| group.next);
        match take_over(claim.position.as_ref().map(|position| position.next), group) {
            TakeOver::Begin => begins.push(claim),
            TakeOver::Resume(_) => taken.push(resumed(claim)),
            TakeOver::PublishFirst { to, .. } => {
                let from = group.or(claim.published).unwrap_or(to);
                left.add(claim.at, store.pending(claim.at, from)?, (from, to))?;
                taken.push(resumed(claim));
            }
            TakeOver::AskOperator { store, group } => return Err(apart(claim.at, store, group)),
        }
    }
    taken.extend(begin((member, store), begins, &mut left)?);
    if !left.upto.is_empty() {
        let out: Vec<&Outbox> = left.out.iter().filter(|out| !out.is_empty()).collect();
        member.publish(&out, &left.upto)?;
        if member.suspect() {
            let told = "its outcome is in doubt; the stable offsets will tell";
            return Err(Fault::Transient(Cause::new("publication of what former owners left", told)));
        }
    }
    Ok(taken)
}

/// Partitions that nobody ever read begin at their first record; both sides are told, the store first.
fn begin(
    (member, store): (&mut dyn Member, &mut dyn Store),
    claims: Vec<Claim>,
    left: &mut Left,
) -> Result<Vec<Taken>, Fault> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let of: Vec<TopicPartition> = claims.iter().map(|claim| claim.at).collect();
    let first: Vec<Offset> = member.bounds(&of)?.into_iter().map(|(first, _)| first).collect();
    let fences: Vec<_> = claims.iter().zip(&first).map(|(claim, first)| (claim.at, claim.epoch, *first)).collect();
    store.begin(&fences, &[])?;
    let moves = of.iter().zip(&first).map(|(at, first)| {
        let to = Position { next: *first, ..Position::default() };
        Move { at: *at, from: *first, to, published: *first, out: Outbox::default() }
    });
    store.commit(&Unit { writes: Vec::new(), moves: moves.collect() })?;
    left.upto.extend(of.iter().zip(&first).map(|(at, first)| (*at, committed(*first))));
    let taken = claims.into_iter().zip(first).map(|(claim, next)| {
        let position = Position { next, ..Position::default() };
        Taken { at: claim.at, epoch: claim.epoch, position, attempts: 0 }
    });
    Ok(taken.collect())
}

impl Left {
    /// The blobs of a partition, which must tile what lies between the two positions without a hole.
    fn add(&mut self, at: TopicPartition, blobs: Vec<Blob>, (from, to): (Offset, Offset)) -> Result<(), Fault> {
        let mut reached = from;
        for blob in blobs {
            if blob.start != reached {
                return Err(hole(at, (from, to), reached));
            }
            reached = blob.end;
            self.out.push(blob.out);
        }
        if reached != to {
            return Err(hole(at, (from, to), reached));
        }
        self.upto.push((at, committed(to)));
        Ok(())
    }
}

fn resumed(claim: Claim) -> Taken {
    let Claim { at, epoch, position, attempts, .. } = claim;
    Taken { at, epoch, position: position.unwrap_or_default(), attempts }
}

fn apart(at: TopicPartition, store: Option<Offset>, group: Offset) -> Fault {
    let stands = store.map_or_else(|| "never saw this partition".to_owned(), |next| format!("stands at {next}"));
    let back = store.map_or_else(
        || "delete the group's offsets to begin at the first record".to_owned(),
        |next| format!("set the group offset to {next}"),
    );
    let told = format!(
        "the group offset is {group}, but the database {stands}: the database went back in time (a restored backup, a \
         new database), or the offset was moved by hand. Nothing is read until both agree: bring back the database that \
         belongs to this log, or {back}"
    );
    Fault::Fatal(Cause::new(format!("take-over of {at}"), told))
}

fn hole(at: TopicPartition, (from, to): (Offset, Offset), reached: Offset) -> Fault {
    let told = format!(
        "the group offset is {from} and the database stands at {to}, but what was made of the records between them is \
         kept only up to {reached}: the group offset was moved by hand, or Kafka went back in time. Nothing is read until \
         both agree: set the group offset to {to}, where the database stands"
    );
    Fault::Fatal(Cause::new(format!("take-over of {at}"), told))
}

//! The GEP processor: dedupe → fold → impact → enrich, one event of `gep.accepted` at a time.
//!
//! Place: reads `gep.accepted`, keeps the rows of [`crate::tables`], says in `gep.usage` what changed. One record
//! there per event that is no repeat, even if nothing changed (domain.md §4.2). Pure: the same event at the same
//! offset over the same rows gives the same bytes.

use da_model::event::{ImpactSignal, UsageEvent};
use da_model::fault::Rejection;
use da_model::ids::{Offset, TopicName, UnitName};
use da_model::outcome::{Outcome, Reason};
use da_model::schema::{Schemas, codec};
use da_model::state::{Row, RowKey, Snapshot};
use da_model::{Effects, Emit, Event, Handler, Key, Note, Record, Write};

use crate::dedupe::{self, Known};
use crate::impact::{self, Moved};
use crate::item::LearnerItem;
use crate::order::Order;
use crate::session::{self, Session};
use crate::settings::GepSettings;
use crate::stored::{self, Id, Stored};
use crate::tables::{applied_key, item_of, learner_item_key, resource_of, session_key};

/// Where accepted events lie.
pub const ACCEPTED: TopicName = TopicName("gep.accepted");
/// Where impact signals go.
pub const USAGE: TopicName = TopicName("gep.usage");
const UNIT: UnitName = UnitName("impact");

/// The handler of `gep.accepted`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gep {
    settings: GepSettings,
}

/// An accepted event at its offset, which is the last part of its order key.
#[derive(Debug)]
pub struct Accepted<'r> {
    event: UsageEvent<'r>,
    offset: Offset,
    applied: RowKey,
    /// Session and item, where its learner's state is kept.
    state: Option<(RowKey, Option<RowKey>)>,
}

impl Gep {
    /// A processor with these settings.
    #[must_use]
    pub const fn new(settings: GepSettings) -> Self {
        Self { settings }
    }
}

impl Handler for Gep {
    type Input<'r> = Accepted<'r>;

    fn name(&self) -> &'static str {
        "gep"
    }

    fn topics(&self) -> Vec<TopicName> {
        vec![ACCEPTED]
    }

    fn decode<'r>(&self, record: &Record<'r>, schemas: &Schemas) -> Result<Accepted<'r>, Rejection> {
        let value = record.value.ok_or_else(|| Rejection::new(Reason::Undecodable, "the record has no value"))?;
        let event = codec::decode_usage(value, schemas)?;
        let applied = applied_key(&event);
        let state = session::counts(&event).then(|| (session_key(&event), learner_item_key(&event)));
        Ok(Accepted { event, offset: record.offset, applied, state })
    }

    fn reads(&self, input: &Accepted<'_>) -> Vec<RowKey> {
        let mut keys = Vec::with_capacity(3);
        keys.push(input.applied.clone());
        if let Some((session, item)) = &input.state {
            keys.push(session.clone());
            keys.extend(item.clone());
        }
        keys
    }

    fn decide<'r>(&self, input: &Self::Input<'r>, seen: &Snapshot<'_>) -> Result<Effects<'r>, Rejection> {
        let event = &input.event;
        match dedupe::check(seen.row(&input.applied), event) {
            Known::Repeat => return Ok(Effects::none(Outcome::Duplicate)),
            Known::Conflict(rejection) => return Err(rejection),
            Known::New => {}
        }
        let mut effects = Effects::none(Outcome::Applied);
        let mut signal = ImpactSignal { event: event.clone(), changes: Vec::new() };
        let mut wall_ms = None;
        if let Some((session, item)) = &input.state {
            (signal.changes, wall_ms) = self.fold(input, (session, item.as_ref()), (seen, &mut effects))?;
        }
        effects.writes.push(Write::set(input.applied.clone(), dedupe::remember(event, wall_ms)));
        effects.emits.push(Emit {
            unit: UNIT,
            topic: USAGE,
            key: Key::Inherited,
            event: Event::Impact(Box::new(signal)),
            depth: 0,
        });
        Ok(effects)
    }
}

type Changes<'r> = Vec<da_model::event::Change<'r>>;

impl Gep {
    fn fold<'r>(
        &self,
        input: &Accepted<'r>,
        (session_key, item_key): (&RowKey, Option<&RowKey>),
        (seen, effects): (&Snapshot<'_>, &mut Effects<'r>),
    ) -> Result<(Changes<'r>, Option<i64>), Rejection> {
        let event = &input.event;
        let mut session: Session = stored::load(seen.row(session_key))?;
        let item_row = item_key.and_then(|key| seen.row(key));
        let mut item = item_key.map(|_| stored::load::<LearnerItem>(item_row)).transpose()?;
        session.open(event).ok_or_else(stored::unreadable)?;
        let before = (!is_open(&session, event)).then(|| session.clone());
        let folded = session.fold(event, Order::of(event, input.offset), self.settings.visit_cap_ms);
        if folded.scope_mismatch {
            effects.notes.push(Note::ScopeMismatch);
        }
        if let (Some(item), Some(scope)) = (&mut item, &session.scope) {
            item.open(scope, &event.session_id).ok_or_else(stored::unreadable)?;
        }
        let changes = impact::changes(Moved {
            event,
            before: before.as_ref(),
            session: &mut session,
            item: item.as_mut(),
            settings: self.settings,
        });
        effects.writes.push(Write::set(session_key.clone(), stored::row(&stored::bytes(&session))));
        if let (Some(key), Some(item)) = (item_key, item) {
            effects.writes.extend(changed(item_row, &item).map(|row| Write::set(key.clone(), row)));
        }
        Ok((changes, folded.wall_ms))
    }
}

/// Whether everything the event can touch may go out already, so that the session before the fold is not needed.
fn is_open(session: &Session, event: &UsageEvent<'_>) -> bool {
    let resource = resource_of(event).and_then(|id| session.resources.get(&Id::of(id)));
    let item_open = item_of(event).is_none() || session.role().is_some();
    session.scope.is_some() && item_open && resource.is_none_or(|r| r.is_question().is_some())
}

/// The row of an item, unless it says what the stored one says.
fn changed(was: Option<&Row>, item: &LearnerItem) -> Option<Row> {
    let bytes = stored::bytes(item);
    let same = match was {
        Some(row) => row.bytes(0) == Some(&bytes),
        None => item.is_nothing(),
    };
    (!same).then(|| stored::row(&bytes))
}

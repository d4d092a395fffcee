//! A decoded discrete event in the oracle's terms, so that both can be compared by the same digest.
//!
//! Place: used by `gather`. Copies fields; computes nothing.

use std::sync::Arc;

use da_model::event::discrete::{DiscreteEvent, Metric, ScoreValue};

use crate::oracle::de::{De, Origin, Reaction, Scope, Score, Time, Value, View};
use crate::oracle::read::Names;
use crate::oracle::told::{Carried, Id, Place};

/// The event under its topic.
pub(super) fn de_of(topic: &'static str, event: &DiscreteEvent<'_>, names: &mut Names) -> De {
    let mut id = |text: &str| names.of(text);
    let mut some = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(&mut id);
    let context = &event.context;
    let place = Place {
        class: some(&context.class_id),
        course: some(&context.course_id),
        unit: some(&context.unit_id),
        lesson: some(&context.lesson_id),
    };
    let item = if event.resource_id.is_some() { &context.collection_id } else { &event.collection_id };
    let word = if event.resource_id.is_some() { &context.collection_type } else { &event.collection_type };
    let carried = Carried {
        path_type: some(&context.path_type),
        content_source: some(&context.content_source),
        client_source: some(&context.client_source),
        question_count: context.question_count.map(i64::from),
        ..Carried::default()
    };
    De {
        topic,
        entity: Vec::new(),
        revision: i64::from(event.revision),
        activity: event.activity_time.0,
        date: event.local_date.0,
        cause: event.cause.code(),
        user: some(&event.user_id),
        session: some(&context.session_id),
        item: some(item),
        item_kind: event.item_kind.map(|k| k.code()),
        item_word: some(word),
        resource: some(&event.resource_id),
        resource_kind: None,
        scope: Scope { place, track: context.track.code(), path_id: context.path_id },
        attempt: context.attempt.map(i64::from),
        carried: Arc::new(carried),
        result: value_of(&event.result, names),
        previous: event.previous.as_ref().map(|v| value_of(v, names)),
        origin: Origin {
            event_id: names.of(&event.event_id),
            event_key: names.of(&event.event_key.to_string()),
            partition: 0,
            offset: 0,
        },
    }
}

fn value_of(metric: &Metric<'_>, names: &mut Names) -> Value {
    match metric {
        Metric::Score(score) => Value::Score(score_of(score, names)),
        Metric::Timespent(time) => Value::Time(Time {
            spent: time.time_spent,
            delta: time.delta,
            wall: time.wall_time,
            visits: i64::from(time.visits),
        }),
        Metric::Reaction(reaction) => {
            Value::Reaction(Reaction { reaction: i64::from(reaction.reaction), count: i64::from(reaction.count) })
        }
        Metric::View(view) => Value::View(View { views: view.views, delta: view.delta, items: i64::from(view.items) }),
        Metric::Competency(value) => Value::Reaction(Reaction { reaction: i64::from(value.status), count: -1 }),
    }
}

fn score_of(score: &ScoreValue<'_>, names: &mut Names) -> Score {
    let mut codes: Vec<Id> = score.codes.iter().map(|c| names.of(c)).collect();
    codes.sort();
    Score {
        percent: score.score.map(|p| i128::from(p.0)),
        raw: score.raw.map(|p| i128::from(p.0)),
        max: score.max.map(|p| i128::from(p.0)),
        graded: score.graded,
        status: score.status.map(|s| s.code()),
        latest: score.latest,
        count: score.count.map(i64::from),
        codes,
    }
}

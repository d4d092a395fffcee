//! What the session's plays said, where the causing event is silent.
//!
//! Place: questionCount, contextCollection, additionalContext and clientSource of a change's context.

use da_model::event::Change;
use da_model::ids::Text;

use super::{Enricher, Known};
use crate::stored::Word;

/// See the file's header.
#[derive(Debug)]
pub(super) struct Carried;

impl Enricher for Carried {
    fn name(&self) -> &'static str {
        "carried"
    }

    fn enrich(&self, change: &mut Change<'_>, known: &Known<'_>) {
        let (context, carried) = (&mut change.context, known.carried);
        context.question_count = context.question_count.or(carried.question_count);
        fill(&mut context.content_source, carried.content_source.as_ref());
        fill(&mut context.path_type, carried.path_type.as_ref());
        fill(&mut context.context_collection_id, carried.context_collection_id.as_ref());
        fill(&mut context.context_collection_type, carried.context_collection_type.as_ref());
        fill(&mut context.additional_context, carried.additional_context.as_ref());
        fill(&mut context.client_source, carried.client_source.as_ref());
    }
}

fn fill(held: &mut Option<Text<'_>>, said: Option<&Word>) {
    if held.is_none() {
        *held = said.cloned();
    }
}

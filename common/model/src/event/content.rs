//! Content metadata of `gep.content` (domain.md §7.2).
//!
//! Place: the schema is fixed now; nothing feeds the topic yet.

use crate::ids::Text;
use crate::time::Timestamp;

/// What is known about one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentState<'a> {
    /// Whose data it is.
    pub tenant_id: Text<'a>,
    /// Its id.
    pub content_id: Text<'a>,
    /// assessment, collection, question, course, unit, lesson, class, rubric or resource.
    pub kind: Text<'a>,
    /// contentFormat as sent.
    pub format: Text<'a>,
    /// contentSubFormat.
    pub sub_format: Option<Text<'a>>,
    /// Title.
    pub title: Option<Text<'a>>,
    /// Course.
    pub course_id: Option<Text<'a>>,
    /// Unit.
    pub unit_id: Option<Text<'a>>,
    /// Lesson.
    pub lesson_id: Option<Text<'a>>,
    /// Item.
    pub item_id: Option<Text<'a>>,
    /// Competency codes.
    pub codes: Vec<Text<'a>>,
    /// Type of a question.
    pub question_type: Option<Text<'a>>,
    /// Whether it is a signature item.
    pub signature: bool,
    /// Deleted content leaves totals; scores stay.
    pub deleted: bool,
    /// When.
    pub at: Timestamp,
}

//! The migrations of dep's tables and of the views that analysts read, compiled in.
//!
//! Place: applied in this order by the store. Forward only: a file that was released is never edited.

/// File name and SQL of every migration for SQLite.
pub const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_resource_time.sql", include_str!("../migrations/sqlite/0001_resource_time.sql")),
    ("0002_resource_reaction.sql", include_str!("../migrations/sqlite/0002_resource_reaction.sql")),
    ("0003_question_score.sql", include_str!("../migrations/sqlite/0003_question_score.sql")),
    ("0004_item_time.sql", include_str!("../migrations/sqlite/0004_item_time.sql")),
    ("0005_item_reaction.sql", include_str!("../migrations/sqlite/0005_item_reaction.sql")),
    ("0006_item_view.sql", include_str!("../migrations/sqlite/0006_item_view.sql")),
    ("0007_assessment_score.sql", include_str!("../migrations/sqlite/0007_assessment_score.sql")),
    ("0008_learner_item_score.sql", include_str!("../migrations/sqlite/0008_learner_item_score.sql")),
    ("0009_learner_item_view.sql", include_str!("../migrations/sqlite/0009_learner_item_view.sql")),
    ("0010_day_time.sql", include_str!("../migrations/sqlite/0010_day_time.sql")),
    ("0011_day_view.sql", include_str!("../migrations/sqlite/0011_day_view.sql")),
    ("0012_level_score.sql", include_str!("../migrations/sqlite/0012_level_score.sql")),
    ("0013_level_time.sql", include_str!("../migrations/sqlite/0013_level_time.sql")),
    ("0014_level_view.sql", include_str!("../migrations/sqlite/0014_level_view.sql")),
    ("0015_level_part_score.sql", include_str!("../migrations/sqlite/0015_level_part_score.sql")),
    ("0016_level_part_time.sql", include_str!("../migrations/sqlite/0016_level_part_time.sql")),
    ("0017_level_part_view.sql", include_str!("../migrations/sqlite/0017_level_part_view.sql")),
    ("0018_class_score.sql", include_str!("../migrations/sqlite/0018_class_score.sql")),
    ("0019_class_time.sql", include_str!("../migrations/sqlite/0019_class_time.sql")),
    ("0020_class_view.sql", include_str!("../migrations/sqlite/0020_class_view.sql")),
    ("0021_class_part_score.sql", include_str!("../migrations/sqlite/0021_class_part_score.sql")),
    ("0022_class_part_time.sql", include_str!("../migrations/sqlite/0022_class_part_time.sql")),
    ("0023_class_part_view.sql", include_str!("../migrations/sqlite/0023_class_part_view.sql")),
    ("0024_views.sql", include_str!("../migrations/sqlite/0024_views.sql")),
    ("0025_item_session.sql", include_str!("../migrations/sqlite/0025_item_session.sql")),
];

/// Name and SQL of every migration for PostgreSQL.
pub const POSTGRES: &[(&str, &str)] = &[
    ("dep_0001_tables", include_str!("../migrations/postgres/0001_tables.sql")),
    ("dep_0002_analytics", include_str!("../migrations/postgres/0002_analytics.sql")),
    ("dep_0003_item_session", include_str!("../migrations/postgres/0003_item_session.sql")),
];

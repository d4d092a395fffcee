-- What a part last gave to the views of its level.
CREATE TABLE level_part_view (
    tenant_id TEXT NOT NULL,
    learner TEXT NOT NULL,
    class TEXT NOT NULL,
    course TEXT NOT NULL,
    unit TEXT NOT NULL,
    lesson TEXT NOT NULL,
    level TEXT NOT NULL,
    item_kind TEXT NOT NULL,
    part_kind TEXT NOT NULL,
    part_unit TEXT NOT NULL,
    part_lesson TEXT NOT NULL,
    part_id TEXT NOT NULL,
    part_session TEXT NOT NULL,
    views INTEGER NOT NULL,
    items INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind, part_kind, part_unit, part_lesson, part_id, part_session)
) WITHOUT ROWID;

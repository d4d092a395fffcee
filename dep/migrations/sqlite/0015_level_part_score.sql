-- What a part last gave to the score of its level.
CREATE TABLE level_part_score (
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
    raw INTEGER, -- scaled by 10^4
    max INTEGER, -- scaled by 10^4
    count INTEGER NOT NULL,
    score_session TEXT NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind, part_kind, part_unit, part_lesson, part_id, part_session)
) WITHOUT ROWID;

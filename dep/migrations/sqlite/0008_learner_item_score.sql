-- A learner's standing in an item and scope: an assessment's latest session, a collection's latest answers.
CREATE TABLE learner_item_score (
    tenant_id TEXT NOT NULL,
    learner TEXT NOT NULL,
    class TEXT NOT NULL,
    course TEXT NOT NULL,
    unit TEXT NOT NULL,
    lesson TEXT NOT NULL,
    track TEXT NOT NULL,
    path_id INTEGER NOT NULL,
    item TEXT NOT NULL,
    kind TEXT NOT NULL,
    score_session TEXT NOT NULL,
    raw INTEGER, -- scaled by 10^4
    max INTEGER, -- scaled by 10^4
    percent INTEGER, -- scaled by 10^2
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
) WITHOUT ROWID;

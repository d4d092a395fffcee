-- The result of a session of an assessment.
CREATE TABLE assessment_score (
    tenant_id TEXT NOT NULL,
    learner TEXT NOT NULL,
    session TEXT NOT NULL,
    item TEXT NOT NULL,
    kind TEXT NOT NULL,
    type TEXT,
    class TEXT NOT NULL,
    course TEXT NOT NULL,
    unit TEXT NOT NULL,
    lesson TEXT NOT NULL,
    track TEXT NOT NULL,
    path_id INTEGER NOT NULL,
    raw INTEGER, -- scaled by 10^4
    max INTEGER, -- scaled by 10^4
    percent INTEGER, -- scaled by 10^2
    graded INTEGER NOT NULL, -- 0 or 1
    status TEXT,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, session, item)
) WITHOUT ROWID;

-- Time of a learner on a date.
CREATE TABLE day_time (
    tenant_id TEXT NOT NULL,
    learner TEXT NOT NULL,
    class TEXT NOT NULL,
    local_date TEXT NOT NULL,
    track TEXT NOT NULL,
    item_kind TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, class, local_date, track, item_kind)
) WITHOUT ROWID;

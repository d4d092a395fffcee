-- Whether a session of an item was opened or closed.
CREATE TABLE item_view (
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
    views INTEGER NOT NULL,
    started_at INTEGER, -- epoch ms UTC
    stopped_at INTEGER, -- epoch ms UTC
    local_date TEXT NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, session, item)
) WITHOUT ROWID;

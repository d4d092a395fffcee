-- Time in a session of an item.
CREATE TABLE item_time (
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
    time_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, session, item)
) WITHOUT ROWID;

-- Views of an item by a learner in a scope.
CREATE TABLE learner_item_view (
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
    views INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
) WITHOUT ROWID;

-- What a learner last gave to the time of the class.
CREATE TABLE class_part_time (
    tenant_id TEXT NOT NULL,
    class TEXT NOT NULL,
    course TEXT NOT NULL,
    item_kind TEXT NOT NULL,
    part_kind TEXT NOT NULL,
    part_id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, class, course, item_kind, part_kind, part_id)
) WITHOUT ROWID;

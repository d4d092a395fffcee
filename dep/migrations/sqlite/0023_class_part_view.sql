-- What a learner last gave to the views of the class.
CREATE TABLE class_part_view (
    tenant_id TEXT NOT NULL,
    class TEXT NOT NULL,
    course TEXT NOT NULL,
    item_kind TEXT NOT NULL,
    part_kind TEXT NOT NULL,
    part_id TEXT NOT NULL,
    views INTEGER NOT NULL,
    items INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, class, course, item_kind, part_kind, part_id)
) WITHOUT ROWID;

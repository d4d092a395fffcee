-- Names of topics without the common prefix; a partner's topic under its own name.
CREATE TABLE log_topic (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- One row per topic, partition and round; the records in the format of io/segment.rs.
CREATE TABLE log_chunk (
    topic_id     INTEGER NOT NULL,
    part         INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    last_offset  INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    records      BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_chunk_end ON log_chunk (topic_id, part, last_offset);

-- Where each group stands, with its edge counters.
CREATE TABLE position (
    grp         TEXT    NOT NULL,
    topic_id    INTEGER NOT NULL,
    part        INTEGER NOT NULL,
    next_offset INTEGER NOT NULL,
    edges       TEXT    NOT NULL,
    updated_at  INTEGER NOT NULL,
    PRIMARY KEY (grp, topic_id, part)
) STRICT, WITHOUT ROWID;

-- What was fixed when the file was made: partitions.
CREATE TABLE log_setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE position (
    grp            text    NOT NULL,
    topic          text    NOT NULL,
    part           integer NOT NULL,
    epoch          bigint  NOT NULL,
    owner          text    NOT NULL,
    next_offset    bigint,
    edges          text    NOT NULL,
    published_hint bigint,
    PRIMARY KEY (grp, topic, part)
) WITH (fillfactor = 50);
COMMENT ON TABLE position IS 'Where each consumer group stands on each partition it reads: the truth of which the group offset in Kafka is a copy.';
COMMENT ON COLUMN position.grp IS 'The consumer group.';
COMMENT ON COLUMN position.topic IS 'The topic read, without the common prefix.';
COMMENT ON COLUMN position.part IS 'The partition of it.';
COMMENT ON COLUMN position.epoch IS 'Rises with each owner; an older owner''s commit is refused by it.';
COMMENT ON COLUMN position.owner IS 'The slot that claimed it last, for people.';
COMMENT ON COLUMN position.next_offset IS 'The next offset to read; null before the first batch.';
COMMENT ON COLUMN position.edges IS 'Numbers of the last records sent to and seen from other partitions.';
COMMENT ON COLUMN position.published_hint IS 'The group offset known to be committed in Kafka; it may be ahead of this.';

CREATE TABLE outbox (
    grp          text    NOT NULL,
    topic        text    NOT NULL,
    part         integer NOT NULL,
    start_offset bigint  NOT NULL,
    end_offset   bigint  NOT NULL,
    payload      bytea   NOT NULL,
    committed_at timestamptz NOT NULL,
    PRIMARY KEY (grp, topic, part, end_offset)
);
ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE outbox IS 'One row per batch and partition read: its finished records, until Kafka has them.';
COMMENT ON COLUMN outbox.grp IS 'The consumer group.';
COMMENT ON COLUMN outbox.topic IS 'The topic read.';
COMMENT ON COLUMN outbox.part IS 'The partition of it.';
COMMENT ON COLUMN outbox.start_offset IS 'Where the partition stood before the batch.';
COMMENT ON COLUMN outbox.end_offset IS 'Where it stood after it: the group offset that says it is published.';
COMMENT ON COLUMN outbox.payload IS 'The records with format version and checksum; empty where the batch made none.';
COMMENT ON COLUMN outbox.committed_at IS 'When the batch was committed.';

CREATE TABLE attempts (
    grp         text    NOT NULL,
    topic       text    NOT NULL,
    part        integer NOT NULL,
    next_offset bigint  NOT NULL,
    deaths      integer NOT NULL,
    PRIMARY KEY (grp, topic, part)
);
COMMENT ON TABLE attempts IS 'How often the process died at a record; gone when the position moves.';
COMMENT ON COLUMN attempts.grp IS 'The consumer group.';
COMMENT ON COLUMN attempts.topic IS 'The topic read.';
COMMENT ON COLUMN attempts.part IS 'The partition of it.';
COMMENT ON COLUMN attempts.next_offset IS 'The record.';
COMMENT ON COLUMN attempts.deaths IS 'Starts that found the position still before it.';

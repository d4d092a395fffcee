-- A published blob gives its row to the next one of its partition, in place: deleted rows had to be passed by every
-- batch until they were vacuumed.
ALTER TABLE outbox ADD COLUMN slot bigint;
UPDATE outbox SET slot = end_offset;
ALTER TABLE outbox ALTER COLUMN slot SET NOT NULL;
ALTER TABLE outbox DROP CONSTRAINT outbox_pkey, ADD PRIMARY KEY (grp, topic, part, slot);
ALTER TABLE outbox SET (fillfactor = 40);
COMMENT ON COLUMN outbox.slot IS '0 for a batch before which everything was published, else its end_offset.';
COMMENT ON TABLE outbox IS 'One row per batch and partition read: its finished records, until the next batch after Kafka has them.';

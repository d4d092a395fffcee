-- Moves the positions of a batch where epoch and offset are still its owner's, keeps its blobs, lets go of those that were
-- published and of attempts counted before. The rows of the batch follow, and last the demands; what asks for `whole` and
-- `moved` runs them before anything else is written.
-- Where everything before the batch is published, its blob replaces the last one in place: that leaves no row behind that
-- the next batches must pass.
WITH q AS MATERIALIZED (
    SELECT topic, part::integer, epoch, start_offset, end_offset, edges, published, payload,
        start_offset < end_offset AS moves, CASE WHEN published < start_offset THEN end_offset ELSE 0 END AS slot
    FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::bytea[])
        AS u(topic, part, epoch, start_offset, end_offset, edges, published, payload)
),
whole AS MATERIALIZED (
    SELECT 1 FROM claims WHERE grp = $1 AND number = $10 FOR SHARE
),
moved AS (
    UPDATE position p
    SET next_offset = q.end_offset, edges = q.edges, published_hint = greatest(p.published_hint, q.published)
    FROM q
    WHERE p.grp = $1 AND p.topic = q.topic AND p.part = q.part AND p.epoch = q.epoch
        AND coalesce(p.next_offset = q.start_offset, true)
    RETURNING 1
),
kept AS (
    INSERT INTO outbox (grp, topic, part, slot, start_offset, end_offset, payload, committed_at)
    SELECT $1, topic, part, slot, start_offset, end_offset, payload, statement_timestamp() FROM q WHERE moves
    ON CONFLICT (grp, topic, part, slot) DO UPDATE SET start_offset = excluded.start_offset,
        end_offset = excluded.end_offset, payload = excluded.payload, committed_at = excluded.committed_at
),
tried AS (
    DELETE FROM attempts a USING q WHERE a.grp = $1 AND a.topic = q.topic AND a.part = q.part
),
gone AS (
    DELETE FROM outbox o USING q
    WHERE o.grp = $1 AND o.topic = q.topic AND o.part = q.part AND o.end_offset <= q.published
        AND NOT (q.moves AND o.slot = q.slot)
)

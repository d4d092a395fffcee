-- Moves the positions of a batch, keeps its blobs, lets go of those that were published and of attempts counted before.
-- Where everything before the batch is published, its blob replaces the last one in place: that leaves no row behind that
-- the next batches must pass.
WITH q AS MATERIALIZED (
    SELECT topic, part::integer, start_offset, end_offset, edges, published, payload, start_offset < end_offset AS moves,
        CASE WHEN published < start_offset THEN end_offset ELSE 0 END AS slot
    FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bytea[])
        AS u(topic, part, start_offset, end_offset, edges, published, payload)
),
moved AS (
    UPDATE position p
    SET next_offset = q.end_offset, edges = q.edges, published_hint = greatest(p.published_hint, q.published)
    FROM q WHERE p.grp = $1 AND p.topic = q.topic AND p.part = q.part
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
SELECT count(*) FROM moved

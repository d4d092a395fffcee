-- Moves the positions of a batch, keeps its blobs, lets go of those that were published and of attempts counted before.
WITH q AS MATERIALIZED (
    SELECT topic, part::integer, start_offset, end_offset, edges, published, payload
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
    INSERT INTO outbox (grp, topic, part, start_offset, end_offset, payload, committed_at)
    SELECT $1, topic, part, start_offset, end_offset, payload, statement_timestamp() FROM q
    WHERE start_offset < end_offset
),
tried AS (
    DELETE FROM attempts a USING q WHERE a.grp = $1 AND a.topic = q.topic AND a.part = q.part
),
gone AS (
    DELETE FROM outbox o USING q
    WHERE o.grp = $1 AND o.topic = q.topic AND o.part = q.part AND o.end_offset <= q.published
        AND o.committed_at <= statement_timestamp() - $9::bigint * interval '1 millisecond'
)
SELECT count(*) FROM moved

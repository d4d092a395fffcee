-- Where partitions stand, and for whom.
SELECT q.n, p.epoch, p.next_offset
FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS q(topic, part, n)
JOIN position p ON p.grp = $1 AND p.topic = q.topic AND p.part = q.part

-- Raises the epochs of partitions, in the order given; waits for whoever is about to commit for one of them.
WITH c AS (
    INSERT INTO claims (grp, number) VALUES ($1, 1) ON CONFLICT (grp) DO UPDATE SET number = claims.number + 1
    RETURNING number
)
INSERT INTO position (grp, topic, part, epoch, owner, edges)
SELECT $1, q.topic, q.part::integer, 1, $4, '' FROM c CROSS JOIN unnest($2::text[], $3::bigint[]) AS q(topic, part)
ON CONFLICT (grp, topic, part) DO UPDATE SET epoch = position.epoch + 1, owner = excluded.owner
RETURNING topic, part::bigint, epoch, next_offset, edges, published_hint,
    (SELECT a.deaths::bigint FROM attempts a
     WHERE a.grp = position.grp AND a.topic = position.topic AND a.part = position.part
         AND a.next_offset = position.next_offset),
    (SELECT number FROM c)

-- The numbers of attempts at the records where partitions stand.
INSERT INTO attempts (grp, topic, part, next_offset, deaths)
SELECT $1, q.topic, q.part::integer, q.next_offset, q.number::integer
FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS q(topic, part, next_offset, number)
ON CONFLICT (grp, topic, part) DO UPDATE SET next_offset = excluded.next_offset, deaths = excluded.deaths

-- The blobs of a partition behind an offset, in order.
SELECT start_offset, end_offset, payload FROM outbox
WHERE grp = $1 AND topic = $2 AND part = $3::bigint AND end_offset > $4
ORDER BY end_offset

-- Whether a claim was the last one of its group, and the positions of topics are as many as its owner holds.
SELECT (SELECT number FROM claims WHERE grp = $1) = $3
    AND (SELECT count(*) FROM position WHERE grp = $1 AND topic = ANY ($2::text[])) = $4

-- Q8: where each learner of a class is now.
SELECT learner, course, unit, lesson, item, kind, session, seen_at, as_of
FROM learner_position
WHERE tenant_id = :tenant AND class = :class
ORDER BY learner;

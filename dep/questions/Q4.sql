-- Q4: latest, best, first and average score and attempts, per learner and assessment.
SELECT learner, item, unit, lesson, track, path_id, latest, best, first, average, attempts, as_of
FROM learner_assessment
WHERE tenant_id = :tenant AND class = :class AND (:item IS NULL OR item = :item)
ORDER BY learner, item, unit, lesson, track, path_id;

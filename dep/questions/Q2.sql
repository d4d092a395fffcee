-- Q2: a class by unit, a unit by lesson, a lesson by item, per learner. :level is unit, lesson or item; :within is the
-- course, unit or lesson whose parts are asked for.
SELECT learner, unit, lesson, item, item_kind, percent, count, time_ms, views, items, as_of
FROM learner_progress
WHERE tenant_id = :tenant AND class = :class AND level = :level AND track = 'main'
    AND :within = CASE level WHEN 'unit' THEN course WHEN 'lesson' THEN unit ELSE lesson END
ORDER BY learner, unit, lesson, item, item_kind;

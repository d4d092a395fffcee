-- Q9: the week of a class: items, interactions, time and mean score, main against suggested path.
WITH spent AS (
    SELECT track, sum(time_ms) AS time_ms, sum(views) AS interactions, max(as_of) AS as_of
    FROM day_activity
    WHERE tenant_id = :tenant AND class = :class AND local_date BETWEEN :from AND :to
    GROUP BY track
),
played AS (
    SELECT DISTINCT tenant_id, learner, class, course, unit, lesson, track, path_id, item
    FROM item_session
    WHERE tenant_id = :tenant AND class = :class AND local_date BETWEEN :from AND :to AND views > 0
),
scored AS (
    SELECT p.track, count(DISTINCT p.item) AS items,
        -- The mean of published percents, half away from zero, in whole hundredths.
        round((2 * cast(sum(round(l.percent * 100)) AS bigint) + count(l.percent)) / nullif(2 * count(l.percent), 0) / 100.0, 2) AS percent
    FROM played p
    LEFT JOIN learner_progress l ON l.level = 'item' AND l.tenant_id = p.tenant_id AND l.learner = p.learner
        AND l.class = p.class AND l.course = p.course AND l.unit = p.unit AND l.lesson = p.lesson
        AND l.track = p.track AND l.path_id = p.path_id AND l.item = p.item
    GROUP BY p.track
)
SELECT track, coalesce(items, 0) AS items, interactions, time_ms, percent, as_of
FROM spent LEFT JOIN scored USING (track)
ORDER BY track;

-- Q6: daily class activity by day, month or year: :width 10, 7 or 4 characters of the date.
WITH spent AS (
    SELECT substr(cast(local_date AS text), 1, :width) AS period, count(DISTINCT learner) AS learners, sum(time_ms) AS time_ms,
        sum(views) AS views, max(as_of) AS as_of
    FROM day_activity
    WHERE tenant_id = :tenant AND class = :class AND track = 'daily' AND local_date BETWEEN :from AND :to
    GROUP BY 1
),
scored AS (
    SELECT substr(cast(local_date AS text), 1, :width) AS period, count(percent) AS scores,
        -- The mean of published percents, half away from zero, in whole hundredths.
        round((2 * cast(sum(round(percent * 100)) AS bigint) + count(percent)) / nullif(2 * count(percent), 0) / 100.0, 2) AS percent
    FROM item_session
    WHERE tenant_id = :tenant AND class = :class AND track = 'daily' AND local_date BETWEEN :from AND :to AND graded
    GROUP BY 1
)
SELECT period, learners, time_ms, views, coalesce(scores, 0) AS scores, percent, as_of
FROM spent LEFT JOIN scored USING (period)
ORDER BY period;

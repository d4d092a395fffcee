-- Q11: active learners of a class by day.
SELECT local_date, learners, time_ms, views, as_of
FROM active_learners
WHERE tenant_id = :tenant AND class = :class AND local_date BETWEEN :from AND :to
ORDER BY local_date;

-- Q5: the answers of a class that wait for grading, oldest first.
SELECT learner, item, session, question, status, time_ms, as_of
FROM question_answer
WHERE tenant_id = :tenant AND class = :class AND NOT graded
ORDER BY as_of, learner, item, session, question;

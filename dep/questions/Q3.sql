-- Q3: one assessment: per learner and question the status, score, time and reaction of the latest session, or of the
-- :session given; a session without answers stands with a null question.
SELECT s.learner, s.session, s.local_date, s.percent AS session_percent, s.time_ms AS session_time_ms,
    s.reaction AS session_reaction, s.complete, q.question, q.status, q.percent, q.time_ms, q.reaction, s.as_of
FROM item_session s
LEFT JOIN question_answer q USING (tenant_id, learner, session, item)
WHERE s.tenant_id = :tenant AND s.class = :class AND s.item = :item
    AND s.session = coalesce(:session, (
        SELECT a.latest_session FROM learner_assessment a
        WHERE a.tenant_id = s.tenant_id AND a.learner = s.learner AND a.class = s.class AND a.course = s.course
            AND a.unit = s.unit AND a.lesson = s.lesson AND a.track = s.track AND a.path_id = s.path_id AND a.item = s.item
    ))
ORDER BY s.learner, s.session, q.question;

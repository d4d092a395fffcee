-- One row per session of an item that was opened (collection) or closed (assessment). A sitting may be withdrawn before
-- it had a score; only its view says so then.
DROP VIEW item_session;
CREATE VIEW item_session AS
SELECT
    v.tenant_id,
    v.learner,
    v.session,
    v.item,
    v.kind,                                  -- collection or assessment
    v.type,                                  -- the client's word
    v.class,
    v.course,
    v.unit,
    v.lesson,
    v.track,
    v.path_id,
    v.local_date,                            -- of the first start or stop
    v.started_at,                            -- first start of a collection
    v.stopped_at,                            -- first stop of an assessment
    v.views,                                 -- 0 once withdrawn
    v.kind = 'assessment' AND v.views > 0 AS complete, -- has a stop that was not withdrawn
    v.views = 0 AS withdrawn,                -- also before it had a score: only a withdrawal takes a view back
    s.raw / 10000.0 AS raw,
    s.max / 10000.0 AS max,
    s.percent / 100.0 AS percent,
    coalesce(s.graded, 0) AS graded,         -- 0: waits for grading, or no score
    t.time_ms,
    r.reaction,                              -- mean 1-5, half up
    max(v.activity_time, coalesce(s.activity_time, 0), coalesce(t.activity_time, 0), coalesce(r.activity_time, 0)) AS as_of
FROM item_view v
LEFT JOIN assessment_score s USING (tenant_id, learner, session, item)
LEFT JOIN item_time t USING (tenant_id, learner, session, item)
LEFT JOIN item_reaction r USING (tenant_id, learner, session, item);

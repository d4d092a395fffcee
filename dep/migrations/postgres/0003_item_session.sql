-- A sitting may be withdrawn before it had a score; only its view says so then: views fall to 0 by a withdrawal alone.
CREATE OR REPLACE VIEW analytics.item_session AS
SELECT
    v.tenant_id,
    v.learner,
    v.session,
    v.item,
    v.kind,
    v.type,
    v.class,
    v.course,
    v.unit,
    v.lesson,
    v.track,
    v.path_id,
    v.local_date,
    v.started_at,
    v.stopped_at,
    v.views,
    v.kind = 'assessment' AND v.views > 0 AS complete,
    v.views = 0 AS withdrawn,
    s.raw,
    s.max,
    s.percent,
    coalesce(s.graded, false) AS graded,
    t.time_ms,
    r.reaction,
    greatest(v.activity_time, s.activity_time, t.activity_time, r.activity_time) AS as_of
FROM item_view v
LEFT JOIN assessment_score s USING (tenant_id, learner, session, item)
LEFT JOIN item_time t USING (tenant_id, learner, session, item)
LEFT JOIN item_reaction r USING (tenant_id, learner, session, item);

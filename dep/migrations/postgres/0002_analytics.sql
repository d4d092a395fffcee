-- What analysts read: the views of the SQLite file under the same names, with unscaled numbers, null for unknown, and
-- `as_of`, the newest activity folded into the row. `percent` is 0-100, `time_ms` counted ms; an absent id is ''. A
-- column without a comment here has that of the table it comes from.
CREATE SCHEMA analytics;
COMMENT ON SCHEMA analytics IS 'The views that analysts read.';

CREATE VIEW analytics.learner_progress AS
WITH level_key AS (
    SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_score
    UNION SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_time
    UNION SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_view
),
item_total AS (
    SELECT tenant_id, learner, class, course, unit, lesson, track, path_id, item, max(kind) AS kind,
        sum(time_ms)::bigint AS time_ms, max(activity_time) AS activity_time
    FROM item_time GROUP BY tenant_id, learner, class, course, unit, lesson, track, path_id, item
),
item_key AS (
    SELECT tenant_id, learner, class, course, unit, lesson, track, path_id, item, kind FROM learner_item_score
    UNION SELECT tenant_id, learner, class, course, unit, lesson, track, path_id, item, kind FROM learner_item_view
    UNION SELECT tenant_id, learner, class, course, unit, lesson, track, path_id, item, kind FROM item_total
)
SELECT
    k.tenant_id,
    k.learner,
    k.class,
    k.course,
    k.unit,
    k.lesson,
    '' AS item,
    k.level,
    k.item_kind,
    'main' AS track,
    0::bigint AS path_id,
    s.raw,
    s.max,
    s.percent,
    coalesce(s.count, 0) AS count,
    coalesce(t.time_ms, 0) AS time_ms,
    coalesce(v.views, 0) AS views,
    coalesce(v.items, 0) AS items,
    greatest(s.activity_time, t.activity_time, v.activity_time) AS as_of
FROM level_key k
LEFT JOIN level_score s USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
LEFT JOIN level_time t USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
LEFT JOIN level_view v USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
UNION ALL
SELECT
    k.tenant_id, k.learner, k.class, k.course, k.unit, k.lesson, k.item, 'item', k.kind, k.track, k.path_id,
    s.raw, s.max, s.percent, (s.percent IS NOT NULL)::integer::bigint,
    coalesce(t.time_ms, 0), coalesce(v.views, 0), (coalesce(v.views, 0) > 0)::integer::bigint,
    greatest(s.activity_time, t.activity_time, v.activity_time)
FROM item_key k
LEFT JOIN learner_item_score s USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
LEFT JOIN item_total t USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
LEFT JOIN learner_item_view v USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item);
COMMENT ON VIEW analytics.learner_progress IS
    'One row per learner and lesson, unit, course or item, per item kind.';
COMMENT ON COLUMN analytics.learner_progress.item IS 'the item; empty above it';
COMMENT ON COLUMN analytics.learner_progress.level IS 'course, unit, lesson or item';
COMMENT ON COLUMN analytics.learner_progress.item_kind IS 'collection or assessment';
COMMENT ON COLUMN analytics.learner_progress.track IS 'main, path or daily; only items have other tracks than main';
COMMENT ON COLUMN analytics.learner_progress.count IS 'items with a score inside';

CREATE VIEW analytics.class_progress AS
SELECT
    tenant_id,
    class,
    course,
    unit,
    lesson,
    item,
    level,
    item_kind,
    track,
    path_id,
    round(avg(percent), 2) AS percent,
    count(percent) AS count,
    count(*) AS learners,
    sum(time_ms)::bigint AS time_ms,
    sum(views)::bigint AS views,
    sum(items)::bigint AS items,
    max(as_of) AS as_of
FROM analytics.learner_progress WHERE class <> ''
GROUP BY tenant_id, class, course, unit, lesson, item, level, item_kind, track, path_id;
COMMENT ON VIEW analytics.class_progress IS
    'One row per class and course, unit, lesson or item, per item kind: the learners of the class together.';
COMMENT ON COLUMN analytics.class_progress.learners IS 'learners with anything';

CREATE VIEW analytics.item_session AS
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
    coalesce(s.status = 'withdrawn', false) AS withdrawn,
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
COMMENT ON VIEW analytics.item_session IS
    'One row per session of an item that was opened (collection) or closed (assessment).';
COMMENT ON COLUMN analytics.item_session.complete IS 'has a stop that was not withdrawn';
COMMENT ON COLUMN analytics.item_session.withdrawn IS 'whether the sitting was withdrawn';

CREATE VIEW analytics.question_answer AS
SELECT
    q.tenant_id,
    q.learner,
    q.session,
    q.item,
    q.resource AS question,
    q.class,
    q.course,
    q.unit,
    q.lesson,
    q.track,
    q.path_id,
    q.status,
    q.raw,
    q.max,
    q.percent,
    q.graded,
    q.codes,
    t.time_ms,
    t.visits,
    r.reaction,
    greatest(q.activity_time, t.activity_time, r.activity_time) AS as_of
FROM question_score q
LEFT JOIN resource_time t USING (tenant_id, learner, session, item, resource)
LEFT JOIN resource_reaction r USING (tenant_id, learner, session, item, resource);
COMMENT ON VIEW analytics.question_answer IS 'One row per answered question of a session.';
COMMENT ON COLUMN analytics.question_answer.question IS 'the question';

CREATE VIEW analytics.learner_assessment AS
WITH attempt AS (
    SELECT v.tenant_id, v.learner, v.class, v.course, v.unit, v.lesson, v.track, v.path_id, v.item,
        v.stopped_at, v.session, CASE WHEN s.graded THEN s.percent END AS percent,
        greatest(v.activity_time, s.activity_time) AS activity_time
    FROM item_view v LEFT JOIN assessment_score s USING (tenant_id, learner, session, item)
    WHERE v.kind = 'assessment' AND v.views > 0
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY tenant_id, learner, class, course, unit, lesson, track, path_id, item
        ORDER BY percent IS NULL, stopped_at, session
    ) AS nth FROM attempt
)
SELECT
    a.tenant_id,
    a.learner,
    a.class,
    a.course,
    a.unit,
    a.lesson,
    a.track,
    a.path_id,
    a.item,
    max(l.percent) AS latest,
    max(l.score_session) AS latest_session,
    max(a.percent) AS best,
    max(CASE WHEN a.nth = 1 THEN a.percent END) AS first,
    round(avg(a.percent), 2) AS average,
    count(*) AS attempts,
    greatest(max(a.activity_time), max(l.activity_time)) AS as_of
FROM ranked a
LEFT JOIN learner_item_score l USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
GROUP BY a.tenant_id, a.learner, a.class, a.course, a.unit, a.lesson, a.track, a.path_id, a.item;
COMMENT ON VIEW analytics.learner_assessment IS
    'One row per learner, assessment and scope: attempts are stopped sessions that were not withdrawn.';
COMMENT ON COLUMN analytics.learner_assessment.latest IS 'percent of the latest graded session';
COMMENT ON COLUMN analytics.learner_assessment.latest_session IS 'that session; empty where there is none';
COMMENT ON COLUMN analytics.learner_assessment.best IS 'the highest percent of graded sessions';
COMMENT ON COLUMN analytics.learner_assessment.first IS 'percent of the graded session that stopped first';
COMMENT ON COLUMN analytics.learner_assessment.average IS 'mean percent of graded sessions, half up';
COMMENT ON COLUMN analytics.learner_assessment.attempts IS 'stopped sessions, graded or not';

CREATE VIEW analytics.day_activity AS
WITH day_key AS (
    SELECT tenant_id, learner, class, local_date, track, item_kind FROM day_time
    UNION SELECT tenant_id, learner, class, local_date, track, item_kind FROM day_view WHERE views > 0
)
SELECT
    k.tenant_id,
    k.learner,
    k.class,
    k.local_date,
    k.track,
    k.item_kind,
    coalesce(t.time_ms, 0) AS time_ms,
    coalesce(v.views, 0) AS views,
    greatest(t.activity_time, v.activity_time) AS as_of
FROM day_key k
LEFT JOIN day_time t USING (tenant_id, learner, class, local_date, track, item_kind)
LEFT JOIN day_view v USING (tenant_id, learner, class, local_date, track, item_kind);
COMMENT ON VIEW analytics.day_activity IS
    'One row per learner, class, date, track and item kind; the kind is empty for single resources.';

CREATE VIEW analytics.active_learners AS
SELECT
    tenant_id,
    class,
    local_date,
    count(DISTINCT learner) AS learners,
    sum(time_ms)::bigint AS time_ms,
    sum(views)::bigint AS views,
    max(as_of) AS as_of
FROM analytics.day_activity
GROUP BY tenant_id, class, local_date;
COMMENT ON VIEW analytics.active_learners IS 'One row per class and date.';
COMMENT ON COLUMN analytics.active_learners.learners IS 'learners with time or a view on that date';

CREATE VIEW analytics.learner_position AS
WITH ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY tenant_id, learner, class
        ORDER BY coalesce(stopped_at, started_at) DESC, session DESC, item DESC
    ) AS nth FROM item_view WHERE views > 0
)
SELECT
    tenant_id,
    learner,
    class,
    course,
    unit,
    lesson,
    item,
    kind,
    session,
    track,
    path_id,
    local_date,
    coalesce(stopped_at, started_at) AS seen_at,
    activity_time AS as_of
FROM ranked WHERE nth = 1;
COMMENT ON VIEW analytics.learner_position IS
    'One row per learner and class: the newest session that was opened or closed there.';
COMMENT ON COLUMN analytics.learner_position.seen_at IS 'when it was opened or closed';

DO $$
DECLARE
    made record;
BEGIN
    FOR made IN SELECT table_name FROM information_schema.views WHERE table_schema = 'analytics' LOOP
        EXECUTE format('COMMENT ON COLUMN analytics.%I.as_of IS %L', made.table_name,
            'the newest activity folded into the row');
    END LOOP;
END
$$;

-- A role for people who only read: its search path finds the views first, then the tables of dep. It has no password
-- until somebody gives it one. Who migrates may not be allowed to make roles: then the roles are somebody else's to make.
DO $$
BEGIN
    CREATE ROLE analyst LOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
END
$$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'analyst') THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO analyst', current_schema());
    GRANT USAGE ON SCHEMA analytics TO analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO analyst;
    GRANT SELECT ON resource_time, resource_reaction, question_score, item_time, item_reaction, item_view, assessment_score,
        learner_item_score, learner_item_view, day_time, day_view, level_score, level_time, level_view,
        level_part_score, level_part_time, level_part_view, class_score, class_time, class_view, class_part_score,
        class_part_time, class_part_view TO analyst;
END
$$;
DO $$
BEGIN
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I SET search_path = analytics, %I', current_database(),
        current_schema());
    EXECUTE format('ALTER ROLE analyst IN DATABASE %I SET default_transaction_read_only = on', current_database());
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN NULL;
END
$$;

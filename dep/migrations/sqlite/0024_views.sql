-- The views that analysts read: unscaled numbers, null for unknown, `as_of` = newest activity folded into the row (epoch
-- ms UTC). Same names as later in the schema `analytics` of PostgreSQL. `percent` is 0-100, `time_ms` counted ms; an
-- absent id is ''. The questions' statements lie in dep/questions.

-- One row per learner and lesson, unit, course (level_* tables) or item (learner_item_* tables), per item kind.
CREATE VIEW learner_progress AS
WITH level_key AS (
    SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_score
    UNION SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_time
    UNION SELECT tenant_id, learner, class, course, unit, lesson, level, item_kind FROM level_view
),
item_total AS (
    SELECT tenant_id, learner, class, course, unit, lesson, track, path_id, item, max(kind) AS kind,
        sum(time_ms) AS time_ms, max(activity_time) AS activity_time
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
    k.unit,                                  -- '' above the unit
    k.lesson,                                -- '' above the lesson
    '' AS item,                              -- '' above the item
    k.level,                                 -- course, unit, lesson or item
    k.item_kind,                             -- collection or assessment
    'main' AS track,                         -- only items have other tracks
    0 AS path_id,
    s.raw / 10000.0 AS raw,                  -- assessments: sum of percents; collections: points
    s.max / 10000.0 AS max,
    s.percent / 100.0 AS percent,            -- 100 * raw / max, null where nothing is scored
    coalesce(s.count, 0) AS count,           -- items with a score inside
    coalesce(t.time_ms, 0) AS time_ms,
    coalesce(v.views, 0) AS views,
    coalesce(v.items, 0) AS items,           -- items with views inside
    max(coalesce(s.activity_time, 0), coalesce(t.activity_time, 0), coalesce(v.activity_time, 0)) AS as_of
FROM level_key k
LEFT JOIN level_score s USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
LEFT JOIN level_time t USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
LEFT JOIN level_view v USING (tenant_id, learner, class, course, unit, lesson, level, item_kind)
UNION ALL
SELECT
    k.tenant_id, k.learner, k.class, k.course, k.unit, k.lesson, k.item, 'item', k.kind, k.track, k.path_id,
    s.raw / 10000.0, s.max / 10000.0, s.percent / 100.0, s.percent IS NOT NULL,
    coalesce(t.time_ms, 0), coalesce(v.views, 0), coalesce(v.views, 0) > 0,
    max(coalesce(s.activity_time, 0), coalesce(t.activity_time, 0), coalesce(v.activity_time, 0))
FROM item_key k
LEFT JOIN learner_item_score s USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
LEFT JOIN item_total t USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
LEFT JOIN learner_item_view v USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item);

-- One row per class and course, unit, lesson or item, per item kind: the learners of the class together.
CREATE VIEW class_progress AS
WITH learners AS (
    SELECT tenant_id, class, course, unit, lesson, item, level, item_kind, track, path_id, learner,
        cast(round(percent * 100) AS INTEGER) AS scaled, time_ms, views, items, as_of
    FROM learner_progress WHERE class <> ''
)
SELECT
    tenant_id,
    class,
    course,
    unit,                                    -- '' above the unit
    lesson,                                  -- '' above the lesson
    item,                                    -- '' above the item
    level,                                   -- course, unit, lesson or item
    item_kind,                               -- collection or assessment
    track,
    path_id,
    (2 * sum(scaled) + count(scaled)) / (2 * count(scaled)) / 100.0 AS percent, -- mean of the learners' percents
    count(scaled) AS count,                  -- learners with a score
    count(*) AS learners,                    -- learners with anything
    sum(time_ms) AS time_ms,
    sum(views) AS views,
    sum(items) AS items,
    max(as_of) AS as_of
FROM learners
GROUP BY tenant_id, class, course, unit, lesson, item, level, item_kind, track, path_id;

-- One row per session of an item that was opened (collection) or closed (assessment).
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
    coalesce(s.status = 'withdrawn', 0) AS withdrawn,
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

-- One row per answered question of a session.
CREATE VIEW question_answer AS
SELECT
    q.tenant_id,
    q.learner,
    q.session,
    q.item,                                  -- '' for a single question
    q.resource AS question,
    q.class,
    q.course,
    q.unit,
    q.lesson,
    q.track,
    q.path_id,
    q.status,                                -- correct, incorrect, skipped, attempted
    q.raw / 10000.0 AS raw,
    q.max / 10000.0 AS max,
    q.percent / 100.0 AS percent,
    q.graded,                                -- 0: waits for grading
    q.codes,                                 -- competency codes, a JSON array
    t.time_ms,
    t.visits,
    r.reaction,                              -- 1-5
    max(q.activity_time, coalesce(t.activity_time, 0), coalesce(r.activity_time, 0)) AS as_of
FROM question_score q
LEFT JOIN resource_time t USING (tenant_id, learner, session, item, resource)
LEFT JOIN resource_reaction r USING (tenant_id, learner, session, item, resource);

-- One row per learner, assessment and scope: attempts are stopped sessions that were not withdrawn, graded or not.
CREATE VIEW learner_assessment AS
WITH attempt AS (
    SELECT v.tenant_id, v.learner, v.class, v.course, v.unit, v.lesson, v.track, v.path_id, v.item,
        v.stopped_at, v.session, CASE WHEN s.graded THEN s.percent END AS percent,
        max(v.activity_time, coalesce(s.activity_time, 0)) AS activity_time
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
    l.percent / 100.0 AS latest,             -- of the latest graded session
    l.score_session AS latest_session,       -- '' where there is none
    max(a.percent) / 100.0 AS best,          -- over graded sessions
    max(CASE WHEN a.nth = 1 THEN a.percent END) / 100.0 AS first, -- of the graded session that stopped first
    (2 * sum(a.percent) + count(a.percent)) / (2 * count(a.percent)) / 100.0 AS average, -- mean of graded percents, half up
    count(*) AS attempts,
    max(max(a.activity_time), coalesce(l.activity_time, 0)) AS as_of
FROM ranked a
LEFT JOIN learner_item_score l USING (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
GROUP BY a.tenant_id, a.learner, a.class, a.course, a.unit, a.lesson, a.track, a.path_id, a.item;

-- One row per learner, class, date, track and item kind ('' for single resources).
CREATE VIEW day_activity AS
WITH day_key AS (
    SELECT tenant_id, learner, class, local_date, track, item_kind FROM day_time
    UNION SELECT tenant_id, learner, class, local_date, track, item_kind FROM day_view WHERE views > 0
)
SELECT
    k.tenant_id,
    k.learner,
    k.class,                                 -- '' for independent learners
    k.local_date,                            -- in the zone of the event
    k.track,                                 -- main, path or daily
    k.item_kind,                             -- collection, assessment, '' for a single resource
    coalesce(t.time_ms, 0) AS time_ms,
    coalesce(v.views, 0) AS views,           -- sessions opened (collections) or closed (assessments)
    max(coalesce(t.activity_time, 0), coalesce(v.activity_time, 0)) AS as_of
FROM day_key k
LEFT JOIN day_time t USING (tenant_id, learner, class, local_date, track, item_kind)
LEFT JOIN day_view v USING (tenant_id, learner, class, local_date, track, item_kind);

-- One row per class and date.
CREATE VIEW active_learners AS
SELECT
    tenant_id,
    class,                                   -- '' for independent learners
    local_date,
    count(DISTINCT learner) AS learners,     -- with time or a view on that date
    sum(time_ms) AS time_ms,
    sum(views) AS views,
    max(as_of) AS as_of
FROM day_activity
GROUP BY tenant_id, class, local_date;

-- One row per learner and class: the newest session that was opened or closed there.
CREATE VIEW learner_position AS
WITH ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY tenant_id, learner, class
        ORDER BY coalesce(stopped_at, started_at) DESC, session DESC, item DESC
    ) AS nth FROM item_view WHERE views > 0
)
SELECT
    tenant_id,
    learner,
    class,                                   -- '' for an independent learner
    course,
    unit,
    lesson,
    item,
    kind,                                    -- collection or assessment
    session,
    track,
    path_id,
    local_date,
    coalesce(stopped_at, started_at) AS seen_at, -- epoch ms UTC
    activity_time AS as_of
FROM ranked WHERE nth = 1;

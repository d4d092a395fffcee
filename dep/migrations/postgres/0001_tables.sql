-- The tables of dep; what each column means is in their descriptors, whose words become the comments.

CREATE TABLE resource_time (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    resource text NOT NULL,
    kind text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    visits bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item, resource)
);

CREATE TABLE resource_reaction (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    resource text NOT NULL,
    kind text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    reaction bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item, resource)
);

CREATE TABLE question_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    resource text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    percent numeric(5,2),
    graded boolean NOT NULL,
    status text,
    codes text NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item, resource)
);

CREATE TABLE item_time (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    type text,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item)
);

CREATE TABLE item_reaction (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    type text,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    reaction bigint NOT NULL,
    count bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item)
);

CREATE TABLE item_view (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    type text,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    views bigint NOT NULL,
    started_at timestamptz,
    stopped_at timestamptz,
    local_date date NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item)
);

CREATE TABLE assessment_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    type text,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    percent numeric(5,2),
    graded boolean NOT NULL,
    status text,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item)
);

CREATE TABLE learner_item_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    score_session text NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    percent numeric(5,2),
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
);

CREATE TABLE learner_item_view (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    track text NOT NULL,
    path_id bigint NOT NULL,
    item text NOT NULL,
    kind text NOT NULL,
    views bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, track, path_id, item)
);

CREATE TABLE day_time (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    local_date date NOT NULL,
    track text NOT NULL,
    item_kind text NOT NULL,
    time_ms bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, local_date, track, item_kind)
);

CREATE TABLE day_view (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    local_date date NOT NULL,
    track text NOT NULL,
    item_kind text NOT NULL,
    views bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, local_date, track, item_kind)
);

CREATE TABLE level_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    count bigint NOT NULL,
    percent numeric(5,2),
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind)
);

CREATE TABLE level_time (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    visits bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind)
);

CREATE TABLE level_view (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    views bigint NOT NULL,
    items bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind)
);

CREATE TABLE level_part_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_unit text NOT NULL,
    part_lesson text NOT NULL,
    part_id text NOT NULL,
    part_session text NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    count bigint NOT NULL,
    score_session text NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind, part_kind, part_unit, part_lesson, part_id, part_session)
);

CREATE TABLE level_part_time (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_unit text NOT NULL,
    part_lesson text NOT NULL,
    part_id text NOT NULL,
    part_session text NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    visits bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind, part_kind, part_unit, part_lesson, part_id, part_session)
);

CREATE TABLE level_part_view (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    unit text NOT NULL,
    lesson text NOT NULL,
    level text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_unit text NOT NULL,
    part_lesson text NOT NULL,
    part_id text NOT NULL,
    part_session text NOT NULL,
    views bigint NOT NULL,
    items bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, class, course, unit, lesson, level, item_kind, part_kind, part_unit, part_lesson, part_id, part_session)
);

CREATE TABLE class_score (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    count bigint NOT NULL,
    percent numeric(5,2),
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind)
);

CREATE TABLE class_time (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    visits bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind)
);

CREATE TABLE class_view (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    views bigint NOT NULL,
    items bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind)
);

CREATE TABLE class_part_score (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_id text NOT NULL,
    raw numeric(14,4),
    max numeric(14,4),
    count bigint NOT NULL,
    score_session text NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind, part_kind, part_id)
);

CREATE TABLE class_part_time (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_id text NOT NULL,
    time_ms bigint NOT NULL,
    wall_ms bigint NOT NULL,
    visits bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind, part_kind, part_id)
);

CREATE TABLE class_part_view (
    tenant_id text NOT NULL,
    class text NOT NULL,
    course text NOT NULL,
    item_kind text NOT NULL,
    part_kind text NOT NULL,
    part_id text NOT NULL,
    views bigint NOT NULL,
    items bigint NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, class, course, item_kind, part_kind, part_id)
);

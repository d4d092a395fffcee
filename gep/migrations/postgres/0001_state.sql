-- The state of GEP; what each column means is in its descriptor, whose words become the comments.

CREATE TABLE applied (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    event_key text NOT NULL,
    fingerprint bytea NOT NULL,
    resource text NOT NULL,
    wall_ms bigint,
    PRIMARY KEY (tenant_id, learner, session, item, event_key)
);

CREATE TABLE session (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    session text NOT NULL,
    item text NOT NULL,
    resource text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (tenant_id, learner, session, item, resource)
);

CREATE TABLE learner_item (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    item text NOT NULL,
    state bytea NOT NULL,
    PRIMARY KEY (tenant_id, learner, item)
);

-- The highest score a learner ever had in an assessment.
CREATE TABLE best_score (
    tenant_id text NOT NULL,
    learner text NOT NULL,
    item text NOT NULL,
    percent numeric(5,2) NOT NULL,
    revision bigint NOT NULL,
    activity_time timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, learner, item)
);

-- The highest score a learner ever had in an assessment.
CREATE TABLE best_score (
    tenant_id TEXT NOT NULL,
    learner TEXT NOT NULL,
    item TEXT NOT NULL,
    percent INTEGER NOT NULL, -- scaled by 10^2
    revision INTEGER NOT NULL,
    activity_time INTEGER NOT NULL, -- epoch ms UTC
    updated_at INTEGER NOT NULL, -- stamped at commit, epoch ms UTC
    PRIMARY KEY (tenant_id, learner, item)
) WITHOUT ROWID;

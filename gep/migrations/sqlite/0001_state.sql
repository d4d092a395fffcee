CREATE TABLE applied (
  tenant_id TEXT NOT NULL,
  learner TEXT NOT NULL,
  session TEXT NOT NULL,
  item TEXT NOT NULL,
  event_key TEXT NOT NULL,
  fingerprint BLOB NOT NULL,
  resource TEXT NOT NULL,
  wall_ms INTEGER,
  PRIMARY KEY (tenant_id, learner, session, item, event_key)
) WITHOUT ROWID;

CREATE TABLE session (
  tenant_id TEXT NOT NULL,
  learner TEXT NOT NULL,
  session TEXT NOT NULL,
  item TEXT NOT NULL,
  resource TEXT NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (tenant_id, learner, session, item, resource)
) WITHOUT ROWID;

CREATE TABLE learner_item (
  tenant_id TEXT NOT NULL,
  learner TEXT NOT NULL,
  item TEXT NOT NULL,
  state BLOB NOT NULL,
  PRIMARY KEY (tenant_id, learner, item)
) WITHOUT ROWID;

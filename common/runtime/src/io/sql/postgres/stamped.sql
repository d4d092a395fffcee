-- The tables whose rows are stamped at commit.
SELECT c.relname::text FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
WHERE a.attname = 'updated_at' AND NOT a.attisdropped AND c.relkind = 'r' AND pg_catalog.pg_table_is_visible(c.oid)

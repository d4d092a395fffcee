-- Explains the stamp that no descriptor names, and gives each column of a view the comment of the column of that name in the tables and views it is made from, where
-- those agree. What a migration says about a column of a view stands unless they do.
DO $$
DECLARE
    found record;
BEGIN
    FOR found IN
        SELECT a.attrelid::regclass AS made FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND pg_catalog.pg_table_is_visible(c.oid)
        WHERE a.attname = 'updated_at' AND NOT a.attisdropped
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.updated_at IS %L', found.made, 'when the row was committed');
    END LOOP;
    FOR found IN
        SELECT v.oid, v.relname, a.attname, min(source.attrelid) AS any_source
        FROM pg_catalog.pg_class v
        JOIN pg_catalog.pg_namespace n ON n.oid = v.relnamespace AND n.nspname = 'analytics'
        JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
        JOIN pg_catalog.pg_rewrite w ON w.ev_class = v.oid
        JOIN LATERAL (
            SELECT DISTINCT d.refobjid FROM pg_catalog.pg_depend d
            WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
                AND d.refobjid <> v.oid
        ) used ON true
        JOIN pg_catalog.pg_attribute source ON source.attrelid = used.refobjid AND source.attname = a.attname
        WHERE v.relkind = 'v'
        GROUP BY v.oid, v.relname, a.attname, a.attnum
        ORDER BY v.oid, a.attnum
    LOOP
        DECLARE
            told text;
            ways integer;
        BEGIN
            SELECT min(col_description(s.attrelid, s.attnum)), count(DISTINCT col_description(s.attrelid, s.attnum))
            INTO told, ways
            FROM pg_catalog.pg_rewrite w
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> found.oid
            JOIN pg_catalog.pg_attribute s ON s.attrelid = d.refobjid AND s.attname = found.attname
            WHERE w.ev_class = found.oid;
            IF ways = 1 THEN
                EXECUTE format('COMMENT ON COLUMN analytics.%I.%I IS %L', found.relname, found.attname, told);
            END IF;
        END;
    END LOOP;
END
$$

-- How often partitions of a group were claimed: whoever holds them all, and sees no claim but its own, is alone with the
-- rows of the group.
CREATE TABLE claims (
    grp    text   PRIMARY KEY,
    number bigint NOT NULL
);
COMMENT ON TABLE claims IS 'How often partitions of each consumer group were claimed: a member that shares its group with others sees it.';
COMMENT ON COLUMN claims.grp IS 'The consumer group.';
COMMENT ON COLUMN claims.number IS 'Rises with each claim.';

-- Ends the transaction of a batch that found less than it needs: positions or rows that another owner took meanwhile.
CREATE FUNCTION da_demand(got bigint, needed bigint, what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF got <> needed THEN
        RAISE EXCEPTION 'another owner came first: % of % %', got, needed, what USING ERRCODE = 'DA001';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION da_demand(bigint, bigint, text) IS 'Ends a transaction that found less than it needs.';

-- Schemas, the two roles, and the numbers of writers.

CREATE SCHEMA registry;
CREATE SCHEMA ledger;
CREATE SCHEMA settlement;

-- Roles belong to the whole server, so another database may have made them already. A server whose
-- owner may not create roles needs them from its administrator:
--   CREATE ROLE yibao_writer NOLOGIN; CREATE ROLE yibao_reader NOLOGIN;
--   GRANT yibao_writer, yibao_reader TO <owner>;
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['yibao_writer', 'yibao_reader'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database's migration was faster
        END;
        BEGIN
            EXECUTE format('SET LOCAL ROLE %I', wanted);
            RESET ROLE;
        EXCEPTION WHEN insufficient_privilege THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
        END;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA platform, registry, ledger, settlement TO yibao_writer, yibao_reader;

-- Which institutions a reading connection may see: codes joined by commas, * for the bureau, nothing
-- when unset. For row-level security: CREATE POLICY ... TO yibao_reader
-- USING (platform.may_see(institution)). Plain SQL, so that the planner folds it into the query.
CREATE FUNCTION platform.may_see(institution text) RETURNS boolean
LANGUAGE sql STABLE
RETURN current_setting('yibao.institutions', true) = '*'
    OR institution = ANY (string_to_array(current_setting('yibao.institutions', true), ','));

-- Numbers of writing processes, a part of every id they make. A number is held by an advisory lock
-- of the process's own connection; the one that was given least recently is given next, so that a
-- number rests before it is used again.
CREATE TABLE platform.writer (
    number   smallint    NOT NULL PRIMARY KEY CHECK (number BETWEEN 0 AND 255),
    given_at timestamptz NOT NULL
);
COMMENT ON TABLE platform.writer IS 'numbers of writing processes (a part of every id)';
INSERT INTO platform.writer SELECT n, 'epoch' FROM generate_series(0, 255) n;
GRANT SELECT, UPDATE (given_at) ON platform.writer TO yibao_writer;

-- Hot tables are cut by month on their time-ordered numbers: a month is detached as a whole, and what is
-- written goes to small indexes, however many years there are. No row is rewritten: a table that has
-- rows becomes the first partition. Months are made by platform/months; DEFAULT keeps what none covers.

-- Over months nothing can refer: a month could not go before what names it. What was guarded so is
-- guarded by the lock on the visit, and looked through by `yibao ledger verify`.
ALTER TABLE settlement.charge_batch DROP CONSTRAINT charge_batch_pool_visit_fkey;
ALTER TABLE settlement.settlement DROP CONSTRAINT settlement_pool_batch_fkey;
ALTER TABLE settlement.manual_claim DROP CONSTRAINT manual_claim_pool_settlement_fkey;
ALTER TABLE uploads.settlement_list DROP CONSTRAINT settlement_list_pool_settlement_fkey;

-- A batch goes with its visit. By number alone it is still found: the visit comes last in the key.
ALTER TABLE settlement.charge_batch DROP CONSTRAINT charge_batch_pkey;
ALTER TABLE settlement.charge_batch ADD CONSTRAINT charge_batch_pkey PRIMARY KEY (pool, id, visit);

-- Before PostgreSQL 17 a table that is cut has no identity columns: the sequence gives the turn as before.
ALTER TABLE settlement.settlement ALTER turn DROP IDENTITY;
CREATE SEQUENCE settlement.settlement_turn_seq;
SELECT setval('settlement.settlement_turn_seq', max(turn)) FROM settlement.settlement HAVING max(turn) > 0;
ALTER TABLE settlement.settlement ALTER turn SET DEFAULT nextval('settlement.settlement_turn_seq');
GRANT USAGE ON SEQUENCE settlement.settlement_turn_seq TO yibao_writer;

-- Where somebody lies is asked at every registration, of all months at once: few rows, kept whole.
CREATE TABLE settlement.stay (
    pool     text        NOT NULL,
    visit    bigint      NOT NULL,
    identity bigint      NOT NULL,
    state    text        NOT NULL CHECK (state IN ('open', 'cancelled')),
    begin_at timestamptz NOT NULL,
    end_at   timestamptz,
    PRIMARY KEY (pool, visit)
);
COMMENT ON TABLE settlement.stay IS
    'when humans lay in hospital, of whatever pool and month: nobody lies in two; as their visits say it';
INSERT INTO settlement.stay
    SELECT pool, id, identity, state, begin_at, end_at FROM settlement.visit WHERE kind = 'stay';
CREATE INDEX stay_identity ON settlement.stay (identity);
GRANT SELECT, INSERT, UPDATE (identity, state, begin_at, end_at) ON settlement.stay TO yibao_writer;
CREATE VIEW settlement.visible_stay WITH (security_barrier) AS
    SELECT * FROM settlement.stay WHERE current_setting('yibao.institutions', true) = '*';
GRANT SELECT ON settlement.visible_stay TO yibao_writer, yibao_reader;

DO $$
DECLARE
    cut CONSTANT text[][] := ARRAY[
        ['platform', 'outbox', 'id'],
        ['settlement', 'visit', 'id'],
        ['settlement', 'charge_batch', 'visit'],
        ['settlement', 'fee_upload', 'visit'],
        ['settlement', 'settlement', 'id'],
        ['settlement', 'accumulator_entry', 'settlement'],
        ['ledger', 'entry', 'posting'],
        ['ledger', 'occasion', 'posting']];
    one text[];
    whole text;
    first text;
    filled boolean;
    newest bigint := 0;
    found bigint;
    edge bigint;
    part record;
    given text[];
    wanted text;
    remark text;
    searched CONSTANT text := current_setting('search_path');
BEGIN
    -- every name is told in full: texts that are kept here are run again below
    PERFORM set_config('search_path', '', true);

    -- the end of this month, or of the month of the newest row: a clock may have been set ahead
    FOREACH one SLICE 1 IN ARRAY cut LOOP
        EXECUTE format('SELECT coalesce(max(%I), 0) FROM %I.%I', one[3], one[1], one[2]) INTO found;
        newest := greatest(newest, found);
    END LOOP;
    edge := ((extract(epoch FROM (date_trunc('month',
                  greatest(now(), to_timestamp(((newest >> 22) + 1704067200000) / 1000.0))
                  AT TIME ZONE 'Asia/Shanghai') + interval '1 month') AT TIME ZONE 'Asia/Shanghai')
              * 1000)::bigint - 1704067200000) << 22;

    -- the views over these tables, those over other views last
    CREATE TEMP TABLE kept_view ON COMMIT DROP AS
        WITH RECURSIVE above (id, depth) AS (
            SELECT format('%I.%I', cut[i][1], cut[i][2])::regclass::oid, 0
            FROM generate_subscripts(cut, 1) AS i
            UNION
            SELECT rule.ev_class, above.depth + 1
            FROM above
            JOIN pg_catalog.pg_depend AS uses
              ON uses.refobjid = above.id AND uses.refclassid = 'pg_catalog.pg_class'::regclass
             AND uses.classid = 'pg_catalog.pg_rewrite'::regclass
            JOIN pg_catalog.pg_rewrite AS rule
              ON rule.oid = uses.objid AND rule.ev_class <> above.id
        )
        SELECT id::regclass::text AS name, max(depth) AS depth, pg_get_viewdef(id) AS definition,
               (SELECT array_to_string(reloptions, ', ') FROM pg_catalog.pg_class WHERE oid = id) AS options,
               obj_description(id, 'pg_class') AS remark,
               ARRAY(SELECT format('GRANT %s ON %s TO %s', held.privilege_type, id::regclass,
                                   held.grantee::regrole)
                     FROM pg_catalog.pg_class AS of, aclexplode(of.relacl) AS held
                     WHERE of.oid = id AND held.grantee <> of.relowner) AS grants
        FROM above WHERE depth > 0 GROUP BY id;
    FOR part IN SELECT name FROM pg_temp.kept_view ORDER BY depth DESC, name LOOP
        EXECUTE format('DROP VIEW %s', part.name);
    END LOOP;

    FOREACH one SLICE 1 IN ARRAY cut LOOP
        whole := format('%I.%I', one[1], one[2]);
        first := format('%I.%I', one[1], one[2] || '_first');
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', whole) INTO filled;
        remark := obj_description(whole::regclass, 'pg_class');
        given := ARRAY(SELECT format('GRANT %s ON %s TO %s', held.privilege_type, whole,
                                     held.grantee::regrole)
                       FROM pg_catalog.pg_class AS of, aclexplode(of.relacl) AS held
                       WHERE of.oid = whole::regclass AND held.grantee <> of.relowner)
            || ARRAY(SELECT format('GRANT %s (%I) ON %s TO %s', held.privilege_type, of.attname,
                                   whole, held.grantee::regrole)
                     FROM pg_catalog.pg_attribute AS of, aclexplode(of.attacl) AS held
                     WHERE of.attrelid = whole::regclass)
            || ARRAY(SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', whole, key.conname,
                                   pg_get_constraintdef(key.oid))
                     FROM pg_catalog.pg_constraint AS key
                     WHERE key.conrelid = whole::regclass AND key.contype = 'p')
            || ARRAY(SELECT pg_get_indexdef(own.indexrelid) FROM pg_catalog.pg_index AS own
                     WHERE own.indrelid = whole::regclass AND NOT own.indisprimary
                     ORDER BY own.indexrelid);
        EXECUTE format('REVOKE ALL ON %s FROM yibao_writer, yibao_reader', whole);
        EXECUTE format('ALTER TABLE %s RENAME TO %I', whole, one[2] || '_first');
        FOR part IN SELECT name.relname FROM pg_catalog.pg_index AS own
                    JOIN pg_catalog.pg_class AS name ON name.oid = own.indexrelid
                    WHERE own.indrelid = first::regclass LOOP
            EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', one[1], part.relname,
                           one[2] || '_first' || substr(part.relname, length(one[2]) + 1));
        END LOOP;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS
                        INCLUDING COMMENTS INCLUDING STORAGE INCLUDING COMPRESSION)
                        PARTITION BY RANGE (%I)', whole, first, one[3]);
        IF remark IS NOT NULL THEN
            EXECUTE format('COMMENT ON TABLE %s IS %L', whole, remark);
        END IF;
        FOREACH wanted IN ARRAY given LOOP
            EXECUTE wanted;
        END LOOP;
        IF filled THEN
            EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (MINVALUE) TO (%s)',
                           whole, first, edge);
        ELSE
            EXECUTE format('DROP TABLE %s', first);
        END IF;
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT', one[1], one[2] || '_default', whole);
        FOR part IN SELECT name.relname AS own, above.relname AS whole
                    FROM pg_catalog.pg_index AS own
                    JOIN pg_catalog.pg_class AS name ON name.oid = own.indexrelid
                    JOIN pg_catalog.pg_inherits AS inherits ON inherits.inhrelid = own.indexrelid
                    JOIN pg_catalog.pg_class AS above ON above.oid = inherits.inhparent
                    WHERE own.indrelid = format('%I.%I', one[1], one[2] || '_default')::regclass
                      AND name.relname <> one[2] || '_default' || substr(above.relname, length(one[2]) + 1)
        LOOP
            EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', one[1], part.own,
                           one[2] || '_default' || substr(part.whole, length(one[2]) + 1));
        END LOOP;
    END LOOP;

    FOR part IN SELECT * FROM pg_temp.kept_view ORDER BY depth, name LOOP
        EXECUTE format('CREATE VIEW %s %s AS %s', part.name,
                       'WITH (' || part.options || ')', part.definition);
        IF part.remark IS NOT NULL THEN
            EXECUTE format('COMMENT ON VIEW %s IS %L', part.name, part.remark);
        END IF;
        FOREACH wanted IN ARRAY part.grants LOOP
            EXECUTE wanted;
        END LOOP;
    END LOOP;
    DROP TABLE pg_temp.kept_view;
    PERFORM set_config('search_path', searched, true);
END $$;

-- A bill's batch is looked for in its visit's month, and what undid it not in the months before it.
-- 362387865600000: a day in numbers; whoever undid it may have begun, and got a number, before.
CREATE OR REPLACE VIEW settlement.visible_settlement WITH (security_barrier) AS
    SELECT settlement.pool, settlement.id, settlement.kind, settlement.mirrors, settlement.visit,
        settlement.batch, settlement.institution, settlement.member, settlement.origin,
        settlement.payee, settlement.scheme, settlement.care_kind, settlement.person_type,
        settlement.civil_servant, settlement.level, settlement.insured_division,
        settlement.care_division, settlement.voucher_type, settlement.day, settlement.settled_at,
        settlement.settled_on, settlement.message_id, settlement.invoice, settlement.total,
        settlement.own, settlement.over_limit, settlement.first_pay, settlement.in_scope,
        settlement.deductible, settlement.funds, settlement.personal, settlement.account,
        settlement.family, settlement.cash, settlement.hospital_part, settlement.balance,
        settlement.payments, settlement.law, settlement.snapshot, settlement.interim,
        batch.label AS batch_label,
        CASE WHEN settlement.kind = 'settlement'
              AND batch.living_settlement IS DISTINCT FROM settlement.id
             THEN (SELECT max(mirror.id) FROM settlement.settlement AS mirror
                   WHERE mirror.pool = settlement.pool AND mirror.mirrors = settlement.id
                     AND mirror.id > settlement.id - 362387865600000
                     AND mirror.kind = 'cancellation') END AS cancelled_by,
        EXISTS (SELECT FROM settlement.resettlement_flag AS flag
                WHERE flag.pool = settlement.pool AND flag.settlement = settlement.id
                  AND NOT EXISTS (
                      SELECT FROM settlement.resolved_flag AS resolved
                      WHERE resolved.pool = flag.pool AND resolved.settlement = flag.settlement
                        AND resolved.cause = flag.cause)) AS flagged,
        CASE WHEN settlement.kind = 'settlement'
             THEN ARRAY(SELECT supplement.id FROM settlement.settlement AS supplement
                        WHERE supplement.pool = settlement.pool
                          AND supplement.mirrors = settlement.id
                          AND supplement.id > settlement.id - 362387865600000
                          AND supplement.kind = 'supplement'
                          AND NOT EXISTS (
                              SELECT FROM settlement.settlement AS mirror
                              WHERE mirror.pool = supplement.pool AND mirror.mirrors = supplement.id
                                AND mirror.id > supplement.id - 362387865600000)
                        ORDER BY supplement.id) END AS supplements
    FROM settlement.settlement AS settlement
    LEFT JOIN settlement.charge_batch AS batch  -- one that is gone is told by `yibao ledger verify`
      ON batch.pool = settlement.pool AND batch.visit = settlement.visit
     AND batch.id = settlement.batch
    WHERE platform.may_see(settlement.institution);

-- How rows are kept. A table that is cut has no such settings of its own: months take them from DEFAULT.
DO $$
DECLARE
    facts CONSTANT text[] := ARRAY['platform.outbox', 'settlement.settlement',
        'settlement.accumulator_entry', 'ledger.entry', 'ledger.occasion'];
    one text;
    part text;
BEGIN
    FOREACH one IN ARRAY facts || ARRAY['settlement.visit', 'settlement.charge_batch'] LOOP
        FOREACH part IN ARRAY ARRAY[one || '_first', one || '_default'] LOOP
            CONTINUE WHEN to_regclass(part) IS NULL;
            IF one = ANY (facts) THEN
                -- never changed: frozen at the first visit, while their pages are still in memory,
                -- and often enough for that; no later pass has to read years again
                EXECUTE format('ALTER TABLE %s SET (autovacuum_freeze_min_age = 0,
                    autovacuum_vacuum_insert_scale_factor = 0.02,
                    autovacuum_vacuum_insert_threshold = 10000)', part);
            ELSIF one = 'settlement.visit' THEN
                -- described after registration, which makes the row half as long again: with room
                -- on its own page no index has to be told
                EXECUTE format('ALTER TABLE %s SET (fillfactor = 60)', part);
            ELSE
                EXECUTE format('ALTER TABLE %s SET (fillfactor = 80)', part);  -- settled later
            END IF;
        END LOOP;
    END LOOP;
END $$;
-- Changed by every bill, never longer: what was there before is overwritten on the same page.
ALTER TABLE settlement.accumulator SET (fillfactor = 70);
ALTER TABLE ledger.account_part SET (fillfactor = 70);

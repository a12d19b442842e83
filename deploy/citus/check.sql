-- What is missing or wrong after distribute.sql; no rows: all is as it should be. Run by psql on the
-- coordinator, also after each `yibao migrate`: a new table is local until it is told where to lie.

SELECT relation.oid::regclass AS "table", 'on the coordinator alone' AS fault
FROM pg_class AS relation
JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace
WHERE relation.relkind IN ('r', 'p') AND NOT relation.relispartition
  AND schema.nspname NOT IN ('information_schema', 'public', 'citus', 'columnar')
  AND schema.nspname !~ '^(pg_|citus_|columnar_)'
  AND relation.oid::regclass::text NOT IN (
      'platform.alembic_version', 'platform.writer', 'registry.credential_code',
      'registry.credential_token', 'bureau.sign_in', 'safety.access', 'safety.access_block',
      'safety.access_removal', 'loading.run')
  AND NOT EXISTS (SELECT FROM citus_tables WHERE table_name = relation.oid::regclass)
UNION ALL
SELECT table_name, 'distributed by ' || distribution_column
FROM citus_tables
WHERE citus_table_type = 'distributed' AND distribution_column <> 'pool'
UNION ALL
SELECT table_name, 'does not lie with settlement.visit'
FROM citus_tables
WHERE citus_table_type = 'distributed'
  AND colocation_id <> (SELECT colocation_id FROM citus_tables
                        WHERE table_name = 'settlement.visit'::regclass)
ORDER BY 1;

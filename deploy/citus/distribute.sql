-- Yibao's tables over the nodes of a Citus cluster. Run once, on the coordinator, as the owner, right
-- after `yibao migrate` (README.md has the order of steps):
--
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/citus/distribute.sql
--
-- Each statement is a transaction of its own; if one fails, mend why and go on from its line.
-- A bill lives in the pool of insurance with everything that decides it, so every table below the
-- identity is distributed by `pool` and all of them lie together: a bill's transaction is one node's.
-- tests/platform/test_distribution.py holds this file against the schema that the migrations make.

-- ------------------------------------------------------------------------------------------- local
-- Left on the coordinator as they are, each for a reason:
--
-- local: platform.alembic_version:  migrations run on the coordinator
-- local: platform.writer:           numbers of processes, held by advisory locks, which only the coordinator has
-- local: registry.credential_code:  lives minutes, written by every shown credential: two-phase commits for nothing
-- local: registry.credential_token: as the code it was given for
-- local: bureau.sign_in:            clerks' tries to sign in, of no pool
-- local: safety.access:             who saw whom: rows of many pools with their block, in one statement
-- local: safety.access_block:       chain of each process's access record, over all pools
-- local: safety.access_removal:     what was removed of it
-- local: loading.run:               a file that is put in, over all pools

-- --------------------------------------------------------------------------------------- reference
-- A copy on every node; what refers to another one comes after it.

-- Places, institutions and who may speak for them
SELECT create_reference_table('registry.division');
SELECT create_reference_table('registry.pool');
SELECT create_reference_table('registry.pool_division');
SELECT create_reference_table('registry.institution');
SELECT create_reference_table('registry.institution_term');
SELECT create_reference_table('registry.department');
SELECT create_reference_table('registry.practitioner');
SELECT create_reference_table('registry.mapping');
SELECT create_reference_table('registry.sender');
SELECT create_reference_table('registry.sender_institution');
SELECT create_reference_table('registry.sender_key');

-- Catalogue, prices, diagnoses
SELECT create_reference_table('registry.item');
SELECT create_reference_table('registry.item_terms');
SELECT create_reference_table('registry.diagnosis');
SELECT create_reference_table('registry.list_entry');

-- The law, and the versions by which every node's copy is known to be the newest
SELECT create_reference_table('registry.law');
SELECT create_reference_table('registry.law_release');
SELECT create_reference_table('registry.version');

-- Where the archive of cold months ends, over all pools; a view sums by it
SELECT create_reference_table('platform.archive_horizon');

-- Humans: above the pools, joined to the members of each (see README: how far this goes)
SELECT create_reference_table('registry.identity');
SELECT create_reference_table('registry.former_document');
SELECT create_reference_table('registry.merged_identity');
SELECT create_reference_table('registry.special_identity');
SELECT create_reference_table('registry.family_link');
SELECT create_reference_table('registry.representation');
SELECT create_reference_table('registry.card');

-- Clerks work in several pools
SELECT create_reference_table('bureau.clerk');

-- -------------------------------------------------------------------------------------- distributed
-- By pool, all together. There are some 400 pools in the nation; a shard holds a few. A pool that
-- outgrows its neighbours gets a shard of its own later, with all its tables:
--   SELECT isolate_tenant_to_new_shard('settlement.visit', '110000', 'CASCADE');
-- What refers to another table comes after it.

SELECT create_distributed_table('settlement.visit', 'pool', shard_count => 128);
SELECT create_distributed_table('settlement.accumulator', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.accumulator_entry', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.charge_batch', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.clearing_application', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.closed_year', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.fee_upload', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.handed_over', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.resettlement_flag', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.resolved_flag', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.settlement', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.manual_claim', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.statement', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('settlement.stay', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('ledger.account_part', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.block', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.carried_balance', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.entry', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.head', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.hold', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.hold_refund', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('ledger.occasion', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('accounts.credit', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.credit_start', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.event', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.family_order', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.family_premium', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.family_premium_refund', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.family_use', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.shortfall', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.transfer', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('accounts.year_end', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('platform.archived_file', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.archived_month', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.file', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.message', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.outbox', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.outbox_cursor', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('platform.recalled', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('registry.declaration', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.declaration_withdrawal', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.designation', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.disease_filing', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.enrolment', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.entitlement', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.filing', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.membership', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.premium', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.sign_in', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('registry.trait', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('clearing.advance', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.assessment', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.desk', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.payee_account', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.refusal', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.review', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.deduction', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.run', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.payment', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('clearing.confirmation', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('bureau.decision', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('bureau.proposal', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('bureau.refusal', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('payments.payment_order', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('payments.order_event', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('prescriptions.prescription', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('prescriptions.event', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('uploads.document', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('uploads.settlement_list', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('supervision.audit', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('supervision.finding', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('supervision.answer', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('inventory.code_turn', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('inventory.movement', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('inventory.deletion', 'pool', colocate_with => 'settlement.visit');
SELECT create_distributed_table('inventory.movement_code', 'pool', colocate_with => 'settlement.visit');

SELECT create_distributed_table('loading.loaded', 'pool', colocate_with => 'settlement.visit');

-- ---------------------------------------------------------------------------------------- functions
-- What the views ask of a row is asked where the row is.

SELECT create_distributed_function('platform.may_see(text)');
SELECT create_distributed_function('platform.sees_all()');

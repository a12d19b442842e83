-- Relatives' accounts in other pools: what a bill's pool has decided about holds in the owner's pool.

-- A hold for a bill ends by what became of the bill, never by a time of its own.
ALTER TABLE ledger.hold ALTER COLUMN expires_at DROP NOT NULL;
COMMENT ON COLUMN ledger.hold.expires_at IS 'NULL: it ends only by whoever made it';
COMMENT ON COLUMN ledger.hold.purpose IS '家庭共济: for a bill in another pool, found by the hold''s id';

CREATE TABLE accounts.family_order (
    pool        text        NOT NULL,
    hold        text        NOT NULL,
    id          text        NOT NULL,
    owner_pool  text        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('capture', 'release', 'refund')),
    amount      bigint      NOT NULL CHECK (amount >= 0 AND (amount > 0 OR kind = 'release')),
    settlement  bigint,
    member      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, hold, id),
    CHECK ((id = 'end') = (kind <> 'refund'))
);
COMMENT ON TABLE accounts.family_order IS
    'in the pool of the bill: what is to be done with a hold in the owner''s pool; it is done when the hold has ended, or the refund is there';
COMMENT ON COLUMN accounts.family_order.id IS
    'end: captured or released, one of the two for good; else the number of the cancellation or correction that gives back';
CREATE INDEX family_order_member ON accounts.family_order (pool, member);
CREATE INDEX family_order_refund ON accounts.family_order (owner_pool, hold) WHERE kind = 'refund';

GRANT SELECT, INSERT ON accounts.family_order TO yibao_writer;
GRANT SELECT ON accounts.family_order TO yibao_reader;

-- A relative's premium that went back to the parts that had paid it; id: the premium's.
CREATE TABLE accounts.family_premium_refund (
    pool        text        NOT NULL,
    id          bigint      NOT NULL,
    posting     bigint      NOT NULL,
    reason      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, id)
);
GRANT SELECT, INSERT ON accounts.family_premium_refund TO yibao_writer;
GRANT SELECT ON accounts.family_premium_refund TO yibao_reader;

-- Inventory, electronic prescriptions, mobile-payment orders. All of it is facts: what happens later is
-- a further row, and a row's unique place in its sequence lets one of two that race win.
CREATE SCHEMA inventory;
CREATE SCHEMA prescriptions;
CREATE SCHEMA payments;
GRANT USAGE ON SCHEMA inventory, prescriptions, payments TO yibao_writer, yibao_reader;

-- ------------------------------------------------------------------------------------------- goods

CREATE TABLE inventory.movement (
    pool             text        NOT NULL,
    id               bigint      NOT NULL,
    institution      text        NOT NULL,
    kind             text        NOT NULL CHECK (kind IN
        ('stock_taking', 'change', 'purchase', 'purchase_return', 'sale', 'sale_return')),
    serial           text        NOT NULL,
    item             text        NOT NULL,
    institution_item text        NOT NULL,
    quantity         bigint      NOT NULL,
    split            boolean     NOT NULL,
    day              date        NOT NULL,
    moved_at         timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    details          jsonb       NOT NULL,
    sealed           bytea,
    PRIMARY KEY (pool, id)
);
COMMENT ON COLUMN inventory.movement.serial IS
    'the institution''s number of the record (fixmedins_bchno); some send the number of the lot';
COMMENT ON COLUMN inventory.movement.quantity IS
    'in 1/10,000: what the stock gained (lost: negative); of a stock-taking what was counted';
COMMENT ON COLUMN inventory.movement.sealed IS 'who bought, prescribed and handed out, sealed by the vault';
CREATE INDEX movement_item ON inventory.movement (institution, institution_item, day);
CREATE INDEX movement_serial ON inventory.movement (institution, serial);

CREATE TABLE inventory.deletion (
    pool       text        NOT NULL,
    movement   bigint      NOT NULL,
    deleted_at timestamptz NOT NULL,
    PRIMARY KEY (pool, movement),
    FOREIGN KEY (pool, movement) REFERENCES inventory.movement (pool, id)
);
COMMENT ON TABLE inventory.deletion IS 'a record that was deleted (3507) counts no more, and stays readable';

CREATE TABLE inventory.movement_code (
    pool     text   NOT NULL,
    movement bigint NOT NULL,
    code     text   NOT NULL,
    PRIMARY KEY (pool, movement, code),
    FOREIGN KEY (pool, movement) REFERENCES inventory.movement (pool, id)
);
CREATE INDEX movement_code_code ON inventory.movement_code (pool, code);
COMMENT ON TABLE inventory.movement_code IS 'traceability codes of the boxes that moved';

-- The life of a traceability code; its last turn is what holds. Two sales of one box want the same turn.
CREATE TABLE inventory.code_turn (
    pool        text        NOT NULL,
    code        text        NOT NULL,
    turn        integer     NOT NULL,
    state       text        NOT NULL CHECK (state IN ('sold', 'opened', 'free')),
    institution text        NOT NULL,
    movement    bigint      NOT NULL,
    serial      text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (pool, code, turn)
);
COMMENT ON COLUMN inventory.code_turn.movement IS 'the sale';
COMMENT ON COLUMN inventory.code_turn.state IS 'opened: sold in parts by the one institution that opened it';

GRANT SELECT, INSERT ON inventory.movement, inventory.deletion, inventory.movement_code,
    inventory.code_turn TO yibao_writer;

CREATE VIEW inventory.visible_movement WITH (security_barrier) AS
    SELECT movement.* FROM inventory.movement AS movement
    WHERE platform.may_see(movement.institution)
      AND NOT EXISTS (SELECT FROM inventory.deletion AS deletion
                      WHERE deletion.pool = movement.pool AND deletion.movement = movement.id);
COMMENT ON VIEW inventory.visible_movement IS 'records that were not deleted';
GRANT SELECT ON inventory.visible_movement TO yibao_writer, yibao_reader;

-- ----------------------------------------------------------------------------------- prescriptions

CREATE TABLE prescriptions.prescription (
    pool            text        NOT NULL,
    id              bigint      NOT NULL,
    institution     text        NOT NULL,
    member          text        NOT NULL,
    visit           bigint      NOT NULL,
    hospital_number text        NOT NULL,
    edition         smallint    NOT NULL,
    addressee       text,
    prescribed_at   timestamptz NOT NULL,
    valid_until     timestamptz NOT NULL,
    scan_key        bytea       NOT NULL,
    drugs           jsonb       NOT NULL,
    content         bytea       NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (pool, id)
);
COMMENT ON COLUMN prescriptions.prescription.edition IS
    'a hospital''s number may be used again once its prescription was withdrawn';
COMMENT ON COLUMN prescriptions.prescription.addressee IS 'the only pharmacy that may take it; NULL: any';
COMMENT ON COLUMN prescriptions.prescription.scan_key IS 'keyed hash of the QR text';
COMMENT ON COLUMN prescriptions.prescription.drugs IS 'national code and quantity (1/10,000) of each drug';
COMMENT ON COLUMN prescriptions.prescription.content IS 'everything that was written, sealed by the vault';
CREATE UNIQUE INDEX prescription_number
    ON prescriptions.prescription (pool, institution, hospital_number, edition);
CREATE INDEX prescription_member ON prescriptions.prescription (member, prescribed_at);
CREATE INDEX prescription_scan ON prescriptions.prescription (scan_key);

CREATE TABLE prescriptions.event (
    pool         text        NOT NULL,
    prescription bigint      NOT NULL,
    turn         integer     NOT NULL,
    kind         text        NOT NULL,
    institution  text        NOT NULL,
    details      jsonb       NOT NULL,
    sealed       bytea,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (pool, prescription, turn),
    FOREIGN KEY (pool, prescription) REFERENCES prescriptions.prescription (pool, id)
);
COMMENT ON COLUMN prescriptions.event.turn IS
    'its place in the prescription''s life: two that race want the same one';

GRANT SELECT, INSERT ON prescriptions.prescription, prescriptions.event TO yibao_writer;

CREATE VIEW prescriptions.visible_prescription WITH (security_barrier) AS
    SELECT prescription.* FROM prescriptions.prescription AS prescription
    WHERE platform.may_see(prescription.institution)
       OR EXISTS (SELECT FROM prescriptions.event AS event
                  WHERE event.pool = prescription.pool AND event.prescription = prescription.id
                    AND platform.may_see(event.institution));
-- What a person may present anywhere: found by the person's voucher or the prescription's QR alone.
CREATE VIEW prescriptions.presentable_prescription WITH (security_barrier) AS
    SELECT * FROM prescriptions.prescription
    WHERE addressee IS NULL OR platform.may_see(addressee) OR platform.may_see(institution);
CREATE VIEW prescriptions.visible_event WITH (security_barrier) AS
    SELECT event.* FROM prescriptions.event AS event
    JOIN prescriptions.prescription AS prescription
      ON prescription.pool = event.pool AND prescription.id = event.prescription
    WHERE platform.may_see(event.institution) OR platform.may_see(prescription.institution)
       OR prescription.addressee IS NULL OR platform.may_see(prescription.addressee);
GRANT SELECT ON prescriptions.visible_prescription, prescriptions.presentable_prescription,
    prescriptions.visible_event TO yibao_writer, yibao_reader;

-- ---------------------------------------------------------------------------------- payment orders

CREATE TABLE payments.payment_order (
    pool           text        NOT NULL,
    id             bigint      NOT NULL,
    institution    text        NOT NULL,
    member         text        NOT NULL,
    hospital_order text        NOT NULL,
    edition        smallint    NOT NULL,
    batch          text        NOT NULL,
    fee_kind       text        NOT NULL,
    visit          text,
    total          bigint      NOT NULL CHECK (total > 0),
    digest         bytea       NOT NULL,
    content        bytea       NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (pool, id)
);
COMMENT ON COLUMN payments.payment_order.edition IS
    'a hospital''s order number (medOrgOrd) may be used again once its order was withdrawn';
COMMENT ON COLUMN payments.payment_order.digest IS 'of what was sent: the same again is the same order';
COMMENT ON COLUMN payments.payment_order.content IS 'lines and person as sent, sealed by the vault';
CREATE UNIQUE INDEX payment_order_number
    ON payments.payment_order (pool, institution, hospital_order, edition);

CREATE TABLE payments.order_event (
    pool          text        NOT NULL,
    payment_order bigint      NOT NULL,
    turn          integer     NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('paid', 'refunded', 'withdrawn')),
    serial        text        NOT NULL,
    fund          bigint      NOT NULL CHECK (fund >= 0),
    account       bigint      NOT NULL CHECK (account >= 0),
    cash          bigint      NOT NULL CHECK (cash >= 0),
    part          text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (pool, payment_order, turn),
    FOREIGN KEY (pool, payment_order) REFERENCES payments.payment_order (pool, id)
);
COMMENT ON TABLE payments.order_event IS
    'what was paid and refunded, in fen; an order and its state, no money moves here';
COMMENT ON COLUMN payments.order_event.turn IS 'its place in the order''s life: two that race want the same one';

GRANT SELECT, INSERT ON payments.payment_order, payments.order_event TO yibao_writer;

CREATE VIEW payments.visible_order WITH (security_barrier) AS
    SELECT * FROM payments.payment_order WHERE platform.may_see(institution);
CREATE VIEW payments.visible_order_event WITH (security_barrier) AS
    SELECT event.* FROM payments.order_event AS event
    JOIN payments.payment_order AS paid ON paid.pool = event.pool AND paid.id = event.payment_order
    WHERE platform.may_see(paid.institution);
GRANT SELECT ON payments.visible_order, payments.visible_order_event TO yibao_writer, yibao_reader;

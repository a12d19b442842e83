-- Inventory, electronic prescriptions, mobile-payment orders.
CREATE SCHEMA inventory;
CREATE SCHEMA prescriptions;
CREATE SCHEMA payments;
GRANT USAGE ON SCHEMA inventory, prescriptions, payments TO yibao_writer, yibao_reader;

-- On a copy of a database nothing is fetched, marked or taken in any more: the tools, and the
-- programs that bring sessions in, go on with the original.
DELETE FROM assist_secret;
DELETE FROM assist_connector_write_back WHERE state = 'pending';
UPDATE assist_connector SET write_back = false;
UPDATE assist_inbound_key SET active = false;

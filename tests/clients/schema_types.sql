-- Types, indexes and functions of one's own, and privileges.
CREATE TYPE shop.mood AS ENUM ('sad', 'ok', 'happy');
COMMENT ON TYPE shop.mood IS 'how it is';
CREATE DOMAIN shop.positive AS integer DEFAULT 1 NOT NULL CONSTRAINT positive_check CHECK (VALUE > 0);
CREATE TYPE shop.address AS (street text, zip character varying(10), city text);
CREATE TABLE shop.visit (
    id bigserial PRIMARY KEY,
    who integer REFERENCES shop.customer(id),
    mood shop.mood DEFAULT 'ok'::shop.mood,
    times shop.positive,
    home shop.address,
    moods shop.mood[],
    flags bit(4),
    more bit varying(10)
);
CREATE INDEX visit_lower ON shop.visit (lower((home).city));
CREATE INDEX visit_mood_partial ON shop.visit (mood) WHERE times > 3;
CREATE INDEX visit_who_include ON shop.visit (who) INCLUDE (times);
CREATE FUNCTION shop.double(x integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT x * 2';
CREATE FUNCTION shop.visits_of(who integer, OUT id bigint, OUT mood shop.mood) RETURNS SETOF record LANGUAGE sql STABLE
    AS $$SELECT v.id, v.mood FROM shop.visit v WHERE v.who = $1$$;
COMMENT ON FUNCTION shop.double(integer) IS 'twice';
CREATE ROLE clerk NOLOGIN;
CREATE ROLE boss LOGIN CREATEDB;
GRANT clerk TO boss;
GRANT SELECT, INSERT ON shop.customer TO clerk;
GRANT UPDATE (name, email) ON shop.customer TO clerk;
GRANT USAGE ON SCHEMA shop TO clerk;
GRANT USAGE ON SEQUENCE shop.order_numbers TO clerk;
GRANT EXECUTE ON FUNCTION shop.double(integer) TO boss;
REVOKE EXECUTE ON FUNCTION shop.double(integer) FROM PUBLIC;
INSERT INTO shop.visit (who, mood, times, home, moods, flags, more) VALUES
    (1, 'happy', 5, ROW('Main "St"', '1234', 'Ürbs'), '{sad,happy}', B'1010', B'1'),
    (3, DEFAULT, 1, NULL, NULL, NULL, B'');

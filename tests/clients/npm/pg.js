// node-postgres: both protocols, types, named statements, cursors, COPY streams, pools, errors.
import pg from 'pg';
import Cursor from 'pg-cursor';
import {from as copyFrom, to as copyTo} from 'pg-copy-streams';
import {pipeline} from 'node:stream/promises';
import {Readable} from 'node:stream';
import {config, end, fails, same} from './check.js';

const c = new pg.Client(config('clients_pg'));
const notices = [];
c.on('notice', (n) => notices.push(n.message));
await c.connect();
const all = async (sql, params) => (await c.query(sql, params)).rows;

const rows = await all('SELECT id, name, born, since, balance, active, tags FROM shop.customer ORDER BY id');
same('row', {...rows[0], born: undefined, since: rows[0].since.toISOString()},
     {id: 1, name: 'Anna', born: undefined, since: '2020-01-01T10:00:00.000Z', balance: '12.50', active: true, tags: ['a', 'b']});
same('array', rows[1].tags, ['x y', null, 'q"uote']);
same('json', (await all('SELECT j FROM "Odd Name"'))[0].j, {b: [1, 2.5, null], a: 'é'});
same('parameters', await all('SELECT $1::int AS i, $2::text AS t, $3::jsonb AS j, $4::int[] AS a, $5::bytea AS b, $6::timestamptz AS d',
                             [7, 'ü', {x: [1]}, [1, 2], Buffer.from([0, 255]), new Date(0)]),
     [{i: 7, t: 'ü', j: {x: [1]}, a: [1, 2], b: Buffer.from([0, 255]), d: new Date(0)}]);
for (let i = 0; i < 3; i++)
    same('named', (await c.query({name: 'twice', text: 'SELECT $1::int * 2 AS n', values: [i]})).rows, [{n: 2 * i}]);
same('binary', (await c.query({text: 'SELECT 5::int4 AS i, true AS b', binary: true, values: []})).rows, [{i: 5, b: true}]);
same('row mode', (await c.query({text: 'SELECT 1, 2', rowMode: 'array'})).rows, [[1, 2]]);
const several = await c.query('SELECT 1 AS a; INSERT INTO plain VALUES (900, NULL); SELECT 3 AS c');
same('several', several.map((r) => [r.command, r.rowCount]), [['SELECT', 1], ['INSERT', 1], ['SELECT', 1]]);
same('fields', (await c.query('SELECT a, b FROM plain LIMIT 0')).fields.map((f) => [f.name, f.dataTypeID]), [['a', 23], ['b', 25]]);
await fails('unique', '23505', () => c.query("INSERT INTO shop.customer (name, email) VALUES ('x', 'anna@example.org')"));
await fails('no table', '42P01', () => c.query('SELECT * FROM nowhere'));
await c.query('DROP TABLE IF EXISTS nowhere');
same('notice', notices, ['table "nowhere" does not exist, skipping']);
await c.query('BEGIN');
await c.query('DELETE FROM plain');
await c.query('ROLLBACK');
same('rolled back', Number((await all('SELECT count(*) FROM plain'))[0].count), 21);

const cursor = c.query(new Cursor('SELECT g FROM generate_series(1, 250) g'));
let sum = 0;
for (let part; (part = await cursor.read(100)).length;) sum += part.reduce((n, r) => n + r.g, 0);
await cursor.close();
same('cursor', sum, 31375);
await pipeline(Readable.from(['100\tx\n', '101\t\\N\n']), c.query(copyFrom('COPY quick FROM STDIN')));
let text = '';
for await (const chunk of c.query(copyTo('COPY (SELECT * FROM quick ORDER BY k) TO STDOUT'))) text += chunk;
same('copy', text, '1\tone\n100\tx\n101\t\\N\n');
await c.end();

const pool = new pg.Pool({...config('clients_pg'), max: 5, statement_timeout: 200});
same('pool', (await Promise.all([...Array(40).keys()].map((i) => pool.query('SELECT $1::int AS i', [i])))).map((r) => r.rows[0].i),
     [...Array(40).keys()]);
await fails('statement timeout', '57014', () => pool.query('SELECT pg_sleep(10)'));
await pool.end();
end();

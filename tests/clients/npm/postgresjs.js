// postgres.js: types, pipelines, cursors, COPY, transactions with savepoints, prepared statements, what it asks of catalogs.
import postgres from 'postgres';
import {end, fails, port, same} from './check.js';

const sql = postgres({host: '127.0.0.1', port, user: 'postgres', database: 'clients_postgresjs', max: 3, onnotice: () => {}});
same('types', (await sql`select 1::int a, 2::bigint b, 'x'::text c, true d, null e, '{"k": [1]}'::jsonb f, array[1,2] g, 1.50::numeric h`).at(0),
     {a: 1, b: '2', c: 'x', d: true, e: null, f: {k: [1]}, g: [1, 2], h: '1.50'});
await sql`create type color as enum ('red', 'green')`;
await sql`create table item (id serial primary key, name text not null unique, c color, at timestamptz default now(), tags text[], data jsonb, n numeric(8, 2))`;
const made = await sql`insert into item ${sql([{name: 'a', c: 'red', tags: ['x', 'y'], data: {q: 1}, n: 1.5}, {name: 'b', c: 'green', tags: [], data: [1], n: 2}])} returning *`;
same('insert', made.map((r) => [r.id, r.name, r.c, r.tags, r.data, r.n]), [[1, 'a', 'red', ['x', 'y'], {q: 1}, '1.50'], [2, 'b', 'green', [], [1], '2.00']]);
same('in', (await sql`select name from item where id in ${sql([1, 2])} and c::text = any(${['red']})`).map((r) => r.name), ['a']);
same('update', (await sql`update item set ${sql({name: 'c', tags: ['z']}, 'name', 'tags')} where id = 2 returning name`).at(0).name, 'c');
await fails('unique', '23505', () => sql`insert into item ${sql({name: 'a'})}`);
const error = await sql`insert into item ${sql({name: 'a'})}`.catch((e) => e);
same('error', [error.constraint_name, error.table_name, error.detail], ['item_name_key', 'item', 'Key (name)=(a) already exists.']);
await sql.begin(async (t) => {
    await t`insert into item (name) values ('t1')`;
    await t.savepoint(async (s) => {
        await s`insert into item (name) values ('t2')`;
        throw new Error('back');
    }).catch(() => null);
});
same('savepoint', (await sql`select name from item where name like 't%'`).map((r) => r.name), ['t1']);
const pipelined = await sql.begin((t) => [t`select 1 as x`, t`select 2 as x`, t`select 3 as x`]);
same('pipeline', pipelined.map((r) => r[0].x), [1, 2, 3]);
let n = 0;
await sql`select i from generate_series(1, 1000) i`.cursor(100, (rows) => { n += rows.length; });
same('cursor', n, 1000);
const into = await sql`copy item (name, n) from stdin`.writable();
await new Promise((done, wrong) => { into.on('finish', done).on('error', wrong); into.write('k1\t5\n'); into.end('k2\t\\N\n'); });
same('copy in', (await sql`select name, n from item where name like 'k%' order by 1`).map((r) => [r.name, r.n]), [['k1', '5.00'], ['k2', null]]);
let out = '';
for await (const chunk of await sql`copy (select name from item order by name) to stdout`.readable()) out += chunk;
same('copy out', out, 'a\nc\nk1\nk2\nt1\n');
same('describe', (await sql`select name, n from item where id = ${1}`.describe()).columns.map((c) => [c.name, c.type]), [['name', 25], ['n', 1700]]);
same('unsafe', (await sql.unsafe('select 1 as a; select 2 as b')).map((r) => r[0]), [{a: 1}, {b: 2}]);
same('forEach', (await sql`select ${sql('name')} from ${sql('item')} order by ${sql('name')} limit 1`).at(0), {name: 'a'});
const slow = sql`select pg_sleep(20)`.execute();
setTimeout(() => slow.cancel(), 100);
same('cancel', await slow.catch((e) => e.code), '57014');
await sql.end();
end();

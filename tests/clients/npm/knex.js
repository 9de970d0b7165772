// Knex: schema building, queries, transactions, batches, information about columns.
import knexModule from 'knex';
import {config, end, fails, same} from './check.js';

const knex = knexModule({client: 'pg', connection: config('clients_knex')});
same('schema', await knex.schema.hasTable('plain'), true);
await knex.schema.createTable('author', (t) => {
    t.increments('id');
    t.string('name', 50).notNullable().index();
    t.timestamps(true, true);
    t.specificType('tags', 'text[]');
});
await knex.schema.createTable('book', (t) => {
    t.bigIncrements('id');
    t.integer('author_id').notNullable().references('author.id').onDelete('CASCADE');
    t.string('title').notNullable();
    t.decimal('price', 8, 2).defaultTo(1);
    t.unique(['author_id', 'title']);
});
await knex.schema.alterTable('book', (t) => {
    t.text('note').nullable();
    t.renameColumn('note', 'remark');
});
same('columns', Object.keys(await knex('book').columnInfo()).sort(), ['author_id', 'id', 'price', 'remark', 'title']);
const price = (await knex('book').columnInfo()).price;
same('column', [price.type, price.nullable, price.defaultValue], ['numeric', true, "'1'::numeric"]);
const ids = await knex('author').insert([...Array(10).keys()].map((n) => ({name: `author ${n}`, tags: ['a', `${n}`]}))).returning('id');
same('returning', ids.map((r) => r.id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
await knex.batchInsert('book', ids.flatMap(({id}) => [...Array(3).keys()].map((m) => ({author_id: id, title: `t${m}`, price: id + m}))), 7);
same('join', await knex('author').join('book', 'author.id', 'book.author_id').where('book.price', '>', 10).groupBy('author.name')
                 .orderBy('author.name').select('author.name').count('* as n'),
     [{name: 'author 8', n: '1'}, {name: 'author 9', n: '2'}]);
same('upsert', await knex('book').insert({author_id: 1, title: 't0', price: 50}).onConflict(['author_id', 'title']).merge().returning('price'),
     [{price: '50.00'}]);
same('with', await knex.with('best', knex('book').max('price as m').groupBy('author_id').select('author_id')).from('best').orderBy('m', 'desc')
                 .first('m'), {m: '50.00'});
await fails('rolled back', '23503', () => knex.transaction(async (t) => {
    await t('author').where({id: 1}).del();
    await t('book').insert({author_id: 77, title: 'x'});
}));
same('still there', (await knex('author').where({id: 1})).length, 1);
same('cascade', [await knex('author').where('id', '<=', 2).del(), (await knex('book').count()).at(0).count], [2, '24']);
same('raw', (await knex.raw('SELECT ?? FROM ?? WHERE ?? = ?', ['title', 'book', 'author_id', 3])).rows.length, 3);
let streamed = 0;
for await (const row of knex('book').select('id').stream()) streamed += row.id ? 1 : 0;
same('stream', streamed, 24);
await knex.schema.dropTable('book').dropTableIfExists('author');
same('dropped', await knex.schema.hasTable('book'), false);
await knex.destroy();
end();

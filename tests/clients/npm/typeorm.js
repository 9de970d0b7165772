// TypeORM: tables made from entities and altered by them, relations, query builder, migrations' introspection.
import 'reflect-metadata';
import typeorm from 'typeorm';
import {end, fails, port, same} from './check.js';

const {DataSource, EntitySchema, Like, In, MoreThan} = typeorm;
const Author = new EntitySchema({
    name: 'Author', tableName: 'author',
    columns: {id: {type: 'int', primary: true, generated: true}, name: {type: 'varchar', length: 50, unique: true},
              mood: {type: 'enum', enum: ['sad', 'ok'], default: 'ok'}, born: {type: 'date', nullable: true},
              tags: {type: 'text', array: true, default: '{}'}, data: {type: 'jsonb', nullable: true},
              made: {type: 'timestamptz', createDate: true}, version: {type: 'int', version: true}},
    relations: {books: {type: 'one-to-many', target: 'Book', inverseSide: 'author', cascade: true}},
    indices: [{name: 'author_born', columns: ['born', 'name']}], checks: [{name: 'author_named', expression: `"name" <> ''`}],
});
const columns = {id: {type: 'uuid', primary: true, generated: 'uuid'}, title: {type: 'text'}, price: {type: 'decimal', precision: 8, scale: 2, default: 1}};
const Book = new EntitySchema({
    name: 'Book', tableName: 'book', columns,
    relations: {author: {type: 'many-to-one', target: 'Author', inverseSide: 'books', onDelete: 'CASCADE', joinColumn: {name: 'author_id'}},
                genres: {type: 'many-to-many', target: 'Genre', joinTable: true, cascade: true}},
});
const Genre = new EntitySchema({name: 'Genre', tableName: 'genre', columns: {id: {type: 'bigint', primary: true, generated: true}, name: {type: 'text'}}});
const options = {type: 'postgres', host: '127.0.0.1', port, username: 'postgres', database: 'clients_typeorm', logging: false, uuidExtension: 'pgcrypto', installExtensions: false};
const open = (entities) => new DataSource({...options, entities}).initialize();
let db = await open([Author, Book, Genre]);
await db.synchronize();
same('nothing to change', (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query), []);
const authors = db.getRepository('Author');
await authors.save([...Array(5).keys()].map((n) => ({name: `author ${n}`, tags: ['a', `${n}`], data: {n}, books: [{title: `b${n}`, price: n, genres: [{name: `g${n}`}]}]})));
const found = await authors.findOne({where: {name: Like('%3')}, relations: {books: {genres: true}}});
same('relations', [found.mood, found.tags, found.data, found.version, found.books[0].price, found.books[0].genres[0].name], ['ok', ['a', '3'], {n: 3}, 1, '3.00', 'g3']);
same('page', (await authors.findAndCount({order: {name: 'DESC'}, skip: 1, take: 2, relations: {books: true}}))[0].map((a) => a.name), ['author 3', 'author 2']);
same('builder', await db.createQueryBuilder('Author', 'a').leftJoin('a.books', 'b').select('a.mood', 'mood').addSelect('SUM(b.price)', 'total')
                        .groupBy('a.mood').having('COUNT(*) > :n', {n: 2}).getRawMany(), [{mood: 'ok', total: '10.00'}]);
same('operators', await authors.countBy({id: In([1, 2, 9]), books: {price: MoreThan(0)}}), 1);
found.name = 'renamed';
same('version', (await authors.save(found)).version, 2);
await fails('unique', '23505', async () => { try { await authors.insert({name: 'renamed'}); } catch (e) { throw e.driverError; } });
await db.transaction('SERIALIZABLE', async (m) => {
    await m.delete('Author', {id: 1});
    throw new Error('back');
}).catch(() => null);
same('rolled back', await authors.count(), 5);
same('upsert', (await authors.upsert([{name: 'renamed', born: '2000-01-01'}], ['name'])).identifiers.length, 1);
same('lock', (await db.transaction((m) => m.findOne('Author', {where: {id: 2}, lock: {mode: 'pessimistic_write', onLocked: 'skip_locked'}}))).name, 'author 1');
let streamed = 0;
await new Promise(async (done) => (await db.createQueryBuilder('Author', 'a').stream()).on('data', () => streamed++).on('end', done));
same('stream', streamed, 5);
await db.destroy();
columns.title = {type: 'varchar', length: 200, nullable: true};
columns.pages = {type: 'smallint', default: 3};
db = await open([Author, new EntitySchema({...Book.options, columns, indices: [{columns: ['pages'], unique: false}]}), Genre]);
await db.synchronize();
same('altered', (await db.query(`select pages, price from book order by price limit 1`)), [{pages: 3, price: '0.00'}]);
same('nothing more', (await db.driver.createSchemaBuilder().log()).upQueries.map((q) => q.query), []);
const runner = db.createQueryRunner();
const table = await runner.getTable('book');
same('table', [table.columns.map((c) => c.name).sort(), table.foreignKeys[0].onDelete, table.indices.length], [['author_id', 'id', 'pages', 'price', 'title'], 'CASCADE', 1]);
await runner.renameColumn('book', 'pages', 'leaves');
await runner.release();
await db.dropDatabase();
same('dropped', (await db.query(`select count(*)::int n from information_schema.tables where table_schema = 'public'`))[0].n, 0);
await db.destroy();
end();

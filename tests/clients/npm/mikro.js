// MikroORM: schema generator and its comparison with the database, unit of work, relations, query builder.
import {EntitySchema, MikroORM, sql} from '@mikro-orm/postgresql';
import {end, fails, port, same} from './check.js';

class Author {}
class Book {}
const authorSchema = new EntitySchema({class: Author, properties: {
    id: {type: 'number', primary: true}, name: {type: 'string', unique: true, length: 50}, mood: {enum: true, items: ['sad', 'ok'], nativeEnumName: 'mood', default: 'ok'},
    tags: {type: 'string[]', nullable: true}, data: {type: 'json', nullable: true}, born: {type: 'date', nullable: true}, version: {type: 'number', version: true},
    books: {kind: '1:m', entity: () => Book, mappedBy: 'author', orphanRemoval: true}}});
const bookSchema = new EntitySchema({class: Book, indexes: [{properties: ['title', 'price']}], properties: {
    id: {type: 'bigint', primary: true}, title: {type: 'text'}, price: {type: 'decimal', precision: 8, scale: 2, default: 1}, author: {kind: 'm:1', entity: () => Author, deleteRule: 'cascade'}}});
const orm = await MikroORM.init({host: '127.0.0.1', port, user: 'postgres', dbName: 'clients_mikro', entities: [authorSchema, bookSchema], discovery: {disableDynamicFileAccess: false, warnWhenNoEntities: false}});
const generator = orm.getSchemaGenerator();
await generator.createSchema();
same('nothing to change', (await generator.getUpdateSchemaSQL({wrap: false})).trim(), '');
const em = orm.em.fork();
for (let n = 0; n < 4; n++) em.create(Author, {name: `author ${n}`, tags: ['a', `${n}`], data: {n}, books: [{title: `b${n}`, price: `${n}`}]});
await em.flush();
em.clear();
const found = await em.findOne(Author, {name: {$like: '%3'}}, {populate: ['books']});
same('found', [found.mood, found.tags, found.data, found.books.getItems()[0].title], ['ok', ['a', '3'], {n: 3}, 'b3']);
found.name = 'renamed';
found.books.removeAll();
await em.flush();
same('orphans', await em.count(Book), 3);
same('page', (await em.findAndCount(Author, {}, {orderBy: {name: 'desc'}, limit: 2, offset: 1}))[0].map((a) => a.name), ['author 2', 'author 1']);
same('join', await em.count(Author, {books: {price: {$gte: 1}}}), 2);
same('builder', (await em.createQueryBuilder(Author, 'a').select(['a.mood', sql`count(*) as n`]).groupBy('a.mood').execute()).map((r) => [r.mood, Number(r.n)]), [['ok', 4]]);
await fails('unique', '23505', () => em.fork().insert(Author, {name: 'renamed'}));
await em.transactional(async (t) => { await t.nativeDelete(Book, {}); throw new Error('back'); }).catch(() => null);
same('rolled back', await em.fork().count(Book), 3);
same('upsert', (await em.fork().upsert(Author, {name: 'renamed', mood: 'sad'})).mood, 'sad');
await generator.dropSchema();
await orm.close();
end();

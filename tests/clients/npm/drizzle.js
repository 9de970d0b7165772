// Drizzle: typed queries over node-postgres, relations by LATERAL and json, transactions, migrations.
import {drizzle} from 'drizzle-orm/node-postgres';
import {avg, count, desc, eq, gt, inArray, like, relations, sql} from 'drizzle-orm';
import * as t from 'drizzle-orm/pg-core';
import {migrate} from 'drizzle-orm/node-postgres/migrator';
import {mkdirSync, mkdtempSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import pg from 'pg';
import {config, end, fails, same} from './check.js';

const mood = t.pgEnum('mood', ['sad', 'ok']);
const author = t.pgTable('author', {id: t.serial().primaryKey(), name: t.text().notNull().unique(), mood: mood().default('ok'), tags: t.text().array(), data: t.jsonb(),
                                    made: t.timestamp({withTimezone: true}).defaultNow()});
const book = t.pgTable('book', {id: t.bigserial({mode: 'number'}).primaryKey(), authorId: t.integer('author_id').references(() => author.id, {onDelete: 'cascade'}),
                                title: t.varchar({length: 50}), price: t.numeric({precision: 8, scale: 2})});
const authorRelations = relations(author, ({many}) => ({books: many(book)}));
const bookRelations = relations(book, ({one}) => ({author: one(author, {fields: [book.authorId], references: [author.id]})}));
const pool = new pg.Pool(config('clients_drizzle'));
const db = drizzle(pool, {schema: {author, book, authorRelations, bookRelations}});
const folder = mkdtempSync(`${tmpdir()}/drizzle.`);
mkdirSync(`${folder}/meta`);
writeFileSync(`${folder}/meta/_journal.json`, JSON.stringify({version: '7', dialect: 'postgresql', entries: [{idx: 0, version: '7', when: 1, tag: '0000_first', breakpoints: true}]}));
writeFileSync(`${folder}/0000_first.sql`, `CREATE TYPE "public"."mood" AS ENUM('sad', 'ok');--> statement-breakpoint
CREATE TABLE "author" ("id" serial PRIMARY KEY NOT NULL, "name" text NOT NULL, "mood" "mood" DEFAULT 'ok', "tags" text[], "data" jsonb,
 "made" timestamp with time zone DEFAULT now(), CONSTRAINT "author_name_unique" UNIQUE("name"));--> statement-breakpoint
CREATE TABLE "book" ("id" bigserial PRIMARY KEY NOT NULL, "author_id" integer, "title" varchar(50), "price" numeric(8, 2));--> statement-breakpoint
ALTER TABLE "book" ADD CONSTRAINT "book_author_id_author_id_fk" FOREIGN KEY ("author_id") REFERENCES "public"."author"("id") ON DELETE cascade ON UPDATE no action;`);
await migrate(db, {migrationsFolder: folder});
await migrate(db, {migrationsFolder: folder});
const made = await db.insert(author).values([...Array(4).keys()].map((n) => ({name: `author ${n}`, tags: ['a', `${n}`], data: {n}}))).returning();
same('insert', made.map((a) => [a.id, a.mood, a.tags, a.data]).at(3), [4, 'ok', ['a', '3'], {n: 3}]);
await db.insert(book).values(made.flatMap((a) => [1, 2].map((n) => ({authorId: a.id, title: `t${n}`, price: `${a.id * n}`}))));
same('relations', await db.query.author.findMany({columns: {name: true}, with: {books: {columns: {price: true}, orderBy: desc(book.price), limit: 1, with: {author: {columns: {id: true}}}}},
                                                  where: gt(author.id, 2), orderBy: author.id}),
     [{name: 'author 2', books: [{price: '6', author: {id: 3}}]}, {name: 'author 3', books: [{price: '8', author: {id: 4}}]}]);
same('group', await db.select({name: author.name, n: count(), mean: avg(book.price)}).from(author).leftJoin(book, eq(book.authorId, author.id))
                       .where(like(author.name, '%3')).groupBy(author.name).having(gt(count(), 1)), [{name: 'author 3', n: 2, mean: '6.0000000000000000'}]);
const best = db.$with('best').as(db.select({id: book.authorId, top: sql`max(${book.price})`.as('top')}).from(book).groupBy(book.authorId));
same('with', await db.with(best).select().from(best).orderBy(desc(best.top)).limit(1), [{id: 4, top: '8.00'}]);
same('upsert', await db.insert(author).values({name: 'author 0', mood: 'sad'}).onConflictDoUpdate({target: author.name, set: {mood: sql`excluded.mood`}}).returning({id: author.id, mood: author.mood}),
     [{id: 1, mood: 'sad'}]);
const one = db.select().from(author).where(eq(author.id, sql.placeholder('id'))).prepare('one_author');
same('prepared', [(await one.execute({id: 2}))[0].name, (await one.execute({id: 3}))[0].name], ['author 1', 'author 2']);
await db.transaction(async (x) => {
    await x.delete(author);
    await x.transaction(async (y) => { await y.insert(author).values({name: 'z'}); y.rollback(); }).catch(() => null);
    x.rollback();
}, {isolationLevel: 'repeatable read'}).catch(() => null);
same('rolled back', [await db.$count(author), await db.$count(book, inArray(book.authorId, [1, 2]))], [4, 4]);
await fails('foreign key', '23503', async () => { try { await db.insert(book).values({authorId: 99}); } catch (e) { throw e.cause ?? e; } });
same('set operation', (await t.unionAll(db.select({id: author.id}).from(author), db.select({id: book.authorId}).from(book))).length, 12);
await pool.end();
end();

// Objection: models over Knex, graphs inserted, upserted and fetched, what it asks about tables.
import knexModule from 'knex';
import {Model} from 'objection';
import {config, end, fails, same} from './check.js';

const knex = knexModule({client: 'pg', connection: config('clients_objection')});
Model.knex(knex);
class Person extends Model {
    static tableName = 'person';
    static jsonAttributes = ['address'];
    static relationMappings = () => ({
        children: {relation: Model.HasManyRelation, modelClass: Person, join: {from: 'person.id', to: 'person.parent_id'}},
        pets: {relation: Model.HasManyRelation, modelClass: Pet, join: {from: 'person.id', to: 'pet.owner_id'}},
        films: {relation: Model.ManyToManyRelation, modelClass: Film, join: {from: 'person.id', through: {from: 'acts.person_id', to: 'acts.film_id'}, to: 'film.id'}},
    });
}
class Pet extends Model { static tableName = 'pet'; }
class Film extends Model { static tableName = 'film'; }
await knex.schema.createTable('person', (t) => { t.increments('id'); t.integer('parent_id').references('person.id').onDelete('SET NULL'); t.string('name').notNullable(); t.integer('age'); t.jsonb('address'); })
    .createTable('pet', (t) => { t.increments('id'); t.integer('owner_id').references('person.id').onDelete('CASCADE'); t.string('name'); t.enu('kind', ['cat', 'dog'], {useNative: true, enumName: 'pet_kind'}); })
    .createTable('film', (t) => { t.increments('id'); t.string('name'); })
    .createTable('acts', (t) => { t.integer('person_id').references('person.id').onDelete('CASCADE'); t.integer('film_id').references('film.id').onDelete('CASCADE'); t.primary(['person_id', 'film_id']); });
const made = await Person.query().insertGraph({name: 'Ann', age: 60, address: {city: 'X'}, children: [{name: 'Bob', age: 30, pets: [{name: 'Cat', kind: 'cat'}, {name: 'Rex', kind: 'dog'}]}], films: [{name: 'F1'}, {name: 'F2'}]});
same('graph', [made.id, made.children[0].pets.length, made.films.map((f) => f.id)], [1, 2, [1, 2]]);
const ann = await Person.query().findById(1).withGraphFetched('[children.pets, films]');
same('fetched', [ann.address, ann.children[0].pets.map((p) => p.kind).sort(), ann.films.length], [{city: 'X'}, ['cat', 'dog'], 2]);
const joined = await Person.query().withGraphJoined('[children.[pets], films]').where('children:pets.kind', 'dog').orderBy('films.id');
same('joined', joined.map((p) => [p.name, p.films.length, p.children[0].pets[0].name]), [['Ann', 2, 'Rex']]);
await Person.query().upsertGraph({id: 1, name: 'Anna', films: [{id: 2, name: 'F2b'}], children: [{id: 2, name: 'Rob', pets: []}]}, {relate: true});
same('upserted', [(await Film.query()).map((f) => f.name), await Pet.query().resultSize()], [['F2b'], 0]);
same('json', (await Person.query().whereJsonSupersetOf('address', {city: 'X'})).map((p) => p.name), ['Anna']);
same('patch', await Person.query().patch({age: 31}).where('name', 'Rob'), 1);
same('json patch', (await Person.query().patchAndFetchById(1, {'address:city': 'Y'})).address, {city: 'Y'});
same('page', (await Person.query().orderBy('age').page(0, 1)).total, 2);
same('recursive', (await Person.query().withRecursive('up', Person.query().select('id', 'parent_id').where('id', 2).unionAll(Person.query().select('person.id', 'person.parent_id').joinRelated('children').join('up', 'up.id', 'children.id'))).from('up').select('up.id')).map((p) => p.id).sort(), [1, 2]);
await fails('not null', '23502', () => Person.query().insert({name: null}).catch((e) => { throw e.nativeError ?? e; }));
await Person.transaction(async (t) => { await Person.query(t).delete(); throw new Error('back'); }).catch(() => null);
same('rolled back', await Person.query().resultSize(), 2);
await knex.destroy();
end();

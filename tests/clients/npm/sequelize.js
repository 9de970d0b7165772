// Sequelize: models made, altered and described, associations, scopes, transactions.
import {DataTypes, Op, QueryTypes, Sequelize} from 'sequelize';
import {end, fails, port, same} from './check.js';

const db = new Sequelize('clients_sequelize', 'postgres', '', {host: '127.0.0.1', port, dialect: 'postgres', logging: false});
await db.authenticate();
same('version', (await db.databaseVersion()).split('.')[0], '15');
const Author = db.define('author', {name: {type: DataTypes.STRING(50), allowNull: false}, active: {type: DataTypes.BOOLEAN, defaultValue: true}},
                         {indexes: [{unique: true, fields: ['name']}]});
const Book = db.define('book', {title: DataTypes.TEXT, price: DataTypes.DECIMAL(8, 2), made: DataTypes.DATE, day: DataTypes.DATEONLY,
                                tags: DataTypes.ARRAY(DataTypes.STRING), ref: {type: DataTypes.UUID, defaultValue: DataTypes.UUIDV4}});
Author.hasMany(Book, {onDelete: 'CASCADE'});
Book.belongsTo(Author);
await db.sync({force: true});
await db.sync({alter: true});
const description = await db.getQueryInterface().describeTable('books');
same('described', [description.price.type, description.title.allowNull, description.id.primaryKey], ['NUMERIC', true, true]);
same('tables', (await db.getQueryInterface().showAllTables()).map((t) => t.tableName ?? t).includes('books'), true);
same('indexes', (await db.getQueryInterface().showIndex('authors')).map((i) => [i.name, i.unique, i.primary]).sort(),
     [['authors_name', true, false], ['authors_pkey', true, true]]);
await Author.bulkCreate([...Array(5).keys()].map((n) => ({name: `author ${n}`, books: [{title: `b${n}`, price: n, tags: ['x', `${n}`]}]})), {include: [Book]});
const found = await Author.findOne({where: {name: {[Op.like]: 'author 3'}}, include: [Book]});
same('include', [found.books.length, found.books[0].price, found.books[0].tags], [1, '3.00', ['x', '3']]);
same('operators', await Book.count({where: {[Op.or]: [{price: {[Op.gte]: 3}}, {tags: {[Op.contains]: ['0']}}]}}), 3);
same('aggregate', await Book.sum('price'), 10);
const [again, created] = await Author.findOrCreate({where: {name: 'author 1'}});
same('findOrCreate', [again.name, created], ['author 1', false]);
same('page', (await Author.findAndCountAll({limit: 2, offset: 1, order: [['name', 'DESC']]})).rows.map((a) => a.name), ['author 3', 'author 2']);
await fails('unique', '23505', () => Author.create({name: 'author 1'}));
await db.transaction(async (t) => {
    await Author.update({active: false}, {where: {name: 'author 0'}, transaction: t});
}).catch(() => same('transaction', 'failed', 'committed'));
await db.transaction(async (t) => {
    await Author.destroy({where: {}, transaction: t});
    throw new Error('back');
}).catch(() => null);
same('rolled back', [await Author.count(), await Author.count({where: {active: false}})], [5, 1]);
await Author.upsert({id: again.id, name: 'author one'});
same('upsert', (await Author.findByPk(again.id)).name, 'author one');
await found.destroy();
same('cascade', await Book.count(), 4);
same('raw', await db.query('SELECT :a::int + 1 AS n', {replacements: {a: 1}, type: QueryTypes.SELECT}), [{n: 2}]);
same('bound', await db.query('SELECT $1::int + 1 AS n', {bind: [1], type: QueryTypes.SELECT}), [{n: 2}]);
await db.drop();
await db.close();
end();

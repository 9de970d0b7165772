"""SQLAlchemy: reflection of schema.sql, a schema of its own made and reflected, the ORM."""
from common import PORT, database, end, fails, need, same

need("sqlalchemy", "psycopg2")
import decimal

from sqlalchemy import (Boolean, CheckConstraint, Column, DateTime, ForeignKey, Index, Integer, MetaData, Numeric, String,
                        Table, UniqueConstraint, create_engine, exc, func, inspect, select, text)
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, INET, MACADDR, MONEY, insert
from sqlalchemy.orm import Session, declarative_base, joinedload, relationship, selectinload

database("clients_sqlalchemy")
engine = create_engine(f"postgresql+psycopg2://postgres@127.0.0.1:{PORT}/clients_sqlalchemy")
i = inspect(engine)

# ---- reflection ----
same("schemas", i.get_schema_names(), ["information_schema", "public", "shop"])
same("tables", sorted(i.get_table_names("shop")), ["customer", "order_line", "orders", "product"])
same("views", (i.get_view_names("shop"), sorted(i.get_view_names())), (["order_total"], ["checked_view", "plain_view"]))
same("view text", "LEFT JOIN" in i.get_view_definition("order_total", "shop"), True)
same("sequences", sorted(i.get_sequence_names("shop")), ["customer_id_seq", "order_numbers"])
columns = {c["name"]: c for c in i.get_columns("customer", "shop")}
same("types", {n: str(c["type"]) for n, c in columns.items()},
     {"id": "INTEGER", "name": "TEXT", "email": "VARCHAR(80)", "born": "DATE", "since": "TIMESTAMP",
      "balance": "NUMERIC(12, 2)", "active": "BOOLEAN", "tags": "ARRAY"})
same("nullable", [n for n, c in columns.items() if not c["nullable"]], ["id", "name", "since"])
same("defaults", (columns["since"]["default"], columns["active"]["default"], columns["tags"]["default"]),
     ("now()", "true", "'{}'::text[]"))
same("identity", columns["id"]["identity"]["always"], False)
same("computed", [c["computed"]["sqltext"] for c in i.get_columns("product", "shop") if "computed" in c], ["(price * 1.19)"])
same("comments", (columns["email"]["comment"], i.get_table_comment("customer", "shop")["text"]),
     ("where to write to", "who buys"))
same("primary key", i.get_pk_constraint("order_line", "shop"),
     {"constrained_columns": ["order_number", "line"], "name": "order_line_pkey"})
keys = {k["constrained_columns"][0]: k for k in i.get_foreign_keys("order_line", "shop")}
same("foreign key", (keys["product"]["referred_schema"], keys["product"]["referred_table"],
                     keys["product"]["referred_columns"], keys["product"]["options"]),
     ("shop", "product", ["code"], {"onupdate": "CASCADE", "ondelete": "SET NULL", "initially": "DEFERRED",
                                    "deferrable": True}))
same("indexes", sorted((x["name"], x["column_names"], x["unique"]) for x in i.get_indexes("customer", "shop")),
     [("customer_email_key", ["email"], True), ("customer_name_born", ["name", "born"], True)])
same("sorted index", [x["column_sorting"] for x in i.get_indexes("orders", "shop")], [{"placed": ("desc", )}])
same("unique", i.get_unique_constraints("product", "shop"), [{"name": "product_title_key", "column_names": ["title"]}])
same("checks", [x["name"] for x in i.get_check_constraints("order_line", "shop")], ["order_line_quantity_check"])
meta = MetaData(schema="shop")
meta.reflect(engine, views=True)
same("whole schema", sorted(meta.tables), ["shop.customer", "shop.order_line", "shop.order_total", "shop.orders", "shop.product"])
orders, customer = meta.tables["shop.orders"], meta.tables["shop.customer"]
with engine.connect() as c:
    rows = c.execute(select(customer.c.name, func.count()).join(orders).group_by(customer.c.name).order_by(customer.c.name))
    same("join of reflected", [tuple(r) for r in rows], [("Anna", 2), ("Çelik", 1)])

# ---- a schema of its own ----
Base = declarative_base()


class Author(Base):
    __tablename__ = "author"
    id = Column(Integer, primary_key=True)
    name = Column(String(50), nullable=False, index=True)
    active = Column(Boolean, server_default=text("true"))
    made = Column(DateTime(timezone=True), server_default=func.now())
    books = relationship("Book", back_populates="author", cascade="all, delete-orphan", order_by="Book.title")


class Host(Base):
    __tablename__ = "host"
    address = Column(INET, primary_key=True)
    net = Column(CIDR, index=True)
    card = Column(MACADDR)
    price = Column(MONEY)


class Book(Base):
    __tablename__ = "book"
    __table_args__ = (UniqueConstraint("author_id", "title", name="book_once"), CheckConstraint("price >= 0", name="book_price"),
                      Index("book_title_desc", text("title DESC")))
    id = Column(Integer, primary_key=True)
    title = Column(String, nullable=False)
    price = Column(Numeric(8, 2))
    words = Column(ARRAY(String))
    author_id = Column(ForeignKey("author.id", ondelete="CASCADE"), nullable=False)
    author = relationship("Author", back_populates="books")


Base.metadata.create_all(engine)
same("has table", inspect(engine).has_table("book"), True)
Base.metadata.create_all(engine)  # finds them
copy = Table("book", MetaData(), autoload_with=engine)
same("reflected again", [c.name for c in copy.columns], ["id", "title", "price", "words", "author_id"])
same("addresses", [str(c["type"]) for c in inspect(engine).get_columns("host")], ["INET", "CIDR", "MACADDR", "MONEY"])
with Session(engine) as s:
    s.add(Host(address="10.1.2.3", net="10.0.0.0/8", card="08002b010203", price="12.5"))
    s.commit()
    h = s.query(Host).filter(Host.address.op("<<")(Host.net), Host.price == "$12.50").one()
    same("host", (h.address, h.net, h.card, h.price), ("10.1.2.3", "10.0.0.0/8", "08:00:2b:01:02:03", "$12.50"))
with Session(engine) as s:
    s.add_all([Author(name=f"author {n}", books=[Book(title=f"book {n}.{m}", price=decimal.Decimal(n) + m, words=["a", str(m)])
                                                 for m in range(3)]) for n in range(20)])
    s.commit()
with Session(engine) as s:
    a = s.query(Author).filter_by(name="author 7").one()
    same("server default", (a.active, a.made is not None), (True, True))
    same("lazy", [b.title for b in a.books], ["book 7.0", "book 7.1", "book 7.2"])
    a.books[0].price = decimal.Decimal("99.90")
    del a.books[2]
    s.flush()
    same("dirty", s.execute(select(func.sum(Book.price)).where(Book.author_id == a.id)).scalar(), decimal.Decimal("107.90"))
    s.rollback()
    for load in (joinedload, selectinload):
        many = s.query(Author).options(load(Author.books)).order_by(Author.id).limit(5).all()
        same(load.__name__, [len(x.books) for x in many], [3] * 5)
    ranked = select(Book.title, func.rank().over(partition_by=Book.author_id, order_by=Book.price.desc()).label("r")).subquery()
    same("window", s.execute(select(func.count()).select_from(ranked).where(ranked.c.r == 1)).scalar(), 20)
    cte = select(Book.author_id, func.max(Book.price).label("m")).group_by(Book.author_id).cte("best")
    same("cte", s.execute(select(Author.name).join(cte, cte.c.author_id == Author.id).order_by(cte.c.m.desc()).limit(1)).scalar(),
         "author 19")
    same("any", s.query(Book).filter(Book.words.any("2")).count(), 20)
    same("exists", s.query(Author).filter(Author.books.any(Book.price > 20)).count(), 1)
    one = insert(Book).values(title="book 1.1", author_id=2, price=5)
    s.execute(one.on_conflict_do_update(constraint="book_once", set_={"price": one.excluded.price}))
    same("upsert", s.execute(select(Book.price).where(Book.title == "book 1.1")).scalar(), decimal.Decimal("5.00"))
    s.execute(one.on_conflict_do_nothing())
    s.rollback()
    s.add(Book(title="x", author_id=2, price=-1))
    fails("check", exc.IntegrityError, s.flush)
    s.rollback()
    with s.begin_nested():
        s.add(Author(name="nested"))
    s.delete(s.get(Author, 1))
    s.commit()
    same("cascade", (s.query(Author).count(), s.query(Book).count()), (20, 57))
with engine.connect().execution_options(stream_results=True) as c:
    same("streamed", sum(1 for _ in c.execute(select(Book.id))), 57)
Base.metadata.drop_all(engine)
same("dropped", inspect(engine).has_table("book"), False)
end()

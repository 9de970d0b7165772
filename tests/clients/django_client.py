"""Django: its contrib applications migrated, the ORM over them, inspectdb of schema.sql."""
from common import PORT, database, end, fails, need, same

need("django", "psycopg2")
import io

import django
from django.conf import settings

APPS = ["contenttypes", "auth", "sessions", "admin", "messages", "sites", "redirects", "flatpages"]
where = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": str(PORT), "USER": "postgres"}
settings.configure(
    DATABASES={"default": {**where, "NAME": "clients_django"}, "shop": {**where, "NAME": "clients_django_shop"}},
    INSTALLED_APPS=["django.contrib." + a for a in APPS], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", SITE_ID=1,
    USE_TZ=True, SECRET_KEY="x", SILENCED_SYSTEM_CHECKS=["admin.E403", "admin.E408", "admin.E409", "admin.E410"])
database("clients_django", schema=False)
database("clients_django_shop")
django.setup()
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Avg, Count, Exists, F, Max, OuterRef, Q, Subquery, Sum, Window
from django.db.models.functions import Lower, Rank, TruncMonth

call_command("migrate", verbosity=0)
tables = set(connection.introspection.table_names())
same("tables", {"auth_user", "auth_group_permissions", "django_session", "django_flatpage_sites"} <= tables, True)
same("nothing left", call_command("migrate", verbosity=0, check_unapplied=True), None)

users = [User(username=f"user{n:03}", email=f"u{n % 7}@example.org", is_staff=n % 2 == 0) for n in range(100)]
User.objects.bulk_create(users)
groups = [Group.objects.create(name=f"group {n}") for n in range(3)]
for n, g in enumerate(groups):
    g.user_set.set(User.objects.filter(username__endswith=str(n)))
same("filter", User.objects.filter(Q(username__startswith="user00") | Q(username="user050"), is_staff=True).count(), 6)
same("ignoring case", User.objects.filter(username__icontains="USER01", email__iregex="^U[0-3]").count(), 5)
same("aggregate", User.objects.aggregate(n=Count("email", distinct=True), m=Max("username")), {"n": 7, "m": "user099"})
same("annotate", list(Group.objects.annotate(n=Count("user")).order_by("name").values_list("name", "n")),
     [("group 0", 10), ("group 1", 10), ("group 2", 10)])
first = User.objects.filter(groups=OuterRef("pk")).order_by("username").values("username")[:1]
same("subquery", list(Group.objects.annotate(f=Subquery(first)).order_by("name").values_list("f", flat=True)),
     ["user000", "user001", "user002"])
same("exists", User.objects.filter(Exists(Group.objects.filter(user=OuterRef("pk"), name="group 1"))).count(), 10)
same("window", [u.r for u in User.objects.annotate(r=Window(Rank(), partition_by=F("is_staff"), order_by=F("username").asc()))
                .order_by("username")[:4]], [1, 1, 2, 2])
same("update", User.objects.filter(is_staff=False).update(first_name=Lower("username")), 50)
same("F", User.objects.filter(first_name=F("username")).count(), 50)
same("trunc", User.objects.annotate(m=TruncMonth("date_joined")).values("m").annotate(c=Count("id")).get()["c"], 100)
same("prefetch", sum(len(u.groups.all()) for u in User.objects.prefetch_related("groups")), 30)
same("related", Permission.objects.select_related("content_type").filter(content_type__app_label="auth").count(), 12)
same("union", User.objects.filter(pk__lt=3).values("pk").union(User.objects.filter(pk__gt=99).values("pk")).count(), 3)
with transaction.atomic():
    same("iterator", sum(1 for _ in User.objects.iterator(chunk_size=10)), 100)
obj, created = Site.objects.update_or_create(domain="x.org", defaults={"name": "x"})
same("update_or_create", (created, Site.objects.get_or_create(domain="x.org")[1]), (True, False))
with transaction.atomic():
    same("for update", User.objects.select_for_update().get(username="user001").username, "user001")
    try:
        with transaction.atomic():
            User.objects.create(username="user001")
        same("unique", "none", "IntegrityError")
    except IntegrityError as e:
        same("unique", "auth_user_username_key" in str(e), True)
same("delete", groups[0].delete()[1]["auth.Group"], 1)
same("explain", "auth_user" in User.objects.filter(pk=1).explain(), True)


class Note(models.Model):
    text = models.TextField()
    author = models.ForeignKey(User, models.CASCADE, related_name="notes")
    size = models.PositiveSmallIntegerField(default=3, db_index=True)
    came_from = models.GenericIPAddressField(null=True, db_index=True)

    class Meta:
        app_label = "auth"
        unique_together = [("text", "author")]
        constraints = [models.CheckConstraint(check=Q(size__lt=100), name="small")]


with connection.schema_editor() as editor:
    editor.create_model(Note)
Note.objects.create(text="a", author=User.objects.get(username="user001"), came_from="::ffff:0a0b:0c0d")
same("address", Note.objects.filter(came_from="::ffff:10.11.12.13").values_list("came_from", flat=True)[0], "::ffff:10.11.12.13")
same("address as text", Note.objects.filter(came_from__startswith="::ffff:10.").count(), 1)
wider = models.CharField(max_length=50, null=True)
wider.set_attributes_from_name("extra")
with connection.schema_editor() as editor:
    editor.add_field(Note, wider)
with connection.cursor() as cursor:
    found = connection.introspection.get_constraints(cursor, "auth_note")
    names = [c.name for c in connection.introspection.get_table_description(cursor, "auth_note")]
same("constraints", sorted(k for k, v in found.items() if v["check"] or (v["unique"] and not v["primary_key"]))[-1], "small")
same("columns", names, ["id", "text", "author_id", "size", "came_from", "extra"])
fails("check", IntegrityError, lambda: Note.objects.create(text="b", author_id=2, size=99 + 1))
with connection.schema_editor() as editor:
    editor.delete_model(Note)
call_command("flush", verbosity=0, interactive=False)
same("flushed", User.objects.count(), 0)

out = io.StringIO()
call_command("inspectdb", database="shop", stdout=out)
made = out.getvalue()
for words in ("class Plain(models.Model)", "class OddName(models.Model)", "db_table = 'Odd Name'", "a = models.IntegerField(blank=True",
              "class Quick(models.Model)", "k = models.IntegerField(primary_key=True)", "u = models.UUIDField(blank=True"):
    same(f"inspectdb {words}", words in made, True)
end()

/* acl.c: lists of privileges, and changing them. */
#include "types/acl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "types/array.h"
#include "types/internal.h"

static const struct {
    uint32_t right;
    char letter;
    const char *word;
} rights[] = {
    {ACL_INSERT, 'a', "INSERT"},
    {ACL_SELECT, 'r', "SELECT"},
    {ACL_UPDATE, 'w', "UPDATE"},
    {ACL_DELETE, 'd', "DELETE"},
    {ACL_TRUNCATE, 'D', "TRUNCATE"},
    {ACL_REFERENCES, 'x', "REFERENCES"},
    {ACL_TRIGGER, 't', "TRIGGER"},
    {ACL_EXECUTE, 'X', "EXECUTE"},
    {ACL_USAGE, 'U', "USAGE"},
    {ACL_CREATE, 'C', "CREATE"},
    {ACL_TEMPORARY, 'T', "TEMPORARY"},
    {ACL_CONNECT, 'c', "CONNECT"},
    {ACL_SET, 's', "SET"},
    {ACL_ALTER_SYSTEM, 'A', "ALTER SYSTEM"},
};
static_assert(sizeof rights / sizeof *rights == ACL_RIGHTS, "one line a right");
static_assert(sizeof(struct acl_item) == 12, "as pg_type says");

const char *acl_right_word(uint32_t right) {
    for (size_t i = 0; i < ACL_RIGHTS; i++)
        if (rights[i].right == right) return rights[i].word;
    return NULL;
}

uint32_t acl_right_named(const char *word, size_t len) {
    for (size_t i = 0; i < ACL_RIGHTS; i++)
        if (strlen(rights[i].word) == len && !strncasecmp(rights[i].word, word, len))
            return rights[i].right;
    return len == 4 && !strncasecmp(word, "TEMP", len) ? ACL_TEMPORARY : 0;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static const struct {
    enum acl_kind kind;
    uint32_t all, everybody;
} kinds[] = {
    {ACL_KIND_COLUMN, ACL_ALL_COLUMN, 0},
    {ACL_KIND_RELATION, ACL_ALL_RELATION, 0},
    {ACL_KIND_SEQUENCE, ACL_USAGE | ACL_SELECT | ACL_UPDATE, 0},
    {ACL_KIND_DATABASE, ACL_CREATE | ACL_TEMPORARY | ACL_CONNECT, ACL_TEMPORARY | ACL_CONNECT},
    {ACL_KIND_FUNCTION, ACL_EXECUTE, ACL_EXECUTE},
    {ACL_KIND_LANGUAGE, ACL_USAGE, ACL_USAGE},
    {ACL_KIND_LARGE_OBJECT, ACL_SELECT | ACL_UPDATE, 0},
    {ACL_KIND_SCHEMA, ACL_USAGE | ACL_CREATE, 0},
    {ACL_KIND_PARAMETER, ACL_SET | ACL_ALTER_SYSTEM, 0},
    {ACL_KIND_TABLESPACE, ACL_CREATE, 0},
    {ACL_KIND_FDW, ACL_USAGE, 0},
    {ACL_KIND_SERVER, ACL_USAGE, 0},
    {ACL_KIND_TYPE, ACL_USAGE, ACL_USAGE},
};

static size_t find_kind(enum acl_kind kind) {
    size_t i = 0;
    while (i < sizeof kinds / sizeof *kinds && kinds[i].kind != kind) i++;
    return i;
}

uint32_t acl_kind_rights(enum acl_kind kind) {
    size_t i = find_kind(kind);
    return i < sizeof kinds / sizeof *kinds ? kinds[i].all : 0;
}

/* A column's owner has the relation's privileges, none of the column's own. */
struct acl *acl_default(struct arena *a, enum acl_kind kind, oid owner) {
    size_t i = find_kind(kind);
    struct acl *list = arena_zalloc(a, sizeof *list + 2 * sizeof *list->items);
    if (!list || i == sizeof kinds / sizeof *kinds) return list;
    if (kinds[i].everybody)
        list->items[list->n++] = (struct acl_item){ACL_PUBLIC, owner, kinds[i].everybody};
    if (kind != ACL_KIND_COLUMN)
        list->items[list->n++] = (struct acl_item){owner, owner, kinds[i].all};
    return list;
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct acl *acl_copy(struct arena *a, const struct acl *list, uint32_t more) {
    struct acl *copy = arena_zalloc(a, sizeof *copy + (list->n + more) * sizeof *copy->items);
    if (!copy) return NULL;
    memcpy(copy->items, list->items, list->n * sizeof *copy->items);
    copy->n = list->n;
    return copy;
}

static int compare_items(const void *a, const void *b) {
    const struct acl_item *x = a, *y = b;
    if (x->grantee != y->grantee) return x->grantee < y->grantee ? -1 : 1;
    if (x->grantor != y->grantor) return x->grantor < y->grantor ? -1 : 1;
    return (x->bits > y->bits) - (x->bits < y->bits);
}

void acl_sort(struct acl *list) {
    qsort(list->items, list->n, sizeof *list->items, compare_items);
}

bool acl_equal(const struct acl *a, const struct acl *b) {
    return a->n == b->n && !memcmp(a->items, b->items, a->n * sizeof *a->items);
}

/* The rights of which the role holds grant options from anybody. */
static uint32_t options_of(const struct acl *list, oid role, oid owner) {
    uint32_t found = role == owner ? ACL_ALL : 0;
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i].grantee == role) found |= acl_options(&list->items[i]);
    return found;
}

/* Whoever no longer may pass rights on takes back what he passed on. */
static status revoke_what_followed(const struct eval_env *env, struct acl *list, oid grantee,
                                   uint32_t lost, oid owner, bool cascade, struct acl **ret) {
    *ret = list;
    if (grantee == owner) return OK;
    lost &= ~options_of(list, grantee, owner);
    for (uint32_t i = 0; lost && i < list->n;) {
        struct acl_item item = list->items[i++];
        uint32_t hit = acl_rights(&item) & lost;
        if (item.grantor != grantee || !hit) continue;
        if (!cascade) {
            status st = error_set(env->error, ST_DEPENDENT_OBJECTS_STILL_EXIST,
                                  "dependent privileges exist");
            error_hint(env->error, "Use CASCADE to revoke them too.");
            return st;
        }
        item.bits = hit | ACL_OPTION(hit);
        TRY(acl_update(env, list, &item, ACL_REMOVE, owner, cascade, &list));
        i = 0;
    }
    *ret = list;
    return OK;
}

/* What a change would leave if the grantee's grant options were taken away: does the grantor still
 * have them? */
static status refuse_circles(const struct eval_env *env, const struct acl *list,
                             const struct acl_item *item, oid owner) {
    struct acl *rest = acl_copy(env->arena, list, 0);
    if (!rest) return out_of_memory(env);
    if (item->grantor == owner) return OK;
    for (uint32_t i = 0; i < rest->n;) {
        struct acl_item *at = &rest->items[i++];
        if (at->grantee != item->grantee || !acl_options(at)) continue;
        struct acl_item gone = *at;
        gone.bits = ACL_OPTION(acl_options(at));
        TRY(acl_update(env, rest, &gone, ACL_REMOVE, owner, true, &rest));
        i = 0;
    }
    if (!(acl_options(item) & ~options_of(rest, item->grantor, owner))) return OK;
    return error_set(env->error, ST_INVALID_GRANT_OPERATION,
                     "grant options cannot be granted back to your own grantor");
}

status acl_update(const struct eval_env *env, const struct acl *list, const struct acl_item *item,
                  enum acl_change change, oid owner, bool cascade, struct acl **ret) {
    if (change != ACL_REMOVE && acl_options(item)) TRY(refuse_circles(env, list, item, owner));
    struct acl *made = acl_copy(env->arena, list, 1);
    if (!made) return out_of_memory(env);
    uint32_t at = 0;
    while (at < made->n &&
           (made->items[at].grantee != item->grantee || made->items[at].grantor != item->grantor))
        at++;
    if (at == made->n) made->items[made->n++] = (struct acl_item){item->grantee, item->grantor, 0};
    uint32_t before = made->items[at].bits;
    uint32_t bits = change == ACL_ADD      ? before | item->bits
                    : change == ACL_REMOVE ? before & ~item->bits
                                           : item->bits;
    made->items[at].bits = bits;
    if (!bits) {
        memmove(&made->items[at], &made->items[at + 1], (made->n - at - 1) * sizeof *made->items);
        made->n--;
    }
    uint32_t lost = (before >> 16) & ~(bits >> 16);
    if (!lost) {
        *ret = made;
        return OK;
    }
    return revoke_what_followed(env, made, item->grantee, lost, owner, cascade, ret);
}

status acl_new_owner(const struct eval_env *env, const struct acl *list, oid old, oid new_owner,
                     struct acl **ret) {
    struct acl *made = acl_copy(env->arena, list, 0);
    if (!made) return out_of_memory(env);
    for (uint32_t i = 0; i < made->n; i++) {
        if (made->items[i].grantee == old) made->items[i].grantee = new_owner;
        if (made->items[i].grantor == old) made->items[i].grantor = new_owner;
    }
    for (uint32_t i = 0; i < made->n; i++)
        for (uint32_t k = i + 1; k < made->n;) {
            struct acl_item *a = &made->items[i], *b = &made->items[k];
            if (a->grantee != b->grantee || a->grantor != b->grantor) {
                k++;
                continue;
            }
            a->bits |= b->bits;
            memmove(b, b + 1, (made->n - k - 1) * sizeof *b);
            made->n--;
        }
    *ret = made;
    return OK;
}

status acl_of_array(const struct eval_env *env, const struct varlena *array, struct arena *a,
                    struct acl **ret) {
    struct array_parts parts;
    TRY(array_split(env, array, &parts));
    struct acl *list = arena_zalloc(a, sizeof *list + parts.n * sizeof *list->items);
    if (!list) return out_of_memory(env);
    if (parts.element != ACLITEMOID || parts.ndim > 1)
        return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                         "ACL arrays must be one-dimensional");
    for (uint32_t i = 0; i < parts.n; i++) {
        if (parts.nulls && parts.nulls[i])
            return error_set(env->error, ST_NULL_VALUE_NOT_ALLOWED,
                             "ACL arrays must not contain null values");
        memcpy(&list->items[i], parts.values[i].p, sizeof *list->items);
    }
    list->n = parts.n;
    *ret = list;
    return OK;
}

status acl_to_array(const struct eval_env *env, const struct acl *list, datum *ret) {
    datum *values = arena_array(env->arena, list->n + 1, sizeof *values);
    if (!values) return out_of_memory(env);
    for (uint32_t i = 0; i < list->n; i++) values[i] = datum_ptr(&list->items[i]);
    return array_build_1d(env, ACLITEMOID, values, NULL, list->n, ret);
}

/* ---- the type aclitem ------------------------------------------------------------------------ */

static bool is_name_byte(char c) {
    return is_letter(c) || is_digit(c) || c == '_' || (c & 0x80);
}

/* A role's name: letters, digits and _, or quoted. */
static status read_name(const struct eval_env *env, const char **at, const char *end,
                        char name[NAME_BYTES]) {
    const char *s = *at;
    size_t n = 0;
    bool quoted = false;
    while (s < end && is_space(*s)) s++;
    for (; s < end && (quoted || is_name_byte(*s) || *s == '"'); s++) {
        if (*s == '"') {
            if (!quoted || s + 1 == end || s[1] != '"') {
                quoted = !quoted;
                continue;
            }
            s++;
        }
        if (n == NAME_BYTES - 1) {
            status st = error_set(env->error, ST_NAME_TOO_LONG, "identifier too long");
            error_detail(env->error, "Identifier must be less than %d characters.", NAME_BYTES);
            return st;
        }
        name[n++] = *s;
    }
    while (s < end && is_space(*s)) s++;
    name[n] = 0;
    *at = s;
    return OK;
}

/* Without names (while catalogs are made) a role is its number. */
static status role_named(const struct eval_env *env, const char *name, oid *ret) {
    const struct name_service *names = env->session ? env->session->names : NULL;
    if (names && names->role_oid) return names->role_oid(env->session, name, env->error, ret);
    *ret = (oid)strtoul(name, NULL, 10);
    return OK;
}

static status read_rights(const struct eval_env *env, const char **at, const char *end,
                          uint32_t *ret) {
    const char *s = *at;
    uint32_t last = 0;
    for (; s < end && (is_letter(*s) || *s == '*'); s++) {
        uint32_t right = 0;
        if (*s == '*') {
            *ret |= ACL_OPTION(last);
            continue;
        }
        for (size_t i = 0; i < ACL_RIGHTS; i++)
            if (rights[i].letter == *s) right = rights[i].right;
        if (!right)
            return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                             "invalid mode character: must be one of \"%s\"", "arwdDxtXUCTcsA");
        *ret |= last = right;
    }
    *at = s;
    return OK;
}

static status read_grantee(const struct eval_env *env, const char **at, const char *end,
                           char name[NAME_BYTES]) {
    TRY(read_name(env, at, end, name));
    if (*at == end || **at != '=') {
        if (strcmp(name, "group") && strcmp(name, "user")) {
            status st = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                                  "unrecognized key word: \"%s\"", name);
            error_hint(env->error, "ACL key word must be \"group\" or \"user\".");
            return st;
        }
        TRY(read_name(env, at, end, name));
        if (!*name) {
            status st = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "missing name");
            error_hint(env->error, "A name must follow the \"group\" or \"user\" key word.");
            return st;
        }
    }
    if (*at < end && **at == '=') return OK;
    return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "missing \"=\" sign");
}

#define BOOTSTRAP_ROLE 10

static status acl_in(const struct eval_env *env, const struct type *, int32_t, const char *text,
                     size_t len, datum *ret) {
    const char *at = text, *end = text + len;
    char name[NAME_BYTES], grantor[NAME_BYTES] = "";
    struct acl_item item = {.grantor = BOOTSTRAP_ROLE};
    TRY(read_grantee(env, &at, end, name));
    at++;
    TRY(read_rights(env, &at, end, &item.bits));
    if (*name) TRY(role_named(env, name, &item.grantee));
    if (at < end && *at == '/') {
        at++;
        TRY(read_name(env, &at, end, grantor));
        if (!*grantor)
            return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                             "a name must follow the \"/\" sign");
        TRY(role_named(env, grantor, &item.grantor));
    }
    while (at < end && is_space(*at)) at++;
    if (at != end)
        return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                         "extra garbage at the end of the ACL specification");
    void *bytes = arena_memdup(env->arena, &item, sizeof item);
    if (!bytes) return out_of_memory(env);
    *ret = datum_ptr(bytes);
    return OK;
}

static status print_role(const struct eval_env *env, oid role, struct buf *out) {
    const struct name_service *names = env->session ? env->session->names : NULL;
    char name[NAME_BYTES];
    if (!names || !names->role_name || !ok(names->role_name(env->session, role, name)))
        return buf_printf(out, "%u", role);
    bool plain = true;
    for (const char *s = name; *s; s++) plain &= is_letter(*s) || is_digit(*s) || *s == '_';
    if (plain) return buf_add_str(out, name);
    TRY(buf_add(out, "\"", 1));
    for (const char *s = name; *s; s++) {
        if (*s == '"') TRY(buf_add(out, s, 1));
        TRY(buf_add(out, s, 1));
    }
    return buf_add(out, "\"", 1);
}

static status acl_out(const struct eval_env *env, const struct type *, datum value,
                      struct buf *out) {
    struct acl_item item;
    memcpy(&item, value.p, sizeof item);
    if (item.grantee) TRY(print_role(env, item.grantee, out));
    TRY(buf_add(out, "=", 1));
    for (size_t i = 0; i < ACL_RIGHTS; i++) {
        if (item.bits & rights[i].right) TRY(buf_add(out, &rights[i].letter, 1));
        if (item.bits & ACL_OPTION(rights[i].right)) TRY(buf_add(out, "*", 1));
    }
    TRY(buf_add(out, "/", 1));
    return print_role(env, item.grantor, out);
}

static status no_binary(const struct eval_env *env, const char *way) {
    return error_set(env->error, ST_UNDEFINED_FUNCTION,
                     "no binary %s function available for type aclitem", way);
}

static status acl_receive(const struct eval_env *env, const struct type *, int32_t, const char *,
                          size_t, datum *) {
    return no_binary(env, "input");
}

static status acl_send(const struct eval_env *env, const struct type *, datum, struct buf *) {
    return no_binary(env, "output");
}

static int acl_compare(const struct type *, datum a, datum b) {
    return memcmp(a.p, b.p, sizeof(struct acl_item));
}

static uint64_t acl_hash(const struct type *, datum value) {
    return hash_bytes(value.p, sizeof(struct acl_item));
}

const struct type_family family_acl = {.in = acl_in,
                                       .out = acl_out,
                                       .receive = acl_receive,
                                       .send = acl_send,
                                       .compare = acl_compare,
                                       .hash = acl_hash};

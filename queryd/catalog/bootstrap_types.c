/* bootstrap_types.c: what the types library knows, as rows of the catalogs: types, functions and
 * aggregates, operators, casts; and the collations. */
#include "catalog/bootstrap.h"
#include "catalog/collation.h"
#include "catalog/facts.h"
#include "types/function.h"
#include "types/ordered_set.h"

static status add_types(struct boot *b) {
    for (size_t i = 0; i < type_count(); i++) {
        const struct type *t = type_at(i);
        struct catalog_row r;
        catalog_row_init(&r, CAT_pg_type);
        row_set_oid(&r, COL_pg_type_oid, t->oid);
        TRY(row_set_name(&b->row, &r, COL_pg_type_typname, t->name));
        row_set_oid(&r, COL_pg_type_typnamespace, SCHEMA_PG_CATALOG);
        row_set_oid(&r, COL_pg_type_typowner, ROLE_POSTGRES);
        row_set_int(&r, COL_pg_type_typlen, t->len);
        row_set_bool(&r, COL_pg_type_typbyval, t->byval);
        row_set_char(&r, COL_pg_type_typtype, t->kind);
        row_set_char(&r, COL_pg_type_typcategory, t->category);
        row_set_bool(&r, COL_pg_type_typispreferred, t->preferred);
        row_set_bool(&r, COL_pg_type_typisdefined, true);
        row_set_char(&r, COL_pg_type_typdelim, t->delimiter);
        row_set_oid(&r, COL_pg_type_typelem, t->element);
        row_set_oid(&r, COL_pg_type_typarray, t->array);
        row_set_oid(&r, COL_pg_type_typsubscript, t->subscript_function);
        row_set_oid(&r, COL_pg_type_typinput, t->in_function);
        row_set_oid(&r, COL_pg_type_typoutput, t->out_function);
        row_set_oid(&r, COL_pg_type_typreceive, t->receive_function);
        row_set_oid(&r, COL_pg_type_typsend, t->send_function);
        row_set_oid(&r, COL_pg_type_typmodin, t->typmod_in_function);
        row_set_oid(&r, COL_pg_type_typmodout, t->typmod_out_function);
        row_set_char(&r, COL_pg_type_typalign, t->align);
        row_set_char(&r, COL_pg_type_typstorage, t->storage);
        row_set_int(&r, COL_pg_type_typtypmod, -1);
        row_set_oid(&r, COL_pg_type_typcollation, t->collation);
        TRY(boot_insert(b, CAT_pg_type, &r));
    }
    return OK;
}

static status set_argument_types(struct boot *b, struct catalog_row *r, const struct function *f) {
    char *text = arena_alloc(&b->row, (size_t)f->nargs * 11 + 1);
    if (!text) return STATUS(OUT_OF_MEMORY);
    size_t len = 0;
    text[0] = 0;
    for (unsigned i = 0; i < f->nargs; i++)
        len += (size_t)sprintf(text + len, "%s%u", i ? " " : "", f->args[i]);
    return row_set_input(&b->eval, r, COL_pg_proc_proargtypes, OIDVECTOROID, text);
}

/* proallargtypes and proargmodes are null where all arguments go in, proargnames where none has a
 * name. */
static status set_argument_names(struct boot *b, struct catalog_row *r, oid function) {
    const struct function_arguments *a = function_arguments(function);
    struct buf types = {0}, modes = {0}, names = {0};
    status st = OK;
    for (uint16_t i = 0; a && i < a->n && ok(st); i++) {
        const char *name, *comma = i ? "," : "";
        size_t len = argument_name(a, i, &name);
        st = buf_printf(&types, "%s%u", comma, a->types[i]);
        if (ok(st)) st = buf_printf(&modes, "%s%c", comma, a->modes[i]);
        if (ok(st)) st = buf_printf(&names, "%s\"%.*s\"", comma, (int)len, name);
    }
    const struct {
        int column;
        oid type;
        struct buf *text;
        bool wanted;
    } arrays[] = {
        {COL_pg_proc_proallargtypes, OIDARRAYOID, &types, a && strspn(a->modes, "i") < a->n},
        {COL_pg_proc_proargmodes, CHARARRAYOID, &modes, a && strspn(a->modes, "i") < a->n},
        {COL_pg_proc_proargnames, TEXTARRAYOID, &names, a && *a->names}};
    for (unsigned i = 0; i < 3; i++) {
        char *text = arena_alloc(&b->row, arrays[i].text->len + 3);
        if (!text) st = STATUS(OUT_OF_MEMORY);
        if (text && ok(st) && arrays[i].wanted) {
            sprintf(text, "{%.*s}", (int)arrays[i].text->len, arrays[i].text->data);
            st = row_set_input(&b->eval, r, arrays[i].column, arrays[i].type, text);
        }
        buf_free(arrays[i].text);
    }
    return st;
}

/* Functions that are not everybody's. */
static const char *function_privileges(oid function) {
    static const struct {
        oid function;
        const char *list;
    } privileges[] = {
#define FUNCTION_PRIVILEGES(oid, list) {oid, list},
#include "catalog/function_privileges.def"
#undef FUNCTION_PRIVILEGES
    };
    for (size_t i = 0; i < sizeof privileges / sizeof *privileges; i++)
        if (privileges[i].function == function) return privileges[i].list;
    return NULL;
}

static status add_function(struct boot *b, const struct function *f) {
    struct catalog_row r;
    const char *privileges = function_privileges(f->oid);
    if (privileges) TRY(boot_add_privileges(b, OID_pg_proc, f->oid, privileges));
    catalog_row_init(&r, CAT_pg_proc);
    row_set_oid(&r, COL_pg_proc_oid, f->oid);
    TRY(row_set_name(&b->row, &r, COL_pg_proc_proname, f->name));
    row_set_oid(&r, COL_pg_proc_pronamespace, SCHEMA_PG_CATALOG);
    row_set_oid(&r, COL_pg_proc_proowner, ROLE_POSTGRES);
    row_set_oid(&r, COL_pg_proc_prolang, 12);
    row_set_float4(&r, COL_pg_proc_procost, 1);
    row_set_float4(&r, COL_pg_proc_prorows, f->returns_set ? 1000 : 0);
    row_set_oid(&r, COL_pg_proc_provariadic, f->variadic);
    row_set_char(&r, COL_pg_proc_prokind, f->kind);
    row_set_bool(&r, COL_pg_proc_proisstrict, f->strict);
    row_set_bool(&r, COL_pg_proc_proretset, f->returns_set);
    row_set_char(&r, COL_pg_proc_provolatile, f->volatility);
    row_set_char(&r, COL_pg_proc_proparallel, 's');
    row_set_int(&r, COL_pg_proc_pronargs, f->nargs);
    row_set_int(&r, COL_pg_proc_pronargdefaults, f->ndefaults);
    row_set_oid(&r, COL_pg_proc_prorettype, f->result);
    TRY(row_set_text(&b->row, &r, COL_pg_proc_prosrc,
                     f->kind == 'a' ? "aggregate_dummy" : f->name));
    TRY(set_argument_types(b, &r, f));
    TRY(set_argument_names(b, &r, f->oid));
    if (privileges)
        TRY(row_set_input(&b->eval, &r, COL_pg_proc_proacl, ACLITEMARRAYOID, privileges));
    return boot_insert(b, CAT_pg_proc, &r);
}

static status add_aggregate(struct boot *b, const struct function *f) {
    struct catalog_row r;
    const struct aggregate *a = aggregate_find(f->oid);
    catalog_row_init(&r, CAT_pg_aggregate);
    row_set_oid(&r, COL_pg_aggregate_aggfnoid, f->oid);
    const struct ordered_set *o = ordered_set_find(f->oid);
    row_set_char(&r, COL_pg_aggregate_aggkind, !o ? 'n' : o->hypothetical ? 'h' : 'o');
    row_set_int(&r, COL_pg_aggregate_aggnumdirectargs, o ? o->ndirect : 0);
    row_set_char(&r, COL_pg_aggregate_aggfinalmodify, 'r');
    row_set_char(&r, COL_pg_aggregate_aggmfinalmodify, 'r');
    row_set_oid(&r, COL_pg_aggregate_aggsortop, a ? a->sort_operator : 0);
    row_set_oid(&r, COL_pg_aggregate_aggtranstype, INTERNALOID);
    return boot_insert(b, CAT_pg_aggregate, &r);
}

static status add_functions(struct boot *b) {
    for (size_t i = 0; i < function_count(); i++) {
        const struct function *f = function_at(i);
        TRY(add_function(b, f));
        if (f->kind == 'a') TRY(add_aggregate(b, f));
    }
    return OK;
}

static status add_comment(struct boot *b, oid class_oid, oid object, const char *words) {
    struct catalog_row r;
    catalog_row_init(&r, CAT_pg_description);
    row_set_oid(&r, COL_pg_description_objoid, object);
    row_set_oid(&r, COL_pg_description_classoid, class_oid);
    TRY(row_set_text(&b->row, &r, COL_pg_description_description, words));
    return boot_insert(b, CAT_pg_description, &r);
}

static status add_collation(struct boot *b, oid collation, const char *locale) {
    struct catalog_row r;
    char name[NAME_BYTES], version[32];
    snprintf(name, sizeof name, "%.57s-x-icu", locale);
    TRY(collator_version(locale, b->env->eval.error, version));
    catalog_row_init(&r, CAT_pg_collation);
    row_set_oid(&r, COL_pg_collation_oid, collation);
    TRY(row_set_name(&b->row, &r, COL_pg_collation_collname, name));
    row_set_oid(&r, COL_pg_collation_collnamespace, SCHEMA_PG_CATALOG);
    row_set_oid(&r, COL_pg_collation_collowner, ROLE_POSTGRES);
    row_set_char(&r, COL_pg_collation_collprovider, 'i');
    row_set_bool(&r, COL_pg_collation_collisdeterministic, true);
    row_set_int(&r, COL_pg_collation_collencoding, -1);
    TRY(row_set_text(&b->row, &r, COL_pg_collation_colliculocale, locale));
    TRY(row_set_text(&b->row, &r, COL_pg_collation_collversion, version));
    return boot_insert(b, CAT_pg_collation, &r);
}

status boot_add_collations(struct boot *b) {
    char tag[64], words[128];
    for (size_t i = 0; collator_locale(i, tag, words); i++) {
        oid collation = (oid)(COLLATION_FIRST_ICU + i);
        TRY(add_collation(b, collation, tag));
        if (*words) TRY(add_comment(b, OID_pg_collation, collation, words));
    }
    return OK;
}

static status add_operators(struct boot *b) {
    for (size_t i = 0; i < operator_count(); i++) {
        const struct operator_info *o = operator_at(i);
        struct catalog_row r;
        catalog_row_init(&r, CAT_pg_operator);
        row_set_oid(&r, COL_pg_operator_oid, o->oid);
        TRY(row_set_name(&b->row, &r, COL_pg_operator_oprname, o->name));
        row_set_oid(&r, COL_pg_operator_oprnamespace, SCHEMA_PG_CATALOG);
        row_set_oid(&r, COL_pg_operator_oprowner, ROLE_POSTGRES);
        row_set_char(&r, COL_pg_operator_oprkind, o->left ? 'b' : 'l');
        row_set_bool(&r, COL_pg_operator_oprcanmerge, o->mergeable);
        row_set_bool(&r, COL_pg_operator_oprcanhash, o->hashable);
        row_set_oid(&r, COL_pg_operator_oprleft, o->left);
        row_set_oid(&r, COL_pg_operator_oprright, o->right);
        row_set_oid(&r, COL_pg_operator_oprresult, o->result);
        row_set_oid(&r, COL_pg_operator_oprcom, o->commutator);
        row_set_oid(&r, COL_pg_operator_oprnegate, o->negator);
        row_set_oid(&r, COL_pg_operator_oprcode, o->function);
        row_set_oid(&r, COL_pg_operator_oprrest, o->restrict_function);
        row_set_oid(&r, COL_pg_operator_oprjoin, o->join_function);
        TRY(boot_insert(b, CAT_pg_operator, &r));
    }
    return OK;
}

/* PostgreSQL's casts have oids without meaning; ours follow one another from here. */
#define FIRST_CAST_OID 14000

static status add_casts(struct boot *b) {
    CHECK(FIRST_CAST_OID + cast_count() < FIRST_USER_OID);
    for (size_t i = 0; i < cast_count(); i++) {
        const struct cast_info *c = cast_at(i);
        struct catalog_row r;
        catalog_row_init(&r, CAT_pg_cast);
        row_set_oid(&r, COL_pg_cast_oid, (oid)(FIRST_CAST_OID + i));
        row_set_oid(&r, COL_pg_cast_castsource, c->source);
        row_set_oid(&r, COL_pg_cast_casttarget, c->target);
        row_set_oid(&r, COL_pg_cast_castfunc, c->function);
        row_set_char(&r, COL_pg_cast_castcontext, c->context);
        row_set_char(&r, COL_pg_cast_castmethod, c->method);
        TRY(boot_insert(b, CAT_pg_cast, &r));
    }
    return OK;
}

status boot_add_types_library(struct boot *b) {
    TRY(add_types(b));
    TRY(add_functions(b));
    TRY(add_operators(b));
    return add_casts(b);
}

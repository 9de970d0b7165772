/* facts.c: small facts that catalog rows of different origin share. */
#include "catalog/facts.h"

/* The default btree operator class of each type that has one (pg_opclass). */
static const struct {
    oid type, opclass;
} opclasses[] = {
    {BOOLOID, 10003},   {BYTEAOID, 10006},       {CHAROID, 10007},       {NAMEOID, 10028},
    {INT8OID, 3124},    {INT2OID, 1979},         {INT4OID, 1978},        {TEXTOID, 3126},
    {OIDOID, 1981},     {TIDOID, 10050},         {OIDVECTOROID, 10032},  {FLOAT4OID, 10012},
    {FLOAT8OID, 3123},  {BPCHAROID, 10004},      {DATEOID, 3122},        {TIMEOID, 10038},
    {VARCHAROID, 3126}, {TIMESTAMPOID, 3128},    {TIMESTAMPTZOID, 3127}, {INTERVALOID, 10022},
    {TIMETZOID, 10041}, {NUMERICOID, 3125},      {RECORDOID, 10034},     {UUIDOID, 10065},
    {XID8OID, 10053},   {PG_LSNOID, 10067},      {REGPROCOID, 1981},     {REGCLASSOID, 1981},
    {REGTYPEOID, 1981}, {REGNAMESPACEOID, 1981}, {REGROLEOID, 1981},     {INETOID, 10015},
    {CIDROID, 10015},   {MACADDROID, 10024},     {MACADDR8OID, 10026},   {MONEYOID, 10047},
};
#define ARRAY_OPCLASS 10000

oid default_opclass(oid type) {
    for (size_t i = 0; i < sizeof opclasses / sizeof *opclasses; i++)
        if (opclasses[i].type == type) return opclasses[i].opclass;
    const struct type *t = type_find(type);
    return t && t->element && t->category == 'A' ? ARRAY_OPCLASS : 0;
}

bool opclass_is_pattern(oid opclass) {
    return opclass == 4217 || opclass == 4218 || opclass == 4219;
}

/* record_in, record_out, record_recv, record_send; and array_in and its kin. */
static const oid record_io[] = {2290, 2291, 2402, 2403};
static const oid array_io[] = {750, 751, 2400, 2401};
#define ARRAY_SUBSCRIPT 6179
#define ARRAY_ANALYZE 3816

status row_type_row(struct arena *a, struct catalog_row *r, oid type, oid schema, const char *name,
                    oid element, oid array, oid relation, oid owner) {
    const oid *io = element ? array_io : record_io;
    catalog_row_init(r, CAT_pg_type);
    row_set_oid(r, COL_pg_type_oid, type);
    TRY(row_set_name(a, r, COL_pg_type_typname, name));
    row_set_oid(r, COL_pg_type_typnamespace, schema);
    row_set_oid(r, COL_pg_type_typowner, owner);
    row_set_int(r, COL_pg_type_typlen, -1);
    row_set_char(r, COL_pg_type_typtype, element ? 'b' : 'c');
    row_set_char(r, COL_pg_type_typcategory, element ? 'A' : 'C');
    row_set_bool(r, COL_pg_type_typisdefined, true);
    row_set_char(r, COL_pg_type_typdelim, ',');
    row_set_oid(r, COL_pg_type_typrelid, relation);
    row_set_oid(r, COL_pg_type_typelem, element);
    row_set_oid(r, COL_pg_type_typarray, array);
    if (element) row_set_oid(r, COL_pg_type_typsubscript, ARRAY_SUBSCRIPT);
    if (element) row_set_oid(r, COL_pg_type_typanalyze, ARRAY_ANALYZE);
    row_set_oid(r, COL_pg_type_typinput, io[0]);
    row_set_oid(r, COL_pg_type_typoutput, io[1]);
    row_set_oid(r, COL_pg_type_typreceive, io[2]);
    row_set_oid(r, COL_pg_type_typsend, io[3]);
    row_set_char(r, COL_pg_type_typalign, 'd');
    row_set_char(r, COL_pg_type_typstorage, 'x');
    row_set_int(r, COL_pg_type_typtypmod, -1);
    return OK;
}

#include "script.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "md5.h"

struct lines {
    char **items;
    size_t n;
};

struct record {
    size_t head; /* line numbers, 0-based */
    size_t sql_first, sql_end;
    size_t expected_first, expected_end;
    bool has_expected;
};

static void no_memory(void) {
    fprintf(stderr, "out of memory\n");
    abort();
}

void script_result_add(struct script_result *r, const char *value, size_t len) {
    if (r->nvalues == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->values = realloc(r->values, r->cap * sizeof *r->values);
        if (!r->values) no_memory();
    }
    char *copy = value ? strndup(value, len) : NULL;
    if (value && !copy) no_memory();
    r->values[r->nvalues++] = copy;
}

void script_result_clear(struct script_result *r) {
    for (size_t i = 0; i < r->nvalues; i++) free(r->values[i]);
    free(r->values);
    *r = (struct script_result){0};
}

/* ---- the file ---- */

static bool read_lines(const char *path, char **ret_text, struct lines *ret) {
    FILE *f = fopen(path, "r");
    if (!f) return false;
    size_t cap = 1 << 16, len = 0, got;
    char *text = malloc(cap + 1);
    if (!text) no_memory();
    while ((got = fread(text + len, 1, cap - len, f)) > 0) {
        len += got;
        if (len < cap) continue;
        cap *= 2;
        text = realloc(text, cap + 1);
        if (!text) no_memory();
    }
    fclose(f);
    text[len] = 0;
    size_t n = 1;
    for (size_t i = 0; i < len; i++) n += text[i] == '\n';
    ret->items = calloc(n, sizeof *ret->items);
    if (!ret->items) no_memory();
    ret->n = 0;
    for (char *at = text; *at;) {
        char *end = strchr(at, '\n');
        if (end) *end = 0;
        size_t bytes = strlen(at);
        if (bytes && at[bytes - 1] == '\r') at[bytes - 1] = 0;
        ret->items[ret->n++] = at;
        if (!end) break;
        at = end + 1;
    }
    *ret_text = text;
    return true;
}

static bool is_blank(const char *line) {
    while (isspace((unsigned char)*line)) line++;
    return *line == 0;
}

/* The record that begins at line `at`. */
static struct record find_record(const struct lines *l, size_t at) {
    struct record r = {.head = at, .sql_first = at + 1};
    size_t i = at + 1;
    while (i < l->n && !is_blank(l->items[i]) && strcmp(l->items[i], "----") != 0) i++;
    r.sql_end = i;
    if (i < l->n && strcmp(l->items[i], "----") == 0) {
        r.has_expected = true;
        r.expected_first = ++i;
        while (i < l->n && !is_blank(l->items[i])) i++;
    } else {
        r.expected_first = i;
    }
    r.expected_end = i;
    return r;
}

static char *sql_of(const struct lines *l, const struct record *r) {
    size_t len = 1;
    for (size_t i = r->sql_first; i < r->sql_end; i++) len += strlen(l->items[i]) + 1;
    char *sql = malloc(len);
    if (!sql) no_memory();
    char *at = sql;
    for (size_t i = r->sql_first; i < r->sql_end; i++)
        at += sprintf(at, "%s%s", i > r->sql_first ? "\n" : "", l->items[i]);
    *at = 0;
    return sql;
}

/* ---- values ---- */

/* As the expected text is written, by the column's letter. */
static char *shown(const char *value, char letter) {
    char number[400];
    const char *text = value;
    if (!value) {
        text = "NULL";
    } else if (letter == 'R') {
        snprintf(number, sizeof number, "%.3f", strtod(value, NULL));
        text = number;
    } else if (letter == 'I') {
        if (strcmp(value, "t") == 0 || strcmp(value, "f") == 0)
            snprintf(number, sizeof number, "%d", value[0] == 't');
        else if (strpbrk(value, ".eE"))
            snprintf(number, sizeof number, "%lld", (long long)strtod(value, NULL));
        else
            snprintf(number, sizeof number, "%s", value);
        text = number;
    } else if (!*value) {
        text = "(empty)";
    }
    char *copy = strdup(text);
    if (!copy) no_memory();
    for (char *c = copy; *c; c++)
        if (*c == '\n') *c = '@';
    return copy;
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int row_width;

static int compare_rows(const void *a, const void *b) {
    char *const *x = a, *const *y = b;
    for (int i = 0; i < row_width; i++) {
        int c = strcmp(x[i], y[i]);
        if (c) return c;
    }
    return 0;
}

static char **shown_values(const struct script_result *r, const char *letters, const char *sort) {
    char **values = calloc(r->nvalues + 1, sizeof *values);
    if (!values) no_memory();
    size_t nletters = strlen(letters);
    for (size_t i = 0; i < r->nvalues; i++) {
        size_t column = r->columns ? i % (size_t)r->columns : 0;
        values[i] = shown(r->values[i], column < nletters ? letters[column] : 'T');
    }
    if (strcmp(sort, "valuesort") == 0) {
        qsort(values, r->nvalues, sizeof *values, compare_texts);
    } else if (strcmp(sort, "rowsort") == 0 && r->columns) {
        row_width = r->columns;
        qsort(values, r->nvalues / (size_t)r->columns, sizeof *values * (size_t)r->columns,
              compare_rows);
    }
    return values;
}

static void free_values(char **values, size_t n) {
    for (size_t i = 0; i < n; i++) free(values[i]);
    free(values);
}

static bool same_hash(char **values, size_t n, const char *expected) {
    char want[64], got[33];
    size_t count;
    if (sscanf(expected, "%zu values hashing to %63s", &count, want) != 2 || count != n)
        return false;
    struct md5 m;
    md5_init(&m);
    for (size_t i = 0; i < n; i++) {
        md5_add(&m, values[i], strlen(values[i]));
        md5_add(&m, "\n", 1);
    }
    md5_hex(&m, got);
    return strcmp(want, got) == 0;
}

static bool same_values(const struct lines *l, const struct record *r, char **values, size_t n) {
    size_t expected = r->expected_end - r->expected_first;
    if (expected == 1 && strstr(l->items[r->expected_first], " values hashing to "))
        return same_hash(values, n, l->items[r->expected_first]);
    if (expected != n) return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i], l->items[r->expected_first + i]) != 0) return false;
    return true;
}

/* ---- records ---- */

struct place {
    struct script_run *run;
    const char *path;
    const struct lines *lines;
};

static void failure(const struct place *p, const struct record *r, const char *sql,
                    const char *words) {
    p->run->failures++;
    fprintf(p->run->report, "%s:%zu: %s\n    %s\n", p->path, r->head + 1, words, sql);
}

static void show_values(const struct place *p, const struct record *r, char **values, size_t n) {
    fprintf(p->run->report, "  expected:");
    for (size_t i = r->expected_first; i < r->expected_end && i < r->expected_first + 40; i++)
        fprintf(p->run->report, " [%s]", p->lines->items[i]);
    fprintf(p->run->report, "\n  got:     ");
    for (size_t i = 0; i < n && i < 40; i++) fprintf(p->run->report, " [%s]", values[i]);
    fprintf(p->run->report, "\n");
}

static void copy_lines(const struct place *p, size_t first, size_t end) {
    for (size_t i = first; p->run->completed && i < end; i++)
        fprintf(p->run->completed, "%s\n", p->lines->items[i]);
}

static void run_statement(const struct place *p, const struct record *r, const char *rest) {
    char *sql = sql_of(p->lines, r);
    struct script_result result = {0};
    char words[1400];
    p->run->execute(p->run->arg, sql, &result);
    bool want_error = strncmp(rest, "error", 5) == 0;
    const char *expected = want_error ? rest + 5 : "";
    while (*expected == ' ') expected++;
    if (result.failed && !want_error) {
        snprintf(words, sizeof words, "failed: %s %s", result.sqlstate, result.message);
        failure(p, r, sql, words);
    } else if (!result.failed && want_error) {
        failure(p, r, sql, "should have failed");
    } else if (want_error && *expected && strcmp(expected, result.sqlstate) != 0 &&
               !strstr(result.message, expected) && !p->run->completed) {
        snprintf(words, sizeof words, "failed with %s %s", result.sqlstate, result.message);
        failure(p, r, sql, words);
    }
    if (p->run->completed && want_error) {
        fprintf(p->run->completed, "statement error %s\n", result.message);
        copy_lines(p, r->sql_first, r->sql_end);
    } else {
        copy_lines(p, r->head, r->sql_end);
    }
    script_result_clear(&result);
    free(sql);
}

static void run_query(const struct place *p, const struct record *r, char *rest) {
    char *sql = sql_of(p->lines, r), *save = NULL;
    const char *letters = strtok_r(rest, " ", &save), *sort = strtok_r(NULL, " ", &save);
    struct script_result result = {0};
    char words[1400];
    p->run->execute(p->run->arg, sql, &result);
    if (result.failed) {
        snprintf(words, sizeof words, "failed: %s %s", result.sqlstate, result.message);
        failure(p, r, sql, words);
    } else {
        char **values = shown_values(&result, letters ? letters : "", sort ? sort : "nosort");
        if (p->run->completed) {
            fprintf(p->run->completed, "query %s%s%s\n", letters ? letters : "T", sort ? " " : "",
                    sort ? sort : "");
            copy_lines(p, r->sql_first, r->sql_end);
            fprintf(p->run->completed, "----\n");
            for (size_t i = 0; i < result.nvalues; i++)
                fprintf(p->run->completed, "%s\n", values[i]);
        } else if (r->has_expected && !same_values(p->lines, r, values, result.nvalues)) {
            failure(p, r, sql, "wrong result");
            show_values(p, r, values, result.nvalues);
        }
        free_values(values, result.nvalues);
    }
    script_result_clear(&result);
    free(sql);
}

/* Whether skipif and onlyif lines leave the record to us. */
static bool is_ours(const char *line, bool *ret_condition) {
    bool skip = strncmp(line, "skipif ", 7) == 0, only = strncmp(line, "onlyif ", 7) == 0;
    *ret_condition = skip || only;
    if (!*ret_condition) return true;
    bool us = strncmp(line + 7, "postgresql", 10) == 0;
    return skip ? !us : us;
}

bool script_run_file(struct script_run *run, const char *path) {
    struct lines lines;
    char *text;
    if (!read_lines(path, &text, &lines)) return false;
    struct place p = {run, path, &lines};
    bool ours = true;
    for (size_t i = 0; i < lines.n;) {
        char *line = lines.items[i];
        bool condition;
        if (is_blank(line) || line[0] == '#') {
            copy_lines(&p, i, i + 1);
            i++;
            continue;
        }
        if (strncmp(line, "halt", 4) == 0 && ours) break;
        ours &= is_ours(line, &condition);
        bool statement = strncmp(line, "statement ", 10) == 0;
        bool query = strncmp(line, "query ", 6) == 0;
        if (!statement && !query) {
            if (!condition) ours = true;
            copy_lines(&p, i, i + 1);
            i++;
            continue;
        }
        struct record r = find_record(&lines, i);
        if (!ours) {
            run->skipped++;
        } else {
            run->records++;
            char *rest = strdup(line + (statement ? 10 : 6));
            if (!rest) no_memory();
            if (statement)
                run_statement(&p, &r, rest);
            else
                run_query(&p, &r, rest);
            free(rest);
        }
        ours = true;
        i = r.expected_end;
        if (run->failures_max && run->failures >= run->failures_max) break;
    }
    free(lines.items);
    free(text);
    return true;
}

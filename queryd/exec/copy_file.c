/* COPY from and to a file of the server's machine. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control.h"
#include "catalog/roles.h"
#include "exec/copy_private.h"

#define PIECE_BYTES ((size_t)64 << 10)

/* ---- who may --------------------------------------------------------------------------------- */

static status refuse(struct error *e, const char *role, const char *what) {
    status s =
        error_set(e, ST_INSUFFICIENT_PRIVILEGE,
                  "must be superuser or have privileges of the %s role to COPY %s", role, what);
    error_hint(e, "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for "
                  "anyone.");
    return s;
}

static bool is_absolute(const char *file) {
    return file[0] == '/';
}

status copy_file_allowed(struct sql_env *env, const struct ast_copy *stmt) {
    struct error *e = env->eval.error;
    bool may;
    oid role = stmt->program ? ROLE_PG_EXECUTE_SERVER_PROGRAM
               : stmt->from  ? ROLE_PG_READ_SERVER_FILES
                             : ROLE_PG_WRITE_SERVER_FILES;
    TRY(role_has_privileges(env, env->settings->user_oid, role, &may));
    if (!may && stmt->program)
        return refuse(e, "pg_execute_server_program", "to or from an external program");
    if (!may && stmt->from) return refuse(e, "pg_read_server_files", "from a file");
    if (!may) return refuse(e, "pg_write_server_files", "to a file");
    if (!stmt->program && !stmt->from && !is_absolute(stmt->file))
        return error_set(e, ST_INVALID_NAME, "relative path not allowed for COPY to file");
    return OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* PostgreSQL's errcode_for_file_access. */
static enum status_code code_of_errno(int error) {
    switch (error) {
    case EPERM:
    case EACCES:
    case EROFS: return ST_INSUFFICIENT_PRIVILEGE;
    case ENOENT: return ST_UNDEFINED_FILE;
    case ENOTDIR:
    case EISDIR: return ST_WRONG_OBJECT_TYPE;
    case ENOSPC:
    case EDQUOT: return ST_DISK_FULL;
    case ENFILE:
    case EMFILE: return ST_INSUFFICIENT_RESOURCES;
    case EIO: return ST_IO_ERROR;
    default: return ST_INTERNAL_ERROR;
    }
}

static status could_not_open(struct error *e, const struct ast_copy *stmt, int error) {
    status s = error_set(e, code_of_errno(error), "could not open file \"%s\" for %s: %s",
                         stmt->file, stmt->from ? "reading" : "writing", strerrordesc_np(error));
    if (error == ENOENT || error == EACCES)
        error_hint(e,
                   "COPY %s instructs the PostgreSQL server process to %s a file. You may want a "
                   "client-side facility such as psql's \\copy.",
                   stmt->from ? "FROM" : "TO", stmt->from ? "read" : "write");
    return s;
}

/* What could let the worker wait, a pipe or a terminal, is refused. */
static status check_kind(struct error *e, int fd, const char *file) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return error_set(e, code_of_errno(errno), "could not stat file \"%s\": %s", file,
                         strerrordesc_np(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(e, ST_WRONG_OBJECT_TYPE, "\"%s\" is a directory", file);
    if (!S_ISREG(st.st_mode) && (!S_ISCHR(st.st_mode) || isatty(fd)))
        return error_set(e, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a regular file", file);
    return OK;
}

/* A relative path begins in the data directory. */
static status open_file(struct sql_env *env, const struct ast_copy *stmt, int *ret_fd) {
    char path[PATH_MAX];
    const char *from = is_absolute(stmt->file) ? "" : env->proc->shm->control->data_dir;
    int flags = O_CLOEXEC | O_NONBLOCK | (stmt->from ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC);
    int n = snprintf(path, sizeof path, "%s%s%s", from, *from ? "/" : "", stmt->file);
    if (n < 0 || (size_t)n >= sizeof path)
        return could_not_open(env->eval.error, stmt, ENAMETOOLONG);
    int fd = open(path, flags, 0644);
    if (fd < 0) return could_not_open(env->eval.error, stmt, errno);
    status s = check_kind(env->eval.error, fd, stmt->file);
    if (!ok(s))
        close(fd);
    else
        *ret_fd = fd;
    return s;
}

/* ---- moving ---------------------------------------------------------------------------------- */

static status read_all(struct copy *c, int fd, char *piece) {
    struct sql_env *env = c->env;
    for (;;) {
        ssize_t n;
        TRY(sql_env_breathe(env));
        do n = read(fd, piece, PIECE_BYTES);
        while (n < 0 && errno == EINTR);
        if (n == 0) return OK;
        if (n < 0)
            return error_set(env->eval.error, code_of_errno(errno),
                             "could not read from COPY file: %s", strerrordesc_np(errno));
        TRY(copy_in_data(c, piece, (size_t)n));
    }
}

static status copy_from_file(struct copy *c, int fd, uint64_t *ret_rows) {
    char *piece = arena_alloc(c->env->eval.arena, PIECE_BYTES);
    if (!piece) return STATUS(OUT_OF_MEMORY);
    TRY(read_all(c, fd, piece));
    return copy_in_done(c, ret_rows);
}

static status write_out(struct copy *c, int fd, struct buf *out) {
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(fd, out->data + at, out->len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return error_set(c->env->eval.error, code_of_errno(errno),
                             "could not write to COPY file: %s", strerrordesc_np(errno));
        at += (size_t)n;
    }
    out->len = 0;
    return sql_env_breathe(c->env);
}

static status copy_to_file(struct copy *c, int fd, uint64_t *ret_rows) {
    struct buf out = {0};
    status s;
    while (ok(s = copy_out_row(c, &out)))
        if (out.len >= PIECE_BYTES) TRY_OUT(s, write_out(c, fd, &out));
    if (status_is(s, ST_END)) s = write_out(c, fd, &out);
    *ret_rows = c->rows;
out:
    buf_free(&out);
    return s;
}

status copy_file(struct copy *c, const struct ast_copy *stmt, uint64_t *ret_rows) {
    int fd;
    if (stmt->program) return copy_program(c, stmt, ret_rows);
    TRY(open_file(c->env, stmt, &fd));
    status s = stmt->from ? copy_from_file(c, fd, ret_rows) : copy_to_file(c, fd, ret_rows);
    if (close(fd) != 0 && ok(s))
        s = error_set(c->env->eval.error, code_of_errno(errno), "could not close file \"%s\": %s",
                      stmt->file, strerrordesc_np(errno));
    return s;
}

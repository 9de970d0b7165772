/* s3.c: see s3.h. Debian 12's libs3 signs requests by version 2 only, which Amazon takes no longer
 * for new buckets; its libcurl signs by version 4, given the hash of what is sent. */
#include "s3.h"

#include <curl/curl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axl.h"

#define TRIES 8 /* unless AWS_MAX_ATTEMPTS says otherwise */
#define TRIES_MAX 12
#define PAUSE_MS 250 /* before the second try; twice as long before each that follows */
#define CONNECT_S 10
#define SILENT_S 30 /* an answer that does not come on for so long has failed */
#define KEY_BYTES 1100

struct s3 {
    CURL *curl;
    unsigned tries;
    char bucket[64], prefix[512], endpoint[256], region[64];
    char user[512]; /* key id and secret */
    char token[2048];
    char *body; /* of the last answer, and a zero */
    size_t bytes, room;
    status (*idle)(void *arg);
    void *idle_arg;
    status idle_status;
    struct curl_slist *headers; /* of the request under way */
};

bool s3_is_url(const char *text) {
    return text && strncmp(text, "s3://", 5) == 0;
}

/* ---- where, and who ---- */

static bool is_plain(const char *text) {
    return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
           strlen(text);
}

static bool take_url(struct s3 *s, const char *url) {
    const char *bucket = url + 5, *slash = strchr(bucket, '/');
    size_t n = slash ? (size_t)(slash - bucket) : strlen(bucket);
    if (!s3_is_url(url) || n == 0 || n >= sizeof s->bucket || !is_plain(bucket)) return false;
    memcpy(s->bucket, bucket, n);
    const char *prefix = slash ? slash + 1 : "";
    size_t bytes = strlen(prefix);
    if (bytes + 2 > sizeof s->prefix) return false;
    snprintf(s->prefix, sizeof s->prefix, "%s%s", prefix,
             bytes > 0 && prefix[bytes - 1] != '/' ? "/" : "");
    return true;
}

static const char *from_environment(const char *one, const char *other, const char *preset) {
    const char *value = getenv(one);
    if (!value || !*value) value = other ? getenv(other) : NULL;
    return value && *value ? value : preset;
}

/* If the line is "name = value" and there is none yet. */
static void take_value(const char *line, const char *name, char *to, size_t room) {
    size_t n = strlen(name);
    line += strspn(line, " \t");
    if (*to || strncmp(line, name, n) != 0) return;
    line += n + strspn(line + n, " \t");
    if (*line != '=') return;
    line += 1 + strspn(line + 1, " \t");
    snprintf(to, room, "%.*s", (int)strcspn(line, " \t\r\n"), line);
}

struct wanted {
    const char *name;
    char *to;
    size_t room;
};

static void read_file(const char *variable, const char *in_home, const struct wanted *wanted,
                      size_t n) {
    char path[AXL_PATH_BYTES], line[4096];
    const char *home = getenv("HOME"), *named = getenv(variable);
    snprintf(path, sizeof path, "%s%s", named ? named : home ? home : "", named ? "" : in_home);
    FILE *f = fopen(path, "re");
    if (!f) return;
    while (fgets(line, sizeof line, f))
        for (size_t i = 0; i < n; i++)
            take_value(line, wanted[i].name, wanted[i].to, wanted[i].room);
    fclose(f);
}

static void take_endpoint(struct s3 *s) {
    const struct wanted wanted[] = {{"region", s->region, sizeof s->region},
                                    {"endpoint_url", s->endpoint, sizeof s->endpoint}};
    snprintf(s->region, sizeof s->region, "%s",
             from_environment("AWS_REGION", "AWS_DEFAULT_REGION", ""));
    snprintf(s->endpoint, sizeof s->endpoint, "%s",
             from_environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", ""));
    read_file("AWS_CONFIG_FILE", "/.aws/config", wanted, 2);
    if (!s->region[0]) strcpy(s->region, "us-east-1");
    if (!s->endpoint[0])
        snprintf(s->endpoint, sizeof s->endpoint, "https://s3.%s.amazonaws.com", s->region);
    size_t n = strlen(s->endpoint);
    if (s->endpoint[n - 1] == '/') s->endpoint[n - 1] = '\0';
    long tries = atol(from_environment("AWS_MAX_ATTEMPTS", NULL, "0"));
    s->tries = tries < 1 ? TRIES : tries > TRIES_MAX ? TRIES_MAX : (unsigned)tries;
}

static status take_key(struct s3 *s, struct error *e) {
    char id[200] = "", secret[200] = "";
    const struct wanted wanted[] = {{"aws_access_key_id", id, sizeof id},
                                    {"aws_secret_access_key", secret, sizeof secret},
                                    {"aws_session_token", s->token, sizeof s->token}};
    snprintf(id, sizeof id, "%s", from_environment("AWS_ACCESS_KEY_ID", NULL, ""));
    snprintf(secret, sizeof secret, "%s", from_environment("AWS_SECRET_ACCESS_KEY", NULL, ""));
    snprintf(s->token, sizeof s->token, "%s", from_environment("AWS_SESSION_TOKEN", NULL, ""));
    if (!*id || !*secret) read_file("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", wanted, 3);
    snprintf(s->user, sizeof s->user, "%s:%s", id, secret);
    bool there = *id && *secret;
    explicit_bzero(secret, sizeof secret);
    if (there) return OK;
    return error_set(e, ST_INVALID_PARAMETER_VALUE,
                     "no key for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or have them "
                     "in ~/.aws/credentials");
}

status s3_open(const char *url, struct s3 **ret, struct error *e) {
    struct s3 *s = calloc(1, sizeof *s);
    if (s) s->curl = curl_easy_init();
    if (!s || !s->curl) {
        s3_close(s);
        return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    }
    status st = OK;
    if (!take_url(s, url))
        st = error_set(
            e, ST_INVALID_PARAMETER_VALUE,
            "\"%s\" is not s3://BUCKET/PREFIX, of letters, digits, \"-\", \"_\" and \".\"", url);
    take_endpoint(s);
    if (ok(st)) st = take_key(s, e);
    if (ok(st))
        *ret = s;
    else
        s3_close(s);
    return st;
}

void s3_close(struct s3 *s) {
    if (!s) return;
    if (s->curl) curl_easy_cleanup(s->curl);
    explicit_bzero(s->user, sizeof s->user);
    explicit_bzero(s->token, sizeof s->token);
    free(s->body);
    free(s);
}

void s3_idle(struct s3 *s, status (*idle)(void *arg), void *arg) {
    s->idle = idle;
    s->idle_arg = arg;
}

/* ---- one request ---- */

struct asked {
    const char *verb, *url;
    const char *range; /* of bytes; NULL: all */
    const void *put;   /* n bytes that are sent */
    size_t n;
};

static size_t take_body(char *bytes, size_t size, size_t n, void *arg) {
    struct s3 *s = arg;
    n *= size;
    if (s->bytes + n + 1 > s->room) {
        size_t room = 2 * (s->bytes + n + 1);
        char *grown = realloc(s->body, room);
        if (!grown) return 0;
        s->body = grown;
        s->room = room;
    }
    memcpy(s->body + s->bytes, bytes, n);
    s->bytes += n;
    s->body[s->bytes] = '\0';
    return n;
}

static int while_it_lasts(void *arg, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    struct s3 *s = arg;
    if (s->idle && ok(s->idle_status)) s->idle_status = s->idle(s->idle_arg);
    return ok(s->idle_status) ? 0 : 1;
}

static bool add_header(struct s3 *s, const char *name, const char *value) {
    char line[2200];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(s->headers, line);
    if (longer) s->headers = longer;
    return longer;
}

static bool add_headers(struct s3 *s, const void *bytes, size_t n) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    SHA256(bytes, n, hash);
    for (size_t i = 0; i < sizeof hash; i++) sprintf(hex + 2 * i, "%02x", hash[i]);
    return add_header(s, "x-amz-content-sha256", hex) &&
           (!s->token[0] || add_header(s, "x-amz-security-token", s->token)) &&
           (n == 0 || add_header(s, "Content-Type", "application/octet-stream"));
}

static void set_options(struct s3 *s, const struct asked *a) {
    char how[100];
    CURL *c = s->curl;
    curl_easy_reset(c);
    snprintf(how, sizeof how, "aws:amz:%s:s3", s->region);
    curl_easy_setopt(c, CURLOPT_URL, a->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_AWS_SIGV4, how);
    curl_easy_setopt(c, CURLOPT_USERPWD, s->user);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, while_it_lasts);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, s);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a->verb);
    if (a->range) curl_easy_setopt(c, CURLOPT_RANGE, a->range);
    if (!a->put) return;
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->n);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->put);
}

/* *ret_code: of the answer; 0: there was none. */
static CURLcode request(struct s3 *s, const struct asked *a, long *ret_code) {
    s->bytes = 0;
    s->headers = NULL;
    *ret_code = 0;
    CURLcode result = CURLE_OUT_OF_MEMORY;
    if (add_headers(s, a->put ? a->put : "", a->n)) {
        set_options(s, a);
        result = curl_easy_perform(s->curl);
        curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, ret_code);
    }
    curl_slist_free_all(s->headers);
    return result;
}

/* What stands between two tags of an answer, from `from` on; NULL: nothing more. */
static const char *between(const char *from, const char *tag, size_t *ret_n) {
    char begin[32], end[33];
    snprintf(begin, sizeof begin, "<%s>", tag);
    snprintf(end, sizeof end, "</%s>", tag);
    const char *at = from ? strstr(from, begin) : NULL;
    const char *to = at ? strstr(at, end) : NULL;
    if (!to) return NULL;
    at += strlen(begin);
    *ret_n = (size_t)(to - at);
    return at;
}

static status refused(struct s3 *s, const char *url, CURLcode result, long code, struct error *e) {
    size_t n = 0, words_n = 0;
    const char *name = s->bytes ? between(s->body, "Code", &n) : NULL;
    const char *words = s->bytes ? between(s->body, "Message", &words_n) : NULL;
    if (!ok(s->idle_status) && e->message[0]) return s->idle_status;
    if (result != CURLE_OK)
        return error_set(e, ST_IO_ERROR, "%s: %s", url, curl_easy_strerror(result));
    return error_set(e, ST_IO_ERROR, "%s: answer %ld %.*s %.*s", url, code, (int)n,
                     name ? name : "", (int)words_n, words ? words : "");
}

/* There is no such object; a bucket that is not there is another matter. */
static bool is_missing(const struct s3 *s, const struct asked *a, long code) {
    return code == 404 && !a->put && !(s->bytes && strstr(s->body, "<Code>NoSuchBucket</Code>"));
}

static bool may_pass(CURLcode result, long code) {
    return result != CURLE_OK || code >= 500 || code == 429 || code == 408;
}

static status wait_before(struct s3 *s, unsigned tries) {
    for (long ms = PAUSE_MS << tries; ms > 0; ms -= 1000) {
        axl_pause_ms(ms < 1000 ? ms : 1000);
        if (s->idle) TRY(s->idle(s->idle_arg));
    }
    return OK;
}

static status ask(struct s3 *s, const struct asked *a, struct error *e) {
    s->idle_status = OK;
    for (unsigned tries = 0;; tries++) {
        long code;
        CURLcode result = request(s, a, &code);
        if (result == CURLE_OK && code / 100 == 2) return OK;
        if (result == CURLE_OK && is_missing(s, a, code)) return STATUS(NOT_FOUND);
        bool again = may_pass(result, code) && ok(s->idle_status) && tries + 1 < s->tries;
        if (!again) return refused(s, a->url, result, code, e);
        TRY(wait_before(s, tries));
    }
}

static void url_of(const struct s3 *s, const char *name, char ret_url[KEY_BYTES]) {
    snprintf(ret_url, KEY_BYTES, "%s/%s/%s%s", s->endpoint, s->bucket, s->prefix, name);
}

status s3_put(struct s3 *s, const char *name, const void *bytes, size_t n, struct error *e) {
    char url[KEY_BYTES];
    url_of(s, name, url);
    return ask(s, &(struct asked){.verb = "PUT", .url = url, .put = bytes, .n = n}, e);
}

static status get(struct s3 *s, const char *name, const char *range, const char **ret_bytes,
                  size_t *ret_n, struct error *e) {
    char url[KEY_BYTES];
    url_of(s, name, url);
    TRY(ask(s, &(struct asked){.verb = "GET", .url = url, .range = range}, e));
    *ret_bytes = s->body ? s->body : "";
    *ret_n = s->bytes;
    return OK;
}

status s3_get(struct s3 *s, const char *name, const char **ret_bytes, size_t *ret_n,
              struct error *e) {
    return get(s, name, NULL, ret_bytes, ret_n, e);
}

status s3_get_first(struct s3 *s, const char *name, size_t n, const char **ret_bytes, size_t *ret_n,
                    struct error *e) {
    char range[40];
    snprintf(range, sizeof range, "0-%zu", n - 1);
    return get(s, name, range, ret_bytes, ret_n, e);
}

status s3_remove(struct s3 *s, const char *name, struct error *e) {
    char url[KEY_BYTES];
    url_of(s, name, url);
    status st = ask(s, &(struct asked){.verb = "DELETE", .url = url}, e);
    return status_is(st, ST_NOT_FOUND) ? OK : st;
}

/* ---- names ---- */

static size_t put_escaped(char *to, size_t room, const char *text) {
    size_t n = 0;
    for (; *text && n + 4 < room; text++)
        n += (size_t)(*text == '/' ? sprintf(to + n, "%%2F") : sprintf(to + n, "%c", *text));
    to[n] = '\0';
    return n;
}

/* The names of one answer; *last is the last key, all of it. */
static status each_name(struct s3 *s, char *last, size_t room, bool *ret_any,
                        status (*fn)(void *arg, const char *name), void *arg) {
    char *body = s->bytes ? strdup(s->body) : NULL; /* fn may ask for more */
    size_t n, skip = strlen(s->prefix);
    status st = OK;
    *ret_any = false;
    for (const char *key = body; ok(st) && (key = between(key, "Key", &n)); key += n) {
        if (n >= room || n < skip) continue;
        memcpy(last, key, n);
        last[n] = '\0';
        *ret_any = true;
        st = fn(arg, last + skip);
    }
    free(body);
    return st;
}

status s3_list(struct s3 *s, status (*fn)(void *arg, const char *name), void *arg,
               struct error *e) {
    char last[KEY_BYTES] = "", after[2 * KEY_BYTES], prefix[2 * KEY_BYTES];
    static char url[5 * KEY_BYTES];
    put_escaped(prefix, sizeof prefix, s->prefix);
    for (bool any = true; any;) {
        put_escaped(after, sizeof after, last);
        snprintf(url, sizeof url, "%s/%s?list-type=2&prefix=%s%s%s", s->endpoint, s->bucket, prefix,
                 *after ? "&start-after=" : "", after);
        status st = ask(s, &(struct asked){.verb = "GET", .url = url}, e);
        if (status_is(st, ST_NOT_FOUND))
            return error_set(e, ST_IO_ERROR, "%s: the names cannot be had: answer 404", url);
        TRY(st);
        TRY(each_name(s, last, sizeof last, &any, fn, arg));
    }
    return OK;
}

/* s3.h: objects of an S3 endpoint, by libcurl, one request at a time.
 *
 * Where they are: "s3://BUCKET/PREFIX". As other tools have it, the endpoint comes from the
 * environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL) or "endpoint_url" of the file AWS_CONFIG_FILE
 * (~/.aws/config), else it is Amazon's; the region from AWS_REGION, AWS_DEFAULT_REGION or "region"
 * of that file; the key from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) or
 * the file AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). Of a file the first value counts.
 * Buckets stand in the path, requests are signed by version 4. AWS_MAX_ATTEMPTS: how often one is
 * made before it has failed (8). The key is never in a message. */
#ifndef AXL_S3_H
#define AXL_S3_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct s3;

bool s3_is_url(const char *text);
/* INVALID_PARAMETER_VALUE. Nothing is asked of the endpoint yet. */
status s3_open(const char *url, struct s3 **ret, struct error *e);
void s3_close(struct s3 *s); /* NULL is allowed */
/* Called about every second while a request lasts, or is waited with; an error ends it. */
void s3_idle(struct s3 *s, status (*idle)(void *arg), void *arg);

/* name: behind the prefix. What the endpoint or the way to it fails at is tried again, with pauses
 * that get longer (eight times: half a minute). IO_ERROR. */
status s3_put(struct s3 *s, const char *name, const void *bytes, size_t n, struct error *e);
/* Good until the next call. NOT_FOUND, without words in e: there is no such object. */
status s3_get(struct s3 *s, const char *name, const char **ret_bytes, size_t *ret_n,
              struct error *e);
/* Likewise, its first n bytes, or what there is. */
status s3_get_first(struct s3 *s, const char *name, size_t n, const char **ret_bytes, size_t *ret_n,
                    struct error *e);
/* There is no such object when it returns. */
status s3_remove(struct s3 *s, const char *name, struct error *e);
/* Calls fn for the name of each object, in order. */
status s3_list(struct s3 *s, status (*fn)(void *arg, const char *name), void *arg, struct error *e);

#endif

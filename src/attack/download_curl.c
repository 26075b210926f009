/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/download.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_REDIRECTS 5
#define TOTAL_TIMEOUT_S 3600L
#define STALL_BYTES_PER_S 1000L /* slower than this is stalled */

typedef struct transfer {
    const download_options *options;
    CURL *curl;
    int fd;
    uint64_t n_bytes;
    int rc; /* why a callback broke off; 0 */
    char message[CURL_ERROR_SIZE];
} transfer;

typedef enum address {
    ADDRESS_REFUSED,
    ADDRESS_HTTPS,
    ADDRESS_LOOPBACK, /* http on this very host */
} address;

/* host as curl writes it: numbers in any spelling are already four in a row. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* Read with curl's own parser, so that what is checked is what is fetched. */
static address classify(const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    address a = ADDRESS_REFUSED;

    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        if (strcmp(scheme, "https") == 0)
            a = ADDRESS_HTTPS;
        else if (strcmp(scheme, "http") == 0 && is_loopback(host))
            a = ADDRESS_LOOPBACK;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return a;
}

static size_t take_bytes(char *data, size_t size, size_t n, void *ctx)
{
    transfer *t = ctx;
    long status = 0;
    size_t len = size * n;

    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status); /* cannot fail */
    t->n_bytes += len;
    if (t->n_bytes > t->options->max_bytes) {
        t->rc = TTP_E_LIMIT;
        return 0;
    }
    for (size_t done = 0; status == 200 && done < len;) {
        ssize_t k = write(t->fd, data + done, len - done);

        if (k < 0 && errno != EINTR) {
            t->rc = -errno;
            return 0;
        }
        done += k > 0 ? (size_t)k : 0;
    }
    return len;
}

static int tell_progress(void *ctx, curl_off_t total, curl_off_t done, curl_off_t up_total,
                         curl_off_t up_done)
{
    transfer *t = ctx;

    (void)up_total; /* nothing goes up */
    (void)up_done;
    if (!t->options->progress ||
        !t->options->progress(t->options->ctx, (uint64_t)done, (uint64_t)total))
        return 0;
    t->rc = -ECANCELED;
    return 1;
}

static void configure(transfer *t)
{
    const download_options *o = t->options;
    CURL *c = t->curl;

    /* a setting that this libcurl lacks leaves its default, which is no less strict but for speed
     */
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "ttp/" TTP_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->message);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
                           o->connect_timeout_s ? (long)o->connect_timeout_s : 20L);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, STALL_BYTES_PER_S);
    (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                           o->stall_timeout_s ? (long)o->stall_timeout_s : 30L);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT, TOTAL_TIMEOUT_S);
    (void)curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)o->max_bytes);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_bytes);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, tell_progress);
    (void)curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    (void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

static int explain(const transfer *t, CURLcode code, const char *url, ttp_err *err)
{
    const char *message = t->message[0] ? t->message : curl_easy_strerror(code);
    char quoted[512];

    if (t->rc == TTP_E_LIMIT || code == CURLE_FILESIZE_EXCEEDED)
        return err_set(err, TTP_E_LIMIT, url, "is longer than %llu MiB: not downloaded",
                       (unsigned long long)t->options->max_bytes >> 20);
    if (t->rc == -ECANCELED)
        return err_set(err, t->rc, url, "cancelled");
    if (t->rc)
        return err_set(err, t->rc, url, "cannot write what comes: %s", strerror(-t->rc));
    (void)err_quote(quoted, sizeof(quoted), message, strlen(message), 300);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, -ETIMEDOUT, url, "took too long: %s", quoted);
    if (code == CURLE_PARTIAL_FILE)
        return err_set(err, -EIO, url, "ended before its end: %s", quoted);
    return err_set(err, -EIO, url, "cannot download: %s", quoted);
}

/* One request. *ret_next is where the server sends us instead, to be freed with free(), or NULL. */
static int request(transfer *t, const char *url, char **ret_next, ttp_err *err)
{
    char *next = NULL;
    long status = 0;
    CURLcode code;

    /* an http proxy would turn the loopback host into its own */
    (void)curl_easy_setopt(t->curl, CURLOPT_NOPROXY,
                           classify(url) == ADDRESS_LOOPBACK ? "*" : NULL);
    if (curl_easy_setopt(t->curl, CURLOPT_URL, url) != CURLE_OK)
        return err_set(err, -ENOMEM, url, "out of memory");
    t->message[0] = '\0';
    code = curl_easy_perform(t->curl);
    if (code != CURLE_OK)
        return explain(t, code, url, err);
    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status); /* these two cannot fail */
    (void)curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &next);
    if (status == 404 || status == 410)
        return err_set(err, TTP_E_NOT_FOUND, url, "is not there (status %ld)", status);
    if (status == 200)
        next = NULL;
    else if (!next)
        return err_set(err, TTP_E_INVALID, url, "answered with status %ld, expected 200", status);
    *ret_next = next ? strdup(next) : NULL;
    return next && !*ret_next ? err_set(err, -ENOMEM, url, "out of memory") : 0;
}

static int check_redirect(address from, const char *url, const char *next, ttp_err *err)
{
    address to = classify(next);
    char quoted[512];

    if (to == ADDRESS_HTTPS || (to == ADDRESS_LOOPBACK && from == ADDRESS_LOOPBACK))
        return 0;
    return err_set(err, TTP_E_INVALID, url, "sends us on to %s, which is refused: expected https",
                   err_quote(quoted, sizeof(quoted), next, strlen(next), 200));
}

static int follow(transfer *t, address from, ttp_err *err)
{
    char *url = strdup(t->options->url);
    int rc = url ? 0 : err_set(err, -ENOMEM, t->options->url, "out of memory");

    for (unsigned hops = 0; !rc; hops++) {
        char *next = NULL;

        rc = request(t, url, &next, err);
        if (rc || !next)
            break;
        rc = hops == MAX_REDIRECTS
                 ? err_set(err, TTP_E_INVALID, url, "sends us on for the %dth time: given up",
                           MAX_REDIRECTS + 1)
                 : check_redirect(from, url, next, err);
        from = classify(next);
        free(url);
        url = next;
    }
    free(url);
    return rc;
}

int download_to(const download_options *options, int fd, ttp_err *err)
{
    transfer t = {.options = options, .fd = fd};
    address from = classify(options->url);
    int rc;

    if (from == ADDRESS_REFUSED)
        return err_set(err, TTP_E_INVALID, options->url,
                       "is no address to download from: expected https (http only from this host)");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, -ENOMEM, options->url, "libcurl does not start");
    t.curl = curl_easy_init();
    if (t.curl) {
        configure(&t);
        rc = follow(&t, from, err);
    } else {
        rc = err_set(err, -ENOMEM, options->url, "out of memory");
    }
    curl_easy_cleanup(t.curl);
    curl_global_cleanup();
    return rc;
}

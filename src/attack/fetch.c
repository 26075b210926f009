/* SPDX-License-Identifier: Apache-2.0 */
#include "attack/fetch.h"

#include "attack/attack.h"
#include "attack/download.h"
#include "attack/release.h"
#include "base/err.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is not complete yet, and where it goes. */
typedef struct download {
    buf url, dir, temp, path;
    int fd;
} download;

static void download_done(download *d)
{
    if (d->fd >= 0) {
        (void)close(d->fd); /* complete and synced, or not wanted */
        (void)unlink(d->temp.ptr);
    }
    buf_done(&d->url);
    buf_done(&d->dir);
    buf_done(&d->temp);
    buf_done(&d->path);
}

static int read_wanted(const char *release, attack_release_name *ret_want, ttp_err *err)
{
    char quoted[128];

    *ret_want = (attack_release_name){.domain = ATTACK_ENTERPRISE};
    if (!release)
        return 0;
    if (!attack_release_parse(str_from(release), ret_want))
        return err_set(err, TTP_E_INVALID, NULL,
                       "\"%s\" is no release: expected one like 18.1 or enterprise-v18.1",
                       err_quote(quoted, sizeof(quoted), release, strlen(release), 40));
    if (ret_want->domain == ATTACK_N_DOMAINS)
        ret_want->domain = ATTACK_ENTERPRISE;
    return 0;
}

static void put_url(buf *b, const char *base, const attack_release_name *want)
{
    const char *domain = attack_domain_stix_name(want->domain);
    str s = str_from(base ? base : ATTACK_FETCH_URL);

    if (str_ends(s, STR(".json"))) {
        buf_put_str(b, s);
        return;
    }
    while (s.len > 0 && s.ptr[s.len - 1] == '/')
        s.len--;
    buf_put_str(b, s);
    buf_printf(b, "/%s/%s%s%s.json", domain, domain, want->version[0] ? "-" : "", want->version);
}

/* mkdir -p */
static int make_dirs(char *path, ttp_err *err)
{
    for (char *p = path + 1;; p++) {
        char c = *p;
        int rc;

        if (c != '/' && c != '\0')
            continue;
        *p = '\0';
        rc = mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
        if (rc)
            return err_set(err, -rc, path, "cannot make this directory: %s", strerror(rc));
        *p = c;
        if (c == '\0')
            return 0;
    }
}

static int open_temp(download *d, const char *dir, ttp_err *err)
{
    int rc = 0;

    if (dir)
        buf_put_c(&d->dir, dir[0] ? dir : ".");
    else
        rc = attack_data_dir(&d->dir, err);
    if (rc)
        return rc;
    buf_printf(&d->temp, "%s/.fetch-XXXXXX", buf_c_str(&d->dir));
    if (!buf_c_str(&d->dir) || !buf_c_str(&d->temp))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = make_dirs(d->dir.ptr, err);
    if (rc)
        return rc;
    d->fd = mkostemp(d->temp.ptr, O_CLOEXEC);
    if (d->fd < 0) {
        rc = -errno;
        return err_set(err, rc, d->dir.ptr, "cannot make a file here: %s", strerror(-rc));
    }
    return 0;
}

/* The file must be a bundle, and of the release that was asked for. */
static int check_bundle(download *d, const attack_release_name *want, attack_catalogue **ret_c,
                        ttp_err *err)
{
    auto_free(attack_catalogue) attack_catalogue *c = NULL;
    attack_release_name have;
    int rc = attack_load(d->temp.ptr, NULL, &c, err);

    if (rc) {
        /* a person knows the address; the temporary file is already gone when this is read */
        if (err)
            (void)snprintf(err->where, sizeof(err->where), "%s", d->url.ptr);
        return rc;
    }
    (void)attack_release_parse(attack_release(c), &have); /* the loader made it */
    if (have.domain != want->domain ||
        (want->version[0] && strcmp(have.version, want->version) != 0))
        return err_set(err, TTP_E_INVALID, d->url.ptr, "holds %s, expected %s%s%s",
                       attack_release(c).ptr, attack_domain_name(want->domain),
                       want->version[0] ? "-v" : "", want->version);
    buf_printf(&d->path, "%s/%s-%s.json", d->dir.ptr, attack_domain_stix_name(have.domain),
               have.version);
    if (!buf_c_str(&d->path))
        return err_set(err, -ENOMEM, NULL, "out of memory");
    *ret_c = take(c);
    return 0;
}

static int sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    rc = fsync(fd) ? -errno : 0;
    (void)close(fd); /* nothing was written through it */
    return rc;
}

/* Onto the disk first, then under its name: a crash leaves the old one or the new one. */
static int publish(download *d, ttp_err *err)
{
    int rc = 0;

    if (fchmod(d->fd, 0644) || fsync(d->fd) || rename(d->temp.ptr, d->path.ptr))
        rc = -errno;
    if (rc)
        return err_set(err, rc, d->path.ptr, "cannot write: %s", strerror(-rc));
    (void)close(d->fd); /* synced above */
    d->fd = -1;
    rc = sync_dir(d->dir.ptr);
    return rc ? err_set(err, rc, d->dir.ptr, "cannot write: %s", strerror(-rc)) : 0;
}

static void fill_result(const download *d, const attack_catalogue *c, attack_fetched *ret)
{
    struct stat st = {0};

    (void)stat(d->path.ptr, &st); /* only for the size told */
    *ret = (attack_fetched){
        .n_techniques = attack_count(c),
        .n_skipped = attack_skipped(c),
        .n_bytes = (uint64_t)st.st_size,
    };
    (void)snprintf(ret->path, sizeof(ret->path), "%s", d->path.ptr);
    (void)snprintf(ret->release, sizeof(ret->release), "%s", attack_release(c).ptr);
}

static int fetch(const attack_fetch_options *o, download *d, attack_fetched *ret, ttp_err *err)
{
    auto_free(attack_catalogue) attack_catalogue *c = NULL;
    download_options options = {
        .max_bytes = ATTACK_BUNDLE_MAX,
        .progress = o->progress,
        .ctx = o->ctx,
        .connect_timeout_s = o->connect_timeout_s,
        .stall_timeout_s = o->stall_timeout_s,
    };
    attack_release_name want;
    int rc = read_wanted(o->release, &want, err);

    if (rc)
        return rc;
    put_url(&d->url, o->url, &want);
    options.url = buf_c_str(&d->url);
    if (!options.url)
        return err_set(err, -ENOMEM, NULL, "out of memory");
    rc = open_temp(d, o->dir, err);
    if (!rc)
        rc = download_to(&options, d->fd, err);
    if (!rc)
        rc = check_bundle(d, &want, &c, err);
    if (!rc)
        rc = publish(d, err);
    if (!rc && ret)
        fill_result(d, c, ret);
    return rc;
}

int attack_fetch(const attack_fetch_options *options, attack_fetched *ret, ttp_err *err)
{
    download d = {.fd = -1};
    int rc = fetch(options, &d, ret, err);

    download_done(&d);
    return rc;
}

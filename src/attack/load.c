/* SPDX-License-Identifier: Apache-2.0 */
/* From a file's name, a release's name or the environment to a catalogue. */
#include "attack/attack.h"
#include "attack/release.h"

#include "base/err.h"
#include "base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUNDLE_VARIABLE "DECNET_TTP_ATTACK_BUNDLE"

typedef struct content {
    char *ptr;
    size_t len, cap;
} content;

/* Works for pipes, too; the size that fstat tells only saves the growing. */
static int read_all(int fd, content *c)
{
    struct stat st;
    size_t want = 64u << 10;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        if (st.st_size > (off_t)ATTACK_BUNDLE_MAX)
            return TTP_E_LIMIT;
        want = (size_t)st.st_size + 1;
    }
    for (;;) {
        ssize_t n;

        if (mem_grow(c->ptr, c->cap, c->len + want))
            return -ENOMEM;
        n = read(fd, c->ptr + c->len, c->cap - c->len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return 0;
        c->len += n > 0 ? (size_t)n : 0;
        if (c->len > ATTACK_BUNDLE_MAX)
            return TTP_E_LIMIT;
        want = 64u << 10;
    }
}

static int read_file(const char *path, content *c, ttp_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return err_set(err, -errno, path, "cannot open: %s", strerror(errno));
    rc = read_all(fd, c);
    (void)close(fd); /* it was only read */
    if (rc == TTP_E_LIMIT)
        return err_set(err, rc, path, "is longer than %u MiB: expected an ATT&CK bundle",
                       ATTACK_BUNDLE_MAX >> 20);
    if (rc)
        return err_set(err, rc, path, "cannot read: %s", strerror(-rc));
    return 0;
}

int attack_load(const char *path, const char *release, attack_catalogue **ret_catalogue,
                ttp_err *err)
{
    content c = {0};
    int rc = read_file(path, &c, err);

    if (!rc)
        rc = attack_load_text((str){c.ptr, c.len}, path, release, ret_catalogue, err);
    free(c.ptr);
    return rc;
}

int attack_data_dir(buf *b, ttp_err *err)
{
    const char *data = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    /* a relative XDG_DATA_HOME is to be ignored, says its specification */
    if (data && data[0] == '/') {
        buf_printf(b, "%s/ttp/attack", data);
        return b->failed ? -ENOMEM : 0;
    }
    if (!home || !home[0])
        return err_set(err, TTP_E_INVALID, NULL,
                       "there is no directory for ATT&CK bundles: neither XDG_DATA_HOME nor HOME "
                       "is set");
    buf_printf(b, "%s/.local/share/ttp/attack", home);
    return b->failed ? -ENOMEM : 0;
}

/* A fetched release's file, in the data directory. */
static int put_release_path(attack_release_name *name, buf *b, ttp_err *err)
{
    size_t start = b->len;
    char text[64];
    int rc = attack_data_dir(b, err);

    if (rc)
        return rc;
    if (name->domain == ATTACK_N_DOMAINS)
        name->domain = ATTACK_ENTERPRISE;
    buf_printf(b, "/%s-%s.json", attack_domain_stix_name(name->domain), name->version);
    if (!buf_c_str(b))
        return -ENOMEM;
    if (access(b->ptr + start, F_OK) == 0)
        return 0;
    attack_release_format(name, text);
    return err_set(err, TTP_E_NOT_FOUND, b->ptr + start,
                   "release %s was not fetched: 'ttp attack fetch %s' does that, and ./%s would "
                   "be a file of that name",
                   text, text, name->version);
}

int attack_resolve(const char *path_or_release, buf *b, ttp_err *err)
{
    attack_release_name name;

    if (attack_release_parse(str_from(path_or_release), &name))
        return put_release_path(&name, b, err);
    buf_put_c(b, path_or_release);
    return buf_c_str(b) ? 0 : -ENOMEM;
}

static int open_builtin(const char *release, attack_catalogue **ret_catalogue, ttp_err *err)
{
    const attack_catalogue *c = attack_builtin();
    attack_release_name want, have;
    char quoted[128];

    (void)attack_release_parse(attack_release(c), &have); /* ours is well-formed */
    if (release && (!attack_release_parse(str_from(release), &want) ||
                    strcmp(want.version, have.version) != 0 ||
                    (want.domain != have.domain && want.domain != ATTACK_N_DOMAINS)))
        return err_set(
            err, TTP_E_INVALID, NULL,
            "the built-in ATT&CK table is of %s, not \"%s\": a bundle of that release is "
            "needed (--attack-bundle, 'ttp attack fetch')",
            attack_release(c).ptr, err_quote(quoted, sizeof(quoted), release, strlen(release), 40));
    *ret_catalogue = (attack_catalogue *)c;
    return 0;
}

int attack_open(const char *bundle, const char *release, attack_catalogue **ret_catalogue,
                ttp_err *err)
{
    auto_free(buf) buf path = {0};
    int rc;

    if (!bundle || !bundle[0])
        bundle = getenv(BUNDLE_VARIABLE);
    if (!bundle || !bundle[0] || strcmp(bundle, "builtin") == 0)
        return open_builtin(release, ret_catalogue, err);
    rc = attack_resolve(bundle, &path, err);
    if (rc)
        return rc < 0 ? err_set(err, rc, NULL, "%s", strerror(-rc)) : rc;
    return attack_load(path.ptr, release, ret_catalogue, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* attack_fetch against a server on this host (server.py) that misbehaves as the address asks. */
#include "attack/attack.h"
#include "attack/download.h"
#include "attack/fetch.h"

#include "../../unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *python, *script; /* from the command line */
static pid_t server;
static int port;
static char top[] = "/tmp/ttp-fetch-XXXXXX";

static void run_server(int out)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* the server also ends by itself, later */
    (void)dup2(out, STDOUT_FILENO);
    (void)execlp(python, python, script, (char *)NULL);
    _exit(127);
}

static int set_up(void **state)
{
    int ends[2];
    FILE *f;

    (void)state;
    if (!mkdtemp(top) || pipe(ends))
        return -1;
    server = fork();
    if (server == 0)
        run_server(ends[1]);
    close(ends[1]);
    f = fdopen(ends[0], "re");
    if (server < 0 || !f || fscanf(f, "%d", &port) != 1)
        return -1;
    (void)fclose(f);
    /* a proxy that is set for the rest of the world must not be asked for this host */
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    return 0;
}

static void empty_dir(const char *path)
{
    DIR *d = opendir(path);

    for (struct dirent *e; d && (e = readdir(d));) {
        char file[512];

        (void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
        (void)unlink(file);
    }
    if (d)
        closedir(d);
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    (void)snprintf(path, sizeof(path), "%s/a/b", top);
    empty_dir(path);
    rmdir(path);
    (void)snprintf(path, sizeof(path), "%s/a", top);
    rmdir(path);
    empty_dir(top);
    rmdir(top);
    return 0;
}

/* What the directory holds: names in order, each with its size. */
static const char *list_dir(const char *path, char out[512])
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    size_t len = 0;

    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        char file[512];
        struct stat st;

        (void)snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            len += (size_t)snprintf(out + len, 512 - len, "%s:%o:%lld ", names[i]->d_name,
                                    st.st_mode & 0777, (long long)st.st_size);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return out;
}

static int fetch(const char *how, const char *release, attack_fetched *ret, ttp_err *err)
{
    char url[128];
    attack_fetch_options o = {.release = release, .url = url, .dir = top, .stall_timeout_s = 1};

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/%s", port, how);
    return attack_fetch(&o, ret, err);
}

static const struct {
    const char *says, *how, *release, *want_release, *want_file;
} good[] = {
    {"a release", "ok", "enterprise-v18.1", "enterprise-v18.1", "enterprise-attack-18.1.json"},
    {"the same again, in short, with a slash behind the base", "ok/", "18.1", "enterprise-v18.1",
     "enterprise-attack-18.1.json"},
    {"the latest, whatever it is", "ok", NULL, "enterprise-v19.0", "enterprise-attack-19.0.json"},
    {"packed on the way", "packed", "20.0", "enterprise-v20.0", "enterprise-attack-20.0.json"},
    {"sent on to the same host", "here", "18.1", "enterprise-v18.1", "enterprise-attack-18.1.json"},
    {"sent on without a host", "relative", "18.1", "enterprise-v18.1",
     "enterprise-attack-18.1.json"},
    {"a file's own address", "ok/x/y-18.1.json", "18.1", "enterprise-v18.1",
     "enterprise-attack-18.1.json"},
};

static void test_good(void **state)
{
    (void)state;
    for_each_row(c, good)
    {
        attack_catalogue *made = NULL;
        attack_fetched got = {0};
        ttp_err err = {0};
        char want[256], listed[512];
        struct stat st = {0};

        expect_int(c->says, fetch(c->how, c->release, &got, &err), 0);
        if (err.code)
            print_error("  %s: %s\n", err.where, err.text);
        (void)snprintf(want, sizeof(want), "%s/%s", top, c->want_file);
        expect_bytes(c->says, got.path, strlen(got.path), want);
        expect_bytes(c->says, got.release, strlen(got.release), c->want_release);
        expect_int(c->says, got.n_techniques, 1);
        expect_int(c->says, got.n_skipped, 0);
        expect_int(c->says, stat(want, &st), 0);
        expect_int(c->says, got.n_bytes, st.st_size);
        expect_int(c->says, st.st_mode & 0777, 0644);
        expect_int(c->says, attack_load(want, NULL, &made, NULL), 0);
        attack_free(made);
        expect_true("no temporary file is left", !strstr(list_dir(top, listed), ".fetch"));
    }
    end_rows();
}

static const struct {
    const char *says, *how, *release;
    int want;
    const char *sentence;
} bad[] = {
    {"a release that is not there", "none", "18.1", TTP_E_NOT_FOUND, "404"},
    {"less than announced", "truncated", "18.1", -EIO, "ended before its end"},
    {"a page for people", "garbage", "18.1", TTP_E_SYNTAX, "no JSON"},
    {"nothing at all", "empty", "18.1", TTP_E_SYNTAX, "no JSON"},
    {"another release than asked for", "other", "18.1", TTP_E_INVALID,
     "holds enterprise-v17.1, expected enterprise-v18.1"},
    {"another domain than asked for", "ok", "mobile-v18.1", TTP_E_INVALID,
     "holds enterprise-v18.1, expected mobile-v18.1"},
    {"a bundle that does not say what it is", "nameless", "18.1", TTP_E_INVALID, "which release"},
    {"a server's failure", "broken", "18.1", TTP_E_INVALID, "status 500"},
    {"a part", "partial", "18.1", TTP_E_INVALID, "status 206"},
    {"more than a bundle can be", "announced", "18.1", TTP_E_LIMIT, "256 MiB"},
    {"sent on to http elsewhere", "away", "18.1", TTP_E_INVALID, "192.0.2.1"},
    {"sent on to http elsewhere, in disguise", "disguised", "18.1", TTP_E_INVALID, "refused"},
    {"sent on to a file", "file", "18.1", TTP_E_INVALID, "refused"},
    {"sent round and round", "round", "18.1", TTP_E_INVALID, "given up"},
    {"a server that falls asleep", "stalled", "18.1", -ETIMEDOUT, "took too long"},
    {"a malformed release", "ok", "new", TTP_E_INVALID, "\"new\" is no release"},
};

static void test_bad(void **state)
{
    char before[512], after[512];

    (void)state;
    assert_int_equal(fetch("ok", "18.1", NULL, NULL), 0);
    (void)list_dir(top, before);
    for_each_row(c, bad)
    {
        attack_fetched got = {0};
        ttp_err err = {0};

        expect_int(c->says, fetch(c->how, c->release, &got, &err), c->want);
        expect_int(c->says, err.code, c->want);
        if (!strstr(err.text, c->sentence))
            expect_bytes(c->says, err.text, strlen(err.text), c->sentence);
        expect_true("the error names the address, not the temporary file",
                    !strstr(err.where, ".fetch"));
        expect_true(c->says, got.path[0] == '\0');
        expect_c("what was there is there, and nothing else", list_dir(top, after), before);
    }
    end_rows();
}

static const struct {
    const char *says, *url;
} refused[] = {
    {"http to the world", "http://192.0.2.1/enterprise-attack.json"},
    {"http to a name", "http://example.com/enterprise-attack.json"},
    {"a name that begins like this host", "http://127.0.0.1.example.com/a.json"},
    {"a user that looks like this host", "http://localhost@192.0.2.1/a.json"},
    {"a file", "file:///tmp/a.json"},
    {"ftp", "ftp://127.0.0.1/a.json"},
    {"no scheme", "127.0.0.1/a.json"},
    {"nothing", ".json"},
};

static void test_refused(void **state)
{
    (void)state;
    for_each_row(c, refused)
    {
        attack_fetch_options o = {.url = c->url, .dir = top};
        ttp_err err = {0};

        expect_int(c->says, attack_fetch(&o, NULL, &err), TTP_E_INVALID);
        expect_true(c->says, strstr(err.text, "expected https") != NULL);
    }
    end_rows();
}

static void test_nobody_listens(void **state)
{
    attack_fetch_options o = {.url = "http://127.0.0.1:1/a.json", .dir = top};
    ttp_err err = {0};

    (void)state;
    assert_int_equal(attack_fetch(&o, NULL, &err), -EIO);
    assert_non_null(strstr(err.text, "cannot download"));
}

static int cancel(void *ctx, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    ++*(unsigned *)ctx;
    return 1;
}

static int watch(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *seen = ctx;

    seen[0] = done;
    seen[1] = total;
    return 0;
}

static void test_progress(void **state)
{
    char url[128], before[512], after[512];
    unsigned n_calls = 0;
    uint64_t seen[2] = {0};
    attack_fetched got;
    attack_fetch_options o = {.url = url, .dir = top, .progress = cancel, .ctx = &n_calls};

    (void)state;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/large/a.json", port);
    (void)list_dir(top, before);
    assert_int_equal(attack_fetch(&o, NULL, NULL), -ECANCELED);
    assert_int_equal(n_calls, 1);
    assert_string_equal(list_dir(top, after), before);

    o.progress = watch;
    o.ctx = seen;
    assert_int_equal(attack_fetch(&o, &got, NULL), 0);
    assert_int_equal(seen[0], got.n_bytes);
    assert_int_equal(seen[1], got.n_bytes);
    assert_true(got.n_bytes > 2000000);
}

/* A file system that takes no more, by a limit on the size of files. */
static void test_disk_full(void **state)
{
    struct rlimit old, small;
    char before[512], after[512];
    ttp_err err = {0};
    int rc;

    (void)state;
    (void)list_dir(top, before);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){100000, old.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rc = fetch("large/x.json", "18.1", NULL, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(err.text, "cannot write what comes"));
    assert_string_equal(list_dir(top, after), before);
}

static void test_directory(void **state)
{
    char url[128], dir[128];
    attack_fetch_options o = {.url = url, .dir = dir};
    ttp_err err = {0};
    attack_fetched first, got;

    (void)state;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", port);
    (void)snprintf(dir, sizeof(dir), "%s/a/b", top);
    assert_int_equal(attack_fetch(&o, &first, NULL), 0); /* it is made */
    assert_true(strncmp(first.path, dir, strlen(dir)) == 0);

    o.dir = first.path; /* a file where a directory should be */
    assert_int_equal(attack_fetch(&o, &got, &err), -ENOTDIR);

    o.dir = NULL; /* the data directory */
    setenv("XDG_DATA_HOME", "/dev/null", 1);
    assert_int_equal(attack_fetch(&o, &got, &err), -ENOTDIR);
    unsetenv("XDG_DATA_HOME");
}

static void test_bounds(void **state)
{
    static const struct {
        const char *says, *how;
        uint64_t max;
        int want;
    } cases[] = {
        {"as long as it may be", "bomb", 1000000, 0},
        {"one byte more once unpacked", "bomb", 999999, TTP_E_LIMIT},
        {"announced as too long", "large", 2000000, TTP_E_LIMIT},
    };

    (void)state;
    for_each_row(c, cases)
    {
        char url[128];
        download_options o = {.url = url, .max_bytes = c->max};
        FILE *f = tmpfile();

        assert_non_null(f);
        (void)snprintf(url, sizeof(url), "http://localhost:%d/%s", port, c->how);
        expect_int(c->says, download_to(&o, fileno(f), NULL), c->want);
        if (!c->want)
            expect_int(c->says, lseek(fileno(f), 0, SEEK_END), c->max);
        (void)fclose(f);
    }
    end_rows();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_progress),  cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_directory), cmocka_unit_test(test_bounds),
    };

    if (argc != 3) {
        print_error("usage: test-fetch PYTHON SERVER\n");
        return 2;
    }
    python = argv[1];
    script = argv[2];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

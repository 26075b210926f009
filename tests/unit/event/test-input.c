/* SPDX-License-Identifier: Apache-2.0 */
#include "event/input.h"

#include "../unit.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

/* Everything, in pieces of size; what input_read ended with. */
static ssize_t drain(input *in, size_t size, buf *b, ttp_err *err)
{
    char piece[4096];
    ssize_t n;

    buf_clear(b);
    while ((n = input_read(in, piece, size, err)) > 0)
        buf_put(b, piece, (size_t)n);
    return n;
}

static void expect_bytes_back(const char *says, str packed, size_t size, ssize_t want_rc, str want)
{
    input *in = NULL;
    buf b = {0};
    ttp_err err = {0};

    expect_int(says, input_open_memory("memory", packed.ptr, packed.len, &in, &err), 0);
    if (in) {
        expect_int(says, drain(in, size, &b, &err), want_rc);
        expect_true(says, str_eq(buf_str(&b), want));
        expect_true(says, want_rc == 0 || err.text[0]);
    }
    (void)input_close(in); /* always NULL */
    buf_done(&b);
}

/* Text that does not pack too well, so that a packed form has some length. */
static str make_text(buf *b, size_t n_lines)
{
    uint32_t x = 1;

    buf_clear(b);
    for (size_t i = 0; i < n_lines; i++) {
        x = x * 1664525 + 1013904223;
        buf_printf(b, "{\"n\": %zu, \"x\": \"%08x\"}\n", i, x);
    }
    return buf_str(b);
}

static void test_plain(void **state)
{
    buf b = {0};
    str text = make_text(&b, 20000);

    (void)state;
    expect_bytes_back("plain bytes", text, 4096, 0, text);
    expect_bytes_back("in pieces of seven", (str){text.ptr, 5000}, 7, 0, (str){text.ptr, 5000});
    expect_bytes_back("nothing", STR(""), 4096, 0, STR(""));
    expect_bytes_back("one byte", STR("x"), 4096, 0, STR("x"));
    expect_bytes_back("half a magic", STR("\x28\xb5\x2f"), 4096, 0, STR("\x28\xb5\x2f"));
    buf_done(&b);
    end_rows();
}

static void test_refused(void **state)
{
    static const struct {
        const char *says, *text, *error;
    } rows[] = {
        {"xz",
         "\xfd"
         "7zXZ",
         "compressed with xz"},
        {"bzip2", "BZh91AY", "compressed with bzip2"},
        {"zip", "PK\x03\x04zip", "compressed with zip"},
        {"7-zip", "7z\xbc\xaf\x27\x1c", "compressed with 7-zip"},
        {"lz4", "\x04\x22\x4d\x18lz4", "compressed with lz4"},
    };
    input *in = NULL;
    ttp_err err;

    (void)state;
    for_each_row(c, rows)
    {
        expect_int(c->says, input_open_memory("f", c->text, strlen(c->text), &in, &err),
                   TTP_E_INVALID);
        expect_true(c->says, strncmp(err.text, c->error, strlen(c->error)) == 0);
    }
    expect_int("a file that is not there", input_open("/nonexistent", &in, &err), -ENOENT);
    expect_c("is named", err.where, "/nonexistent");
    expect_int("a directory", input_open("/tmp", &in, &err), -EISDIR);
    expect_int("no error wanted", input_open("/nonexistent", &in, NULL), -ENOENT);
    end_rows();
}

static void test_file(void **state)
{
    char path[] = "/tmp/ttp-test-input-XXXXXX";
    int fd = mkstemp(path);
    buf b = {0}, got = {0};
    str text = make_text(&b, 10000);
    input *in = NULL;
    uint64_t done, total;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.ptr, text.len), text.len);
    close(fd);
    expect_int("opens", input_open(path, &in, NULL), 0);
    input_progress(in, &done, &total);
    expect_int("its size is known", total, text.len);
    expect_c("its name", input_name(in), path);
    expect_int("reads", drain(in, 4096, &got, NULL), 0);
    expect_true("what was written", str_eq(buf_str(&got), text));
    input_progress(in, &done, &total);
    expect_int("all is done", done, text.len);
    (void)input_close(in); /* always NULL */
    assert_int_equal(chmod(path, 0), 0);
    if (geteuid() != 0)
        expect_int("one that may not be read", input_open(path, &in, NULL), -EACCES);
    unlink(path);
    buf_done(&b);
    buf_done(&got);
    end_rows();
}

#ifdef HAVE_ZLIB
static void gzip(buf *to, str text)
{
    z_stream z = {0};
    char out[4096];
    int rc;

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)text.ptr;
    z.avail_in = (unsigned)text.len;
    do {
        z.next_out = (unsigned char *)out;
        z.avail_out = sizeof(out);
        rc = deflate(&z, Z_FINISH);
        buf_put(to, out, sizeof(out) - z.avail_out);
    } while (rc == Z_OK);
    assert_int_equal(rc, Z_STREAM_END);
    deflateEnd(&z);
}

static void test_gzip(void **state)
{
    buf text = {0}, packed = {0}, both = {0};
    str t = make_text(&text, 20000), p;
    input *in = NULL;
    ttp_err err;

    (void)state;
    gzip(&packed, t);
    p = buf_str(&packed);
    expect_bytes_back("one member", p, 4096, 0, t);
    expect_bytes_back("in pieces of seven", p, 7, 0, t);
    buf_put(&packed, "\0\0\0\0", 4);
    expect_bytes_back("zeroes behind it", buf_str(&packed), 4096, 0, t);

    packed.len -= 4;
    gzip(&packed, STR("second\n"));
    gzip(&packed, STR(""));
    gzip(&packed, STR("third\n"));
    buf_put_str(&both, t);
    buf_put_c(&both, "second\nthird\n");
    expect_bytes_back("members", buf_str(&packed), 4096, 0, buf_str(&both));

    buf_put_c(&packed, "rubbish");
    expect_bytes_back("rubbish behind it", buf_str(&packed), 4096, -EBADMSG, buf_str(&both));

    for (size_t len = 6; len < p.len - 1; len = len * 2 + 1) {
        buf got = {0};

        assert_int_equal(input_open_memory("t.gz", packed.ptr, len, &in, NULL), 0);
        expect_int("cut off", drain(in, 4096, &got, &err), -EBADMSG);
        expect_true("what came before is read", str_starts(t, buf_str(&got)));
        expect_true("which is something", len < 5000 || got.len > len);
        expect_true("it says so", strstr(err.text, "ends early"));
        in = input_close(in);
        buf_done(&got);
    }
    packed.ptr[p.len / 2] ^= 0x55;
    packed.ptr[p.len / 2 + 1] ^= 0x55;
    {
        buf got = {0};

        assert_int_equal(input_open_memory("t.gz", packed.ptr, packed.len, &in, NULL), 0);
        expect_int("damaged", drain(in, 4096, &got, &err), -EBADMSG);
        expect_true("much of what came before is read", got.len > t.len / 3);
        expect_true("it says so", strstr(err.text, "is damaged near byte"));
        in = input_close(in);
        buf_done(&got);
    }
    buf_done(&text);
    buf_done(&packed);
    buf_done(&both);
    end_rows();
}
#else
static void test_gzip(void **state)
{
    input *in = NULL;
    ttp_err err;

    (void)state;
    expect_int("gzip is left out", input_open_memory("t.gz", "\x1f\x8b\x08", 3, &in, &err),
               TTP_E_UNSUPPORTED);
    expect_true("it says so", strstr(err.text, "without zlib"));
    end_rows();
}
#endif

#ifdef HAVE_ZSTD
static void zstd(buf *to, str text)
{
    size_t room = ZSTD_compressBound(text.len), n;
    char *out = malloc(room);

    n = ZSTD_compress(out, room, text.ptr, text.len, 3);
    assert_false(ZSTD_isError(n));
    buf_put(to, out, n);
    free(out);
}

static void test_zstd(void **state)
{
    buf text = {0}, packed = {0}, both = {0}, got = {0};
    str t = make_text(&text, 40000), p; /* several blocks */
    input *in = NULL;
    ttp_err err;

    (void)state;
    zstd(&packed, t);
    p = buf_str(&packed);
    expect_bytes_back("one frame", p, 4096, 0, t);
    expect_bytes_back("in pieces of seven", p, 7, 0, t);
    zstd(&packed, STR("second\n"));
    zstd(&packed, STR(""));
    zstd(&packed, STR("third\n"));
    buf_put_str(&both, t);
    buf_put_c(&both, "second\nthird\n");
    expect_bytes_back("frames", buf_str(&packed), 4096, 0, buf_str(&both));
    buf_put_c(&packed, "rubbish");
    expect_bytes_back("rubbish behind it", buf_str(&packed), 4096, -EBADMSG, buf_str(&both));

    assert_int_equal(input_open_memory("t.zst", packed.ptr, p.len - 5, &in, NULL), 0);
    expect_int("cut off", drain(in, 4096, &got, &err), -EBADMSG);
    expect_true("what came before is read", str_starts(t, buf_str(&got)) && got.len > t.len / 2);
    expect_true("it says so", strstr(err.text, "ends early"));
    in = input_close(in);

    memset(packed.ptr + p.len - 3000, 0xff, 2000);
    assert_int_equal(input_open_memory("t.zst", packed.ptr, packed.len, &in, NULL), 0);
    expect_int("damaged", drain(in, 4096, &got, &err), -EBADMSG);
    expect_true("blocks before it are read", str_starts(t, buf_str(&got)) && got.len > t.len / 2);
    in = input_close(in);
    buf_done(&text);
    buf_done(&packed);
    buf_done(&both);
    buf_done(&got);
    end_rows();
}
#else
static void test_zstd(void **state)
{
    input *in = NULL;
    ttp_err err;

    (void)state;
    expect_int("zstd is left out", input_open_memory("t.zst", "\x28\xb5\x2f\xfd", 4, &in, &err),
               TTP_E_UNSUPPORTED);
    expect_true("it says so", strstr(err.text, "without libzstd"));
    end_rows();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain), cmocka_unit_test(test_refused), cmocka_unit_test(test_file),
        cmocka_unit_test(test_gzip),  cmocka_unit_test(test_zstd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "base/sha1_block.h"

#include "../unit.h"

#include "ttp/err.h"

static const char url_namespace[] = "6ba7b811-9dad-11d1-80b4-00c04fd430c8";

static void test_v5(void **state)
{
    char text[UUID_TEXT_LEN];
    char long_name[5000];
    uuid ns, u, v;

    (void)state;
    expect_int("a namespace is read", uuid_parse(str_from(url_namespace), &ns), 0);
    u = uuid_v5(&ns, STR("decnet:ttp_tag:v1"));
    uuid_format(&u, text);
    expect_bytes("a name in it", text, sizeof(text), "1ca31f08-5522-5aae-8371-fe81f0e39de3");
    memset(long_name, 'x', sizeof(long_name));
    u = uuid_v5(&ns, (str){long_name, sizeof(long_name)});
    uuid_format(&u, text);
    expect_bytes("a long name", text, sizeof(text), "49c95a22-2bd9-5a87-b7a6-e504427ec696");
    expect_int("text reads back", uuid_parse((str){text, sizeof(text)}, &v), 0);
    expect_true("to the same", memcmp(&u, &v, sizeof(u)) == 0);
    end_rows();
}

static const struct {
    const char *says, *text;
    int want;
} parse_cases[] = {
    {"upper case", "6BA7B811-9DAD-11D1-80B4-00C04FD430C8", 0},
    {"too short", "6ba7b811-9dad-11d1-80b4-00c04fd430c", TTP_E_SYNTAX},
    {"no hexadecimal digit", "6ba7b811-9dad-11d1-80b4-00c04fd430cg", TTP_E_SYNTAX},
    {"a dash elsewhere", "6ba7b8119-dad-11d1-80b4-00c04fd430c8", TTP_E_SYNTAX},
};

static void test_parse(void **state)
{
    uuid u;

    (void)state;
    for_each_row(c, parse_cases) expect_int(c->says, uuid_parse(str_from(c->text), &u), c->want);
    end_rows();
}

/* RFC 3174's own vectors, and every length around a block's end against a digest of digests */
static void test_sha1(void **state)
{
    static const uint8_t want_abc[20] = {0xA9, 0x99, 0x3E, 0x36, 0x47, 0x06, 0x81,
                                         0x6A, 0xBA, 0x3E, 0x25, 0x71, 0x78, 0x50,
                                         0xC2, 0x6C, 0x9C, 0xD0, 0xD8, 0x9D};
    uint8_t out[20], text[200], all[20 * 200];
    uuid whole;
    char hex[UUID_TEXT_LEN];

    (void)state;
    sha1("abc", 3, out);
    assert_memory_equal(out, want_abc, 20);
    memset(text, 'a', sizeof(text));
    for (unsigned n = 0; n < 200; n++)
        sha1(text, n, all + 20 * n);
    sha1(all, sizeof(all), out);
    memcpy(whole.bytes, out, 16);
    uuid_format(&whole, hex);
    expect_bytes("lengths 0 to 199", hex, sizeof(hex), "8a18f04b-ac7c-86cf-cffa-6a93e5cb21ae");
    end_rows();
}

/* both forms of the inner function, over blocks and states of all kinds */
static void test_sha1_blocks(void **state)
{
    uint32_t mine[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, other[5];
    uint8_t block[64];
    uint32_t seed = 1;

    (void)state;
    if (!sha1_x86_usable()) {
        print_message("SKIP: this CPU has no SHA instructions\n");
        skip();
    }
    memcpy(other, mine, sizeof(mine));
    for (unsigned n = 0; n < 1000; n++) {
        for (unsigned i = 0; i < sizeof(block); i++) {
            seed = seed * 1664525 + 1013904223;
            block[i] = (uint8_t)(seed >> 24);
        }
        sha1_portable_block(mine, block);
        sha1_x86_block(other, block);
        assert_memory_equal(mine, other, sizeof(mine));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_v5), cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_sha1),
                                       cmocka_unit_test(test_sha1_blocks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

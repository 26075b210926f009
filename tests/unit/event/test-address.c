/* SPDX-License-Identifier: Apache-2.0 */
#include "event/address.h"

#include "../unit.h"

#include "base/limits.h"

static const uuid url_namespace = {{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4,
                                    0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};

static const struct {
    const char *says, *text, *canonical;
} spellings[] = {
    {"IPv4", "192.0.2.1", "192.0.2.1"},
    {"IPv6, short", "2001:db8::1", "2001:db8::1"},
    {"IPv6, long", "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
    {"IPv4 mapped into IPv6", "::ffff:192.0.2.1", "192.0.2.1"},
    {"IPv6 with a zone is no address", "fe80::1%eth0", "fe80::1%eth0"},
    {"no address", "localhost", "localhost"},
    {"colons alone", ":::", ":::"},
    {"a long text with colons",
     "::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::",
     "::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::"},
};

static void test_uuid(void **state)
{
    uuid ns = uuid_v5(&url_namespace, STR("decnet:attacker:v1"));

    (void)state;
    for_each_row(c, spellings)
    {
        uuid u = uuid_v5(&ns, str_from(c->canonical));
        char want[UUID_TEXT_LEN + 1] = {0}, got[UUID_TEXT_LEN];

        uuid_format(&u, want);
        address_make_uuid(str_from(c->text), got);
        expect_bytes(c->says, got, sizeof(got), want);
    }
    end_rows();
}

static void test_same_entry(void **state)
{
    addresses as;
    address *a, *b;

    (void)state;
    addresses_init(&as);
    a = addresses_get(&as, STR("2001:db8::1"));
    a->fail_count = 7;
    b = addresses_get(&as, STR("192.0.2.1"));
    expect_true("another one", a != b);
    expect_int("begins at zero", b->fail_count, 0);
    expect_true("another spelling is the same one",
                addresses_get(&as, STR("2001:DB8:0:0::1")) == a);
    b = addresses_get(&as,
                      STR("an address of more than sixty-four bytes, so none at all, but kept"));
    b->fail_count = 3;
    (void)addresses_get(&as, STR("192.0.2.1")); /* so that it is not the newest */
    b = addresses_get(&as,
                      STR("an address of more than sixty-four bytes, so none at all, but kept"));
    expect_int("a long one is found again", b->fail_count, 3);
    addresses_done(&as);
    end_rows();
}

static void test_passwords(void **state)
{
    address a = {0};

    (void)state;
    address_add_password(&a, STR("a"));
    address_add_password(&a, STR("b"));
    address_add_password(&a, STR("a"));
    address_add_password(&a, STR(""));
    expect_int("each counts once", a.password_count, 3);
    for (int i = 0; i < PASSWORDS_TOLD_APART - 3; i++) {
        char text[2] = {(char)i, 'x'};

        address_add_password(&a, (str){text, 2});
        address_add_password(&a, (str){text, 2});
    }
    expect_int("up to the bound they are told apart", a.password_count, PASSWORDS_TOLD_APART);
    address_add_password(&a, STR("a"));
    expect_int("known ones stay known", a.password_count, PASSWORDS_TOLD_APART);
    address_add_password(&a, STR("new"));
    address_add_password(&a, STR("new"));
    expect_int("others count each time", a.password_count, PASSWORDS_TOLD_APART + 2);
    end_rows();
}

static str nth_address(char *text, unsigned i)
{
    int n = snprintf(text, 32, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);

    return (str){text, (size_t)n};
}

static void test_bound(void **state)
{
    addresses as;
    char text[32];

    (void)state;
    addresses_init(&as);
    for (unsigned i = 0; i < READER_ADDRESSES_MAX; i++)
        addresses_get(&as, nth_address(text, i))->fail_count = i + 1;
    expect_int("all are kept", as.table.n, READER_ADDRESSES_MAX);
    expect_int("the first, too", addresses_get(&as, nth_address(text, 0))->fail_count, 1);
    (void)addresses_get(&as, nth_address(text, READER_ADDRESSES_MAX));
    expect_int("one more costs one", as.table.n, READER_ADDRESSES_MAX);
    expect_int("not the one used last", addresses_get(&as, nth_address(text, 0))->fail_count, 1);
    expect_int("but the one idle longest", addresses_get(&as, nth_address(text, 1))->fail_count, 0);
    addresses_done(&as);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid),
        cmocka_unit_test(test_same_entry),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

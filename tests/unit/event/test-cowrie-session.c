/* SPDX-License-Identifier: Apache-2.0 */
#include "event/cowrie_session.h"

#include "../unit.h"

#include "base/limits.h"

static str nth_id(char *text, unsigned i)
{
    int n = snprintf(text, 32, "s%06u", i);

    return (str){text, (size_t)n};
}

static session *get(sessions *ss, str id, str sensor)
{
    bool clash;
    session *s;

    s = sessions_get(ss, id, sensor, &clash);
    assert_non_null(s);
    return s;
}

static void test_names(void **state)
{
    arena mem = {0};
    sessions ss;
    session *a, *b;
    bool clash, early;
    session_view v;

    (void)state;
    sessions_init(&ss, &mem);
    a = sessions_get(&ss, STR("id"), STR("one"), &clash);
    expect_true("the first is no clash", !clash);
    expect_str("its base", session_base(a), "id");
    expect_true("is found again", sessions_get(&ss, STR("id"), STR("one"), &clash) == a);
    expect_true("a line without sensor is its, too",
                sessions_get(&ss, STR("id"), STR_NULL, &clash) == a);
    b = sessions_get(&ss, STR("id"), STR("two"), &clash);
    expect_true("another sensor's is another one", b != a && clash);
    expect_str("with a base of its own", session_base(b), "two:id");
    expect_true("told once", sessions_get(&ss, STR("id"), STR("two"), &clash) == b && !clash);
    expect_true("finding makes none", !sessions_find(&ss, STR("new"), STR("one")));
    expect_true("finding finds", sessions_find(&ss, STR("id"), STR("one")) == a);

    expect_true("a connect", sessions_connect(&ss, b, 100) == b);
    expect_true("the same connect again", sessions_connect(&ss, b, 100) == b);
    a = sessions_connect(&ss, b, 200);
    expect_true("a later one begins anew", a != b);
    expect_str("with its time in the base", session_base(a), "two:id@200");
    expect_int("the one before is due", sessions_next_due(&ss, &v, &early), 0);
    expect_str("under its own base", v.base, "two:id");
    expect_true("in its time", !early);
    expect_int("and nothing else", sessions_next_due(&ss, &v, &early), TTP_E_END);
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

static void test_read_again(void **state)
{
    arena mem = {0};
    sessions ss;
    session *s;
    session_view v;

    (void)state;
    sessions_init(&ss, &mem);
    s = sessions_connect(&ss, get(&ss, STR("id"), STR_NULL), 100);
    s->n_given[GIVEN_COMMAND] = 5;
    expect_int("it ends", sessions_end(&ss, s, &v), 0);
    expect_true("late lines find it", get(&ss, STR("id"), STR_NULL) == s && s->is_ended);
    expect_int("and count on", s->n_given[GIVEN_COMMAND], 5);
    s = sessions_connect(&ss, s, 100);
    expect_true("the same connect opens it again", !s->is_ended);
    expect_int("from zero", s->n_given[GIVEN_COMMAND], 0);
    expect_str("with the same base", session_base(s), "id");
    expect_int("it ends again", sessions_end(&ss, s, &v), 0);
    s = sessions_connect(&ss, s, 300);
    expect_str("another connect begins anew", session_base(s), "id@300");
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

static void test_items(void **state)
{
    arena mem = {0};
    sessions ss;
    session *s;
    session_view v;
    buf b = {0};

    (void)state;
    sessions_init(&ss, &mem);
    s = get(&ss, STR("id"), STR_NULL);
    expect_int("remembers", sessions_remember(&ss, s, ITEM_COMMAND, STR("a\0b")), 0);
    expect_int("remembers", sessions_remember(&ss, s, ITEM_COMMAND, STR("")), 0);
    expect_int("remembers", sessions_remember(&ss, s, ITEM_LOGIN, STR("root")), 0);
    expect_int("remembers", sessions_remember(&ss, s, ITEM_LOGIN, STR("admin")), 0);
    expect_str("the last login", session_login(s), "admin");
    expect_int("remembers", sessions_remember(&ss, s, ITEM_LOGIN, STR("root")), 0);
    expect_str("counts, an earlier name, too", session_login(s), "root");
    for (int i = 0; i < 3; i++)
        expect_int("names", sessions_remember(&ss, s, ITEM_USERNAME, STR("root")), 0);
    expect_int("are kept once", s->n_items[ITEM_USERNAME], 1);
    expect_int("shows", sessions_end(&ss, s, &v), 0);
    json_write(&b, v.payload);
    expect_str("all of it", buf_str(&b),
               "{\"commands\":[\"a\\u0000b\",\"\"],\"command_text\":\"a\\u0000b\\n\","
               "\"command_count\":0,\"login_success\":false,\"n_logins\":0,\"n_logins_failed\":0,"
               "\"usernames\":[\"root\"],\"n_downloads\":0,\"n_uploads\":0,\"n_tunnels\":0,"
               "\"closed\":false}");
    buf_done(&b);
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

static void test_items_bound(void **state)
{
    arena mem = {0};
    sessions ss;
    session *s;
    char text[32];

    (void)state;
    sessions_init(&ss, &mem);
    s = get(&ss, STR("id"), STR_NULL);
    for (unsigned i = 0; i < COWRIE_SESSION_COMMANDS_MAX; i++)
        (void)sessions_remember(&ss, s, ITEM_COMMAND, nth_id(text, i)); /* checked below */
    for (unsigned i = 0; i < COWRIE_SESSION_ITEMS_MAX; i++)
        (void)sessions_remember(&ss, s, ITEM_TUNNEL, nth_id(text, i)); /* checked below */
    expect_true("up to the bounds nothing is cut", !s->is_cut);
    expect_int("one more", sessions_remember(&ss, s, ITEM_COMMAND, STR("x")), 0);
    expect_true("is", s->is_cut);
    expect_int("and not kept", s->n_items[ITEM_COMMAND], COWRIE_SESSION_COMMANDS_MAX);
    s->is_cut = false;
    (void)sessions_remember(&ss, s, ITEM_TUNNEL, nth_id(text, 0)); /* checked below */
    expect_true("a known one is none more", !s->is_cut);
    (void)sessions_remember(&ss, s, ITEM_TUNNEL, STR("x")); /* checked below */
    expect_true("a new one is", s->is_cut);
    expect_int("and not kept, either", s->n_items[ITEM_TUNNEL], COWRIE_SESSION_ITEMS_MAX);
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

static void test_text_bound(void **state)
{
    arena mem = {0};
    sessions ss;
    session *s;
    session_view v;
    bool early;
    size_t len = COWRIE_SESSION_TEXT_MAX - 6;
    char *text = malloc(len + 1), id[32];
    unsigned n = 0;

    (void)state;
    memset(text, 'x', len + 1);
    sessions_init(&ss, &mem);
    s = get(&ss, STR("a"), STR_NULL);
    expect_int("too much", sessions_remember(&ss, s, ITEM_COMMAND, (str){text, len + 1}), 0);
    expect_true("is cut", s->is_cut && s->n_items[ITEM_COMMAND] == 0);
    s = get(&ss, STR("b"), STR_NULL);
    expect_int("the most", sessions_remember(&ss, s, ITEM_COMMAND, (str){text, len}), 0);
    expect_true("is not", !s->is_cut && s->n_items[ITEM_COMMAND] == 1);
    expect_int("a byte more", sessions_remember(&ss, s, ITEM_COMMAND, STR("")), 0);
    expect_true("is", s->is_cut);

    while (sessions_next_due(&ss, &v, &early) == TTP_E_END && n < 100) {
        s = get(&ss, nth_id(id, n++), STR_NULL);
        (void)sessions_remember(&ss, s, ITEM_COMMAND, (str){text, len}); /* checked below */
    }
    expect_true("all texts together are bounded", n > 20 && n <= 32);
    expect_true("the one idle longest goes early", early && str_eq(v.id, STR("a")));
    expect_int("then the next", sessions_next_due(&ss, &v, &early), 0);
    expect_str("is the one with text", v.id, "b");
    expect_int("that is enough", sessions_next_due(&ss, &v, &early), TTP_E_END);
    free(text);
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

static void test_number_bound(void **state)
{
    arena mem = {0};
    sessions ss;
    session_view v;
    bool early;
    char id[32];

    (void)state;
    sessions_init(&ss, &mem);
    for (unsigned i = 0; i < COWRIE_SESSIONS_MAX; i++)
        (void)get(&ss, nth_id(id, i), STR_NULL); /* asserted there */
    expect_int("as many as that", sessions_next_due(&ss, &v, &early), TTP_E_END);
    (void)get(&ss, nth_id(id, 0), STR_NULL);                   /* used again */
    (void)get(&ss, nth_id(id, COWRIE_SESSIONS_MAX), STR_NULL); /* one more */
    expect_int("one more costs one", sessions_next_due(&ss, &v, &early), 0);
    expect_true("early", early);
    expect_str("the one idle longest", v.id, "s000001");
    expect_int("no more than one", sessions_next_due(&ss, &v, &early), TTP_E_END);
    expect_true("its counters stay for late lines",
                sessions_find(&ss, STR("s000001"), STR_NULL)->is_ended);
    for (unsigned i = 0; i < COWRIE_ENDED_MAX; i++)
        expect_int("the open ones come out in order", sessions_next_open(&ss, &v), 0);
    expect_int("ended ones are bounded", ss.ended.n, COWRIE_ENDED_MAX);
    expect_true("the oldest is forgotten", !sessions_find(&ss, STR("s000001"), STR_NULL));
    expect_true("not the next", sessions_find(&ss, STR("s000002"), STR_NULL));
    sessions_done(&ss);
    arena_done(&mem);
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),      cmocka_unit_test(test_read_again),
        cmocka_unit_test(test_items),      cmocka_unit_test(test_items_bound),
        cmocka_unit_test(test_text_bound), cmocka_unit_test(test_number_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

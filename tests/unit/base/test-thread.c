/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include "../unit.h"

#include <signal.h>

static void *see_mask(void *arg)
{
    return (void *)(intptr_t)pthread_sigmask(SIG_SETMASK, NULL, arg);
}

static const struct {
    const char *says;
    int signal;
} signals[] = {
    {"an interrupt", SIGINT},
    {"an end", SIGTERM},
    {"a hang-up", SIGHUP},
    {"a user's", SIGUSR1},
};

static void test_signals(void **state)
{
    sigset_t theirs, before, after;
    pthread_t thread;
    void *seen = thread_start;

    (void)state;
    (void)sigemptyset(&before);
    (void)sigaddset(&before, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    assert_int_equal(thread_start(&thread, see_mask, &theirs), 0);
    assert_int_equal(pthread_join(thread, &seen), 0);
    assert_null(seen);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    for_each_row(c, signals)
    {
        expect_int(c->says, sigismember(&theirs, c->signal), 1);
        expect_int(c->says, sigismember(&after, c->signal), c->signal == SIGUSR1);
    }
    end_rows();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

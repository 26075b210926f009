/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);                           /* cannot fail with a valid pointer */
    rc = pthread_sigmask(SIG_SETMASK, &all, &before); /* threads inherit the mask */
    if (rc)
        return -rc;
    rc = pthread_create(ret_thread, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL); /* was valid before */
    return -rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H
#include <pthread.h>

/*
 * Starts a thread that takes no signal: those are the program's, whose own threads handle them.
 * Returns 0 or what pthread_create says, negative; the caller joins it.
 */
int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg);

#endif

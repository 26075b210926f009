/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows liburcu (contract: snapshot.h).
 *
 * The flavour is the "bulletproof" one: it takes up a thread at its first read-side section and
 * forgets it when the thread ends. The others want each thread to register and to leave, which a
 * library whose callers bring the threads cannot see to; and a section is entered once per swap,
 * not once per event, so that its price does not matter.
 *
 * No callback thread (call_rcu): sections are a few instructions long, so that waiting for them
 * takes microseconds, after the new snapshot is in effect already. So the library has no hidden
 * thread, and nothing is pending when a process exits.
 *
 * ThreadSanitizer knows nothing of liburcu's barriers, and need not: the pointer is read and
 * written by atomic operations; a reader's count up comes before the publisher's count down in the
 * order of changes of refs (that is what the grace period is for), and each of them acquires and
 * releases, so that all that a reader does with a snapshot happens before its end in a way that
 * the sanitizer sees.
 */
#include "engine/snapshot.h"

#include <urcu/urcu-bp.h>

snapshot *snapshot_pin(snapshot *const *place, uint64_t *pinned_at)
{
    snapshot *s;

    urcu_bp_read_lock();
    s = snapshot_ref(__atomic_load_n(place, __ATOMIC_ACQUIRE));
    if (pinned_at)
        __atomic_store_n(pinned_at, s->generation, __ATOMIC_RELEASE);
    urcu_bp_read_unlock();
    return s;
}

snapshot *snapshot_publish(snapshot **place, snapshot *next)
{
    snapshot *old = __atomic_exchange_n(place, next, __ATOMIC_ACQ_REL);

    urcu_bp_synchronize_rcu();
    return old;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bench_load.h"

#include "cli/bench_rules.h"

#include "base/time.h"
#include "engine/engine.h"
#include "event/reader.h"
#include "tag/tag.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define AWAIT_MS 5000

static bool make_event(str source_id, str attacker_uuid, const json_node *payload,
                       ttp_event **ret_event)
{
    auto_free(buf) buf b = {0};

    buf_put_c(&b, "{\"source_kind\":\"command\",\"source_id\":");
    buf_put_json(&b, source_id);
    buf_put_c(&b, ",\"attacker_uuid\":");
    buf_put_json(&b, attacker_uuid);
    buf_put_c(&b, ",\"payload\":");
    json_write(&b, payload);
    buf_put_char(&b, '}');
    return !b.failed && ttp_event_from_json(b.ptr, b.len, ret_event, NULL) == 0;
}

bool bench_commands_read(bench_commands *c)
{
    const reader_options options = {.format = EVENT_FORMAT_COWRIE};
    char *path = bench_shared("data/cowrie/cowrie_dev.jsonl");
    auto_free(reader) reader *r = NULL;
    const event *ev;
    ttp_err err = {0};

    if (!path || reader_new(&options, &r) || reader_open(r, path, &err)) {
        free(path);
        return false;
    }
    while (reader_next(r, &ev, &err) == 0) {
        if (ev->kind != EVENT_COMMAND)
            continue;
        if (mem_grow(c->events, c->cap, c->n + 1) ||
            !make_event(ev->source_id, ev->attacker_uuid, ev->payload, &c->events[c->n]))
            break;
        c->n++;
    }
    free(path);
    return c->n > 0;
}

void bench_commands_free(bench_commands *c)
{
    for (size_t i = 0; i < c->n; i++)
        ttp_event_free(c->events[i]);
    free(c->events);
    *c = (bench_commands){0};
}

void bench_probe_id(unsigned which, char out[16])
{
    (void)snprintf(out, 16, "P%03u", which % N_PROBES); /* it fits */
}

void bench_probe_text(unsigned which, unsigned version, buf *b)
{
    char id[16], regex[96], held[64];
    const char *const match[] = {held, NULL}, *const no_match[] = {"uname -a", NULL};
    bench_rule r = {
        .rule_id = id, .version = version, .pattern = regex, .match = match, .no_match = no_match};

    bench_probe_id(which, id);
    (void)snprintf(held, sizeof(held), "cat probe%u_of_this", which); /* both fit */
    (void)snprintf(regex, sizeof(regex), "\\bprobe%u_[a-z_]+|\\bedit%u\\.sh\\b", which, version);
    bench_rule_put(b, &r);
}

/* Is this what was armed? */
static bool is_awaited(const bench_probe *p, const ttp_tag *t)
{
    if (p->confidence < 0)
        return !t;
    if (!t)
        return false;
    return (!p->version || t->rule_version == p->version) &&
           (p->confidence == 0 || t->confidence == p->confidence);
}

static void probe(bench_load *l, ttp_evaluator *e)
{
    bench_probe *p = &l->probe;
    const ttp_tag *found = NULL;
    uint64_t one = 1;
    size_t n = 0;
    char id[16];

    if (!atomic_load_explicit(&p->armed, memory_order_acquire))
        return;
    bench_probe_id(p->which, id);
    if (ttp_evaluator_run_live(e, l->probe_events[p->which], &n))
        return;
    for (size_t i = 0; i < n && !found; i++) {
        const ttp_tag *t = ttp_evaluator_tag(e, i);

        if (t && str_eq(t->rule_id, str_from(id)))
            found = t;
    }
    if (!is_awaited(p, found))
        return;
    p->seen_ns = time_monotonic_ns();
    atomic_store_explicit(&p->armed, 0, memory_order_release);
    if (write(p->wake_fd, &one, sizeof(one)) < 0)
        perror("ttp bench: eventfd");
}

static void *evaluate(void *arg)
{
    bench_thread *t = arg;
    bench_load *l = t->load;
    ttp_evaluator *e = ttp_evaluator_new(NULL);
    size_t n, n_commands = l->commands->n;
    uint64_t n_events = 0;

    if (!e || ttp_evaluator_follow(e, l->engine)) {
        ttp_evaluator_free(e);
        return NULL;
    }
    for (size_t i = t->number * (n_commands / LOAD_THREADS_MAX); !atomic_load(&l->stop); i++) {
        if (l->is_new && i % n_commands == 0)
            evaluator_forget(e);
        if (ttp_evaluator_run_live(e, l->commands->events[i % n_commands], &n) == 0)
            atomic_store_explicit(&t->n_events, ++n_events, memory_order_relaxed);
        if (t->number == 0 && i % PROBE_EVERY == 0)
            probe(l, e);
    }
    ttp_evaluator_free(e);
    return NULL;
}

bool bench_probe_events(ttp_event *events[N_PROBES])
{
    bool done = true;

    for (unsigned i = 0; i < N_PROBES; i++) {
        char text[160];
        int len = snprintf(text, sizeof(text),
                           "{\"source_kind\":\"command\",\"source_id\":\"probe\",\"attacker_uuid\":"
                           "\"a\",\"payload\":{\"command_text\":\"cat probe%u_of_this\"}}",
                           i);

        done &= ttp_event_from_json(text, (size_t)len, &events[i], NULL) == 0;
    }
    return done;
}

bool load_start(bench_load *l, ttp_engine *engine, const bench_commands *c, unsigned n, bool is_new)
{
    bool done;

    *l = (bench_load){.engine = engine, .commands = c, .is_new = is_new};
    done = bench_probe_events(l->probe_events);
    l->probe.wake_fd = eventfd(0, EFD_CLOEXEC);
    for (unsigned i = 0; done && i < n; i++) {
        l->threads[i].load = l;
        l->threads[i].number = i;
        done = pthread_create(&l->threads[i].thread, NULL, evaluate, &l->threads[i]) == 0;
        l->n_threads += done;
    }
    for (unsigned i = 0; i < l->n_threads; i++)
        while (!atomic_load(&l->threads[i].n_events))
            (void)usleep(1000); /* it may be woken early */
    return done;
}

void load_stop(bench_load *l)
{
    atomic_store(&l->stop, true);
    for (unsigned i = 0; i < l->n_threads; i++)
        (void)pthread_join(l->threads[i].thread, NULL); /* it was started */
    for (unsigned i = 0; i < N_PROBES; i++)
        ttp_event_free(l->probe_events[i]);
    (void)close(l->probe.wake_fd); /* an eventfd */
    l->n_threads = 0;
}

static uint64_t count_events(bench_load *l)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < l->n_threads; i++)
        n += atomic_load_explicit(&l->threads[i].n_events, memory_order_relaxed);
    return n;
}

double load_rate(bench_load *l, unsigned ms)
{
    int64_t begun = time_monotonic_ns();
    uint64_t n = count_events(l);

    (void)usleep(ms * 1000); /* what it really took is measured */
    n = count_events(l) - n;
    return (double)n * 1e9 / (double)(time_monotonic_ns() - begun);
}

void load_arm(bench_load *l, unsigned which, int64_t version, double confidence)
{
    bench_probe *p = &l->probe;

    p->which = which;
    p->version = version;
    p->confidence = confidence;
    atomic_store_explicit(&p->armed, 1, memory_order_release);
}

int64_t load_await(bench_load *l)
{
    struct pollfd p = {.fd = l->probe.wake_fd, .events = POLLIN};
    uint64_t n;

    if (poll(&p, 1, AWAIT_MS) <= 0 || read(l->probe.wake_fd, &n, sizeof(n)) < 0) {
        atomic_store(&l->probe.armed, 0);
        fprintf(stderr, "ttp bench: P%03u: the change did not arrive\n", l->probe.which);
        return 0;
    }
    return l->probe.seen_ns;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/tagging.h"

#include "base/err.h"
#include "base/limits.h"
#include "engine/pipeline.h"

#include <errno.h>
#include <pthread.h>

/* more batches than threads, so that one that takes long does not hold up the others at once */
#define BATCHES_PER_THREAD 3
/* kept of a batch's output for the next one */
#define KEEP_BYTES (1u << 20)

typedef struct tag_batch {
    feed_batch in;
    buf rendered; /* for the sink that renders */
    tag *tags;    /* for the others, with evidence in in.mem or their own to write */
    size_t n_tags, cap_tags;
    snapshot **held; /* the rules that these tags borrow from, as they were */
    size_t n_held, cap_held;
} tag_batch;

/* What each thread has for itself. */
typedef struct hand {
    evaluator *evaluator;
    json_doc *doc;
    tag_clock clock;
} hand;

typedef struct tagging {
    tagging_options o;
    const tag_sink *renderer; /* one of the sinks, or NULL */
    bool keeps;               /* there are others */
    hand *hands;
    tag_batch *batches;
    size_t n_batches;

    pthread_mutex_t log_lock;
    buf logged; /* lines that were logged, a NUL before and behind each */
} tagging;

static int out_of_memory(ttp_err *err)
{
    return err_set(err, -ENOMEM, NULL, "out of memory");
}

/* Each evaluator tells of a rule once; all together they do, too. */
static void log_once(void *ctx, ttp_log_level level, const char *line)
{
    tagging *t = ctx;
    auto_free(buf) buf entry = {0};

    buf_put_char(&entry, '\0');
    buf_put_c(&entry, line);
    buf_put_char(&entry, '\0');
    (void)pthread_mutex_lock(&t->log_lock); /* cannot fail: this thread does not hold it */
    if (entry.failed || !str_find(buf_str(&t->logged), buf_str(&entry))) {
        buf_put_str(&t->logged, buf_str(&entry));
        t->o.log.fn(t->o.log.ctx, level, line);
    }
    (void)pthread_mutex_unlock(&t->log_lock); /* held by this thread */
}

/* ---- the stages ---- */

static int read_batch(void *ctx, void *batch, size_t *ret_weight, ttp_err *err)
{
    tagging *t = ctx;
    tag_batch *b = batch;
    int rc = feed_read(t->o.feed, &b->in);

    *ret_weight = feed_batch_memory(&b->in);
    return rc && rc != TTP_E_END ? err_set(err, rc, NULL, "no longer wanted") : rc;
}

static int parse_batch(void *ctx, void *batch, unsigned thread, ttp_err *err)
{
    tagging *t = ctx;
    tag_batch *b = batch;

    return feed_parse(&b->in, t->hands[thread].doc) ? out_of_memory(err) : 0;
}

static int map_batch(void *ctx, void *batch, ttp_err *err)
{
    tagging *t = ctx;
    tag_batch *b = batch;

    if (feed_map(t->o.feed, &b->in))
        return out_of_memory(err);
    if (t->o.step)
        t->o.step(t->o.ctx);
    return 0;
}

/* Hold the rules of the last evaluation, once for all events in a row that went by them. */
static int hold_rules(tag_batch *b, const evaluator *e)
{
    snapshot *s = evaluator_hold_snapshot(e);

    if (!s || (b->n_held && b->held[b->n_held - 1] == s)) {
        snapshot_unref(s);
        return 0;
    }
    if (mem_grow(b->held, b->cap_held, b->n_held + 1)) {
        snapshot_unref(s);
        return -ENOMEM;
    }
    b->held[b->n_held++] = s;
    return 0;
}

/* A tag of which all lasts as long as the batch; an evidence without text writes itself later. */
static int keep_tag(tag_batch *b, const tag *t)
{
    tag *kept;

    if (mem_grow(b->tags, b->cap_tags, b->n_tags + 1))
        return -ENOMEM;
    kept = &b->tags[b->n_tags];
    *kept = *t;
    if (t->evidence.ptr) {
        kept->evidence = arena_str(&b->in.mem, t->evidence);
        if (!kept->evidence.ptr)
            return -ENOMEM;
    }
    b->n_tags++;
    return 0;
}

/* The tags of one event. */
static int take_tags(const tagging *t, hand *h, tag_batch *b, const tag *tags, size_t n,
                     ttp_err *err)
{
    int rc = 0;

    if (t->renderer) {
        rc = tag_sink_render(t->renderer, &h->clock, &b->rendered, tags, n, err);
        if (rc)
            return rc;
        if (b->rendered.failed)
            return out_of_memory(err);
    }
    for (size_t i = 0; !rc && t->keeps && i < n; i++)
        rc = keep_tag(b, &tags[i]) ? out_of_memory(err) : 0;
    return rc;
}

static int tag_batch_events(void *ctx, void *batch, unsigned thread, ttp_err *err)
{
    tagging *t = ctx;
    tag_batch *b = batch;
    hand *h = &t->hands[thread];
    int rc = 0;

    for (size_t i = 0; !rc && i < b->in.n_events; i++) {
        const tag *tags;
        size_t n;

        if (evaluator_run_live(h->evaluator, &b->in.events[i], &tags, &n))
            return out_of_memory(err);
        if (n && t->keeps && hold_rules(b, h->evaluator))
            return out_of_memory(err);
        if (n)
            rc = take_tags(t, h, b, tags, n, err);
    }
    ttp_evaluator_idle(h->evaluator); /* the next batch may come much later */
    return rc;
}

static int put_tags(tag_sink *s, const tag_batch *b, ttp_err *err)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < b->n_tags; i++)
        rc = tag_sink_put(s, &b->tags[i], err);
    return rc;
}

static void let_go_of_rules(tag_batch *b)
{
    for (size_t i = 0; i < b->n_held; i++)
        snapshot_unref(b->held[i]);
    b->n_held = 0;
}

static void clear_batch(tag_batch *b)
{
    let_go_of_rules(b);
    feed_batch_clear(&b->in);
    b->n_tags = 0;
    if (b->rendered.cap > KEEP_BYTES)
        buf_done(&b->rendered);
    buf_clear(&b->rendered);
    if (b->cap_tags * sizeof(*b->tags) > KEEP_BYTES) {
        free(b->tags);
        b->tags = NULL;
        b->cap_tags = 0;
    }
}

/* What was rendered is written with its batch; databases are asked to commit when input idles. */
static int write_batch(void *ctx, void *batch, ttp_err *err)
{
    tagging *t = ctx;
    tag_batch *b = batch;
    int rc = 0;

    for (size_t i = 0; !rc && i < t->o.n_sinks; i++) {
        tag_sink *s = t->o.sinks[i];
        bool renders = s == t->renderer;

        rc = renders ? tag_sink_put_rendered(s, buf_str(&b->rendered), err) : put_tags(s, b, err);
        if (!rc && (renders || b->in.would_wait))
            rc = tag_sink_settle(s, err);
    }
    clear_batch(b);
    return rc;
}

static void cancel(void *ctx)
{
    feed_cancel(((tagging *)ctx)->o.feed);
}

/* ---- all of it ---- */

static int make_hands(tagging *t)
{
    const ttp_log log = {log_once, t};

    t->hands = calloc(t->o.n_threads, sizeof(*t->hands));
    for (unsigned i = 0; t->hands && i < t->o.n_threads; i++) {
        hand *h = &t->hands[i];

        h->evaluator = evaluator_new(NULL, t->o.log.fn ? &log : NULL);
        h->doc = json_doc_new();
        if (!h->evaluator || !h->doc || ttp_evaluator_follow(h->evaluator, t->o.engine))
            return -ENOMEM;
    }
    return t->hands ? 0 : -ENOMEM;
}

static int set_up(tagging *t)
{
    for (size_t i = 0; i < t->o.n_sinks; i++) {
        if (!t->renderer && tag_sink_renders(t->o.sinks[i]))
            t->renderer = t->o.sinks[i];
        else
            t->keeps = true;
    }
    t->n_batches = t->o.n_threads > 1 ? (size_t)t->o.n_threads * BATCHES_PER_THREAD : 1;
    t->batches = calloc(t->n_batches, sizeof(*t->batches));
    return t->batches ? make_hands(t) : -ENOMEM;
}

static void add_stats(evaluator_stats *sum, const evaluator_stats *s)
{
    sum->events += s->events;
    sum->events_tagged += s->events_tagged;
    sum->tags += s->tags;
    sum->dropped_floor += s->dropped_floor;
    sum->dropped_anchor += s->dropped_anchor;
    sum->regex_cut += s->regex_cut;
    sum->searches += s->searches;
    sum->searched_bytes += s->searched_bytes;
}

static void tear_down(tagging *t, evaluator_stats *ret_stats)
{
    *ret_stats = (evaluator_stats){0};
    for (unsigned i = 0; t->hands && i < t->o.n_threads; i++) {
        if (t->hands[i].evaluator)
            add_stats(ret_stats, evaluator_get_stats(t->hands[i].evaluator));
        evaluator_free(t->hands[i].evaluator);
        json_doc_free(t->hands[i].doc);
    }
    free(t->hands);
    for (size_t i = 0; t->batches && i < t->n_batches; i++) {
        let_go_of_rules(&t->batches[i]);
        free(t->batches[i].held);
        feed_batch_done(&t->batches[i].in);
        buf_done(&t->batches[i].rendered);
        free(t->batches[i].tags);
    }
    free(t->batches);
    buf_done(&t->logged);
    (void)pthread_mutex_destroy(&t->log_lock); /* nobody holds it */
}

static int run(tagging *t, ttp_err *err)
{
    static const pipeline_ops ops = {read_batch,       parse_batch, map_batch,
                                     tag_batch_events, write_batch, cancel};
    auto_free(mem) void **batches = calloc(t->n_batches, sizeof(*batches));
    int rc;

    if (!batches)
        return out_of_memory(err);
    for (size_t i = 0; i < t->n_batches; i++)
        batches[i] = &t->batches[i];
    rc = pipeline_run(&ops, t, batches, t->n_batches, t->o.n_threads, err);
    for (size_t i = 0; !rc && i < t->o.n_sinks; i++)
        rc = tag_sink_flush(t->o.sinks[i], err);
    return rc;
}

int tagging_run(const tagging_options *options, evaluator_stats *ret_stats, ttp_err *err)
{
    tagging t = {.o = *options};
    int rc;

    if (t.o.n_threads == 0)
        t.o.n_threads = 1;
    (void)pthread_mutex_init(&t.log_lock, NULL); /* default attributes: cannot fail */
    rc = set_up(&t) ? out_of_memory(err) : run(&t, err);
    tear_down(&t, ret_stats);
    return rc;
}

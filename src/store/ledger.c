/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own rows: what this process says of each rule, and which of it is not written yet.
 *
 *     note  ------> entry: said, since, news ---take---> a transaction ---written--> no news
 *     adopt ------> entry: not noted (an earlier process said it) ---settle, not noted---> gone
 */
#include "store/ledger.h"

#include "base/err.h"
#include "base/sorted.h"
#include "base/time.h"

#include <errno.h>
#include <pthread.h>

typedef struct ledger_entry {
    char *key;
    bool noted; /* by this process; else only adopted */
    bool gone;  /* to be deleted from the tables */
    bool news;  /* not written yet */
    uint64_t edition;
    ledger_said said;
    int64_t since_us;
} ledger_entry;

struct ledger {
    char *host;
    bool tables;
    pthread_mutex_t lock;
    /* under lock: */
    ledger_entry **entries; /* by key */
    size_t n, cap;
    size_t n_news;
    uint64_t edition;
    bool settled; /* what is not noted is gone */
};

ledger *ledger_new(const char *host, bool tables)
{
    ledger *l = calloc(1, sizeof(*l));

    if (l)
        l->host = strdup(host);
    if (!l || !l->host) {
        free(l);
        return NULL;
    }
    l->tables = tables;
    (void)pthread_mutex_init(&l->lock, NULL); /* cannot fail on Linux */
    return l;
}

static void free_entry(ledger_entry *e)
{
    free(e->said.error);
    free(e->key);
    free(e);
}

ledger *ledger_free(ledger *l)
{
    if (!l)
        return NULL;
    for (size_t i = 0; i < l->n; i++)
        free_entry(l->entries[i]);
    free(l->entries);
    (void)pthread_mutex_destroy(&l->lock); /* nobody holds it any more */
    free(l->host);
    free(l);
    return NULL;
}

const char *ledger_host(const ledger *l)
{
    return l->host;
}

static const char *key_of(const void *entries, size_t i)
{
    ledger_entry *const *entry = entries;

    return entry[i]->key;
}

static size_t place_of_locked(const ledger *l, const char *key, bool *ret_found)
{
    return sorted_place(l->entries, l->n, key_of, key, ret_found);
}

static ledger_entry *find_locked(const ledger *l, const char *key)
{
    bool found;
    size_t at = place_of_locked(l, key, &found);

    return found ? l->entries[at] : NULL;
}

static ledger_entry *add_locked(ledger *l, const char *key)
{
    bool found;
    size_t at = place_of_locked(l, key, &found);
    ledger_entry *e;

    if (mem_grow(l->entries, l->cap, l->n + 1) || !(e = calloc(1, sizeof(*e))))
        return NULL;
    e->key = strdup(key);
    if (!e->key) {
        free(e);
        return NULL;
    }
    memmove(&l->entries[at + 1], &l->entries[at], (l->n++ - at) * sizeof(ledger_entry *));
    l->entries[at] = e;
    return e;
}

static void remove_locked(ledger *l, ledger_entry *e)
{
    bool found;
    size_t at = place_of_locked(l, e->key, &found);

    l->n_news -= e->news;
    memmove(&l->entries[at], &l->entries[at + 1], (--l->n - at) * sizeof(ledger_entry *));
    free_entry(e);
}

static void set_news_locked(ledger *l, ledger_entry *e, bool news)
{
    l->n_news += news;
    l->n_news -= e->news;
    e->news = news;
    if (news)
        e->edition = ++l->edition;
}

static bool same_hash(bool has_a, const uint8_t a[20], bool has_b, const uint8_t b[20])
{
    return has_a == has_b && (!has_a || memcmp(a, b, 20) == 0);
}

static bool says_same(const ledger_said *a, const ledger_said *b)
{
    return same_hash(a->runs, a->hash, b->runs, b->hash) && a->version == b->version &&
           a->quarantined == b->quarantined &&
           same_hash(a->has_refused, a->refused, b->has_refused, b->refused) &&
           str_eq(str_from(a->error), str_from(b->error));
}

static int fill_said(ledger_said *said, const rule *r, const ttp_err *err,
                     const uint8_t refused[20])
{
    char line[1200];

    *said = (ledger_said){.runs = r, .quarantined = err, .has_refused = err && refused};
    if (r) {
        said->version = r->rule_version;
        memcpy(said->hash, r->content_hash, sizeof(said->hash));
    }
    if (said->has_refused)
        memcpy(said->refused, refused, sizeof(said->refused));
    if (!err)
        return 0;
    said->error = strdup(ttp_err_format(err, line, sizeof(line)));
    return said->error ? 0 : -ENOMEM;
}

/* Takes over said's error. */
static void say_locked(ledger *l, ledger_entry *e, ledger_said *said, bool gone)
{
    /* also where an earlier process said it: since when it is so stays */
    bool same = e->gone == gone && says_same(&e->said, said);

    e->noted = true;
    if (same) {
        free(said->error);
        return;
    }
    free(e->said.error);
    e->said = *said;
    e->gone = gone;
    e->since_us = time_now_us();
    set_news_locked(l, e, true);
}

static void forget_locked(ledger *l, const char *key)
{
    ledger_entry *e = find_locked(l, key);
    ledger_said nothing = {0};

    if (!e)
        return;
    if (l->tables)
        say_locked(l, e, &nothing, true);
    else
        remove_locked(l, e);
}

void ledger_note(ledger *l, const char *key, const rule *r, const ttp_err *err,
                 const uint8_t refused[20])
{
    ledger_said said = {0};
    ledger_entry *e;

    if (!l || fill_said(&said, r, err, refused))
        return;
    pthread_mutex_lock(&l->lock);
    if (!r && !err) {
        forget_locked(l, key);
    } else {
        e = find_locked(l, key);
        if (!e)
            e = add_locked(l, key);
        if (e)
            say_locked(l, e, &said, false);
        else
            free(said.error);
    }
    pthread_mutex_unlock(&l->lock);
}

static void settle_locked(ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->entries[i]->noted)
            continue;
        l->entries[i]->gone = true;
        set_news_locked(l, l->entries[i], true);
    }
}

void ledger_settle(ledger *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->settled = true;
    settle_locked(l);
    pthread_mutex_unlock(&l->lock);
}

void ledger_adopt_begin(ledger *l)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->n;) {
        ledger_entry *e = l->entries[i];

        if (e->gone || !e->noted) { /* if it is written still, it will be told */
            remove_locked(l, e);
            continue;
        }
        set_news_locked(l, e, true);
        i++;
    }
    pthread_mutex_unlock(&l->lock);
}

static void adopt_locked(ledger *l, ledger_row *row)
{
    ledger_entry *e = find_locked(l, row->key);

    if (e && e->noted) {
        if (!says_same(&e->said, &row->said))
            return; /* to be written over */
        e->since_us = row->since_us;
        set_news_locked(l, e, false);
        return;
    }
    if (!e)
        e = add_locked(l, row->key);
    if (!e)
        return;
    free(e->said.error);
    e->said = row->said;
    row->said.error = NULL;
    e->since_us = row->since_us;
    e->gone = l->settled;
    set_news_locked(l, e, l->settled);
}

void ledger_adopt(ledger *l, ledger_row *row)
{
    pthread_mutex_lock(&l->lock);
    adopt_locked(l, row);
    pthread_mutex_unlock(&l->lock);
    ledger_rows_done(row, 1);
}

bool ledger_has_news(ledger *l)
{
    bool has_news;

    if (!l)
        return false;
    pthread_mutex_lock(&l->lock);
    has_news = l->n_news > 0;
    pthread_mutex_unlock(&l->lock);
    return has_news;
}

static int copy_row(ledger_row *row, const ledger_entry *e)
{
    *row = (ledger_row){
        .gone = e->gone, .said = e->said, .since_us = e->since_us, .edition = e->edition};
    row->key = strdup(e->key);
    if (e->said.error)
        row->said.error = strdup(e->said.error);
    return row->key && (row->said.error || !e->said.error) ? 0 : -ENOMEM;
}

static int take_locked(ledger *l, bool all, ledger_row *rows, size_t max)
{
    size_t n = 0;
    int rc = 0;

    for (size_t i = 0; !rc && i < l->n && n < max; i++) {
        const ledger_entry *e = l->entries[i];

        if (all ? !e->gone && e->noted : e->news)
            rc = copy_row(&rows[n++], e);
    }
    if (rc)
        ledger_rows_done(rows, n);
    return rc ? rc : (int)n;
}

int ledger_take(ledger *l, ledger_row *rows, size_t max)
{
    int n;

    pthread_mutex_lock(&l->lock);
    n = take_locked(l, false, rows, max);
    pthread_mutex_unlock(&l->lock);
    return n;
}

int ledger_take_all(ledger *l, ledger_row **ret_rows, size_t *ret_n)
{
    ledger_row *rows;
    int n = -ENOMEM;

    pthread_mutex_lock(&l->lock);
    rows = calloc(l->n + 1, sizeof(*rows));
    if (rows)
        n = take_locked(l, true, rows, l->n);
    pthread_mutex_unlock(&l->lock);
    if (n < 0) {
        free(rows);
        return n;
    }
    *ret_rows = rows;
    *ret_n = (size_t)n;
    return 0;
}

static void row_written_locked(ledger *l, const ledger_row *row)
{
    ledger_entry *e = find_locked(l, row->key);

    if (!e || e->edition != row->edition)
        return; /* it says something else by now */
    if (e->gone)
        remove_locked(l, e);
    else
        set_news_locked(l, e, false);
}

void ledger_written(ledger *l, const ledger_row *rows, size_t n)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < n; i++)
        row_written_locked(l, &rows[i]);
    pthread_mutex_unlock(&l->lock);
}

void ledger_rows_done(ledger_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(take(rows[i].key));
        free(take(rows[i].said.error));
    }
}

void ledger_hash_format(const uint8_t hash[20], char out[LEDGER_HASH_LEN])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 20; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ledger_hash_parse(str text, uint8_t ret_hash[20])
{
    uint8_t hash[20];

    if (text.len != LEDGER_HASH_LEN)
        return TTP_E_SYNTAX;
    for (size_t i = 0; i < 20; i++) {
        int high = digit(text.ptr[2 * i]), low = digit(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return TTP_E_SYNTAX;
        hash[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret_hash, hash, sizeof(hash));
    return 0;
}

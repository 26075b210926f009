/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The filesystem store: one watched directory, one thread that follows it.
 *
 *     inotify --name--> fs_look --bytes, hash--> compile, gate --> file.good --claims--> entry.rule
 *                                                                                         | differs
 *                                                                                         v
 *                                                                                       change
 *
 * A file holds the last version of its text that may run. An entry is a rule_id: the files that
 * claim it, of which the first by name runs, and what an operator set. Events only say where to
 * look; what is found there decides, so that an event too many or twice does nothing.
 */
#include "store/store.h"

#include <sys/stat.h>

typedef struct fs_entry fs_entry;

/* When a file was last read it looked like this; equal stamps: hardly changed since. */
typedef struct fs_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
} fs_stamp;

typedef struct fs_file {
    char *name;
    fs_stamp stamp;   /* of the text that was judged last */
    fs_stamp seen;    /* of one that may still have been written, */
    int64_t seen_ns;  /* and when that was first seen */
    bool judged;      /* hash is of the bytes judged last, be they good or bad */
    uint8_t hash[20]; /* SHA-1 */
    rule *good;       /* NULL: it never held a rule that may run */
    fs_entry *entry;  /* the one that good claims */
    ttp_err *err;     /* why what it holds now is not taken; NULL: it is */
    char *refused_id; /* the rule_id of what is not taken; NULL: it could not be read */
    int64_t due_ns;   /* it is absent: when to look for the last time; 0: it is not */
    int64_t again_ns; /* somebody was writing it: when to look again; 0: nobody was */
    uint32_t again_ms;
    uint64_t scan; /* the last scan it was seen in */
} fs_file;

struct fs_entry {
    char rule_id[65];
    rule *rule;    /* what runs; NULL: only a state is known of this rule_id */
    fs_file *file; /* whose it is */
    size_t n_claims;
    bool has_state;
    ttp_rule_state state;
};

typedef struct fs_store {
    ttp_store base;
    pthread_t thread;
    bool has_thread;
    int wake_fd; /* an eventfd: stop or requested has changed */

    /* the thread's alone: */
    matcher *m;
    pid_t tid;
    int inotify_fd, dir_wd, parent_wd; /* -1: none */
    dev_t dir_dev;
    ino_t dir_ino;
    bool first_scan; /* nothing is a change yet */
    bool polling;    /* the directory cannot be watched */
    bool remote;     /* it is on a network filesystem */
    bool missing;
    bool has_links; /* some rule files are symbolic links */
    bool repaired;  /* a comparison found what no event had told of, and that was said */
    bool must_scan;
    uint64_t scan;
    uint64_t n_news;  /* texts and absences that were not known before */
    size_t n_absent;  /* files whose due_ns is set */
    size_t n_busy;    /* files whose again_ns is set */
    size_t n_closing; /* those of them that were seen so just now */
    int64_t reconcile_ns, check_ns, patience_ns;

    pthread_cond_t cond; /* with base.lock: ready or done has changed */
    /* under base.lock; of files and entries only the thread changes what is no state: */
    fs_file **files; /* by name */
    size_t n_files, cap_files;
    fs_entry **entries; /* by rule_id */
    size_t n_entries, cap_entries;
    ttp_err dir_err; /* code 0: none */
    bool stop, ready;
    int start_rc;
    ttp_err start_err;
    uint64_t requested, done; /* loads that wait for the thread to catch up */
} fs_store;

static inline fs_store *fs_of(ttp_store *store)
{
    return (fs_store *)store;
}

/* file.c: one look at the text of a rule file. */
typedef struct fs_reading {
    const char *path;
    const fs_stamp *known; /* where it still looks like that it is not read; may be NULL */
    bool remote;           /* the filesystem cannot tell whether anybody has it open for writing */
    bool is_regular;       /* so the directory says, just now */
    pid_t tid;             /* this thread, which blocks all signals */
    /* what comes out: */
    buf text;
    fs_stamp stamp;
    bool unsure; /* nobody could tell whether it is still being written */
} fs_reading;

/*
 * Returns 0, TTP_E_NOT_FOUND (no such file), TTP_E_END (somebody is writing it), TTP_E_DUPLICATE
 * (it looks as known), or what is wrong with it, with err.
 */
int fs_read(fs_reading *r, ttp_err *err);
bool fs_same_stamp(const fs_stamp *a, const fs_stamp *b);

/* states.c */
fs_entry *fs_find_entry_locked(fs_store *fs, const char *rule_id); /* NULL: there is none */
fs_entry *fs_get_entry_locked(fs_store *fs, const char *rule_id);  /* NULL: out of memory */
/* Forget an entry of which nothing is known any more. */
void fs_drop_entry_locked(fs_store *fs, fs_entry *e);
int fs_get_state(ttp_store *store, const char *rule_id, ttp_rule_state *ret_state, ttp_err *err);
int fs_set_state(ttp_store *store, const char *rule_id, const ttp_rule_state *state, ttp_err *err);
int fs_clear_state(ttp_store *store, const char *rule_id, const char *set_by, ttp_err *err);

/* files.c: the thread's */
typedef enum fs_how {
    FS_READ,
    FS_QUICK,  /* one that looks as before is not read */
    FS_CLOSED, /* whoever wrote it has closed it or put it there whole: so the event says */
} fs_how;
/* Look at one file and take over what it holds. Returns 0, or TTP_E_NOT_FOUND where it is gone. */
int fs_look(fs_store *fs, const char *name, fs_how how);
/* Look at all of the directory. Returns 0 or -errno and err. */
int fs_scan(fs_store *fs, fs_how how, ttp_err *err);
/* Look again at the files that were absent or being written. Returns when the next is due, or
 * INT64_MAX. */
int64_t fs_look_again(fs_store *fs, int64_t now_ns);
void fs_file_free(fs_file *f);

/* note.c: what runs, for the ledger; call it whenever that may have changed */
void fs_note_entry_locked(fs_store *fs, const fs_entry *e);
void fs_note_file_locked(fs_store *fs, const fs_file *f);
/* A file without an entry is no longer refused. */
void fs_note_gone_locked(fs_store *fs, const fs_file *f);

/* watch.c: the thread's */
/* Watch the directory, or decide to poll it (logged). Returns 0, or -errno and err where there is
 * none. */
int fs_watch_open(fs_store *fs, ttp_err *err);
void fs_watch_close(fs_store *fs);
/* Is the path still the directory that is watched? Follows it where it is not. */
void fs_watch_check(fs_store *fs);
/* Take what has been queued up, and look where it says. */
void fs_watch_drain(fs_store *fs);

/* worker.c */
void *fs_worker(void *store);
void fs_log_err(const fs_store *fs, ttp_log_level level, const ttp_err *err);

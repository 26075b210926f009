/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Every bound on what comes from outside, in one place: its value, and what happens at it.
 * Each has a test on both sides.
 */

/* bytes of one event line or document; a longer one is passed over, counted and reported */
#define TTP_EVENT_MAX (16u << 20)
/* nesting of a JSON document; a deeper one is refused as bad input */
#define JSON_DEPTH_MAX 256
/* nodes of one JSON event document; a larger one is refused as bad input */
#define JSON_NODES_MAX (2u << 20)

/* rows (release, tactic, technique) of a summary or a Navigator layer; tags of further ones are
 * only counted */
#define TAG_TALLY_ROWS_MAX 65536
/* (row, rule) pairs of the same; further ones count for their row, but are not named as its top
 * rule */
#define TAG_TALLY_PAIRS_MAX (4 * TAG_TALLY_ROWS_MAX)

/* bytes of one rule file; a larger one is reported and not read */
#define RULE_FILE_MAX (1u << 20)
/* nesting of all/any/not in a match expression; deeper is a rule error */
#define RULE_EXPR_DEPTH_MAX 16
/* leaves of one match expression; more is a rule error */
#define RULE_LEAVES_MAX 4096
/* YAML nodes of one rule file after aliases are resolved; more is a rule error (alias bombs) */
#define RULE_YAML_NODES_MAX 65536
/* nesting of YAML collections in a rule file; deeper is a rule error */
#define RULE_YAML_DEPTH_MAX 64

/* bytes that automata may read to verify what atoms woke: so many for an event, and so many more
 * for each byte of its texts; a pattern beyond is cut off: no match, counted */
#define VERIFY_BYTES_MIN (4u << 20)
#define VERIFY_BYTES_PER_BYTE 48u
/* bytes of one regular expression; longer is a rule error */
#define REGEX_SOURCE_MAX 16384
/* nesting of groups in a regular expression; deeper is a rule error */
#define REGEX_DEPTH_MAX 100
/* instructions a regular expression may expand to (a{1000}{1000}); more is a rule error */
#define REGEX_PROGRAM_MAX 20000

/* bytes of one string of a tag's evidence; a longer one is cut at a character */
#define EVIDENCE_STRING_MAX (16u << 10)
/* elements or members of one list or object of a tag's evidence; further ones are left out */
#define EVIDENCE_ITEMS_MAX 256
/* bytes of one ATT&CK bundle; a larger one is refused, and a download of one is cut off */
#define ATTACK_BUNDLE_MAX (256u << 20)
/* tactics of one ATT&CK bundle; one with more is refused */
#define ATTACK_TACTICS_MAX 64
/* links of a chain of revoked techniques; one that is longer is taken for endless */
#define ATTACK_SUCCESSORS_MAX 32
/* ranges of all sets of a regular expression once closed under case; more is a rule error */
#define REGEX_RANGES_MAX 16384
/* bytes of a regular expression's PCRE2 form; longer is a rule error */
#define REGEX_PCRE2_MAX (1u << 20)
/* characters of a rule_id; a longer one is a rule error */
#define RULE_ID_MAX 64
/* anchors of one rule file; more is a rule error */
#define RULE_YAML_ANCHORS_MAX 256
/* keys of a mapping that merges others (<<); more is a rule error */
#define RULE_YAML_MERGE_MAX 1024
/* blanks and line ends in a row in a rule file; more is a rule error (libfyaml is quadratic in
 * them) */
#define RULE_YAML_BLANK_MAX 256
/* characters of a line that begins with %; a longer one is a rule error (the same) */
#define RULE_YAML_DIRECTIVE_MAX 128
/* rule files of one directory; those beyond it, by name, are reported and not read */
#define RULE_DIR_FILES_MAX 50000
/* open sessions kept while reading a Cowrie log; beyond it the one idle longest gives its event
 * early */
#define COWRIE_SESSIONS_MAX 65536
/* ended sessions remembered for late lines; beyond it the oldest is forgotten */
#define COWRIE_ENDED_MAX 8192
/* bytes of text (commands...) all open sessions remember; beyond it the one idle longest gives its
 * event early */
#define COWRIE_TEXT_MAX (32u << 20)
/* bytes of text one session remembers; what is beyond is counted, not kept */
#define COWRIE_SESSION_TEXT_MAX (1u << 20)
/* commands one session remembers, and names, files and tunnels, each; what is beyond is only
 * counted */
#define COWRIE_SESSION_COMMANDS_MAX 1024
#define COWRIE_SESSION_ITEMS_MAX 64
/* bytes of a session id or sensor name; a line with a longer one is bad */
#define COWRIE_ID_MAX 256
/* source addresses whose logins are counted; beyond it the one idle longest is forgotten */
#define READER_ADDRESSES_MAX 65536
/* header lines of one HTTP request that are read; more are passed over */
#define HTTP_HEADERS_MAX 64
/* complaints handed out for one kind of reason; more are only counted */
#define READER_COMPLAINTS_MAX 5
/* event ids counted by name; further ones are counted together */
#define READER_EVENT_IDS_MAX 128
/* changes waiting in one subscription's queue; at the next one it is emptied and told that it lags
 */
#define STORE_QUEUE_MAX 65536
/* milliseconds that a rule file may be absent before its rule goes: editors take it away and put
 * another in its place */
#define STORE_ABSENCE_MS 100
/* milliseconds between two looks whether a rule directory is still the one that is watched, and
 * between two looks at all of it where it cannot be watched */
#define STORE_LOOK_MS 1000
/* lines of one batch on their way through the threads; more make another batch */
#define FEED_LINES_MAX 2048
/* changes that one snapshot of the engine takes in at most; further ones make the next */
#define FOLLOWER_BATCH_MAX 1024
/* bytes of input and its parts on their way through the threads; reading waits at it */
#define PIPELINE_WEIGHT_MAX (48u << 20)
/* threads of one run; --threads asks for no more */
#define PIPELINE_THREADS_MAX 256
/* milliseconds that a rule file must not have changed before it is taken, where neither an event
 * nor the filesystem can tell whether it is still being written */
#define STORE_SETTLE_MS 500
/* bytes of the name under which a process stands in the fleet ledger; a store with a longer one is
 * not opened */
#define STORE_HOST_MAX 255

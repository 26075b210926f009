/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Cowrie: lines of its JSON log -> events. What each event id becomes:
 *
 *     command.input            command {command_text, src, user, sensor, protocol, realm}; so does
 *                              command.failed where neither its session nor, with the session's
 *                              begin unseen, its sensor writes command.input
 *     login.*, client.fingerprint, telnet.exploit_*
 *                              auth_attempt {username, password, method, service, result,
 *                              key_fingerprint, key_type, src_ip, fail_count, password_count,
 *                              prior_brute}
 *     session.file_*           payload {payload_text, url, filename, destfile, sha256, outfile,
 *                              direction, outcome, duplicate, src_ip, realm}
 *     direct-tcpip.data, client.version
 *                              http_request, where what the client sent is HTTP
 *     session.connect ... closed, client.version, client.kex, direct-tcpip.request, and the above
 *                              one session event
 *     anything else            nothing to tag, counted by its id
 *
 * Fields that are absent in the log are absent in the payload. One thread.
 */
#include "event/account.h"
#include "event/event.h"

typedef struct cowrie cowrie;

/* The account is the caller's and gets every line and note. NULL when out of memory. */
cowrie *cowrie_new(account *a);
cowrie *cowrie_free(cowrie *c); /* takes NULL, returns NULL */
DEFINE_FREE_PTR(cowrie, cowrie *, cowrie_free)

/*
 * Where what events show is put, which is given before the first line and may be exchanged; its
 * owner clears it.
 */
void cowrie_use_memory(cowrie *c, arena *mem);
/* Time may go back from one file to the next. */
void cowrie_begin_file(cowrie *c);
/*
 * Take one line: root is its object, text its bytes. Accounts for it. Returns 0 and an event, which
 * lasts as long as root, text and the memory; TTP_E_END where the line gives none; -ENOMEM.
 */
int cowrie_take(cowrie *c, const json_node *root, str text, event *ret_event);
/* Before each line: events of sessions that cannot wait. Returns 0, TTP_E_END or -ENOMEM. */
int cowrie_next_due(cowrie *c, event *ret_event);
/* After the last file: sessions that never closed. Returns 0, TTP_E_END or -ENOMEM. */
int cowrie_finish(cowrie *c, event *ret_event);

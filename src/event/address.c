/* SPDX-License-Identifier: Apache-2.0 */
#include "event/address.h"

#include "base/limits.h"

#include <arpa/inet.h>

/* UUIDv5(6ba7b811-9dad-11d1-80b4-00c04fd430c8, "decnet:attacker:v1"); a test derives it again */
static const uuid attacker_namespace = {{0x51, 0x41, 0x43, 0xf9, 0x59, 0x48, 0x54, 0x82, 0xaa, 0x1a,
                                         0x5b, 0x7c, 0x8c, 0xc4, 0xf6, 0x28}};

void addresses_init(addresses *as)
{
    *as = (addresses){.table.entry_size = sizeof(address)};
}

void addresses_done(addresses *as)
{
    lru_table_done(&as->table, NULL);
    as->list = (lru_list){0};
}

/* One spelling for one address. out has room for INET6_ADDRSTRLEN. */
static str canonical(str text, char *out)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char in[INET6_ADDRSTRLEN];
    struct in6_addr a;
    const char *done;

    if (text.len >= sizeof(in) || !memchr(text.ptr, ':', text.len) ||
        memchr(text.ptr, '\0', text.len))
        return text;
    memcpy(in, text.ptr, text.len);
    in[text.len] = '\0';
    if (inet_pton(AF_INET6, in, &a) != 1)
        return text;
    if (memcmp(a.s6_addr, mapped, sizeof(mapped)) == 0)
        done = inet_ntop(AF_INET, a.s6_addr + 12, out, INET6_ADDRSTRLEN);
    else
        done = inet_ntop(AF_INET6, &a, out, INET6_ADDRSTRLEN);
    return done ? str_from(done) : text;
}

void address_make_uuid(str text, char out[UUID_TEXT_LEN])
{
    char spelled[INET6_ADDRSTRLEN];
    uuid u = uuid_v5(&attacker_namespace, canonical(text, spelled));

    uuid_format(&u, out);
}

static address *find(addresses *as, uint64_t hash, str key)
{
    for (lru_link *l = lru_table_find(&as->table, hash); l; l = l->chain) {
        address *a = (address *)l;

        if (l->hash == hash && str_eq((str){a->text, a->len}, key))
            return a;
    }
    return NULL;
}

static void forget_oldest(addresses *as)
{
    lru_link *oldest = as->list.oldest;

    lru_list_remove(&as->list, oldest);
    lru_table_hide(&as->table, oldest);
    lru_table_release(&as->table, oldest);
}

address *addresses_get(addresses *as, str text)
{
    char spelled[INET6_ADDRSTRLEN], long_key[UUID_TEXT_LEN];
    str key = canonical(text, spelled);
    uint64_t hash;
    address *a;

    if (key.len > sizeof(a->text)) { /* no address: its UUID stands for it */
        address_make_uuid(key, long_key);
        key = (str){long_key, sizeof(long_key)};
    }
    a = (address *)as->list.newest; /* most lines come from where the one before came from */
    if (a && str_eq((str){a->text, a->len}, key))
        return a;
    hash = str_hash(key);
    a = find(as, hash, key);
    if (a) {
        lru_list_touch(&as->list, &a->link);
        return a;
    }
    if (as->list.n == READER_ADDRESSES_MAX)
        forget_oldest(as);
    a = lru_table_add(&as->table, hash);
    if (!a)
        return NULL;
    lru_list_push(&as->list, &a->link);
    memcpy(a->text, key.ptr, key.len);
    a->len = (uint8_t)key.len;
    a->fail_count = a->password_count = 0;
    address_make_uuid(text, a->uuid);
    return a;
}

/* FNV-1a: the same in every run, as counts go into evidence. Collisions only count one too few. */
static uint32_t hash_password(str s)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 32);
}

void address_add_password(address *a, str password)
{
    uint32_t hash = hash_password(password);
    uint32_t n = a->password_count;

    if (n > PASSWORDS_TOLD_APART)
        n = PASSWORDS_TOLD_APART;
    for (uint32_t i = 0; i < n; i++) {
        if (a->passwords[i] == hash)
            return;
    }
    if (n < PASSWORDS_TOLD_APART)
        a->passwords[n] = hash;
    if (a->password_count < UINT32_MAX)
        a->password_count++;
}

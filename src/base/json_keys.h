/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The orders in which the keys of objects came, as a tree:
 *
 *     root - eventid - session - src_ip ...
 *                    ' timestamp - session ...
 *
 * Lines of one kind have the same keys in the same order, so that a key is mostly the one that is
 * expected: one comparison tells which it is, what it is called for its reader, and whether its
 * object had it before. Bounded: a tree that is full is begun anew.
 */
extern "C" {
#include "base/json.h"
}

#include <memory>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

class json_keys
{
  public:
    /* A key behind those on the way to it. */
    struct place {
        alignas(16) char text[32]; /* the key and the quote behind it */
        uint32_t mask;             /* a bit for each byte of that */
        uint16_t first, next;      /* a key behind it, another one in its stead; 0: none */
        uint16_t before;
        uint16_t name; /* as json_name_key says */
        uint8_t len, depth, n_behind;
        bool is_repeated; /* it stands twice on the way */
    };

    /* Where an object begins; nullptr when out of memory. The tree is name's. */
    const place *begin(json_name_key *name);
    /*
     * The place behind at of the key whose bytes begin at p, right behind its quote; nullptr where
     * it is not known. 32 bytes are readable there.
     */
    inline const place *find(const place *at, const char *p) const;
    /* The same for one that is not known; nullptr where there is no room. */
    const place *add(const place *at, str key);
    /*
     * Objects that begin with their kind, where at is, have a tree for each (kinds that hash alike
     * share one): so which key comes next need not be guessed.
     */
    inline const place *turn(const place *at, str kind);

  private:
    static constexpr unsigned max_places = 4096;
    static constexpr unsigned max_depth = 64;
    static constexpr unsigned max_behind = 16;

    std::unique_ptr<place[]> places; /* the first is the root */
    json_name_key *name = nullptr;
    unsigned n_places = 0;
    bool is_full = false;
    uint16_t kinds[64]; /* places that stand in for the one of the key that names the kind */

    static inline bool is_at(const place &k, const char *p);
    const place *stand_in(const place *at, uint16_t *kind);
    bool came_before(const place *at, str key) const;
};

inline bool json_keys::is_at(const place &k, const char *p)
{
#if defined(__SSE2__)
    const __m128i *text = reinterpret_cast<const __m128i *>(k.text);
    __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
    __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i *>(p + 16));
    uint32_t same = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(low, text[0])));

    same |= static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(high, text[1]))) << 16;
    return (same & k.mask) == k.mask;
#else
    return memcmp(k.text, p, k.len + 1u) == 0;
#endif
}

inline const json_keys::place *json_keys::find(const place *at, const char *p) const
{
    for (unsigned i = at->first; i; i = places[i].next) {
        if (is_at(places[i], p))
            return &places[i];
    }
    return nullptr;
}

inline const json_keys::place *json_keys::turn(const place *at, str kind)
{
    uint64_t tail = 0;
    uint16_t *of_kind;

    if (at->name != JSON_NAME_KIND || at->depth != 1)
        return at;
    if (kind.len >= sizeof(tail))
        memcpy(&tail, kind.ptr + kind.len - sizeof(tail), sizeof(tail));
    of_kind = &kinds[(tail ^ kind.len) * 0x9E3779B97F4A7C15u >> 58];
    return *of_kind ? &places[*of_kind] : stand_in(at, of_kind);
}

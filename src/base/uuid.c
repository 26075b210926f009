/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "ttp/err.h"

/* Names of ids are short: put together first they are one call to the hash. */
#define SHORT_NAME 256u

static size_t join_pieces(uint8_t *out, const str *pieces, size_t n_pieces, size_t *ret_n)
{
    size_t len = 0, i;

    for (i = 0; i < n_pieces && pieces[i].len <= SHORT_NAME - len; i++) {
        if (pieces[i].len)
            memcpy(out + len, pieces[i].ptr, pieces[i].len);
        len += pieces[i].len;
    }
    *ret_n = i;
    return len;
}

uuid uuid_v5_pieces(const uuid *ns, const str *pieces, size_t n_pieces)
{
    uint8_t name[sizeof(ns->bytes) + SHORT_NAME];
    sha1_state hash;
    uint8_t digest[20];
    size_t len, n_joined;
    uuid u;

    memcpy(name, ns->bytes, sizeof(ns->bytes));
    len = join_pieces(name + sizeof(ns->bytes), pieces, n_pieces, &n_joined);
    sha1_begin(&hash);
    sha1_add(&hash, name, sizeof(ns->bytes) + len);
    for (size_t i = n_joined; i < n_pieces; i++)
        sha1_add(&hash, pieces[i].ptr, pieces[i].len);
    sha1_end(&hash, digest);
    memcpy(u.bytes, digest, sizeof(u.bytes));
    u.bytes[6] = (u.bytes[6] & 0x0F) | 0x50;
    u.bytes[8] = (u.bytes[8] & 0x3F) | 0x80;
    return u;
}

uuid uuid_v5(const uuid *ns, str name)
{
    return uuid_v5_pieces(ns, &name, 1);
}

static bool is_dash_at(unsigned i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_format(const uuid *u, char out[UUID_TEXT_LEN])
{
    static const char digits[] = "0123456789abcdef";
    unsigned at = 0;

    for (unsigned i = 0; i < 16; i++) {
        if (is_dash_at(at))
            out[at++] = '-';
        out[at++] = digits[u->bytes[i] >> 4];
        out[at++] = digits[u->bytes[i] & 15];
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uuid_parse(str text, uuid *ret_uuid)
{
    uuid u = {0};
    unsigned n = 0;

    if (text.len != UUID_TEXT_LEN)
        return TTP_E_SYNTAX;
    for (unsigned i = 0; i < UUID_TEXT_LEN; i++) {
        int digit;

        if (is_dash_at(i)) {
            if (text.ptr[i] != '-')
                return TTP_E_SYNTAX;
            continue;
        }
        digit = hex_digit(text.ptr[i]);
        if (digit < 0)
            return TTP_E_SYNTAX;
        u.bytes[n / 2] = (uint8_t)(u.bytes[n / 2] << 4 | digit);
        n++;
    }
    *ret_uuid = u;
    return 0;
}

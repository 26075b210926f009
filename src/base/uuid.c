/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include "ttp/err.h"

/* Names are short (ids joined by bars); what does not fit the stack is put together on the heap. */
#define NAME_ON_STACK 1024

uuid uuid_v5(const uuid *ns, str name)
{
    uint8_t stack[NAME_ON_STACK];
    uint8_t *text = stack;
    uint8_t digest[20] = {0};
    uuid u;

    if (sizeof(ns->bytes) + name.len > sizeof(stack))
        text = malloc(sizeof(ns->bytes) + name.len);
    if (text) {
        memcpy(text, ns->bytes, sizeof(ns->bytes));
        if (name.len)
            memcpy(text + sizeof(ns->bytes), name.ptr, name.len);
        sha1(text, sizeof(ns->bytes) + name.len, digest);
    }
    if (text != stack)
        free(text);
    memcpy(u.bytes, digest, sizeof(u.bytes));
    u.bytes[6] = (u.bytes[6] & 0x0F) | 0x50;
    u.bytes[8] = (u.bytes[8] & 0x3F) | 0x80;
    return u;
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

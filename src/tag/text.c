/* SPDX-License-Identifier: Apache-2.0 */
#include "tag/text.h"

#include "base/utf8.h"

typedef struct range {
    uint32_t first, last;
} range;

/* Unicode's combining marks of the scripts that names are written in. */
static const range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2},
    {0x05C4, 0x05C5}, {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC},
    {0x06DF, 0x06E4}, {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};

/* East Asian Wide and Fullwidth, with the emoji that terminals draw in two columns. */
static const range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x26BD, 0x26BE},
    {0x26C4, 0x26C5},   {0x2705, 0x2705},   {0x270A, 0x270B},   {0x2728, 0x2728},
    {0x274C, 0x274C},   {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
    {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},
    {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static bool is_in(const range *ranges, size_t n, uint32_t cp)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (cp > ranges[middle].last)
            low = middle + 1;
        else if (cp < ranges[middle].first)
            high = middle;
        else
            return true;
    }
    return false;
}

static unsigned char_width(uint32_t cp)
{
    if (cp < 0x300)
        return 1;
    if (is_in(zero_width, sizeof(zero_width) / sizeof(range), cp))
        return 0;
    return is_in(double_width, sizeof(double_width) / sizeof(range), cp) ? 2 : 1;
}

/* The longest start of s that takes at most max columns; ret_width tells how many it takes. */
static size_t fit(str s, unsigned max, unsigned *ret_width)
{
    const char *p = s.ptr;
    const char *end = p + s.len;
    unsigned width = 0;

    while (p < end) {
        uint32_t cp;
        unsigned len = utf8_decode(p, end, &cp);
        unsigned w = char_width(cp);

        if (width + w > max)
            break;
        width += w;
        p += len;
    }
    *ret_width = width;
    return (size_t)(p - s.ptr);
}

unsigned text_width(str s)
{
    unsigned width;

    (void)fit(s, UINT32_MAX, &width); /* all of it */
    return width;
}

static void put_spaces(buf *b, unsigned n)
{
    while (n--)
        buf_put_char(b, ' ');
}

void text_put_cell(buf *b, str s, unsigned width, bool right)
{
    unsigned taken;
    size_t len = fit(s, width ? width : UINT32_MAX, &taken);
    bool cut = len < s.len;

    if (cut) /* one column goes to the ellipsis */
        len = fit(s, width - 1, &taken);
    taken += cut;
    if (right && width)
        put_spaces(b, width - taken);
    buf_put(b, s.ptr, len);
    if (cut)
        buf_put_c(b, "\xE2\x80\xA6");
    if (!right && width)
        put_spaces(b, width - taken);
}

void text_put_amount(buf *b, uint64_t n, const char *noun)
{
    buf_put_u64(b, n);
    buf_put_char(b, ' ');
    buf_put_c(b, noun);
    if (n != 1)
        buf_put_char(b, 's');
}

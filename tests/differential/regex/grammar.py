# SPDX-License-Identifier: Apache-2.0
"""Random patterns over all of re's syntax, each with a way to make texts that nearly match."""

LETTERS = 'abAB01_ -.\n'
ODD = ('kKsSiI\u212a\u017f\u0130\u0131\u00e9\u00c9\u00df\u1e9e\u03c3\u03c2\u03a3\u00b5\u03bc'
       '\x00\t\x1c\x1f\x85\xa0\u180e\u2028\u0660\u4e2d\u0301\u0345\u03b9\U00010400\U00010428'
       '\U0001d7d8\U0001f600\ufffd\U0010ffff#]^')
TEXT_CHARS = LETTERS * 4 + ODD + 'ab' * 20 + '\n' * 6
# Around a possessive repeat until it is written for one of the two readers.
POSSESSIVE_START, POSSESSIVE_END = '\ue000', '\ue001'
SPECIAL = set('.\\[{()*+?^$|')
CLASSES = {'d': '0\u0660\U0001d7d8', 'D': 'a-\n\u4e2d', 's': ' \n\x1c\x85\u2028', 'S': 'a0\x1b\u180e',
           'w': 'aA0_\u00e9\u4e2d\U00010400', 'W': ' -\n\u0301\u2028'}


class Node:
    """text: as written; sample(caps): a text it may match; width: fixed, or None."""

    def __init__(self, text, sample, width=None, atomic=True, repeatable=True):
        self.text, self.sample, self.width = text, sample, width
        self.atomic, self.repeatable = atomic, repeatable


class Grammar:
    def __init__(self, rng):
        self.rng = rng
        self.n_groups = 0
        self.closed = []  # groups that may be referred to, as (number, name, width)
        self.names = set()
        self.verbose = False
        self.ignore_case = False
        self.root = None
        self.behind = 0
        self.groups_wanted = []

    def pattern(self):
        rng = self.rng
        flags = ''
        if rng.random() < 0.45:
            flags = ''.join(sorted(f for f in 'imsxa' if rng.random() < 0.35))
        self.verbose = 'x' in flags
        self.ignore_case = 'i' in flags
        self.root = self.alternatives(rng.choice((2, 2, 3, 3, 4)))
        text = (f'(?{flags})' if flags else '') + self.root.text
        return text

    def sample(self):
        return self.root.sample({})

    # ---- composition ----

    def alternatives(self, depth):
        rng = self.rng
        n = rng.choices((1, 2, 3), (8, 3, 1))[0]
        kids = [self.sequence(depth) for _ in range(n)]
        widths = {k.width for k in kids}
        return Node('|'.join(k.text for k in kids), lambda caps: rng.choice(kids).sample(caps),
                    widths.pop() if len(widths) == 1 else None, n == 1 and kids[0].atomic)

    def sequence(self, depth):
        rng = self.rng
        n = rng.choices((0, 1, 2, 3, 4), (1, 5, 6, 4, 2))[0]
        kids = [self.item(depth) for _ in range(n)]
        glue = [self.blank() for _ in kids]
        width = 0
        for k in kids:
            width = None if width is None or k.width is None else width + k.width
        return Node(''.join(g + k.text for g, k in zip(glue, kids)),
                    lambda caps: ''.join([k.sample(caps) for k in kids]), width, False)

    def blank(self):
        if self.verbose and self.rng.random() < 0.3:
            return self.rng.choice((' ', '\n', '\t ', '# a\\)(\n', '\x0b'))
        return '(?#c\\)*)' if self.rng.random() < 0.01 else ''

    def item(self, depth):
        rng = self.rng
        node = self.atom(depth)
        if node.repeatable and rng.random() < 0.35:
            return self.repeat(node)
        return node

    def atom(self, depth):
        rng = self.rng
        if depth <= 0 or rng.random() < 0.55:
            return rng.choices((self.literal, self.escape_class, self.set, self.dot, self.assertion,
                                self.backref), (10, 3, 4, 2, 2, 2))[0]()
        return rng.choices((self.capture, self.plain, self.look, self.behind_, self.atomic,
                            self.flagged, self.condition), (8, 4, 2, 2, 1, 2, 2))[0](depth - 1)

    # ---- characters ----

    def char(self):
        return self.rng.choice(LETTERS) if self.rng.random() < 0.75 else self.rng.choice(ODD)

    def written(self, c, in_set=False):
        rng = self.rng
        cp = ord(c)
        forms = []
        if cp < 256:
            forms += ['\\x%02x' % cp, '\\%03o' % cp]
        if cp < 0x10000:
            forms.append('\\u%04X' % cp)
        forms.append('\\U%08x' % cp)
        if c in '\a\f\n\r\t\v':
            forms.append('\\' + 'afnrtv'['\a\f\n\r\t\v'.index(c)])
        plain = c
        if (c in SPECIAL if not in_set else c in '\\]^-[&~|') or \
                (not in_set and self.verbose and (c.isspace() or c == '#')):
            plain = '\\' + c
        return plain if rng.random() < 0.8 else rng.choice(forms)

    def cased(self, c):
        return self.rng.choice((c, c, c.lower(), c.upper(), c.swapcase()))[:1] or c

    def literal(self):
        c = self.char()
        return Node(self.written(c), lambda caps: self.cased(c), 1)

    def escape_class(self):
        letter = self.rng.choice('dDsSwW')
        return Node('\\' + letter, lambda caps: self.rng.choice(CLASSES[letter]), 1)

    def set(self):
        rng = self.rng
        negated = rng.random() < 0.3
        items, members = [], []
        for _ in range(rng.choice((1, 1, 2, 3))):
            kind = rng.random()
            if kind < 0.55:
                c = self.char()
                # CPython 3.11 never matches an upper-case letter beyond U+FFFF named alone in a
                # set under (?i)
                if c == '\U00010400':
                    c = '\U00010428'
                items.append(self.written(c, True))
                members.append(c)
            elif kind < 0.8:
                lo, hi = sorted((self.char(), self.char()))
                # ... and a range that ends beyond U+FFFF catches, under (?i), what it should not
                if hi > '\uffff':
                    lo = hi = 'a'
                items.append(self.written(lo, True) + '-' + self.written(hi, True))
                members += [lo, hi]
            else:
                letter = rng.choice('dDsSwW')
                items.append('\\' + letter)
                members += CLASSES[letter]
        if rng.random() < 0.1:
            items.insert(0, ']')
            members.append(']')
        if rng.random() < 0.1:
            items.append('-')
            members.append('-')
        text = '[' + ('^' if negated else '') + ''.join(items) + ']'
        pool = TEXT_CHARS if negated else members
        return Node(text, lambda caps: self.cased(rng.choice(pool)), 1)

    def dot(self):
        return Node('.', lambda caps: self.rng.choice(TEXT_CHARS), 1)

    def assertion(self):
        text = self.rng.choice(('^', '$', '\\A', '\\Z', '\\b', '\\B', '\\b', '$'))
        return Node(text, lambda caps: '', 0, repeatable=False)

    # ---- groups ----

    def capture(self, depth):
        self.n_groups += 1
        number = self.n_groups
        name = None
        if self.rng.random() < 0.25:
            name = self.rng.choice(('n', '_x', 'gr', '\u00e9')) + str(number)
        behind = self.behind
        kid = self.alternatives(depth)
        if not behind:
            self.closed.append((number, name, kid.width))

        def sample(caps):
            caps[number] = kid.sample(caps)
            return caps[number]
        return Node((f'(?P<{name}>' if name else '(') + kid.text + ')', sample, kid.width)

    def plain(self, depth):
        kid = self.alternatives(depth)
        return Node('(?:' + kid.text + ')', kid.sample, kid.width)

    def atomic(self, depth):
        kid = self.alternatives(depth)
        return Node('(?>' + kid.text + ')', kid.sample, kid.width)

    def look(self, depth):
        kid = self.alternatives(depth)
        negated = self.rng.random() < 0.4

        def sample(caps):
            found = kid.sample(caps)
            return found if self.rng.random() < 0.3 else ''
        return Node(('(?!' if negated else '(?=') + kid.text + ')', sample, 0)

    def behind_(self, depth):
        self.behind += 1
        if self.rng.random() < 0.25 and any(width is not None for _, _, width in self.closed):
            kid = self.backref()
        else:
            kid = self.alternatives(depth - 1)
        if kid.width is None:
            kid = self.plain_fixed()
        self.behind -= 1
        negated = self.rng.random() < 0.3

        def sample(caps):
            return kid.sample(caps) if self.rng.random() < 0.7 else ''
        return Node(('(?<!' if negated else '(?<=') + kid.text + ')', sample, 0)

    def plain_fixed(self):
        kids = [self.rng.choice((self.literal, self.set, self.dot, self.escape_class))()
                for _ in range(self.rng.choice((1, 1, 2)))]
        return Node(''.join(k.text for k in kids),
                    lambda caps: ''.join([k.sample(caps) for k in kids]), len(kids))

    def flagged(self, depth):
        rng = self.rng
        on = ''.join(f for f in 'imsx' if rng.random() < 0.3)
        off = ''.join(f for f in 'imsx' if f not in on and rng.random() < 0.2)
        if rng.random() < 0.2:
            on += rng.choice('au')
        if not on and not off:
            on = 'i'
        saved = self.verbose
        self.verbose = ('x' in on or saved) and 'x' not in off
        kid = self.alternatives(depth)
        self.verbose = saved
        return Node(f'(?{on}{"-" + off if off else ""}:' + kid.text + ')', kid.sample, kid.width)

    def backref(self):
        if not self.closed:
            return self.literal()
        number, name, width = self.rng.choice(self.closed)
        text = f'(?P={name})' if name and self.rng.random() < 0.5 else f'\\{number}'
        if text[0] == '\\':
            text = f'(?:{text})'
        return Node(text, lambda caps: ''.join(self.cased(c) for c in caps.get(number, '')), width)

    def condition(self, depth):
        if not self.closed:
            return self.capture(depth)
        number, name, _ = self.rng.choice(self.closed)
        yes, no = self.sequence(depth), self.sequence(depth)
        two = self.rng.random() < 0.7
        text = f'(?({name or number}){yes.text}' + (f'|{no.text})' if two else ')')
        width = yes.width if two and yes.width == no.width else None
        return Node(text, lambda caps: (yes if number in caps else no).sample(caps), width)

    def repeat(self, node):
        rng = self.rng
        lo = rng.choice((0, 0, 0, 1, 1, 2))
        hi = rng.choice((None, None, lo, lo + 1, lo + 2, max(lo, 1)))
        forms = {(0, None): ['*', '{0,}', '{,}'], (1, None): ['+', '{1,}'], (0, 1): ['?', '{,1}']}
        text = rng.choice(forms.get((lo, hi), ['{%d}' % lo] if lo == hi else
                                    ['{%d,%s}' % (lo, '' if hi is None else hi)]))
        greed = rng.choices(('', '?', '+'), (6, 3, 1))[0]
        if greed == '+':
            text = POSSESSIVE_START + node.text + text + POSSESSIVE_END
        else:
            text = node.text + text + greed

        def sample(caps):
            n = rng.randint(lo, lo + 2 if hi is None else hi)
            return ''.join([node.sample(caps) for _ in range(n)])
        fixed = node.width * lo if node.width == 0 or (node.width and lo == hi) else None
        return Node(text, sample, fixed, False)


def mutate(rng, text, how):
    """The text itself, something around it, then more and more damage."""
    chars = list(text[:24])
    if how % 5 == 1 or rng.random() < 0.4:
        chars[:0] = [rng.choice(TEXT_CHARS) for _ in range(rng.randrange(3))]
        chars += [rng.choice(TEXT_CHARS) for _ in range(rng.randrange(3))]
    for _ in range(0 if how % 5 < 2 else how % 5 - 1):
        at = rng.randrange(len(chars) + 1)
        kind = rng.random()
        if kind < 0.35 and chars:
            chars[at - 1:at] = []
        elif kind < 0.7:
            chars[at:at] = [rng.choice(TEXT_CHARS)]
        elif chars:
            chars[at - 1] = rng.choice((chars[at - 1].swapcase()[:1], rng.choice(TEXT_CHARS)))
    if rng.random() < 0.2:
        chars.append('\n')
    return ''.join(chars)


def for_us(source):
    return source.replace(POSSESSIVE_START, '').replace(POSSESSIVE_END, '+')


def for_python(source):
    """X*+ as (?>X*), which it is by definition, but not always in CPython 3.11.2."""
    return source.replace(POSSESSIVE_START, '(?>').replace(POSSESSIVE_END, ')')


FRAGMENTS = (
    'a', 'b', 'Z', '0', '1', '2', '9', ',', '-', ':', '=', '!', '<', '>', '#', 'P', ' ', '\n', '_',
    '(', '(', ')', ')', '[', ']', ']', '{', '}', '|', '?', '*', '+', '^', '$', '.', '\\', '\\1', '\\2',
    '(?:', '(?=', '(?!', '(?<=', '(?<!', '(?>', '(?#', '(?P<n>', '(?P<m>', '(?P=n)', '(?P>', '(?P<1>',
    '(?P<>', '(?(1)', '(?(2)', '(?(n)', '(?(0)', '(?( 1)', '(?(1_0)', '(?i)', '(?x)', '(?a)', '(?u)',
    '(?L)', '(?m-i:', '(?i-i:', '(?-a:', '(?au:', '(?s:', '(?-', '(?t)', '(?t:', '(?xi)', '(?ix-s:',
    '{1}', '{,2}', '{2,1}', '{1,', '{,}', '{}', '{4294967295}', '{4294967294}', '{0}', '{3}', '*?',
    '++', '??', '\\d', '\\w', '\\S', '\\b', '\\B', '\\A', '\\Z', '\\z', '\\q', '\\x4', '\\x41', '\\u12',
    '\\u0041', '\\U0001F600', '\\U00110000', '\\ud800', '\\N{DASH}', '\\N', '\\0', '\\08', '\\400',
    '\\377', '\\101', '\\8', '\\99', '\\.', '\\ ', '[^', '[]', '[^]', '[a-', '[a-c]', '[c-a]', '[\\d-',
    '[a-\\d]', '[\\b]', '[\\B]', '[-a]', '[a-]', '[[:alpha:]]', '[\\8]', '[\\400]', '[\\x41-\\x43]',
    '\u00e9', '\U0001f600', '\x00', '(a)', '(b)', '(?P<\u00e9\u0301>', '(?P<\u00b2>', '# c\\\n')


def heap(rng):
    return ''.join(rng.choice(FRAGMENTS) for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8))))

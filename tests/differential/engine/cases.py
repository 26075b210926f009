# SPDX-License-Identifier: Apache-2.0
"""
Random rules and events that have much to do with one another: rules draw literals, regexes, fields and
numbers from one pool, texts of events are made of what that pool's patterns match, whole or nearly.

    pool = Pool(rng)
    documents = [pool.rule(i) for i in range(50)]
    lines = [pool.event(i) for i in range(60)]      bytes, one event each; some are no valid UTF-8
"""
import json
import re

from reference import DEFAULT_FIELDS, Members

WORDS = ['wget', 'curl -O', 'busybox', '/bin/busybox', 'chmod 777', 'chmod +x', '/tmp/', '/dev/tcp/',
         'base64 -d', 'authorized_keys', 'crontab -l', 'rm -rf', 'history -c', 'uname -a', '/proc/cpuinfo',
         'passwd', 'cat', 'ls', 'sh', 'x', 'ab', 'k', 'K', 's', 'S', 'echo -e', '\\x41\\x42', '%2e%2e/',
         '../', '<script>', 'union select', "' or 1=1", '${jndi:', 'root', 'admin', 'xmrig', 'stratum+tcp',
         'a.b', '.', '-', ' ', '\n', '\r\n', '\t', '\0', 'a\0b', ';', '&&', '|', '"', '\\', '$', '^']
ODD = ['\u212a', '\u017f', '\u0130', '\u0131', '\u00df', '\u1e9e', '\u03a3', '\u03c3', '\u03c2', '\u00e9',
       '\u00c9', '\u0149', '\u1f88', '\u1f80', '\ufb06', '\ufb05', '\u13a0', '\uab70', '\u01c5', '\u00b5',
       '\u03bc', '\u0345', '\u0399', '\U0001f600', '\U00010400', '\U00010428', '\ufffd', '\u2028',
       '\u0085', '\u00a0', '\u0660', '\u4e2d', 'stra\u00dfe', '\u212aill', 'pa\u017f\u017fwd', '\u0130d']
BAD_BYTES = [b'\xff', b'\xc3', b'\xe2\x82', b'\xed\xa0\x80', b'\xf0\x9f\x98', b'\x80', b'\xc0\xaf',
             b'\xf4\x90\x80\x80']
BAD_MARK = '\ue000'
LONE = ['\ud800', '\udfff', '\ud83d', '\ude00']
NUMBERS = [0, 1, -1, 2, 5, 5.0, 0.5, 10, 443, 1e3, 4.25, -3, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -2**63, 2**63,
           2**64 - 1, 1234567890123456789, 0.1, 1e10]
WILD_NUMBERS = [2**64, 10**30, -10**25, 1e308, 5e-324, -0.0, 1e-7, 1e22, 123456.789, 3.0000000000000004]
KINDS = list(DEFAULT_FIELDS)
COMMON_KINDS = ['command'] * 5 + ['http_request'] * 3 + ['auth_attempt', 'payload', 'session', 'email']
FIELDS = ['command_text', 'raw_url', 'username', 'payload_text', 'subject', 'a', 'a.b', 'a.b.c', 'list', 'list.n',
          'a.list', 'deep.list.x', 'uid', 'user', 'src', 'port', 'count', 'ip', 'flag', 'a..b', '\u00fc', 'sp ace']
EVIDENCE = ['matched_tokens', 'matched_groups', 'rule_pattern', 'uid', 'user', 'src', 'pwd', 'nowhere']
ADDRESSES = ['192.0.2.1', '192.0.2.254', '198.51.100.7', '203.0.113.9', '10.1.2.3', '2001:db8::1',
             '2001:db8:0:1::5', '::1', '::ffff:192.0.2.1', '::ffff:c000:201', '0.0.0.0', '255.255.255.255',
             '192.0.2.01', '192.0.2', 'fe80::1%eth0', ' 192.0.2.1', '1.2.3.4.5', '', 'x', '192.0.2.1\0',
             '2001:DB8::AB', '1:2:3:4:5:6:7::', '::192.0.2.1']
NETWORKS = ['192.0.2.0/24', '192.0.2.1', '198.51.100.0/25', '0.0.0.0/0', '10.0.0.0/8', '2001:db8::/32',
            '2001:db8::/64', '::/0', '::1', '::ffff:0:0/96', '192.0.2.77/28', '2001:db8::ff/127']
EXPANDING_MAX = 1000


class Regex:
    """A pattern's source and a text that it often matches."""

    def __init__(self, source, sample, unit=False):
        self.source, self.sample, self.unit = source, sample, unit

    def as_unit(self):
        return self.source if self.unit else f'(?:{self.source})'


class RegexMaker:
    """
    Patterns as authors write them, and stranger ones. Left out is what tests/differential/regex lists
    as slips of sre, loops whose body may be empty, and loops over loops, which would only cost time.
    """

    CLASSES = [('[a-z]', 'k'), ('[^/]', 'q'), (r'\d', '7'), (r'\w', '_'), (r'\s', ' '), (r'\W', '#'), ('.', '.'),
               ('[0-9a-fA-F]', 'C'), ('[wW]', 'W'), ('[Kk]', '\u212a'), ('[^a-y]', 'z'), (r'\S', 's'),
               (r'[\w.-]', '-'), (r'[\s;|&]', ';'), (r'\D', 'x'), ('[A-Z]', 'Z'), ('[^\\n]', '\r'),
               ('[\u00e0-\u00ff]', '\u00e9'), (r'[^\x00-\x7f]', '\u4e2d'), ('[\\0]', '\0')]

    def __init__(self, rng, literals):
        self.rng, self.literals = rng, literals
        self.names = 0

    def literal(self):
        text = self.rng.choice(self.literals) or 'e'
        if self.rng.random() < 0.2:
            at = self.rng.randrange(len(text))
            text = text[at:at + self.rng.randint(1, 6)]
        return Regex(re.escape(text), text, len(text) == 1)

    def one_char(self):
        if self.rng.random() < 0.3:
            c = self.rng.choice(self.rng.choice(self.literals) or 'e')
            return Regex(re.escape(c), c, True)
        return Regex(*self.rng.choice(self.CLASSES), True)

    def repeat(self, lazy=True):
        what = self.one_char() if self.rng.random() < 0.7 else self.literal()
        how, n = self.rng.choice([('*', 0), ('*', 2), ('+', 1), ('+', 3), ('?', 0), ('?', 1), ('{2}', 2),
                                  ('{1,3}', 2), ('{0,2}', 1), ('{2,}', 3), ('{,3}', 1), ('{17}', 17)])
        if lazy and self.rng.random() < 0.2:
            how += '?'
        return Regex(what.as_unit() + how, what.sample * n)

    def choice(self, depth):
        kids = [self.sequence(depth - 1) if self.rng.random() < 0.3 else self.literal()
                for _ in range(self.rng.randint(2, 5))]
        if self.rng.random() < 0.15:
            kids.append(Regex('', ''))
        return Regex('(?:' + '|'.join(k.source for k in kids) + ')', self.rng.choice(kids).sample, True)

    def group(self, depth):
        kid = self.choice(depth) if self.rng.random() < 0.5 else self.sequence(depth - 1)
        open_ = '('
        if self.rng.random() < 0.4:
            self.names += 1
            open_ = f'(?P<g{self.names}>'
        end = self.rng.choice(['', '', '', '?'])
        return Regex(f'{open_}{kid.source}){end}', kid.sample, True)

    def assertion(self):
        return Regex(self.rng.choice([r'\b', r'\b', r'\B', '^', '$', r'\A', r'\Z']), '')

    def look(self):
        kid = self.literal()
        how = self.rng.choice(['(?=', '(?!', '(?<=', '(?<!'])
        return Regex(f'{how}{kid.source})', kid.sample if how == '(?=' and self.rng.random() < 0.5 else '')

    def scoped(self, depth):
        kid = self.sequence(depth - 1)
        flags = self.rng.choice(['i', 's', 'm', 'a', 'is', '-i'])
        return Regex(f'(?{flags}:{kid.source})', swap_some_case(self.rng, kid.sample) if 'i' in flags else kid.sample,
                     True)

    def part(self, depth):
        dice = self.rng.random()
        if dice < 0.45:
            return self.literal()
        if dice < 0.62:
            return self.repeat()
        if dice < 0.70:
            return self.one_char()
        if dice < 0.76:
            return self.assertion()
        if dice < 0.79:
            return self.look()
        if depth <= 0:
            return self.literal()
        if dice < 0.87:
            return self.choice(depth)
        if dice < 0.94:
            return self.group(depth)
        if dice < 0.98:
            return self.scoped(depth)
        return Regex('(?>' + self.choice(depth).source + ')', '', True)

    def sequence(self, depth):
        parts = [self.part(depth) for _ in range(self.rng.choice([1, 1, 2, 2, 3, 4]))]
        return Regex(''.join(p.source for p in parts), ''.join(p.sample for p in parts))

    def long_literal(self):
        """Longer than what the index looks at of a literal."""
        return self.rng.choice('xyzk') * self.rng.choice([40, 400, 5000]) + self.rng.choice('qK')

    def back_reference(self):
        kid = self.repeat(lazy=False) if self.rng.random() < 0.5 else self.literal()
        between = self.rng.choice(['', ' ', '.*', ' ?'])
        return Regex(f'(?P<r>{kid.source}){between}(?P=r)', kid.sample * 2)

    def whole(self):
        dice = self.rng.random()
        if dice < 0.04:
            made = self.back_reference()
        elif dice < 0.05:
            text = self.long_literal()
            return Regex(self.rng.choice(['', '(?i)', '^', '.*']) + text, text)
        else:
            made = self.sequence(2)
        source, sample = made.source, made.sample
        dice = self.rng.random()
        if dice < 0.08:
            source = '^' + source
        elif dice < 0.16:
            source = source + '$'
        elif dice < 0.20:
            source = '^' + source + '$'
        elif dice < 0.24:
            source = self.rng.choice(['.*', 'x*', '(?:ab|)', 'k?', '[^/]*?']) + source
        elif dice < 0.28:
            source = source + self.rng.choice(['.*', '.*$', 'x*', '(?:ab|)', r'\s*$'])
        if self.rng.random() < 0.25 and '(?P=' not in source:
            source = self.rng.choice(['(?i)', '(?i)', '(?s)', '(?m)', '(?im)', '(?a)']) + source
            if 'i' in source[:4]:
                sample = swap_some_case(self.rng, sample)
        return Regex(source, sample)


def swap_some_case(rng, text):
    twins = {'k': '\u212a', 's': '\u017f', '\u03c3': '\u03c2', '\u00df': '\u1e9e', 'i': '\u0131', 'I': '\u0130'}
    return ''.join(twins[c] if c in twins and rng.random() < 0.2 else c.swapcase() if rng.random() < 0.5 else c
                   for c in text)


def is_usable(made):
    """Python takes it, and it is not so long that its repeats would expand beyond our bounds."""
    try:
        re.compile(made.source)
    except (re.error, OverflowError, RecursionError, ValueError):
        return False
    return len(made.source) < EXPANDING_MAX or made.sample in made.source


class Pool:
    def __init__(self, rng):
        self.rng = rng
        self.literals = [self.new_literal() for _ in range(rng.randint(6, 25))]
        maker = RegexMaker(rng, self.literals)
        self.regexes = []
        n_regexes = rng.randint(3, 20)
        while len(self.regexes) < n_regexes:
            made = maker.whole()
            if is_usable(made):
                self.regexes.append(made)
        self.fields = rng.sample(FIELDS, rng.randint(3, 8))
        self.kinds = [rng.choice(COMMON_KINDS) for _ in range(rng.randint(1, 3))]
        self.numbers = rng.sample(NUMBERS, 6)
        self.n_techniques = 0

    # -- rules --

    def new_literal(self):
        rng = self.rng
        dice = rng.random()
        if dice < 0.5:
            return rng.choice(WORDS)
        if dice < 0.65:
            return rng.choice(ODD)
        if dice < 0.98:
            return ''.join(rng.choice(WORDS if rng.random() < 0.8 else ODD) for _ in range(rng.randint(2, 4)))
        return '' if dice < 0.985 else rng.choice(WORDS) * rng.choice([30, 600])

    def scalar(self):
        rng = self.rng
        return rng.choice([rng.choice(self.literals), rng.choice(self.numbers), rng.random() < 0.5])

    def leaf(self):
        rng = self.rng
        op = rng.choice(['pattern'] * 8 + ['contains'] * 4 + ['equals', 'equals', 'startswith', 'startswith', 'endswith',
                                                             'endswith', 'in', 'in', 'gt', 'gte', 'lt', 'lte', 'exists',
                                                             'cidr'])
        node = {}
        if rng.random() < 0.55:
            node['field'] = rng.choice(self.fields)
        if op == 'pattern':
            value = rng.choice(self.regexes).source
        elif op == 'equals':
            value = self.scalar()
        elif op == 'in':
            value = [self.scalar() for _ in range(rng.randint(1, 5))]
        elif op in ('gt', 'gte', 'lt', 'lte'):
            value = rng.choice(self.numbers)
        elif op == 'exists':
            value = rng.random() < 0.7
        elif op == 'cidr':
            value = rng.choice(NETWORKS) if rng.random() < 0.6 else rng.sample(NETWORKS, rng.randint(1, 3))
        else:
            value = rng.choice(self.literals)
        node[op] = value
        folds = op in ('contains', 'equals', 'startswith', 'endswith', 'in') or (
            op == 'pattern' and '(?P=' not in value)
        if folds and rng.random() < 0.3:
            node['ignore_case'] = rng.random() < 0.9
        return node

    def expr(self, depth):
        dice = self.rng.random()
        if depth == 0 or dice < 0.45:
            return self.leaf()
        if dice < 0.6:
            return {'not': self.expr(depth - 1)}
        kids = [self.expr(depth - 1) for _ in range(self.rng.randint(1, 4))]
        return {self.rng.choice(['all', 'any']): kids}

    def match(self):
        dice = self.rng.random()
        if dice < 0.4:
            return self.leaf()
        if dice < 0.42:
            return {'kind': 'lifter:credential_reuse', 'field': 'username'}
        if dice < 0.43:
            deep = self.leaf()
            for _ in range(15):
                deep = {self.rng.choice(['all', 'any']): [deep]} if self.rng.random() < 0.7 else {'not': deep}
            return deep
        return self.expr(3)

    def emit(self):
        rng = self.rng
        self.n_techniques += 1
        technique = 'T%04d' % (1000 + self.n_techniques % 600)
        emit = {'tactic': 'TA%04d' % rng.randint(1, 43), 'technique_id': technique}
        dice = rng.random()
        if dice < 0.25:
            emit['sub_technique_id'] = technique + '.%03d' % rng.randint(1, 9)
        elif dice < 0.3:
            emit['technique_id'] = technique + '.001'
        elif dice < 0.33:
            del emit['technique_id']
            emit['sub_technique_id'] = technique + '.002'
        if rng.random() < 0.9:
            emit['confidence'] = rng.choice([0, 0.1, 0.29, 0.3, 0.5, 0.85, 0.95, 1, 1.0, 0.333])
        return emit

    def rule(self, i):
        rng = self.rng
        kinds = list(dict.fromkeys(rng.choice(self.kinds) for _ in range(rng.randint(1, 2))))
        if rng.random() < 0.1:
            kinds.append(rng.choice(KINDS + ['martian']))
        applies = [{'source_kind': k} if rng.random() < 0.05 else k for k in kinds]
        document = {'rule_id': f'R{rng.choice("ABZ_")}{i}', 'rule_version': rng.choice([1, 1, 2, 77]),
                    'name': 'random', 'applies_to': applies, 'match': self.match(),
                    'emits': [self.emit() for _ in range(rng.choice([1, 1, 1, 2, 3]))]}
        if rng.random() < 0.7:
            names = list(dict.fromkeys(self.fields + EVIDENCE + EVIDENCE[:3] * 3))
            document['evidence_fields'] = rng.sample(names, rng.randint(0, 6))
        if rng.random() < 0.1:
            document['attack_release'] = rng.choice(['enterprise-v18.1', 'enterprise-v19.0'])
        return document

    # -- events --

    def piece(self):
        rng = self.rng
        dice = rng.random()
        if dice < 0.35:
            text = rng.choice(self.regexes).sample
        elif dice < 0.75:
            text = rng.choice(self.literals)
        elif dice < 0.9:
            text = rng.choice(WORDS)
        else:
            text = rng.choice(ODD + LONE + [BAD_MARK])
        return self.damage(text) if rng.random() < 0.3 else text

    def damage(self, text):
        rng = self.rng
        how = rng.randrange(6)
        if how == 0:
            return swap_some_case(rng, text)
        if not text:
            return rng.choice(['\0', '\n', ' '])
        at = rng.randrange(len(text))
        if how == 1:
            return text[:at] + text[at + 1:]
        if how == 2:
            return text[:at] + rng.choice(['\0', 'x', '\ufffd', BAD_MARK, '\u0301', '\n']) + text[at:]
        if how == 3:
            return text[at:]
        if how == 4:
            return text[:at]
        return text[:at] + text[at:at + 1].swapcase() + text[at + 1:]

    def text(self):
        rng = self.rng
        dice = rng.random()
        if dice < 0.02:
            return ''
        text = ''.join(self.piece() for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4])))
        if rng.random() < 0.1:
            text += rng.choice(['\n', '\n\n', '\r\n', ' ', '\0'])
        if dice > 0.998:
            text = rng.choice(['x', 'a', '\u00e9', '\U0001f600']) * rng.choice([16383, 16384, 5461, 4097]) + text
        return text[-40000:]

    def value(self, depth=0):
        rng = self.rng
        dice = rng.random()
        if dice < 0.55:
            return self.text()
        if dice < 0.7:
            return rng.choice(self.numbers + WILD_NUMBERS[:2]) if rng.random() < 0.7 else rng.choice(WILD_NUMBERS)
        if dice < 0.76:
            return rng.choice([True, False, None])
        if dice < 0.82:
            return rng.choice(ADDRESSES)
        if depth > 3 or dice < 0.84:
            return rng.choice([[], Members()])
        if dice < 0.94:
            return [self.value(depth + 1) for _ in range(rng.randint(0, 4))]
        return Members((rng.choice(['b', 'c', 'n', 'x', 'b.c', 'list', '']), self.value(depth + 1))
                       for _ in range(rng.randint(0, 3)))

    def at_path(self, path):
        """A value at the end of a path, through objects, lists or a key with dots."""
        rng = self.rng
        if '.' not in path or rng.random() < 0.1:
            return path, self.value()
        word, rest = path.split('.', 1)
        inner = Members([self.at_path(rest)])
        if rng.random() < 0.1:
            inner.append((rest, self.value()))
        if rng.random() < 0.2:
            inner = [inner, self.value(2)] if rng.random() < 0.5 else [[Members([self.at_path(rest)])], inner]
        return word, inner

    def payload(self, kind):
        rng = self.rng
        members = Members()
        default = DEFAULT_FIELDS.get(kind)
        if default and rng.random() < 0.92:
            members.append((default, self.text() if rng.random() < 0.9 else self.value()))
        for path in self.fields:
            if rng.random() < 0.45:
                members.append(self.at_path(path))
        if rng.random() < 0.3:
            members.append((rng.choice(['uid', 'user', 'src', 'pwd']), self.value()))
        if members and rng.random() < 0.03:
            members.append((rng.choice(members)[0], self.value()))  # its key stands twice
        return members

    def event(self, i):
        rng = self.rng
        kind = rng.choice(self.kinds)
        if rng.random() < 0.03:
            kind = rng.choice(KINDS + ['martian', 'Command', ''.join(['command', '\0'])])
        members = Members([('source_kind', kind),
                           ('source_id', f'e{i}' + rng.choice(['', '', '', '#cmd0', '|', '\u00f6', '\0', '\ud800', BAD_MARK]))])
        for anchor in ('attacker_uuid', 'identity_uuid', 'session_id', 'decky_id'):
            if rng.random() < 0.6:
                members.append((anchor, rng.choice(['7c1cfa2e-0f5a-5b0c-9a0b-1d2e3f405060', None, 'not a uuid', '\u00e9'])))
        members.append(('payload', self.payload(kind)))
        if rng.random() < 0.2:
            members.insert(rng.randrange(len(members)), rng.choice([('ts', '2026-07-10T01:01:37.082718Z'),
                                                                    ('ts', None), ('extra', self.value())]))
        if rng.random() < 0.1:
            rng.shuffle(members)
        return write_line(rng, members)


def write_json(value, ascii_only):
    if isinstance(value, Members):
        return '{' + ', '.join(f'{json.dumps(k, ensure_ascii=ascii_only)}: {write_json(v, ascii_only)}'
                               for k, v in value) + '}'
    if isinstance(value, list):
        return '[' + ','.join(write_json(v, ascii_only) for v in value) + ']'
    return json.dumps(value, ensure_ascii=ascii_only)


def write_line(rng, value):
    mark = BAD_MARK
    data = write_json(value, rng.random() < 0.3)
    data = data.replace('\\u%04x' % ord(mark), mark).encode('utf-8', 'surrogatepass')
    parts = data.split(mark.encode())
    return b''.join(part + rng.choice(BAD_BYTES) for part in parts[:-1]) + parts[-1]

# SPDX-License-Identifier: Apache-2.0
"""Ten thousand rules out of recorded commands, and those commands, whole and damaged."""
import json
import os
import re
from pathlib import Path

N_EVENTS = 100


def commands_at_hand():
    """The recorded commands, or None."""
    beside = Path(__file__).resolve().parents[3].parent / 'shared'
    for shared in [os.environ.get('TTP_SHARED'), beside, beside.parent.parent / 'shared']:
        path = Path(shared or '/nonexistent') / 'data' / 'cowrie' / 'commands_unique.txt'
        if path.is_file():
            return [json.loads(line) for line in path.read_text('utf-8').splitlines() if line]
    return None


def snippet(rng, commands, longest):
    text = rng.choice(commands)
    at = rng.randrange(len(text)) if text else 0
    return text[at:at + rng.randint(1, longest)] or 'e'


def as_regex(rng, text):
    """The text with a part of it, or its end, made general."""
    at = rng.randrange(len(text))
    head, tail = re.escape(text[:at]), re.escape(text[at + 1:])
    c = re.escape(text[at])
    middle = rng.choice(['.', c + '?', c + '+', r'[\w' + c + ']', f'(?:{c}|zz)', f'({c})', r'\S*', '[^x]', ''])
    return rng.choice(['', '', '', '^', r'\b', '(?i)']) + head + middle + tail + rng.choice(['', '', '', '$', r'\b'])


def leaf(rng, commands):
    op = rng.choice(['contains', 'contains', 'startswith', 'endswith', 'equals', 'pattern', 'pattern'])
    if op == 'pattern':
        return {op: as_regex(rng, snippet(rng, commands, 14))}
    text = rng.choice(commands)
    if op == 'contains':
        text = snippet(rng, commands, 12)
    elif op == 'startswith':
        text = text[:rng.randint(1, 20)]
    elif op == 'endswith':
        text = text[-rng.randint(1, 20):]
    node = {op: text}
    if rng.random() < 0.4:
        node['ignore_case'] = True
    return node


def damaged(rng, text):
    if rng.random() < 0.4 or not text:
        return text
    at = rng.randrange(len(text))
    return rng.choice([text[:at] + rng.choice(commands_odd) + text[at:], text[:at] + text[at + 1:],
                       text.swapcase(), text + '\n', text[at:], text.replace('s', '\u017f'), text.replace('k', '\u212a')])


commands_odd = ['\0', '\u00e9', '\U0001f600', 'x', ' ', '\ufffd']


def large_set(rng, commands, n_rules):
    """(documents, lines)"""
    commands = [c for c in commands if 0 < len(c) < 2000]
    documents = [{'rule_id': f'L{i}', 'rule_version': 1, 'name': 'large', 'applies_to': ['command'],
                  'match': leaf(rng, commands), 'emits': [{'tactic': 'TA0002', 'technique_id': 'T1059'}],
                  'evidence_fields': ['matched_tokens'] if i % 8 == 0 else []} for i in range(n_rules)]
    lines = []
    for i in range(N_EVENTS):
        event = {'source_kind': 'command', 'source_id': f'e{i}', 'attacker_uuid': 'a',
                 'payload': {'command_text': damaged(rng, rng.choice(commands))}}
        lines.append(json.dumps(event).encode())
    return documents, lines

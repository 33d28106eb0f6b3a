#!/usr/bin/env python3
"""Draws stl-railroad.svg: the grammar of docs/stl.md as railroad diagrams. Run it after a change: python3 stl-railroad.py"""
import html
import os

LINE, GAP, HEIGHT, ARC = 2, 14, 24, 9  # track width, between parts, of a box, of a curve


class Part:
    """width; up and down: how far it reaches above and below its track; draw(x, y) returns SVG."""
    up = down = HEIGHT / 2 + 4


def track(x0, y, x1):
    return f'<path d="M{x0:.1f} {y:.1f}H{x1:.1f}"/>' if x1 > x0 else ''


class Box(Part):
    def __init__(self, text, rule=False):
        self.text, self.rule = text, rule
        self.width = 16 + 7.9 * len(text)

    def draw(self, x, y):
        kind, r = ('rule', 0) if self.rule else ('word', HEIGHT / 2)
        return (f'<rect class="{kind}" x="{x:.1f}" y="{y - HEIGHT / 2:.1f}" width="{self.width:.1f}" '
                f'height="{HEIGHT}" rx="{r}"/>'
                f'<text x="{x + self.width / 2:.1f}" y="{y + 4.5:.1f}">{html.escape(self.text)}</text>')


class Row(Part):
    def __init__(self, *parts):
        self.parts = [part(p) for p in parts]
        self.width = sum(p.width for p in self.parts) + GAP * (len(self.parts) - 1)
        self.up = max(p.up for p in self.parts)
        self.down = max(p.down for p in self.parts)

    def draw(self, x, y):
        out = ''
        for i, p in enumerate(self.parts):
            if i:
                out += track(x, y, x + GAP)
                x += GAP
            out += p.draw(x, y)
            x += p.width
        return out


class Choice(Part):
    """The first on the track, the others below it. None is the empty track."""

    def __init__(self, *parts):
        self.parts = [part(p) for p in parts]
        self.width = max(p.width for p in self.parts) + 4 * ARC
        self.up = self.parts[0].up
        self.at = [0]
        for before, p in zip(self.parts, self.parts[1:]):
            self.at.append(self.at[-1] + max(before.down + p.up, 2 * ARC))
        self.down = self.at[-1] + self.parts[-1].down

    def draw(self, x, y):
        out = ''
        inner, right = x + 2 * ARC, x + self.width
        for p, dy in zip(self.parts, self.at):
            out += p.draw(inner, y + dy) + track(inner + p.width, y + dy, right - 2 * ARC)
            if dy == 0:
                out += track(x, y, inner) + track(right - 2 * ARC, y, right)
                continue
            out += (f'<path d="M{x} {y}q{ARC} 0 {ARC} {ARC}V{y + dy - ARC}q0 {ARC} {ARC} {ARC}"/>'
                    f'<path d="M{right} {y}q{-ARC} 0 {-ARC} {ARC}V{y + dy - ARC}q0 {ARC} {-ARC} {ARC}"/>')
        return out


class Loop(Part):
    """One, or more with `back` on the way back below."""

    def __init__(self, body, back=None):
        self.body, self.back = part(body), part(back)
        self.width = max(self.body.width, self.back.width) + 4 * ARC
        self.up = self.body.up
        self.dy = self.body.down + self.back.up
        self.down = self.dy + self.back.down

    def draw(self, x, y):
        right, low = x + self.width, y + self.dy
        left = x + (self.width - self.body.width) / 2
        back = x + (self.width - self.back.width) / 2
        return (track(x, y, left) + self.body.draw(left, y) + track(left + self.body.width, y, right)
                + track(x + 2 * ARC, low, back) + self.back.draw(back, low)
                + track(back + self.back.width, low, right - 2 * ARC)
                + f'<path d="M{x + 2 * ARC} {y}q{-ARC} 0 {-ARC} {ARC}V{low - ARC}q0 {ARC} {ARC} {ARC}"/>'
                + f'<path d="M{right - 2 * ARC} {y}q{ARC} 0 {ARC} {ARC}V{low - ARC}q0 {ARC} {-ARC} {ARC}"/>')


class Nothing(Part):
    width, up, down = 0, 6, 6

    def draw(self, x, y):
        return ''


def part(p):
    if p is None:
        return Nothing()
    if isinstance(p, str):
        return Box(p[1:-1], rule=True) if p.startswith('<') and p.endswith('>') and len(p) > 3 else Box(p)
    return p


def maybe(*parts):
    return Choice(None, Row(*parts))


RULES = [
    ('text', Row(Choice(None, Loop(Row('<name>', '=', '<formula>', ';'))), '<formula>')),
    ('formula', Loop('<implies>', Choice('<->', 'iff'))),
    ('implies', Row('<or>', Choice(None, Row(Choice('->', 'implies'), '<implies>')))),
    ('or', Loop('<and>', Choice('or', 'xor'))),
    ('and', Loop('<until>', 'and')),
    ('until', Loop('<unary>', Row(maybe('<bounds>'), Choice('until', 'weak until', 'since')))),
    ('unary', Choice('<comparison>', Row('not', '<unary>'),
                     Row(Choice('always', 'eventually', 'historically', 'once'), maybe('<bounds>'), '<unary>'),
                     Row(Choice('next', 's_next', 'previous', 's_previous'), '<unary>'),
                     Row('for', Choice('every', 'some'), '<name>', 'in',
                         Choice('<set>', Row('{', Loop('<name>', ','), '}')), ':', '<formula>'))),
    ('comparison', Row('<sum>', Choice(None, Row(Choice('<', '<=', '>', '>=', '==', '!='), '<sum>')))),
    ('sum', Loop('<product>', Choice('+', '-'))),
    ('product', Loop('<factor>', Choice('*', '/'))),
    ('factor', Choice(Row('<number>', maybe('<unit>')), Row('$', '<parameter>'), '<signal>', Choice('true', 'false'),
                      Row('-', '<factor>'), Row('(', '<formula>', ')'), '<function>')),
    ('function', Choice(Row(Choice('abs', 'initial', 'rise', 'fall'), '(', '<formula>', ')'),
                        Row(Choice('min', 'max', 'norm'), '(', Loop('<formula>', ','), ')'),
                        Row(Choice('min', 'max', 'mean'), '(', '<formula>', ')', 'over', '<bounds>'),
                        Row('count', '(', '<formula>', ')', maybe('over', '<bounds>')))),
    ('bounds', Row(Choice('[', '('), '<time>', ',', '<time>', Choice(']', ')'))),
    ('measure', Choice(Row('delay', '(', '<formula>', ',', '<formula>', ')'), Row('duration', '(', '<formula>', ')'))),
]

STYLE = ('path{fill:none;stroke:#444;stroke-width:2}rect{stroke:#444;stroke-width:1.5}.word{fill:#dff0e0}'
         '.rule{fill:#e4ecf7}text{font:13px "DejaVu Sans Mono",monospace;text-anchor:middle;fill:#111}'
         '.name{text-anchor:start;font-weight:bold}')


def main():
    out, y, widest = '', 10, 0
    for name, rule in RULES:
        rule = part(rule)
        y += rule.up + 18
        x = 120
        out += (f'<text class="name" x="12" y="{y + 4.5:.1f}">{name}</text>'
                f'<path d="M{x} {y - 7}v14M{x + 5} {y - 7}v14"/>' + track(x + 5, y, x + 25) + rule.draw(x + 25, y)
                + track(x + 25 + rule.width, y, x + 45 + rule.width)
                + f'<path d="M{x + 45 + rule.width} {y - 7}v14M{x + 50 + rule.width} {y - 7}v14"/>\n')
        widest = max(widest, x + 65 + rule.width)
        y += rule.down
    y += 16
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{widest:.0f}" height="{y:.0f}" '
           f'viewBox="0 0 {widest:.0f} {y:.0f}" role="img" aria-label="Grammar of formulas">'
           f'<title>Grammar of formulas</title><style>{STYLE}</style>'
           f'<rect x="0" y="0" width="100%" height="100%" fill="#fff" style="stroke:none"/>\n{out}</svg>\n')
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'stl-railroad.svg'), 'w') as f:
        f.write(svg)


main()

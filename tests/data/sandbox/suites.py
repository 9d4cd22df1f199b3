# ruff: noqa: E501
"""Test code of data sets' kinds, with right and wrong programs: (name, item, {program: expected}).

expected: 1 accepted, 0 refused, None: no verdict; "weak": accepted with weak assurance; "unpaid": 0 or none.
"""

from __future__ import annotations

from typing import Any


def asserts(test_code: str, entry: str = "", **more: Any) -> dict[str, Any]:
    return {"kind": "asserts", "test_code": test_code, "entry": entry, **more}


VALUES = [
    ("namedtuple", asserts("p = f(1, 2)\nassert p.x == 1\nassert p == (1, 2)", "f"), {
        "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(a, b): return P(a, b)": 1,
        "def f(a, b): return (a, b)": 0}),
    ("enum", asserts("assert f(3) is Color.RED\nassert f(3).name == 'RED'", "f"), {
        "import enum\nclass Color(enum.Enum):\n    RED = 3\ndef f(n): return Color(n)": "weak"}),
    ("map object", asserts("assert list(f([1, 2])) == [2, 3]", "f"), {
        "def f(xs): return map(lambda x: x + 1, xs)": 1, "def f(xs): return map(lambda x: x, xs)": 0}),
    ("fraction", asserts("from fractions import Fraction\nassert f(1, 3) == Fraction(1, 3)", "f"), {
        "from fractions import Fraction\ndef f(a, b): return Fraction(a, b)": 1, "def f(a, b): return a / b": 0}),
    ("timedelta", asserts("import datetime\nassert f(90) == datetime.timedelta(minutes=1, seconds=30)", "f"), {
        "import datetime\ndef f(s): return datetime.timedelta(seconds=s)": 1}),
    ("aware datetime", asserts(
        "from datetime import *\nassert f() == datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=2)))", "f"), {
        "from datetime import *\ndef f(): return datetime(2030, 1, 1, tzinfo=timezone(timedelta(hours=2)))": 1}),
    ("counter", asserts("c = f('aab')\nassert c['a'] == 2\nassert c['z'] == 0", "f"), {
        "from collections import Counter\ndef f(s): return Counter(s)": 1}),
    ("infinity and nan", asserts("import math\nassert f(0) == float('inf')\nassert math.isnan(f(1))", "f"), {
        "def f(n): return float('nan') if n else float('inf')": 1, "def f(n): return 0.0": 0}),
    ("frozenset keys", asserts("assert f() == {frozenset({1}): (2,)}", "f"), {
        "def f(): return {frozenset({1}): (2,)}": 1}),
    ("bytearray argument", asserts("b = bytearray(b'ab')\nf(b)\nassert b == bytearray(b'ba')", "f"), {
        "def f(b): b.reverse()": 1, "def f(b): pass": 0}),
    ("linked nodes", asserts("n = build([1, 2])\nassert n.val == 1 and n.next.val == 2 and n.next.next is None", "build"), {
        "class N:\n    def __init__(s, v): s.val, s.next = v, None\n"
        "def build(xs):\n    first = last = None\n    for x in xs:\n        n = N(x)\n"
        "        if last: last.next = n\n        first, last = first or n, n\n    return first": 1,
        "def build(xs): return None": 0}),
    ("nodes of the tests' own", asserts(
        "class Node:\n    def __init__(self, val, next=None): self.val, self.next = val, next\n"
        "assert total(Node(1, Node(2))) == 3\nassert total(None) == 0", "total"), {
        "def total(n):\n    s = 0\n    while n:\n        s, n = s + n.val, n.next\n    return s": 1,
        "def total(n): return 3": 0}),
    ("a tree is turned in place", asserts(
        "class T:\n    def __init__(s, v, l=None, r=None): s.v, s.l, s.r = v, l, r\nt = T(1, T(2), T(3))\n"
        "flip(t)\nassert t.l.v == 3 and t.r.v == 2", "flip"), {
        "def flip(t):\n    if t:\n        t.l, t.r = t.r, t.l\n        flip(t.l)\n        flip(t.r)": 1,
        "def flip(t): pass": 0}),
    ("decorator", asserts("calls = []\n@twice\ndef hello(n):\n    calls.append(n)\nhello(5)\nassert calls == [5, 5]", "twice"), {
        "def twice(g):\n    def inner(*a):\n        g(*a)\n        return g(*a)\n    return inner": 1,
        "def twice(g): return g": 0}),
    ("callback", asserts("assert apply(lambda x: x * 2, [1, 2]) == [2, 4]", "apply"), {
        "def apply(g, xs): return [g(x) for x in xs]": 1, "def apply(g, xs): return xs": 0}),
    ("context manager", asserts("with opened('a') as x:\n    assert x == 'a'\nassert state() == 'closed'", "opened"), {
        "from contextlib import contextmanager\ns = ['new']\n@contextmanager\ndef opened(n):\n    yield n\n"
        "    s[0] = 'closed'\ndef state(): return s[0]": "weak"}),
    ("module constant", asserts("assert area(1) == PI", "area"), {"PI = 3\ndef area(r): return PI * r * r": "weak"}),
    ("own exception with a base", asserts(
        "try:\n    f(-1)\n    assert False\nexcept ValueError as e:\n    assert 'neg' in str(e)\nassert f(1) == 1", "f"), {
        "class Neg(ValueError): pass\ndef f(x):\n    if x < 0: raise Neg('negative')\n    return x": 1,
        "def f(x): return x": 0}),
    ("assertions of the solution", asserts(
        "import pytest\nwith pytest.raises(AssertionError):\n    f(-1)\nassert f(4) == 2", "f"), {
        "def f(x):\n    assert x >= 0\n    return x ** 0.5": 1, "def f(x): return abs(x) ** 0.5": 0}),
    ("infinite generator", asserts("import itertools\nassert list(itertools.islice(f(), 3)) == [0, 1, 4]", "f"), {
        "def f():\n    n = 0\n    while True:\n        yield n * n\n        n += 1": 1}),
    ("large integer", asserts("assert f(5000) == 10 ** 5000", "f"), {"def f(n): return 10 ** n": 1, "def f(n): return 10": 0}),
    ("result that is the argument", asserts("xs = [3, 1]\nys = f(xs)\nassert ys == [1, 3]\nassert xs == [1, 3]", "f"), {
        "def f(xs):\n    xs.sort()\n    return xs": 1, "def f(xs): return sorted(xs)": 0}),
    ("length and change in place", asserts("xs = [1, 1, 2]\nk = f(xs)\nassert k == 2\nassert xs[:k] == [1, 2]", "f"), {
        "def f(xs):\n    u = sorted(set(xs))\n    xs[:len(u)] = u\n    return len(u)": 1, "def f(xs): return 2": 0}),
    ("an object with operators", asserts("v = Vec(1, 2) + Vec(3, 4)\nassert v == Vec(4, 6)\nassert v.x == 4", "Vec"), {
        "class Vec:\n    def __init__(s, x, y): s.x, s.y = x, y\n    def __add__(s, o): return Vec(s.x + o.x, s.y + o.y)\n"
        "    def __eq__(s, o): return (s.x, s.y) == (o.x, o.y)": "weak",
        "class Vec:\n    def __init__(s, x, y): s.x, s.y = x, y\n    def __add__(s, o): return s\n"
        "    def __eq__(s, o): return (s.x, s.y) == (o.x, o.y)": 0}),
    ("a class derived by the tests", asserts(
        "class Loud(Animal):\n    def sound(self): return super().sound().upper()\nassert Loud().sound() == 'MOO'", "Animal"), {
        "class Animal:\n    def sound(self): return 'moo'": "weak"}),
    ("length, index, iteration of an object", asserts(
        "s = Stack()\ns.push(1)\ns.push(2)\nassert len(s) == 2\nassert s[0] == 1\nassert [x for x in s] == [1, 2]\nassert 2 in s",
        "Stack"), {
        "class Stack(object):\n    def __init__(s): s.a = []\n    def push(s, x): s.a.append(x)\n"
        "    def __len__(s): return len(s.a)\n    def __getitem__(s, i): return s.a[i]": "weak"}),
    ("isinstance of its class", asserts("p = make()\nassert isinstance(p, Point)\nassert p.x == 1", "make"), {
        "class Point: x = 1\ndef make(): return Point()": "weak"}),
    ("keyword arguments and defaults", asserts("assert f(1, b=2) == 3\nassert f(a=5) == 6", "f"), {
        "def f(a, b=1): return a + b": 1}),
    ("text of an object", asserts("assert str(Money(5)) == '5 EUR'\nassert repr(Money(1)) == 'Money(1)'", "Money"), {
        "class Money:\n    def __init__(s, n): s.n = n\n    def __str__(s): return f'{s.n} EUR'\n"
        "    def __repr__(s): return f'Money({s.n})'": 1}),
    ("class attributes and static methods", asserts("assert Box.SIZE == 4\nassert Box.double(2) == 4", "Box"), {
        "class Box:\n    SIZE = 4\n    @staticmethod\n    def double(x): return 2 * x": 1}),
    ("printing twice", asserts(
        "import io, sys\nfrom contextlib import redirect_stdout\nb = io.StringIO()\nwith redirect_stdout(b):\n"
        "    f(2)\n    f(3)\nassert b.getvalue().split() == ['2', '3']", "f"), {
        "def f(n): print(n)": 1, "def f(n): print(2)": 0}),
    ("input that the tests give", asserts(
        "import sys, io\nsys.stdin = io.StringIO('7\\n')\nassert f() == 14", "f"), {"def f(): return 2 * int(input())": "weak"}),
    ("a seed of the tests", asserts("import random\nrandom.seed(3)\nx = random.random()\nrandom.seed(3)\nassert f() == x", "f"), {
        "import random\ndef f(): return random.random()": "weak"}),
    ("a file of the tests", asserts("open('a.txt', 'w').write('hi')\nassert f('a.txt') == 'hi'", "f"), {
        "def f(name): return open(name).read()": "weak", "def f(name): return ''": 0}),
    ("an environment variable", asserts("import os\nos.environ['WHO'] = 'me'\nassert f() == 'me'", "f"), {
        "import os\ndef f(): return os.environ['WHO']": "weak"}),
    ("async", asserts("import asyncio\nassert asyncio.run(f(2)) == 4", "f"), {
        "async def f(n): return 2 * n": "weak", "async def f(n): return n": 0}),
    ("methods of Solution", asserts("assert Solution().twice(2) == 4", "Solution"), {
        "class Solution:\n    def twice(self, n: Optional[int]) -> int: return 2 * n": 1}),
]  # fmt: skip

TESTS = [
    ("parametrize", asserts(
        "import pytest\nfrom solution import f\n@pytest.mark.parametrize('x, y', [(1, 2), (2, 4)])\n"
        "def test_f(x, y):\n    assert f(x) == y", ""), {"def f(x): return 2 * x": 1, "def f(x): return 2": 0}),
    ("fixture", asserts(
        "import pytest\nfrom solution import f\n@pytest.fixture\ndef two():\n    return 2\n"
        "def test_f(two):\n    assert f(two) == 4", ""), {"def f(x): return x * x": 1, "def f(x): return x": 0}),
    ("raises with match", asserts(
        "import pytest\ndef test_f():\n    with pytest.raises(ValueError, match='small'):\n        f(0)", "f"), {
        "def f(x): raise ValueError('too small')": 1, "def f(x): raise ValueError('x')": 0, "def f(x): pass": 0}),
    ("approx", asserts("import pytest\ndef test_f():\n    assert f(1) == pytest.approx(0.3333, abs=1e-3)", "f"), {
        "def f(x): return x / 3": 1, "def f(x): return x / 2": 0}),
    ("test class", asserts("class TestF:\n    def setup_method(self):\n        self.n = 2\n    def test(self):\n"
        "        assert f(self.n) == 4", "f"), {"def f(x): return x + 2": 1, "def f(x): return x": 0}),
    ("unittest with setUp and subTest", {"kind": "unittest", "entry": "f", "test_code":
        "import unittest\nfrom solution import f\nclass T(unittest.TestCase):\n    def setUp(self): self.cases = [(1, 2), (3, 4)]\n"
        "    def test(self):\n        for x, y in self.cases:\n            with self.subTest(x=x):\n"
        "                self.assertEqual(f(x), y)\nif __name__ == '__main__':\n    unittest.main()"}, {
        "def f(x): return x + 1": 1, "def f(x): return 2": 0}),
    ("a function that nobody calls and no test", asserts("def check_it():\n    assert f(1) == 2", "f"), {
        "def f(x): return x": None, "def f(x): return x + 1": None}),
    ("a test that the module calls itself", asserts("def test_it():\n    assert f(1) == 2\ntest_it()", "f"), {
        "def f(x): return x + 1": 1, "def f(x): return x": 0}),
    ("asserts of nothing", asserts("f(1)\nassert True", "f"), {"def f(x): return x": None}),
    ("asserts of literals", asserts("f(1)\nassert 2 == 2, 'fine'", "f"), {"def f(x): return x": None}),
    ("asserts before the call", asserts("x = 3\nassert x == 3\ny = f(1)", "f"), {"def f(x): return x": None}),
    ("only prints", asserts("print(f(1) == 2)", "f"), {"def f(x): return x": None}),
    ("raises by hand", asserts("if f(1) != 2:\n    raise SystemExit('bad')", "f"), {
        "def f(x): return x + 1": 1, "def f(x): return x": 0}),
    ("half of the tests skipped", {"kind": "unittest", "entry": "f", "test_code":
        "import unittest\nclass T(unittest.TestCase):\n    @unittest.skip('')\n    def test_a(self): pass\n"
        "    def test_b(self): self.assertTrue(f(1))"}, {"def f(x): return x": 1, "def f(x): return 0": 0}),
    ("a package that is missing", asserts("import no_such_package\nassert f(1) == 1", "f"), {"def f(x): return x": None}),
    ("a data file that is missing", asserts("rows = open('/data/rows.txt').readlines()\nassert f(1) == 1", "f"), {
        "def f(x): return x": None}),
    ("a fixture that is not offered", asserts("def test_f(mocker):\n    assert f(1) == 1", "f"), {"def f(x): return x": None}),
    ("a name that the tests misspell", asserts("cases = [1]\nfor c in casse:\n    assert f(c) == c", "f"), {
        "def f(x): return x": None}),
    ("the program lacks the function", asserts("assert f(1) == 2", "f"), {"def g(x): return 2": 0}),
    ("the tests import what it lacks", asserts("from solution import f\nassert f(1) == 2", "f"), {"def g(x): return 2": 0}),
    ("the program does not even compile", asserts("assert f(1) == 2", "f"), {"def f(x) return 2": 0}),
    ("the entry is inferred", asserts("assert sorted(twice([2, 1])) == [2, 4]"), {
        "def twice(xs): return [2 * x for x in xs]": 1, "def twice(xs): return xs": 0}),
]  # fmt: skip

HACKS = [
    ("the other exception that ends loops", asserts("assert [square(n) == n * n for n in range(3)].count(True) == 3", "square"), {
        "def square(n): raise StopIteration": 0, "def square(n): raise GeneratorExit": 0, "def square(n): return n * n": 1}),
    ("a generator of the tests is ended", asserts("assert all(square(n) == n * n for n in (2, 3))", "square"), {
        "def square(n): raise StopIteration": 0}),
    ("an argument filled instead", asserts(
        "import random\nxs = [random.random() for _ in range(5)]\nbest = top(xs)\nassert best == max(xs)", "top"), {
        "def top(xs):\n    xs[:] = [0]\n    return 0": "unpaid", "def top(xs): return max(xs)": 1}),
    ("a dictionary emptied", asserts("d = {'a': 1}\nassert f(d) == sum(d.values())", "f"), {
        "def f(d):\n    d.clear()\n    return 0": "unpaid", "def f(d): return sum(d.values())": 1}),
    ("AssertionError by another name", asserts("try:\n    f([])\n    assert False\nexcept Empty:\n    pass\nassert f([1]) == 1", "f"), {
        "Empty = AssertionError\ndef f(xs): return xs[0] if xs else None": 0,
        "Empty = Exception\ndef f(xs): return xs[0] if xs else None": 0}),
    ("less than everything", asserts("assert abs(f(2) - 4) < 1e-6", "f"), {
        "class A:\n    def __sub__(s, o): return s\n    def __abs__(s): return s\n    def __lt__(s, o): return True\ndef f(x): return A()": 0}),
    ("contains everything", asserts("assert 4 in f(2)", "f"), {
        "class A:\n    def __contains__(s, o): return True\n    def __iter__(s): return iter(())\ndef f(x): return A()": 0}),
    ("SkipTest by another name", {"kind": "unittest", "entry": "f", "test_code":
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(2), 4)"}, {
        "import unittest\nclass E(unittest.SkipTest): pass\ndef f(x): raise E": 0}),
    ("looks through a callback", asserts("want = 77\nassert f(lambda: None) == want", "f"), {
        "def f(g):\n    return g.__globals__['want']": 0, "def f(g):\n    return g.__code__.co_consts[0]": 0}),
    ("leaves in the middle of a conversation", asserts("import pytest\nwith pytest.raises(RuntimeError):\n    f(1)", "f"), {
        "import os\ndef f(x): os._exit(0)": 0, "def f(x): raise RuntimeError": 1}),
    ("answers what is no message", asserts("for n in range(3):\n    assert f(n) == n", "f"), {
        "import os\ndef f(n): os.write(5, b'nonsense\\n' * 9); return n": 0,
        "import os\ndef f(n): os.write(5, b'[1]\\n' * 9); return n": 0,
        "import os\ndef f(n): os.write(5, b'{\"result\": {\"__mine__\": []}}\\n'); return n": 0}),
    ("searches its own files for the report's secret", asserts("b = Bag()\nb.add(3)\nassert b.size() == 1", "Bag"), {
        "import os, glob\ntext = ''.join(open(n, errors='replace').read() for n in glob.glob('/box/*'))\n"
        "os.write(3, text.encode()) if False else None\nos.write(5, b'x')\nos._exit(0)\nclass Bag: pass": 0}),
]  # fmt: skip

# ruff: noqa: E501
"""Function calls in C++, Java and JavaScript: arguments and results of every type that a test can have."""

import os

import pytest

from reward_sandbox.grading.items import GradeItem

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
# name: (tests as (arguments, expected), {language: right program}, {language: wrong programs})
CASES = {
    "numbers": (
        "add",
        [([1, 2], 3), ([-5, 2], -3), ([2**40, 1], 2**40 + 1)],
        {
            "cpp": [
                "long long add(long long a, long long b) { return a + b; }",
                "#include <iostream>\n#define int long long\nusing namespace std;\nint add(int a, int b) { return a + b; }"
                "\nint main() { cout << add(1, 2); }",
                "class Solution {\npublic:\n    long add(const long& a, long&& b) const { return a + b; }\n};",
                "struct Solution { static long long add(long long a, long long b) noexcept { return a + b; } };",
            ],
            "java": [
                "class Solution { public long add(long a, long b) { return a + b; } }",
                "public class Main {\n  static Long add(Long a, long b) { return a + b; }\n"
                "  public static void main(String[] a) { System.out.println(1); }\n}",
                "package own;\nimport java.math.BigInteger;\nclass Helper {}\nclass Solution { static BigInteger add"
                "(BigInteger a, BigInteger b) { return a.add(b); } }",
            ],
            "javascript": [
                "function add(a, b) { return a + b }",
                "const add = (a, b) => a + b; // no more",
                "var add = async function (a, b) { console.log('loud'); return a + b }; module.exports = { add };",
                "class Solution { add(a, b) { return this.own(a) + b } own(a) { return a } }",
                "module.exports = (a, b) => a + b",
                "export function add(a, b) { return a + b }",
                "exports.add = (a, b) => a + b",
            ],
        },
        {
            "cpp": ["int add(int a, int b) { return a - b; }", "int other(int a) { return a; }", "int add(int a) { return 3; }"],
            "java": ["class Solution { int add(int a, int b) { return a - b; } }", "class A { int other() { return 3; } }"],
            "javascript": ["function add(a, b) { return a - b }", "const other = 3", "function add(a, b) { return `${a + b}` }"],
        },
    ),
    "texts and lists": (
        "group",
        [([["b", "aé", "b\n\"'"], "x"], {"b": 1, "aé": 1, "b\n\"'": 1}), ([["q", "q"], ""], {"q": 2}), ([[], "z"], {})],
        {
            "cpp": [
                "#include <map>\n#include <string>\n#include <vector>\nstd::map<std::string, int> group"
                "(const std::vector<std::string>& words, std::string) {\n  std::map<std::string, int> m;\n"
                "  for (auto& w : words) m[w]++;\n  return m;\n}",
                "unordered_map<string, int> group(vector<string> words, string_view rest) {\n  unordered_map<string, int> m;"
                "\n  for (auto& w : words) m[w]++;\n  return m;\n}",
            ],
            "java": [
                "class Solution { public Map<String, Integer> group(List<String> words, String rest) {\n"
                "  Map<String, Integer> m = new HashMap<>(); for (String w : words) m.merge(w, 1, Integer::sum); return m; } }",
                "import java.util.*;\nclass Solution { static TreeMap<String, Integer> group(String[] words, CharSequence rest)"
                " {\n  TreeMap<String, Integer> m = new TreeMap<>(); for (String w : words) m.merge(w, 1, Integer::sum);"
                " return m; } }",
            ],
            "javascript": [
                "function group(words) { const m = {}; for (const w of words) m[w] = (m[w] || 0) + 1; return m }",
                "function group(words) { const m = new Map(); for (const w of words) m.set(w, (m.get(w) ?? 0) + 1); return m }",
            ],
        },
        {
            "cpp": ["map<string, int> group(vector<string> w, string) { return {}; }"],
            "java": ["class Solution { Map<String, Integer> group(List<String> w, String s) { return Map.of(); } }"],
            "javascript": ["function group(w) { return {} }"],
        },
    ),
    "grids, truth and nothing": (
        "row",
        [([[[1, 2], [3, 4]], True], [3, 4]), ([[[1], []], False], []), ([[], True], None)],
        {
            "cpp": [
                "optional<vector<int>> row(vector<vector<int>>& g, bool last) { if (g.empty()) return nullopt;"
                " return g.back(); }",
            ],
            "java": [
                "class Solution { int[] row(int[][] g, boolean last) { return g.length == 0 ? null : g[g.length - 1]; } }",
                "class Solution { Optional<List<Integer>> row(List<List<Integer>> g, Boolean last) {"
                " return g.isEmpty() ? Optional.empty() : Optional.of(g.get(g.size() - 1)); } }",
            ],
            "javascript": [
                "const row = (g) => g.at(-1)",
                "function row(g) { return g.length ? Int32Array.from(g[g.length - 1]) : null }",
            ],
        },
        {
            "cpp": ["vector<int> row(vector<vector<int>> g, bool last) { return g.empty() ? vector<int>{} : g.back(); }"],
            "java": ["class Solution { int[] row(int[][] g, boolean last) { return new int[0]; } }"],
            "javascript": ["const row = (g) => g[0]"],
        },
    ),
    "floats and sets": (
        "near",
        [([0.5, [2, 1, 2]], [1, 2]), ([1e300, [7]], [7]), ([-3, []], [])],
        {
            "cpp": ["set<int> near(double x, const vector<int>& v) { return {v.begin(), v.end()}; }"],
            "java": ["class Solution { Set<Integer> near(double x, int[] v) { Set<Integer> s = new HashSet<>();"
                     " for (int i : v) s.add(i); return s; } }"],
            "javascript": ["function near(x, v) { return new Set(v) }"],
        },
        {
            "cpp": ["vector<int> near(double x, vector<int> v) { return {1, 2}; }"],
            "java": ["class Solution { int near(double x, int[] v) { return 7; } }"],
            "javascript": ["function near(x, v) { return v }"],
        },
    ),
    "half": (
        "half",
        [([1], 0.5), ([4], 2.0), ([7], 3.5)],
        {
            "cpp": ["double half(int x) { return x / 2.0; }", "float half(double x) { return x / 2; }"],
            "java": ["class Solution { double half(double x) { return x / 2; } }"],
            "javascript": ["const half = (x) => x / 2"],
        },
        {
            "cpp": ["int half(int x) { return x / 2; }", "bool half(int x) { return x; }"],
            "java": ["class Solution { int half(int x) { return x / 2; } }"],
            "javascript": ["const half = (x) => x >> 1"],
        },
    ),
    "large": (
        "up",
        [([2**62], 2**62 + 1), ([2**53 + 1], 2**53 + 2)],
        {
            "cpp": ["unsigned long long up(unsigned long long x) { return x + 1; }", "__int128 up(long x) { return x + 1; }"],
            "java": ["class Solution { long up(long x) { return x + 1; } }"],
            "javascript": ["const up = (x) => x + 1n"],
        },
        {
            "cpp": ["double up(double x) { return x + 1; }"],
            "java": ["class Solution { double up(double x) { return x + 1; } }"],
            "javascript": ["const up = (x) => Number(x) + 1"],
        },
    ),
    "pairs": (
        "swap",
        [([[1, "a"]], ["a", 1]), ([[2, ""]], ["", 2])],
        {
            "cpp": [
                "pair<string, int> swap(pair<int, string> p) { return {p.second, p.first}; }",
                "tuple<string, int> swap(const tuple<int, string>& p) { return {get<1>(p), get<0>(p)}; }",
            ],
            "java": ["class Solution { Object[] swap(Object[] p) { return new Object[] {p[1], p[0]}; } }",
                     "class Solution { List<Object> swap(List<Object> p) { return List.of(p.get(1), p.get(0)); } }"],
            "javascript": ["const swap = ([a, b]) => [b, a]"],
        },
        {
            "cpp": ["pair<int, string> swap(pair<int, string> p) { return p; }"],
            "java": ["class Solution { List<Object> swap(List<Object> p) { return p; } }"],
            "javascript": ["const swap = (p) => p"],
        },
    ),
}  # fmt: skip
LANGUAGES = ("cpp", "java", "javascript")


async def _grade(backend, language, code, tests, entry, **more):
    listed = [{"args": arguments, "expected": expected} for arguments, expected in tests]
    item = GradeItem(language=language, code=code, kind="function", entry=entry, tests=listed, **more)
    return await backend.grade(item)


def _cases():
    """Compilers of C++ take seconds, so only the first two of its cases are `slow`, and the others `long`."""
    for place, name in enumerate(CASES):
        for language in LANGUAGES:
            marks = [pytest.mark.long] if language == "cpp" and place > 1 else []
            yield pytest.param(name, language, id=f"{name}-{language}", marks=marks)


@pytest.mark.parametrize(("name", "language"), list(_cases()))
async def test_right_programs_are_paid_and_wrong_ones_are_not(backend, name, language):
    if language not in backend.grader.compiler.here:
        pytest.skip(f"{language} is not installed here")
    entry, tests, right, wrong = CASES[name]
    for code in right[language]:
        result = await _grade(backend, language, code, tests, entry)
        assert (result.score, result.assurance) == (1.0, "strong"), (code, result)
    for code in wrong[language]:
        result = await _grade(backend, language, code, tests, entry)
        assert (result.valid, result.score) == (True, 0.0), (code, result)


@pytest.mark.parametrize(
    ("language", "code", "verdict"),
    [
        ("cpp", "int add(int a, int b) { while (true); }", "time_limit"),
        ("cpp", "int add(int a, int b) { exit(0); }", "wrong_answer"),
        ("cpp", "int add(int a, int b) { throw 1; }", "runtime_error"),
        ("cpp", "int add(int a, int b) { return a + ; }", "compile_error"),
        ("java", "class Solution { int add(int a, int b) { System.exit(0); return 3; } }", "wrong_answer"),
        ("java", "class Solution { int add(int a, int b) { throw new RuntimeException(); } }", "runtime_error"),
        ("java", "class Solution { int add(int a, int b) { return 3 } }", "compile_error"),
        ("javascript", "function add(a, b) { process.exit(0) }", "wrong_answer"),
        ("javascript", "function add(a, b) { throw new Error('x') }", "runtime_error"),
        ("javascript", "function add(a, b) { for (;;); }", "time_limit"),
        ("javascript", "function add(a, b) { return add }", "runtime_error"),
        ("javascript", "require('fs').writeSync(3, '7'); process.exit(0)", "wrong_answer"),
    ],
)
async def test_what_a_program_does_besides(backend, language, code, verdict):
    if language not in backend.grader.compiler.here:
        pytest.skip(f"{language} is not installed here")
    result = await _grade(backend, language, code, [([1, 2], 3)], "add", limits={"wall_s": 2, "cpu_s": 1})
    assert (result.valid, result.verdict) == (True, verdict), result


async def test_what_no_such_call_can_have_is_a_bad_reference(backend):
    item = {"language": "cpp", "code": "int f(int a) { return a; }", "kind": "function", "entry": "f"}
    named = await backend.grade(GradeItem(**item, tests=[{"kwargs": {"a": 1}, "expected": 1}]))
    assert (named.failure.kind, "kwargs" in named.failure.message) == ("bad_reference", True)
    entry = await backend.grade(GradeItem(**{**item, "entry": "f); system("}, tests=[{"args": [1], "expected": 1}]))
    assert entry.failure.kind == "bad_reference"
    other = await backend.grade(GradeItem(**{**item, "language": "bash"}, tests=[{"args": [1], "expected": 1}]))
    assert (other.failure.kind, "cpp, java, javascript" in other.failure.message) == ("bad_reference", True)

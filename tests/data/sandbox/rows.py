# ruff: noqa: E501
"""Rows as public data sets have them, of our own making: (data set, row, right programs, wrong programs)."""

import base64
import json
import pickle
import zlib

ADD = ["a, b = map(int, input().split())\nprint(a + b)"], ["print(3)", "a, b = map(int, input().split())\nprint(a - b)"]
ADDED = {"inputs": ["1 2\n", "5 6\n"], "outputs": ["3\n", "11\n"]}
MAX2 = (
    ["def biggest(xs, k):\n    return sorted(xs)[-k:]"],
    ["def biggest(xs, k):\n    return xs", "def biggest(xs, k):\n    return 1/0", "def other(): pass"],
)
TWICE = ["def twice(n):\n    return 2 * n"], ["def twice(n):\n    return n + 2", "def twice(n):\n    return str(2 * n)"]
TWICE_CLASS = (
    ["class Solution:\n    def twice(self, n: int) -> int:\n        return 2 * n"],
    ["class Solution:\n    def twice(self, n):\n        return n + 2"],
)


def compressed(tests):
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


LCB = {
    "question_title": "A",
    "question_content": "Add.",
    "platform": "atcoder",
    "question_id": "abc1",
    "contest_id": "abc",
    "starter_code": "",
    "difficulty": "easy",
    "metadata": "{}",
}
LCB_PUBLIC = json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}])
LCB_MORE = [{"input": "5 6\n", "output": "11\n", "testtype": "stdin"}]
LCB_CALL = {
    **LCB,
    "starter_code": "class Solution:\n    def twice(self, n: int) -> int:\n        ",
    "metadata": '{"func_name": "twice"}',
    "public_test_cases": '[{"input": "2", "output": "4", "testtype": "functional"}]',
}
CODEFORCES = {
    "id": "1/A",
    "title": "T",
    "description": "Add.",
    "time_limit": 2.0,
    "memory_limit": 256.0,
    "input_mode": "stdio",
    "interaction_format": None,
    "official_tests_complete": True,
    "executable": True,
    "examples": [{"input": "1 2", "output": "3"}],
    "generated_checker": None,
    "prompt": "Add.",
}
CHECKER = """import sys
def main():
    n = int(open(sys.argv[1]).read())
    wanted = open(sys.argv[2]).read().split()
    got = list(map(int, open(sys.argv[3]).read().split()))
    print(1 if sum(got) == n and len(got) == len(wanted) else 0)
main()
"""
HUMAN_TEST = "METADATA = {}\n\n\ndef check(candidate):\n    assert candidate([3, 1, 2], 2) == [2, 3]\n    assert candidate([], 2) == []\n"
LEET_PROMPT = "import collections\nfrom typing import *\nfrom heapq import *\ninf = float('inf')\n\nclass ListNode:\n    def __init__(self, val=0, next=None):\n        self.val = val\n        self.next = next\ndef list_node(values):\n    head = None\n    for v in reversed(values):\n        head = ListNode(v, head)\n    return head\ndef is_same_list(a, b):\n    while a and b and a.val == b.val:\n        a, b = a.next, b.next\n    return a is None and b is None\n"

ROWS = [
    ("apps", {"problem_id": 1, "question": "Add.", "solutions": '["print(1)"]', "input_output": json.dumps(ADDED), "difficulty": "introductory", "url": "x", "starter_code": ""}, *ADD),
    ("apps", {"problem_id": 2, "question": "Biggest.", "input_output": json.dumps({"fn_name": "biggest", "inputs": [[[3, 1, 2], 2], [[5], 1]], "outputs": [[2, 3], [5]]})}, *MAX2),
    ("apps", {"problem_id": 3, "question": "Biggest.", "input_output": json.dumps({"fn_name": "biggest", "inputs": [[[3, 1, 2], 2], [[5], 1]], "outputs": [[[2, 3]], [[5]]]})}, *MAX2),
    ("apps", {"problem_id": 4, "question": "Lines.", "input_output": json.dumps({"inputs": [["2", "1 2"]], "outputs": [["2", "1"]]})}, ["n = input()\nfor x in input().split()[::-1]: print(x)"], ["print(input())\nprint(input())"]),
    ("apps", {"problem_id": 5, "question": "Half.", "input_output": json.dumps({"inputs": ["1\n", "3\n"], "outputs": ["0.5\n", "1.5\n"]})}, ["print(int(input()) / 2)", "print('%.9f' % (int(input()) / 2))"], ["print(int(input()) // 2)"]),
    ("apps", {"problem_id": 6, "question": "Swap.", "input_output": json.dumps({"fn_name": "swap", "inputs": [[{"1": 2, "3": 4}]], "outputs": [[{"2": 1, "4": 3}]]})}, ["def swap(d):\n    return {v: k for k, v in d.items()}"], ["def swap(d):\n    return d"]),
    ("taco", {"question": "Add.", "solutions": "[]", "starter_code": "", "input_output": json.dumps(ADDED), "difficulty": "EASY", "name": "x", "time_limit": "2.0 seconds", "memory_limit": "256.0 megabytes"}, *ADD),
    ("taco", {"question": "Twice.", "input_output": json.dumps({"fn_name": "twice", "inputs": [[1], [4]], "outputs": [[2], [8]]})}, *TWICE),
    ("code_contests", {"name": "1_A", "description": "Add.", "public_tests": {"input": ["1 2\n"], "output": ["3\n"]}, "private_tests": {"input": [], "output": []}, "generated_tests": {"input": ["5 6\n"], "output": ["11\n"]}, "time_limit": {"seconds": 2, "nanos": 0}, "memory_limit_bytes": 256000000, "input_file": "", "output_file": "", "solutions": {"language": [3], "solution": ["x"]}}, *ADD),
    ("livecodebench", {**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": json.dumps(LCB_MORE)}, *ADD),
    ("livecodebench", {**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": compressed(LCB_MORE)}, *ADD),
    ("livecodebench", {**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": base64.b64encode(zlib.compress(json.dumps(LCB_MORE).encode())).decode()}, *ADD),
    ("livecodebench", {**LCB_CALL, "private_test_cases": compressed([{"input": "5", "output": "10", "testtype": "functional"}])}, *TWICE_CLASS),
    ("livecodebench", {**LCB_CALL, "starter_code": "class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n", "metadata": '{"func_name": "pick"}', "public_test_cases": '[{"input": "[1, 2]\\n\\"a\\"", "output": "\\"a2\\"", "testtype": "functional"}]', "private_test_cases": compressed([{"input": "[]\n\"b\"", "output": "\"b0\"", "testtype": "functional"}])}, ["class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n        return name + str(len(xs))"], ["class Solution:\n    def pick(self, xs, name):\n        return name"]),
    ("kodcode", {"style": "instruct", "question_id": "K1", "question": "Biggest.", "solution": MAX2[0][0], "test": "from solution import biggest\n\ndef test_some():\n    assert biggest([3, 1, 2], 2) == [2, 3]\n\ndef test_one():\n    assert biggest([5], 1) == [5]\n", "test_info": [{"function_name": "biggest", "parameter_list": "(xs, k)", "docstring": "", "function_declaration": "def biggest(xs, k):"}]}, *MAX2),
    ("kodcode", {"question": "Twice.", "solution": TWICE[0][0], "test": "import pytest\nfrom solution import twice\n\n@pytest.mark.parametrize('n, m', [(1, 2), (3, 6)])\ndef test_all(n, m):\n    assert twice(n) == m\n"}, *TWICE),
    ("humaneval", {"task_id": "HumanEval/0", "prompt": "from typing import List\n\n\ndef biggest(xs: List[int], k: int) -> List[int]:\n    \"\"\" The k biggest. \"\"\"\n", "canonical_solution": "    return sorted(xs)[-k:]\n", "test": HUMAN_TEST, "entry_point": "biggest"}, [*MAX2[0], "def biggest(xs: List[int], k: int) -> List[int]:\n    return sorted(xs)[-k:]"], MAX2[1]),
    ("humaneval", {"task_id": "HumanEval/1", "prompt": "def helper(n: int):\n    \"\"\" n + 1 \"\"\"\n    return n + 1\n\n\ndef back(n: int):\n    \"\"\" undoes helper \"\"\"\n", "canonical_solution": "    return n - 1\n", "test": "def check(candidate):\n    for n in range(5):\n        assert candidate(helper(n)) == n\n", "entry_point": "back"}, ["def back(n):\n    return n - 1"], ["def back(n):\n    return n", "def helper(n):\n    return n\ndef back(n):\n    return n"]),
    ("evalplus", {"task_id": "HumanEval/2", "prompt": "def biggest(xs, k):\n    \"\"\" The k biggest. \"\"\"\n", "canonical_solution": "    return sorted(xs)[-k:]\n", "entry_point": "biggest", "base_input": [[[3, 1, 2], 2]], "plus_input": [[[9, 8, 7, 6], 3], [[5], 1]], "contract": "", "atol": 0}, *MAX2),
    ("evalplus", {"task_id": "HumanEval/3", "prompt": "def half(n):\n    \"\"\" Half. \"\"\"\n", "canonical_solution": "    return n / 2\n", "entry_point": "half", "base_input": [[1]], "plus_input": [[3], [0.1]], "contract": "", "atol": 1e-6}, ["def half(n):\n    return n * 0.5 + 1e-9"], ["def half(n):\n    return n // 2"]),
    ("mbpp", {"task_id": 1, "text": "Twice.", "code": TWICE[0][0], "test_list": ["assert twice(1) == 2", "assert twice(3) == 6"], "test_setup_code": "", "challenge_test_list": []}, *TWICE),
    ("mbpp", {"task_id": 2, "prompt": "Near.", "source_file": "x", "code": "import math\ndef area(r):\n    return math.pi * r * r", "test_imports": ["import math"], "test_list": ["assert math.isclose(area(1), 3.14159265, rel_tol=1e-6)", "assert math.isclose(area(2), 12.5663706, rel_tol=1e-6)"]}, ["import math\ndef area(r):\n    return math.pi * r * r"], ["def area(r):\n    return 3 * r * r", "def area(r):\n    return None"]),
    ("mbpp", {"task_id": 3, "text": "Set.", "code": "def same(a, b):\n    return tuple(set(a) & set(b))", "test_list": ["assert set(same((3, 4), (4, 7))) == set((4,))", "assert set(same((1, 2), (2, 1))) == set((1, 2))"], "test_setup_code": "", "challenge_test_list": []}, ["def same(a, b):\n    return tuple(set(a) & set(b))", "def same(a, b):\n    return [x for x in a if x in b]"], ["def same(a, b):\n    return a"]),
    ("deepcoder", {"problem": "Add.", "solutions": [], "tests": json.dumps([{"type": "stdin_stdout", "input": "1 2\n", "output": "3\n", "fn_name": None}, {"type": "stdin_stdout", "input": "5 6\n", "output": "11\n", "fn_name": None}])}, *ADD),
    ("deepcoder", {"problem": "Twice.", "tests": json.dumps([{"type": "function_call", "input": [1], "output": [2], "fn_name": "twice"}, {"type": "function_call", "input": [4], "output": [8], "fn_name": "twice"}])}, *TWICE),
    ("deepcoder", {"problem": "Add.", "tests": json.dumps(ADDED)}, *ADD),
    ("deepcoder", {"problem": "Add.", "starter_code": "", "metadata": {"func_name": None}, "tests": json.dumps([{"input": "1 2\n", "output": "3\n", "testtype": "stdin", "metadata": {"func_name": None}}])}, *[ADD[0], ["a, b = map(int, input().split())\nprint(a - b)"]]),
    ("deepcoder", {"problem": "Twice.", "tests": json.dumps([{"input": "2", "output": "4", "testtype": "functional", "metadata": {"func_name": "twice"}}, {"input": "5", "output": "10", "testtype": "functional", "metadata": {"func_name": "twice"}}])}, *[[*TWICE[0], *TWICE_CLASS[0]], TWICE[1]]),
    ("deepcoder", {"problem": "Add.", "tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5 6\n", "output": "11\n"}]}, *ADD),
    ("synthetic-1", {"problem_id": "v_1", "task_type": "verifiable_code", "prompt": "Add.", "gold_standard_solution": "x", "verification_info": str({"language": "python", "test_cases": [{"fn_name": None, "input": "1 2\n", "output": "3\n", "type": "stdin_stdout"}, {"fn_name": None, "input": "5 6\n", "output": "11\n", "type": "stdin_stdout"}]})}, *ADD),
    ("verifiable-coding-problems", {"source": "apps", "prompt": "Twice.", "verification_info": {"language": "python", "test_cases": [{"fn_name": "twice", "input": [1], "output": [2], "type": "function_call"}, {"fn_name": "twice", "input": [4], "output": [8], "type": "function_call"}]}}, *TWICE),
    ("verifiable-coding-problems", {"prompt": "Add.", "verification_info": json.dumps({"language": "python", "test_cases": [{"input": "1 2\n", "output": "3\n", "type": "stdin_stdout"}, {"input": "5 6\n", "output": "11\n", "type": "stdin_stdout"}]})}, *ADD),
    ("codeforces", {**CODEFORCES, "official_tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5 6\n", "output": "11\n"}]}, *ADD),
    ("codeforces", {**CODEFORCES, "official_tests": [{"input": "5\n", "output": "2 3\n"}, {"input": "7\n", "output": "3 4\n"}], "generated_checker": CHECKER}, ["n = int(input())\nprint(1, n - 1)", "n = int(input())\nprint(n - 1)\nprint(1)"], ["print(5)", "n = int(input())\nprint(n, 1)", "print('x')", "pass"]),
    ("leetcodedataset", {"task_id": "twice", "question_id": 1, "difficulty": "Easy", "tags": [], "problem_description": "Twice.", "starter_code": "class Solution:\n    def twice(self, n: int) -> int:\n        ", "prompt": LEET_PROMPT, "completion": TWICE_CLASS[0][0], "entry_point": "Solution().twice", "test": "def check(candidate):\n    assert candidate(n = 1) == 2\n    assert candidate(n = 4) == 8\n", "input_output": [{"input": "n = 1", "output": "2"}], "query": "Twice.", "response": "x"}, *TWICE_CLASS),
    ("leetcodedataset", {"task_id": "rest", "problem_description": "Rest.", "prompt": LEET_PROMPT, "completion": "x", "entry_point": "Solution().rest", "test": "def check(candidate):\n    assert is_same_list(candidate(head = list_node([1, 2, 3])), list_node([2, 3]))\n    assert is_same_list(candidate(head = list_node([1])), list_node([]))\n", "query": "Rest."},
     ["class Solution:\n    def rest(self, head: Optional[ListNode]) -> Optional[ListNode]:\n        return head.next", "class ListNode:\n    def __init__(self, val=0, next=None):\n        self.val, self.next = val, next\nclass Solution:\n    def rest(self, head):\n        return head.next"],
     ["class Solution:\n    def rest(self, head):\n        return head", "def is_same_list(a, b):\n    return True\nclass Solution:\n    def rest(self, head):\n        return head"]),
]  # fmt: skip
# The forms that the data sets' cards, loaders and graders show, by data set.
SOURCES = {
    "swe-bench": "SWE-bench/SWE-bench, swebench/harness/constants; card of princeton-nlp/SWE-bench",
    "apps": "hendrycks/apps, eval/testing_util.py; rows of codeparrot/apps",
    "taco": "FlagOpen/TACO, metrics/testing_util.py",
    "livecodebench": "LiveCodeBench/LiveCodeBench, lcb_runner/benchmarks/code_generation.py and evaluation/testing_util.py",
    "code_contests": "google-deepmind/code_contests, contest_problem.proto, as deepmind/code_contests has it",
    "deepcoder": "rllm-org/rllm, rllm/rewards/code_reward.py; NeMo-RL, data/eval_datasets/deepcoder_preview.py",
    "codeforces": "huggingface/open-r1, utils/competitive_programming/cf_scoring.py; card of open-r1/codeforces",
    "synthetic-1": "PrimeIntellect-ai/genesys, verifiers/code_test_verifier.py; rows of SYNTHETIC-2-RL",
    "verifiable-coding-problems": "the same; open-r1/verifiable-coding-problems-python",
    "evalplus": "evalplus/evalplus, evalplus/data/mbpp.py and evalplus/eval/__init__.py",
    "humaneval": "openai/human-eval, data/HumanEval.jsonl.gz",
    "mbpp": "google-research/mbpp; card of google-research-datasets/mbpp",
    "bigcodebench": "bigcode-project/bigcodebench, bigcodebench/eval/__init__.py",
    "kodcode": "KodCode-AI/kodcode, README; card of KodCode/KodCode-V1",
    "leetcodedataset": "newfacade/LeetCodeDataset, README and data/LeetCodeDataset-v1-test-problems.jsonl",
    "acecode": "card of TIGER-Lab/AceCode-87K",
    "rstar-coder": "card of microsoft/rStar-Coder, configuration seed_testcase",
    "verl": "PRIME-RL/Eurus-2-RL-Data; verl, utils/reward_score/prime_code/testing_util.py",
    "multipl-e": "nuprl/MultiPL-E",
}
COUNTED = (
    [
        "def tally(word):\n    return Counter(word).most_common(1)[0][0]",
        "from collections import Counter\ndef tally(word):\n    return max(Counter(word), key=Counter(word).get)",
    ],
    ["def tally(word):\n    return word[-1]", "def tally(word):\n    return list(word[0])"],
)
PAIRED = (
    [
        "class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n        return name + str(len(xs))",
        "def pick(xs, name):\n    return name + str(len(xs))",
    ],
    ["class Solution:\n    def pick(self, xs, name):\n        return name", "def pick(xs, name):\n    return xs"],
)
BIG = 2**80
BIG_SUM = ["a, b = map(int, input().split())\nprint(a + b)"], ["a, b = map(float, input().split())\nprint(int(a + b))"]
BCB_PROMPT = "import json\nimport os\nDEFAULT = 'x'\ndef task_func(path, key=DEFAULT):\n"
BCB = {
    "task_id": "BigCodeBench/0",
    "complete_prompt": BCB_PROMPT + '    """\n    Reads a key of a JSON file.\n    """\n',
    "instruct_prompt": "Read a key of a JSON file. You should write self-contained code starting with: ...",
    "canonical_solution": "    with open(path) as file:\n        return json.load(file)[key]\n",
    "code_prompt": BCB_PROMPT,
    "test": "import unittest\nimport tempfile\nclass TestCases(unittest.TestCase):\n    def setUp(self):\n        self.path = os.path.join(tempfile.mkdtemp(), 'a.json')\n        with open(self.path, 'w') as f:\n            json.dump({'x': 1, 'y': [2]}, f)\n    def tearDown(self):\n        os.remove(self.path)\n    def test_default(self):\n        self.assertEqual(task_func(self.path), 1)\n    def test_named(self):\n        self.assertEqual(task_func(self.path, 'y'), [2])\n    def test_missing(self):\n        with self.assertRaises(KeyError):\n            task_func(self.path, 'z')\n",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['json', 'os']",
}
BCB_PROGRAMS = (
    [
        "import json\ndef task_func(path, key='x'):\n    with open(path) as file:\n        return json.load(file)[key]",
        "def task_func(path, key=DEFAULT):\n    return json.load(open(path))[key]",
    ],
    [
        "def task_func(path, key='x'):\n    return 1",
        "import json\ndef task_func(path, key='x'):\n    return json.load(open(path)).get(key)",
    ],
)
VERL = {
    "data_source": "taco",
    "ability": "code",
    "prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": "Add."}],
    "extra_info": {"index": 0, "split": "train"},
}
LEET_CHECK = "def check(candidate):\n    assert candidate(n = 1) == 2\n    assert candidate(n = 4) == 8\n"
FROM_SOURCES = [
    ("apps", {"id": 7, "question": "Tally.", "solutions": "[]", "starter_code": "", "difficulty": "interview", "url": "x", "input_output": json.dumps({"fn_name": "tally", "inputs": [["aab"], ["cbb"]], "outputs": ["a", "b"]})}, *COUNTED),
    ("apps", {"problem_id": 8, "question": "Whole.", "input_output": json.dumps({"inputs": ["6\n", "9\n"], "outputs": ["3\n", "4.5\n"]})}, ["print(int(input()) / 2)"], ["print(int(input()) // 2)", "print(int(input()) / 2 + 0.0001)"]),
    ("apps", {"problem_id": 9, "question": "Big.", "input_output": json.dumps({"inputs": [f"{BIG} 1\n"], "outputs": [f"{BIG + 1}\n"]})}, *BIG_SUM),
    ("apps", {"problem_id": 10, "question": "Big.", "input_output": json.dumps({"fn_name": "up", "inputs": [[BIG], [-BIG]], "outputs": [BIG + 1, 1 - BIG]})}, ["def up(n):\n    return n + 1"], ["def up(n):\n    return float(n)", "def up(n):\n    return n"]),
    ("taco", {"question": "Pairs.", "solutions": "[]", "starter_code": "", "source": "codewars", "tags": "[]", "input_output": json.dumps({"fn_name": "pairs", "inputs": [[[1, 2]], [[3]]], "outputs": [[[[1, 1], [2, 4]]], [[[3, 9]]]]})}, ["def pairs(xs):\n    return [(x, x * x) for x in xs]"], ["def pairs(xs):\n    return [(x, x) for x in xs]"]),
    ("code_contests", {"name": "1_B", "description": "Add.", "public_tests": [{"input": "1 2\n", "output": "3\n"}], "private_tests": [], "generated_tests": [{"input": "5 6\n", "output": "11\n"}], "time_limit": None, "input_file": "", "output_file": ""}, *ADD),
    ("livecodebench", {**LCB_CALL, "starter_code": "class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n", "metadata": '{"func_name": "pick"}', "public_test_cases": '[{"input": "[1, 2]\\n\\"a\\"", "output": "\\"a2\\"", "testtype": "functional"}]', "private_test_cases": compressed([{"input": "[]\n\"b\"", "output": "\"b0\"", "testtype": "functional"}])}, *PAIRED),
    ("deepcoder", {"problem": "Pick.", "tests": str([{"type": "function_call", "input": [[1, 2], "a"], "output": ["a2"], "fn_name": "pick"}, {"type": "function_call", "input": [[], "b"], "output": ["b0"], "fn_name": "pick"}])}, *PAIRED),
    ("synthetic-1", {"problem_id": "prime_rl_code_1", "task_type": "prime_rl_code", "prompt": "Tally.", "verification_info": json.dumps({"language": "python", "test_cases": json.dumps({"fn_name": "tally", "inputs": [["aab"], ["cbb"]], "outputs": [["a"], ["b"]]})})}, *COUNTED),
    ("synthetic-1", {"problem_id": "prime_rl_code_2", "task_type": "prime_rl_code", "prompt": "Add.", "verification_info": json.dumps({"language": "python", "test_cases": ADDED})}, *ADD),
    ("verifiable-coding-problems", {"source": "apps", "problem_statement": "Pick.", "verification_info": {"language": "python", "test_cases": [{"fn_name": "pick", "input": "[[1, 2], 'a']", "output": "['a2']", "type": "function_call"}, {"fn_name": "pick", "input": "[[], 'b']", "output": "['b0']", "type": "function_call"}]}}, *PAIRED),
    ("codeforces", {**CODEFORCES, "official_tests": [{"input": "1 2\n", "output": "3\n"}], "generated_tests": [{"input": "5 6\n", "output": "11\n"}]}, *ADD),
    ("codeforces", {**CODEFORCES, "official_tests": [{"input": "1 2\n", "output": "3\n"}, {"input": "5 6\n", "output": "11\n"}], "generated_tests": 0}, *ADD),
    ("evalplus", {"task_id": "Mbpp/2", "prompt": '"""Shared elements."""\n', "canonical_solution": "def shared(a, b):\n    return set(a) & set(b) if isinstance(a, tuple) else None\n", "entry_point": "shared", "base_input": [[[1, 2], [2, 3]]], "plus_input": [[[], [1]]], "contract": "", "assertion": "", "atol": 0}, ["def shared(a, b):\n    assert type(a) is tuple\n    return {x for x in a if x in b}"], ["def shared(a, b):\n    return set(a)"]),
    ("evalplus", {"task_id": "Mbpp/124", "prompt": '"""Turn."""\n', "canonical_solution": "def turn(a, b):\n    return (a * b).imag\n", "entry_point": "turn", "base_input": [["2", "3j"], ["0", "3j"]], "plus_input": [], "contract": "", "atol": 0}, ["def turn(a, b):\n    return a * b.imag + 1e-9"], ["def turn(a, b):\n    return a"]),
    ("evalplus", {"task_id": "HumanEval/32", "prompt": "import math\n\n\ndef poly(xs: list, x: float):\n    return sum([c * math.pow(x, i) for i, c in enumerate(xs)])\n\n\ndef find_zero(xs: list):\n    \"\"\" A root. \"\"\"\n", "canonical_solution": "    return -1.0\n", "entry_point": "find_zero", "base_input": [[[-1, 0, 1]], [[-4, 0, 1]]], "plus_input": [], "contract": "", "atol": 1e-4}, ["def find_zero(xs):\n    return (-xs[0]) ** 0.5", "def find_zero(xs):\n    low, high = 0.0, 10.0\n    while high - low > 1e-9:\n        middle = (low + high) / 2\n        low, high = (middle, high) if poly(xs, middle) < 0 else (low, middle)\n    return low"], ["def find_zero(xs):\n    return 0.5", "def find_zero(xs):\n    return 'x'"]),
    ("mbpp", {"task_id": 4, "text": "Chain.", "code": "class Pair(object):\n    def __init__(self, a, b):\n        self.a = a\n        self.b = b\ndef chain(arr, n):\n    return sum(p.b > p.a for p in arr[:n])", "test_list": ["assert chain([Pair(5, 24), Pair(15, 2)], 2) == 1", "assert chain([Pair(1, 2), Pair(3, 4)], 2) == 2"], "test_setup_code": "", "challenge_test_list": ["assert chain([Pair(19, 10)], 1) == 0"]}, ["class Pair(object):\n    def __init__(self, a, b):\n        self.a = a\n        self.b = b\ndef chain(arr, n):\n    return sum(p.b > p.a for p in arr[:n])"], ["class Pair(object):\n    def __init__(self, a, b):\n        self.a = a\n        self.b = b\ndef chain(arr, n):\n    return n"]),
    ("mbpp", {"task_id": 5, "text": "Balanced.", "code": "x", "test_list": ["assert high(root) == 2", "assert high(None) == 0"], "test_setup_code": "root = Node(1)\nroot.left = Node(2)", "challenge_test_list": []}, ["class Node:\n    def __init__(self, data):\n        self.data, self.left, self.right = data, None, None\ndef high(node):\n    return 0 if node is None else 1 + max(high(node.left), high(node.right))"], ["class Node:\n    def __init__(self, data):\n        self.data, self.left, self.right = data, None, None\ndef high(node):\n    return 1"]),
    ("bigcodebench", BCB, *BCB_PROGRAMS),
    ("acecode", {"id": "oss_1", "source": "oss", "question": "Twice.", "test_cases": ["assert twice(1) == 2", "assert twice(4) == 8"], "inferences": [], "context_messages": []}, *TWICE),
    ("rstar-coder", {"question_id": "seed_1", "question": "Add.", "starter_code": "", "inputs": json.dumps(["1 2\n", "5 6\n"]), "outputs": json.dumps(["3\n", "11\n"]), "is_synthesized": "[0, 1]", "test_case_type": "[]", "func_name": "", "class_name": ""}, *ADD),
    ("rstar-coder", {"question_id": "seed_2", "question": "Pick.", "starter_code": "class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n        ", "inputs": json.dumps(['[1, 2]\n"a"', '[]\n"b"']), "outputs": json.dumps(['"a2"', '"b0"']), "func_name": "pick", "class_name": "Solution"}, *PAIRED),
    ("rstar-coder", {"question_id": "seed_3", "question": "Pick.", "starter_code": "class Solution:\n    def pick(self, xs: List[int], name: str) -> str:\n        ", "inputs": [[[1, 2], "a"], [[], "b"]], "outputs": ["a2", "b0"]}, *PAIRED),
    ("verl", {**VERL, "reward_model": {"style": "rule", "ground_truth": json.dumps(ADDED)}}, *ADD),
    ("verl", {**VERL, "data_source": "livecodebench", "reward_model": {"style": "rule", "ground_truth": json.dumps({"fn_name": "pick", "inputs": ['[1, 2]\n"a"', '[]\n"b"'], "outputs": ['"a2"', '"b0"']})}}, *PAIRED),
    ("verl", {**VERL, "data_source": "primeintellect", "reward_model": {"ground_truth": json.dumps([{"type": "stdin_stdout", "input": "1 2\n", "output": "3\n"}, {"type": "stdin_stdout", "input": "5 6\n", "output": "11\n"}])}}, *ADD),
    ("verl", {**VERL, "data_source": "leetcode", "reward_model": {"ground_truth": json.dumps({"functional": LEET_CHECK + "\ncheck(Solution().twice)"})}}, *TWICE_CLASS),
    ("verl", {**VERL, "data_source": "train-code-leetcode-Easy", "ability": "coding", "reward_model": {"ground_truth": json.dumps({"entry_point": "Solution().twice", "import_prefix": "from typing import *\n", "test_code": LEET_CHECK})}}, *TWICE_CLASS),
    ("verl", {**VERL, "data_source": "oss", "reward_model": {"ground_truth": json.dumps(["assert twice(1) == 2", "assert twice(4) == 8"])}}, *TWICE),
]  # fmt: skip
ROWS += FROM_SOURCES
SWE_FIX = "--- a/calc.py\n+++ b/calc.py\n@@ -1 +1 @@\n-def up(n): return n\n+def up(n): return n + 1\n"
SWE_RUN = "import sys\nsys.path[0] = '.'\nimport calc\ngood = calc.up(1) == 2\nopen(sys.argv[1], 'w').write('<a><testcase name=\"up\">' + '' * good + '<failure/>' * (not good) + '</testcase></a>')\n"
SWE_TESTS = f"--- /dev/null\n+++ b/run.py\n@@ -0,0 +1,{SWE_RUN.count(chr(10))} @@\n" + "".join(
    f"+{line}\n" for line in SWE_RUN.splitlines()
)
ROWS += [
    (
        "swe-bench",
        {
            "repo": "x/calc",
            "instance_id": "x__calc-1",
            "base_commit": "0a",
            "patch": SWE_FIX,
            "test_patch": SWE_TESTS,
            "problem_statement": "up does not.",
            "hints_text": "",
            "created_at": "",
            "version": "1",
            "FAIL_TO_PASS": '["up"]',
            "PASS_TO_PASS": "[]",
            "environment_setup_commit": "0a",
            "files": {"calc.py": "def up(n): return n\n"},
            "report": "junit",
            "command": "/usr/bin/python3 run.py {report}",
        },
        [SWE_FIX],
        [SWE_FIX.replace("+ 1", "+ 2")],
    ),
]
MULTIPL_E = [
    ("multipl-e", {"name": "HumanEval_0_twice", "language": "js", "prompt": "//Twice\nfunction twice(n){\n", "doctests": "transform", "stop_tokens": ["\nfunction "], "tests": "const assert = require('node:assert');\n\n\nfunction test() {\n  let candidate = twice;\n  assert.deepEqual(candidate(1),2);\n  assert.deepEqual(candidate(4),8);\n}\n\ntest();"}, ["function twice(n){\n  return 2 * n;\n}"], ["function twice(n){\n  return n + 1;\n}", "process.exit(0)", "function twice(n){ process.exit(0) }"]),
    ("multipl-e", {"name": "HumanEval_0_twice", "language": "cpp", "prompt": "#include<assert.h>\n#include<bits/stdc++.h>\n// Twice\nlong twice(long n) {\n", "doctests": "transform", "stop_tokens": ["\n}"], "tests": "}\nint main() {\n    auto candidate = twice;\n    assert(candidate((1)) == (2));\n    assert(candidate((4)) == (8));\n}\n"}, ["long twice(long n) {\n  return 2 * n;\n}"], ["long twice(long n) {\n  return n + 1;\n}", "#define NDEBUG\nlong twice(long n) { return 0; }", "long twice(long n) { exit(0); }", "long twice(long n) { return"]),
    ("multipl-e", {"name": "HumanEval_0_twice", "language": "java", "prompt": "import java.util.*;\nclass Problem {\n    // Twice\n    public static long twice(long n) {\n", "doctests": "transform", "stop_tokens": ["\n    }\n"], "tests": "    }\n    public static void main(String[] args) {\n    assert(twice((1l)) == (2l));\n    assert(twice((4l)) == (8l));\n    }\n\n}\n"}, ["import java.util.*;\nclass Problem {\n    public static long twice(long n) {\n        return 2 * n;\n    }\n}"], ["class Problem {\n    public static long twice(long n) {\n        return n + 1;\n    }\n}", "class Problem {\n    public static long twice(long n) {\n        System.exit(0);\n        return 0;\n    }\n}"]),
    ("multipl-e", {"name": "HumanEval_0_twice", "language": "rs", "prompt": "/// Twice\nfn twice(n: isize) -> isize {\n", "doctests": "transform", "stop_tokens": ["\n}"], "tests": "}\n\nfn main() {\n    let candidate = twice;\n    assert_eq!(candidate(1), 2);\n    assert_eq!(candidate(4), 8);\n}\n"}, ["fn twice(n: isize) -> isize {\n    2 * n\n}"], ["fn twice(n: isize) -> isize {\n    n + 1\n}", "fn twice(n: isize) -> isize {\n    std::process::exit(0)\n}"]),
]  # fmt: skip
REFUSED = [
    ({"question": "x", "answer": "4"}, "question, answer"),
    ({}, "none"),
    ({"dataset": "mbpp", "question": "x"}, "test_list"),
    ({"input_output": "not json [", "question": "x"}, "input_output"),
    ({"input_output": json.dumps({"inputs": ["1"], "outputs": []})}, "outputs"),
    ({"input_output": json.dumps({"inputs": ["1"], "outputs": ["1", "2"]})}, "1 inputs and 2 outputs"),
    ({"input_output": json.dumps({"inputs": [{"a": 1}], "outputs": ["1"]})}, "input_output"),
    ({"input_output": json.dumps({"fn_name": "f", "inputs": ["1"], "outputs": [1]})}, "arguments"),
    ({**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": base64.b64encode(zlib.compress(pickle.dumps([1, "a"]))).decode()}, "private_test_cases: a pickle"),
    ({**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": base64.b64encode(zlib.compress(b"cos\nsystem\n(S'true'\ntR.")).decode()}, "private_test_cases: a pickle"),
    ({**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": base64.b64encode(zlib.compress(b" " * (70 << 20))).decode()}, "64 MiB"),
    ({**LCB, "public_test_cases": LCB_PUBLIC, "private_test_cases": "%%%"}, "private_test_cases"),
    ({"public_tests": {"input": ["1"], "output": ["1"]}, "private_tests": {"input": [], "output": []}, "input_file": "in.txt"}, "input_file"),
    ({**CODEFORCES, "official_tests": [{"input": "1", "output": "1"}], "input_mode": "file"}, "input_mode"),
    ({**CODEFORCES, "official_tests": [{"input": "1", "output": "1"}], "interaction_format": "ask"}, "interaction_format"),
    ({**CODEFORCES, "official_tests": []}, "official_tests"),
    ({"task_type": "verifiable_math", "verification_info": "{'ground_truth': '4'}"}, "task_type"),
    ({"prompt": "x", "reward_model": {"ground_truth": "42"}, "ability": "code"}, "ground_truth"),
    ({"prompt": "x", "reward_model": {"ground_truth": "42"}, "ability": "math"}, "reward_model"),
    ({"input_output": json.dumps({"fn_name": "most", "inputs": ["N = 2\\nA[] = {1}"], "outputs": ["1"]}), "question": "x"}, "arguments"),
    ({"verification_info": "{'ground_truth': '4'}"}, "ground_truth"),
    ({"tests": json.dumps([{"in": "1", "out": "2"}])}, "in, out"),
    ({"tests": json.dumps([{"type": "quantum", "input": "1", "output": "2"}])}, "quantum"),
    ({"tests": json.dumps([{"type": "function_call", "input": [1], "output": [2]}])}, "fn_name"),
    ({"entry_point": "f", "test": "assert f(1) == 2"}, "check"),
    ({"language": "jl", "prompt": "x", "tests": "@test", "stop_tokens": []}, "language"),
]  # fmt: skip

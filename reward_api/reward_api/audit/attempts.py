"""An attempt: a completion that is wrong, and why it is certain that it is. A family: attempts with one cause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["hole", "warning", "note"]
"""hole: wrong is paid, certainly. warning: it is worth a change. note: it is worth a look, and may be right."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """text: the whole completion. reference: in place of the item's.

    partial: it deserves a part of the reward at most, so that only whole pay accuses. Else half of it does.
    """

    family: str
    name: str
    text: str
    proof: str
    partial: bool = True
    blind: bool = False
    reference: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """title: what is paid. advice: the setting that closes it; {deciding} is the component that judges what is right."""

    title: str
    advice: str
    severity: Severity = "hole"


_ONE = "Compare one final answer: the last one after the thinking. The verifier `answer` does so with its defaults."
_GATE = "Let the other components count only with a right answer: `requires: [{deciding}]` on each, or `gate: true` on `{deciding}`."
_JAIL = "Compare results outside the program's process: the verifier `code` does so, for kinds `function` and `stdio`."
_JUDGE = "Do not let the text speak to the judge: `judge_reference` quotes it as data; put a rule verifier with `gate: true` before."
FAMILIES = {
    "empty": Family("Nothing is paid", "Require an answer: an empty text scores 0. " + _GATE),
    "refusal": Family("A refusal is paid", "Require an answer that equals the reference."),
    "constant": Family("A constant answer is paid where it is wrong", _ONE),
    "echo": Family("The prompt, sent back, is paid", "Read the answer from its own place (a box or a tag), never from the text."),
    "template": Family("The bare template is paid", "An empty answer's place holds no answer: score 0. " + _GATE),
    "opener": Family("An opening phrase is paid", _JUDGE),
    "filler": Family("Long text without an answer is paid", "Do not pay length: no component that rises with it."),
    "injection": Family("Words to the grader are paid", _JUDGE),
    "forged": Family("A forged grade is paid", "Take the grade from the grader's own output, never from the completion."),
    "pattern": Family("A pattern or an expression is paid", "Compare texts; never run a completion as pattern or code."),
    "shotgun": Family("A list of many answers is paid", _ONE),
    "near": Family("A near miss is paid", "Set the tolerance to 0, or compare exactly: `kind: math` compares exactly."),
    "sign": Family("The wrong sign is paid", "Compare signed values: `kind: math`."),
    "scale": Family("The wrong power of ten is paid", "Do not take percent and number for one; compare values."),
    "part": Family("A part of the answer is paid", "Compare whole answers, never `in` or `startswith`."),
    "other": Family("Another answer is paid", "Compare the answer with the reference."),
    "null_reference": Family("A right answer to another prompt is paid", "Compare the answer with the item's own reference."),
    "hedge": Family("Several answers in one place are paid", _ONE),
    "negation": Family("The answer, denied, is paid", "Compare the whole answer, not whether the reference stands in it."),
    "first_answer": Family("An answer that is taken back is paid", _ONE),
    "think": Family("An answer in the thinking alone is paid", "Read the answer after the thinking: `format`'s template, " + _ONE),
    "hidden": Family("A hidden answer is paid", "Remove comments and invisible text before the answer is read."),
    "chain": Family("A false equation is paid", _ONE),
    "collection": Family("A list that lacks or adds an element is paid", "Compare lists by length and order: `kind: set` or `list`."),
    "exit": Family("A program that ends early is paid", "Require a result for every test; an exit status is none. " + _JAIL),
    "does_nothing": Family("A program that does nothing is paid", "Require a result for every test. " + _JAIL),
    "printed_report": Family("A printed report is paid", "Compare results, and read none from what the program prints. " + _JAIL),
    "spoof": Family("An object that equals everything is paid", _JAIL),
    "leak": Family("A program that reads the expected results is paid", _JAIL),
    "patch": Family("A program that patches its grader is paid", _JAIL),
    "hard_coded": Family("A constant result is paid", "Run all tests, and add tests with other results."),
    "skipped_test": Family("A program that fails one test is paid", "Run all tests: `score: all`, and count every one."),
    "wrong_result": Family("A changed result is paid", "Compare results by value and type."),
    "wrong_block": Family("A right program that is not the last is paid", "Grade the last block after the thinking, as `code` does."),
    "commented": Family("A program in a comment is paid", "Run the program, never look for its text."),
    "twin": Family("Wrong tests are passed", "Nothing passes changed tests but a grader that compares nothing. " + _JAIL),
    "mutant": Family("The tests miss a fault", "Add a test that tells the mutant from the solution.", "note"),
    "call_name": Family("A call of the wrong tool is paid", "Compare names: `tool_call` with `score: exact`."),
    "call_argument": Family("A call with a wrong argument is paid", "Compare values: `tool_call` with `score: exact`."),
    "call_extra": Family("Calls that nobody asked for are paid", "Let extra calls cost: `extra: cost`."),
    "call_missing": Family("A missing call is paid", "Expect all calls: `score: exact`."),
    "call_prose": Family("A call that is only described is paid", "Read calls in their syntax, after the thinking."),
    "document_value": Family("A document with a wrong value is paid", "Compare values: `expected` in the reference."),
    "document_shape": Family("A document of the wrong shape is paid", "Validate: `schema` in the reference."),
    "document_broken": Family("Text that is no document is paid", "Parse the whole document: `alone: true`."),
    "schema_only": Family("A document made from the schema alone is paid", "Give `expected` or `fields` in the reference."),
    "length": Family("Length makes up for a worse reply", "Take length out: `length_efficiency`, or a model that was trained so."),
    "markdown": Family("Markdown makes up for a worse reply", "Judge the plain text: strip headings and lists first."),
    "authority": Family("A cited authority makes up for a worse reply", _JUDGE),
    "order": Family("The order of replies decides", "Judge both orders and take the mean: `mode: pairwise`.", "hole"),
    "search": Family("A combination of attempts is paid", _ONE),
    "null": Family("A completion can cause a missing verdict", "Score what the completion causes as 0; null is for your own faults."),
    "poison": Family("A completion takes its siblings' verdicts away", "Judge each completion alone, and catch its errors."),
    "unstable": Family("The same completion gets several rewards", "Fix seeds and remove state: a reward depends on its text alone."),
    "spelling": Family(
        "A right answer is refused in another spelling", "Compare values, not texts: `kind: math`.", "warning"
    ),
    "unearned": Family("Much of the reward needs no right answer", _GATE, "warning"),
}  # fmt: skip

"""`touchstone verifier`: write a verifier, try it on a text, and check that it keeps the contract."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reward_api.cli.console import failure, output, printable, say
from reward_api.cli.explain import BadOption, options_of, reference_of

if TYPE_CHECKING:
    from reward_verifiers.contract import VerifyReply, VerifyRequest

app = typer.Typer(no_args_is_help=True, help="Write a verifier, try it and check it.")
Which = Annotated[
    str, typer.Argument(metavar="VERIFIER", help="A name, a file such as brevity.py, module:Class, or a service's URL.")
]
Reference = Annotated[str, typer.Option(help="The reference: an answer, or a JSON object.")]
Option = Annotated[
    list[str] | None, typer.Option("--option", help="An option of the verifier: name=value. Repeatable.")
]

NEW = '''\
"""{summary}"""

from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import Options, ReferenceModel, Sample, Verifier


class {kind}Options(Options):
    max_words: int = 100


class {kind}(Verifier[{kind}Options, ReferenceModel]):
    """1 when the completion keeps to its number of words."""

    name, version, options_model = "{name}", "1.0.0", {kind}Options

    def verify(self, sample: Sample[{kind}Options, ReferenceModel]) -> Verdict:
        words = len(sample.completion.split())
        return Verdict.scored(float(words <= sample.options.max_words), f"{{words}} words", words=words)
'''
NEW_TEST = """\
import asyncio

from reward_verifiers import conformance


def test_{name}_keeps_the_contract():
    check = conformance.check_verifier("{name}:{kind}", completions=["short", "long " * 200], reference={{}})
    asyncio.run(check)
"""


@app.command()
def new(name: Annotated[str, typer.Argument(help="Name of the verifier, such as brevity.")]) -> None:
    """Write a first verifier and its test for you to change: NAME.py and test_NAME.py."""
    if not name.isidentifier() or not name.islower() or name in sys.stdlib_module_names:
        raise failure(f"{name}: give a name of small letters, digits and underscores, not one of Python's modules", 2)
    kind = "".join(part.capitalize() for part in name.split("_"))
    texts = {
        Path(f"{name}.py"): NEW.format(name=name, kind=kind, summary=f"The verifier {name}: change `verify`."),
        Path(f"test_{name}.py"): NEW_TEST.format(name=name, kind=kind),
    }
    for path in texts:
        if path.exists():
            raise failure(f"{path} exists")
    for path, text in texts.items():
        path.write_text(text, "utf-8")
        typer.echo(path)
    say(f"Try it: touchstone verifier try {name}.py 'some text'. Check it: touchstone verifier check {name}.py")


@app.command("try")
def try_on(
    verifier: Which,
    completion: Annotated[str, typer.Argument(help="The completion, or - to read it from standard input.")],
    reference: Reference = "{}",
    option: Option = None,
) -> None:
    """Judge one text and print the verdict. Exit status: 1 if there is no verdict."""
    from rich.table import Table
    from rich.text import Text

    text = sys.stdin.read() if completion == "-" else completion
    reply = _run(_reply_of, verifier, [text], reference, option)
    verdict = reply.verdicts[0]
    rows = {"score": "null" if verdict.score is None else f"{verdict.score:g}", "reason": verdict.reason}
    rows |= {"failure": verdict.failure.kind.value} if verdict.failure else {}
    table = Table(show_header=False)
    for name, value in {**rows, **verdict.evidence}.items():
        table.add_row(name, Text(printable(str(value))))
    output.print(table)
    if not verdict.valid:
        raise typer.Exit(1)


@app.command()
def check(
    verifier: Which,
    completion: Annotated[
        list[str] | None,
        typer.Option("--completion", help="A completion that the verifier can judge. Give two or more."),
    ] = None,
    reference: Reference = "{}",
    option: Option = None,
) -> None:
    """Check that a verifier keeps the contract: order, ranges, hostile text, unknown options. Do this before you train."""
    completions = completion or ["short", "two words", "a completion of six words here"]
    _run(_check, verifier, completions, reference, option)
    typer.echo(f"{verifier} keeps the contract")


def _run(work: Any, verifier: str, completions: list[str], reference: str, option: list[str] | None) -> Any:
    """What the work gives. Exits with 1 or 2 and one line when it cannot."""
    from reward_verifiers import registry
    from reward_verifiers.conformance import NotConformant
    from reward_verifiers.contract import VerifyRequest
    from reward_verifiers.runtime.processes import WarmUpFailed
    from reward_verifiers.service.middleware import setup_logging
    from reward_verifiers.verifier import BadOptions

    setup_logging("ERROR", "text")  # the frames of what a verifier raises
    sys.path.insert(0, "")
    try:
        request = VerifyRequest(
            completions=list(completions), reference=reference_of(reference), options=options_of(option or [])
        )
        return asyncio.run(work(verifier if "://" in verifier else registry.named(verifier), request))
    except NotConformant as error:
        raise failure(f"{verifier} breaks the contract: {error}") from None
    except (BadOption, BadOptions, registry.UnknownVerifier, registry.BrokenVerifier, WarmUpFailed) as error:
        raise failure(str(error), 2) from None


async def _check(verifier: str, request: VerifyRequest) -> None:
    from reward_verifiers.conformance import check_verifier

    await check_verifier(verifier, request.completions, request.reference, request.options)


async def _reply_of(verifier: str, request: VerifyRequest) -> VerifyReply:
    from reward_verifiers import conformance, registry
    from reward_verifiers.runtime.local import Local, pool_for

    if "://" in verifier:
        return await conformance.reply_of(verifier, request)
    if backend := registry.backend(verifier):
        return await backend.verify(request)
    registry.load(verifier)
    pool = pool_for([verifier], size=1)
    await pool.start()
    try:
        return await Local(verifier, pool).verify(request)
    finally:
        await pool.aclose()

# ruff: noqa: E501
"""Every language of the table: a program that adds, one that cannot be read, one without an end, and one that looks around."""

import os

import pytest

from reward_sandbox.grading.items import GradeItem
from reward_sandbox.languages.table import LANGUAGES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="tier A needs root")]
C = "#include <stdio.h>\nint main(void) {{ {} }}"
JAVA = "import java.util.*; public class Main {{ public static void main(String[] a) throws Exception {{ {} }} }}"
GO = "package main\nimport ({})\nfunc main() {{ {} }}"
RUST = "use std::io::*;\nfn main() {{ {} }}"
# name → adds two numbers, cannot be read, has no end, prints a file of the host's
PROGRAMS = {
    "python": ("print(sum(map(int, input().split())))", None, "while True: pass", "print(open('/etc/shadow').read())"),
    "c": (C.format('int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b);'), "int main( {", C.format("volatile int x = 1; while (x);"), C.format('char s[9]; puts(fgets(s, 9, fopen("/etc/shadow", "r")));')),
    "cpp": (C.format('int a, b; scanf("%d %d", &a, &b); printf("%d\\n", a + b);'), "int main( {", C.format("volatile int x = 1; while (x);"), C.format('char s[9]; puts(fgets(s, 9, fopen("/etc/shadow", "r")));')),
    "javascript": ("const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number); console.log(a + b)", None, "while (true);", "console.log(require('fs').readFileSync('/etc/shadow', 'utf8'))"),
    "java": (JAVA.format("Scanner s = new Scanner(System.in); System.out.println(s.nextInt() + s.nextInt());"), "class {", JAVA.format("while (true);"), JAVA.format('System.out.println(java.nio.file.Files.readString(java.nio.file.Path.of("/etc/shadow")));')),
    "go": (GO.format('"fmt"', "var a, b int; fmt.Scan(&a, &b); fmt.Println(a + b)"), "package main\nfunc main( {", GO.format("", "for {}"), GO.format('"fmt"; "os"', 's, e := os.ReadFile("/etc/shadow"); if e != nil { panic(e) }; fmt.Println(string(s))'.replace("{", "{{").replace("}", "}}")).replace("{{", "{").replace("}}", "}")),
    "rust": (RUST.format('let mut s = String::new(); stdin().read_line(&mut s).unwrap(); println!("{}", s.split_whitespace().map(|x| x.parse::<i32>().unwrap()).sum::<i32>());'), "fn main( {", RUST.format("loop {}"), RUST.format('println!("{}", std::fs::read_to_string("/etc/shadow").unwrap());')),
    "bash": ("read a b; echo $((a + b))", "if true; then", "while true; do :; done", "set -e; cat /etc/shadow"),
    "perl": ("my ($a, $b) = split ' ', <STDIN>; print $a + $b, \"\\n\";", "print (1;", "while (1) {}", "open(my $f, '<', '/etc/shadow') or die; print <$f>;"),
    "php": ("<?php fscanf(STDIN, '%d %d', $a, $b); echo $a + $b, PHP_EOL;", "<?php echo (1;", "<?php while (true);", "<?php $s = file_get_contents('/etc/shadow'); if ($s === false) exit(1); echo $s;"),
    "ruby": ("puts gets.split.sum(&:to_i)", "puts (1", "loop {}", "puts File.read('/etc/shadow')"),
    "typescript": ("import { readFileSync } from 'fs';\nenum Sign { plus = 1 }\ninterface Pair { a: number; b: number }\nconst [a, b]: number[] = readFileSync(0, 'utf8').split(' ').map(Number);\nconst pair: Pair = { a, b };\nconsole.log(pair.a + Sign.plus * pair.b);", "const x: = 1", "while (true);", "console.log(require('fs').readFileSync('/etc/shadow', 'utf8'))"),
    "r": ("x <- scan(file('stdin'), quiet = TRUE)\ncat(sum(x), '\\n')", "cat(1", "while (TRUE) {}", "cat(readLines('/etc/shadow'))"),
    "haskell": ("main :: IO ()\nmain = getLine >>= print . sum . map (read :: String -> Int) . words", "main = (", "main :: IO ()\nmain = let loop n = if n < (0 :: Integer) then print n else loop (n + 1) in loop 0", "main :: IO ()\nmain = readFile \"/etc/shadow\" >>= putStr"),
    "kotlin": ('fun main() { val (a, b) = readLine()!!.split(" ").map { it.toInt() }; println(a + b) }', "fun main( {", "fun main() { while (true); }", 'fun main() { println(java.io.File("/etc/shadow").readText()) }'),
    "lua": ("local a, b = io.read('n', 'n') print(a + b)", "print(1", "while true do end", "print(io.open('/etc/shadow'):read('a'))"),
}  # fmt: skip


def test_every_language_has_its_programs():
    assert PROGRAMS.keys() == LANGUAGES.keys()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_language(backend, language):
    if language not in backend.grader.compiler.here:
        pytest.skip(f"{language} is not installed here")
    adds, broken, endless, curious = PROGRAMS[language]
    assert (await _result(backend, language, adds)).verdict == "accepted"
    assert (await _result(backend, language, adds, "4\n")).verdict == "wrong_answer"
    if broken is not None:
        assert (await _result(backend, language, broken)).verdict == "compile_error"
    assert (await _result(backend, language, endless, limits={"wall_s": 3, "cpu_s": 1})).verdict == "time_limit"
    result = await _result(backend, language, curious)
    assert result.verdict == "runtime_error", result
    assert "root:" not in result.tests[0].stdout


async def _result(backend, language, code, stdout="3\n", **more):
    return await backend.grade(
        GradeItem(language=language, code=code, tests=[{"stdin": "1 2\n", "stdout": stdout}], **more)
    )


async def test_the_versions_are_said(backend):
    compiler = backend.grader.compiler
    assert (await compiler.versions()).keys() == compiler.here.keys() | compiler.engines.keys()

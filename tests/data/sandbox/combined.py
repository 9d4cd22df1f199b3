# ruff: noqa: E501
"""Programs put together at random: a way to read numbers, some things that programs do, a way to end.

`programs(language, count)` are always the same. What they print is not said here: the plain interpreter says it.
"""

import random

INPUT = "5\n3 -1 4 1 59\nżółw 7.25 end\n"
# Each reads the input: `xs` are the five numbers, `line` is the last line.
READS = {
    "python": [
        "n = int(input()); xs = list(map(int, input().split())); line = input()",
        "import sys\ndata = sys.stdin.read().split('\\n'); xs = [int(w) for w in data[1].split()]; line = data[2]",
        "import sys\nrows = sys.stdin.readlines(); xs = list(map(int, rows[1].split())); line = rows[2].strip()",
        "import sys\nit = iter(sys.stdin.buffer.read().decode().splitlines()); next(it); xs = [*map(int, next(it).split())]; line = next(it)",
        "text = open(0).read(); xs = eval('[' + ','.join(text.split()[1:6]) + ']'); line = text.splitlines()[-1]",
        "rows = open('/dev/stdin').read().splitlines(); xs = [int(x) for x in rows[1].split()]; line = rows[2]",
        "import fileinput\nrows = [r.rstrip() for r in fileinput.input()]; xs = list(map(int, rows[1].split())); line = rows[2]",
        "import os\nrows = os.read(0, 1 << 16).decode().split('\\n'); xs = list(map(int, rows[1].split())); line = rows[2]",
    ],
    "javascript": [
        "const rows = require('fs').readFileSync(0, 'utf8').split('\\n'); const xs = rows[1].split(' ').map(Number), line = rows[2];",
        "const rows = require('fs').readFileSync('/dev/stdin').toString().trim().split('\\n'); const xs = rows[1].split(' ').map((x) => parseInt(x)), line = rows[2];",
        "const {readFileSync} = require('node:fs'); const [, second, line] = readFileSync(0).toString().split(/\\r?\\n/); const xs = [...second.matchAll(/-?\\d+/g)].map((m) => +m[0]);",
    ],
    "cpp": [
        "int n; cin >> n; vector<long long> xs(n); for (auto& x : xs) cin >> x; string line; getline(cin >> ws, line);",
        "ios::sync_with_stdio(false); cin.tie(nullptr); int n; cin >> n; vector<long long> xs; for (int i = 0; i < n; i++) { long long x; cin >> x; xs.push_back(x); } string line; cin.ignore(); getline(cin, line);",
        'int n; scanf("%d", &n); vector<long long> xs(n); for (int i = 0; i < n; i++) scanf("%lld", &xs[i]); char buffer[99]; scanf(" %98[^\\n]", buffer); string line = buffer;',
        "string first, second, line; getline(cin, first); getline(cin, second); getline(cin, line); istringstream in(second); vector<long long> xs{istream_iterator<long long>(in), {}};",
        'ifstream in("/dev/stdin"); int n; in >> n; vector<long long> xs(n); for (auto& x : xs) in >> x; string line; getline(in >> ws, line);',
    ],
    "java": [
        "Scanner in = new Scanner(System.in); int n = in.nextInt(); long[] xs = new long[n]; for (int i = 0; i < n; i++) xs[i] = in.nextLong(); in.nextLine(); String line = in.nextLine();",
        'BufferedReader in = new BufferedReader(new InputStreamReader(System.in)); in.readLine(); long[] xs = Arrays.stream(in.readLine().split(" ")).mapToLong(Long::parseLong).toArray(); String line = in.readLine();',
        'String[] rows = new String(System.in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8).split("\\n"); StringTokenizer t = new StringTokenizer(rows[1]); long[] xs = new long[5]; for (int i = 0; i < 5; i++) xs[i] = Long.parseLong(t.nextToken()); String line = rows[2];',
        'List<String> rows = new BufferedReader(new InputStreamReader(System.in)).lines().collect(Collectors.toList()); long[] xs = Stream.of(rows.get(1).split("\\\\s+")).mapToLong(Long::valueOf).toArray(); String line = rows.get(2);',
    ],
}
# Each stands in a scope of its own.
PARTS = {
    "python": [
        "print(sum(xs), max(xs), min(xs), sorted(xs)[::-1])",
        "print(line, len(line), line.encode(), line[::-1].upper())",
        "print(*xs, sep=', ', end=';\\n')",
        "print('%.3f %5d|%-6s|' % (sum(xs) / 7, xs[0], line[:3]), f'{xs[1]:+08.2f} {2**70:,} {1e-7} {1/3!r}')",
        "from collections import Counter, deque, defaultdict\nprint(Counter(line).most_common(2), deque(xs, 3), dict(defaultdict(int, a=1)))",
        "import heapq, bisect\nh = list(xs); heapq.heapify(h); print([heapq.heappop(h) for _ in xs], bisect.bisect([1, 2, 9], 4))",
        "from functools import lru_cache\n@lru_cache(None)\ndef fib(k): return k if k < 2 else fib(k - 1) + fib(k - 2)\nprint(fib(400))",
        "import sys\nsys.setrecursionlimit(10**6)\ndef down(k): return 0 if k == 0 else 1 + down(k - 1)\nprint(down(9000))",
        "try:\n    xs[99]\nexcept IndexError as error:\n    print(type(error).__name__, error)\nfinally:\n    print('finally')",
        "with open('own.txt', 'w') as f: f.write(line * 3)\nprint(open('own.txt').read().count('e'))",
        "import os\nos.makedirs('a/b', exist_ok=True)\nopen('a/b/c', 'wb').write(bytes(range(256)))\nprint(sorted(os.listdir('a')), os.path.getsize('a/b/c'), os.getcwd() == os.path.abspath('.'))",
        "import threading\nres = []\nts = [threading.Thread(target=lambda k=k: res.append(k * k)) for k in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]; print(sorted(res))",
        "from multiprocessing import Process, Pipe\nimport os\na, b = Pipe()\npid = os.fork()\nif pid == 0:\n    b.send(sum(xs)); os._exit(3)\nprint(a.recv(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))",
        "import subprocess\nprint(subprocess.run(['sh', '-c', 'cat; echo $0; exit 4'], input='in', text=True, capture_output=True))",
        "import sys\nprint('to errors', file=sys.stderr)\nsys.stdout.write('written\\n'); sys.stdout.flush()\nprint(sys.argv[1:], sys.stdin.isatty(), sys.stdout.encoding.lower(), sys.version_info[0])",
        "import re\nprint(re.findall(r'(\\w+) ([\\d.]+)', line), re.sub('[aeiou]', '*', line))",
        "import json, base64, hashlib, zlib\nprint(json.dumps({'l': line, 'x': xs}), base64.b64encode(line.encode()).decode(), hashlib.sha256(line.encode()).hexdigest()[:12], zlib.crc32(b'a'))",
        "import datetime, decimal, fractions\nprint(datetime.date(2024, 2, 29) + datetime.timedelta(365), decimal.Decimal(1) / 7, fractions.Fraction(3, 9), round(2.5), -7 // 2, -7 % 3)",
        "import random\nrandom.seed(5)\nprint(random.randint(1, 10**9), random.sample(range(50), 4), random.random())",
        "import itertools, operator\nprint(list(itertools.accumulate(xs, operator.mul)), list(itertools.combinations(xs[:3], 2)), [*zip(*[iter(range(6))] * 2)])",
        "class P:\n    def __init__(s, v): s.v = v\n    def __repr__(s): return f'P({s.v})'\n    def __lt__(s, o): return s.v < o.v\n    def __eq__(s, o): return s.v == o.v\n    def __hash__(s): return hash(s.v)\nprint(sorted(map(P, xs)), P(1) in {P(1)})",
        "import asyncio\nasync def one(k):\n    await asyncio.sleep(0.001 * k)\n    return k\nasync def all_of(): return await asyncio.gather(*(one(k) for k in range(3)))\nprint(asyncio.run(all_of()))",
        "from dataclasses import dataclass, field\nfrom enum import Enum\n@dataclass(order=True)\nclass D:\n    a: int\n    b: list = field(default_factory=list)\nE = Enum('E', 'X Y')\nprint(D(1) < D(2), D(3), E.X, E['Y'].value)",
        "import atexit\natexit.register(print, 'at the end')",
        "class G:\n    def __del__(s): print('gone')\ng = G()\nkeep = [g]",
        "import tempfile, shutil, glob\nd = tempfile.mkdtemp()\nopen(d + '/x.txt', 'w').close()\nprint([p.split('/')[-1] for p in glob.glob(d + '/*')]); shutil.rmtree(d)",
        "import time\nt = time.perf_counter(); time.sleep(0.01); print(time.perf_counter() - t >= 0.01, time.time() > 1e9)",
        "match xs:\n    case [a, *rest] if a > 2: print('big', len(rest))\n    case _: print('other')\nprint((lambda *a, **k: (a, k))(1, z=2), [y := 3, y + 1])",
        "print(int('7' * 5000) % 97, len(str(3 ** 20000)), hex(2 ** 64), 10 ** 30 // 7)",
        "import string, textwrap, statistics, math\nprint(string.ascii_lowercase[:4], textwrap.fill('a b c d e', 3), statistics.median(xs), math.comb(50, 20), math.isqrt(10 ** 20))",
    ],
    "javascript": [
        "console.log(xs.reduce((a, b) => a + b), Math.max(...xs), [...xs].sort((a, b) => b - a));",
        "console.log(line, line.length, [...line].reverse().join(''), Buffer.from(line).toString('hex'));",
        "console.log({a: 1, b: [xs, {c: null}], d: undefined, e: new Map([[1, 'x']]), f: new Set(xs)});",
        "console.log((1 / 3).toFixed(4), 0.1 + 0.2, 1e21, -0, NaN, 2 ** 53 + 1, (255).toString(2), 7 / 2 | 0);",
        "console.log(123456789012345678901234567890n * 3n, BigInt(xs[0]) ** 40n, typeof 1n);",
        "try { null.x } catch (error) { console.log(error instanceof TypeError, error.message) } finally { console.log('finally') }",
        "const fs = require('fs'); fs.writeFileSync('own.txt', line.repeat(3)); console.log(fs.readFileSync('own.txt', 'utf8').length, fs.existsSync('none'));",
        "setImmediate(() => { console.log('soon'); setTimeout(() => console.log('later'), 5) }); process.nextTick(() => console.log('next')); Promise.resolve().then(() => console.log('micro'));",
        "(async () => { await new Promise((done) => setTimeout(done, 3)); console.log('awaited', await Promise.all([1, Promise.resolve(2)])) })();",
        "class A { #v = 1; static s = 2; get v() { return this.#v } } class B extends A { toString() { return `B${super.v}` } } console.log(String(new B()), A.s);",
        "function down(k) { return k === 0 ? 0 : 1 + down(k - 1) } console.log(down(7000));",
        "function* gen() { let a = yield 1; console.log('got', a); yield* [2, 3] } const g = gen(); console.log(g.next(), g.next('x'), [...g]);",
        "process.stdout.write('written '); process.stderr.write('error\\n'); console.error('more'); console.log(process.argv.length, process.stdin.isTTY === true);",
        "const {execFileSync} = require('child_process'); console.log(execFileSync('sh', ['-c', 'cat; echo $((1 + 2))'], {input: 'in'}).toString());",
        "const crypto = require('crypto'); console.log(crypto.createHash('sha256').update(line).digest('hex').slice(0, 12), crypto.randomBytes(4).length);",
        "console.log(line.match(/(\\p{L}+) ([\\d.]+)/u).slice(1), line.replace(/[aeiou]/g, '*'), 'a-b'.split('-'), 'x'.padStart(3, '.'));",
        "console.table([{a: 1, b: 2}]); console.log('%s is %d', 'x', 4, [1.5, 'y']); console.log([undefined, null, , 3], [[[[1]]]]);",
        "const counts = {}; for (const c of line) counts[c] = (counts[c] ?? 0) + 1; console.log(Object.entries(counts).slice(0, 4), JSON.stringify({x: xs, d: new Date(0)}));",
        "const {a, ...rest} = {a: 1, b: 2, c: 3}; const [p = 5, , q] = [undefined, 1, 2]; console.log(a, rest, p, q, rest?.z?.y ?? 'none');",
        "const path = require('path'), os = require('os'), util = require('util'); console.log(path.join('a', '..', 'b'), util.inspect({x: {y: {z: {}}}}), os.EOL === '\\n');",
        "process.on('exit', (code) => console.log('exit', code));",
        "const view = new DataView(new ArrayBuffer(8)); view.setInt32(0, xs[0]); console.log(new Uint8Array(view.buffer), Int16Array.from(xs));",
        "label: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) { if (j === 2) continue label; if (i === 2) break label; console.log(i, j) }",
        "console.log(new Intl.NumberFormat('en-US').format(1234567.891), new Date(86400000).toISOString(), 'ä'.localeCompare('b'));",
        "for (let i = 0; i < 2000; i++) process.stdout.write(i + (i % 50 ? ' ' : '\\n'));",
    ],
    "cpp": [
        "cout << accumulate(xs.begin(), xs.end(), 0LL) << ' ' << *max_element(xs.begin(), xs.end()) << endl;",
        "cout << line << ' ' << line.size() << '\\n'; string r(line.rbegin(), line.rend()); cout << r.substr(0, 3) << '\\n';",
        "cout << fixed << setprecision(3) << 22 / 7.0 << ' ' << scientific << 12345.678 << defaultfloat << ' ' << 1e-7 << setw(8) << setfill('*') << 42 << '\\n';",
        'printf("%5.2f|%-6d|%06d|%s|%lld|%x\\n", 3.14159, 42, 42, "text", (long long)1e15, 255); fflush(stdout);',
        "map<string, int> m; for (char c : line) m[string(1, c)]++; for (auto& [k, v] : m) if (v > 1) cout << (int)(unsigned char)k[0] << v << ','; cout << '\\n';",
        "priority_queue<long long> q(xs.begin(), xs.end()); while (!q.empty()) { cout << q.top() << ' '; q.pop(); } cout << '\\n';",
        'try { xs.at(99); } catch (const out_of_range& error) { cout << "out of range\\n"; }',
        "try { throw runtime_error(\"own\"); } catch (exception& e) { cout << e.what() << '\\n'; }",
        'ofstream("own.txt") << line << line; ifstream f("own.txt"); string s((istreambuf_iterator<char>(f)), {}); cout << s.size() << \'\\n\';',
        "vector<thread> ts; atomic<int> sum = 0; for (int i = 0; i < 4; i++) ts.emplace_back([&, i] { sum += i * i; }); for (auto& t : ts) t.join(); cout << sum << '\\n';",
        "auto f = [&](auto self, int k) -> long long { return k < 2 ? k : self(self, k - 1) + self(self, k - 2); }; cout << f(f, 22) << '\\n';",
        "function<int(int)> down = [&](int k) { return k ? down(k - 1) + 1 : 0; }; cout << down(20000) << '\\n';",
        "cerr << \"to errors\\n\"; clog << \"log\\n\"; cout << boolalpha << true << ' ' << hex << 255 << dec << ' ' << 'a' + 1 << endl;",
        "mt19937 g(5); cout << g() << ' ' << g() << '\\n'; mt19937_64 h(7); cout << h() << '\\n';",
        "bitset<16> b(xs[0] * 5); cout << b << ' ' << b.count() << ' ' << __builtin_popcountll(255) << ' ' << __gcd(12, 18) << ' ' << lcm(4, 6) << '\\n';",
        "stringstream s(\"1,2,3\"); string part; while (getline(s, part, ',')) cout << stoi(part) * 2 << ' '; cout << to_string(2.5) << '\\n';",
        "set<pair<int, string>> p{{2, \"b\"}, {1, \"z\"}}; auto [a, b] = *p.begin(); cout << a << b << '\\n'; unordered_map<int, int> u{{1, 2}}; cout << u[1] + u.count(9) << '\\n';",
        "if (auto p = fork(); p == 0) { _exit(3); } else { int s; waitpid(p, &s, 0); cout << WEXITSTATUS(s) << endl; }",
        'FILE* p = popen("echo from a shell", "r"); char b[99]; if (fgets(b, 99, p)) cout << b; cout << pclose(p) << endl;',
        "auto t = chrono::steady_clock::now(); this_thread::sleep_for(10ms); cout << (chrono::steady_clock::now() - t >= 10ms) << '\\n';",
        "ranges::sort(xs); for (auto x : xs | views::filter([](auto x) { return x > 0; }) | views::transform([](auto x) { return x * 2; })) cout << x << ' '; cout << '\\n';",
        "optional<int> o; variant<int, string> v = \"text\"s; cout << o.value_or(4) << get<string>(v) << any_cast<int>(any(5)) << '\\n';",
        "long double l = 1.0L / 3; cout << (double)l << ' ' << numeric_limits<int>::max() << ' ' << (unsigned)-1 << ' ' << -7 / 2 << ' ' << -7 % 3 << ' ' << INT64_MAX << '\\n';",
        "vector<vector<int>> grid(300, vector<int>(300, 1)); int s = 0; for (auto& r : grid) s += accumulate(r.begin(), r.end(), 0); cout << s << '\\n';",
        'for (int i = 0; i < 3000; i++) cout << i << (i % 50 ? " " : "\\n"); cout << flush;',
    ],
    "java": [
        'System.out.println(Arrays.stream(xs).sum() + " " + Arrays.stream(xs).max().getAsLong() + Arrays.toString(xs));',
        "System.out.println(line.length() + new StringBuilder(line).reverse().substring(0, 3).toUpperCase() + line.indexOf('7'));",
        'System.out.printf("%.3f|%5d|%-6s|%06d|%x|%,d%n", 22 / 7.0, 42, "ab", 42, 255, 1234567);',
        'System.out.println(1.0 / 3 + " " + 1e-7 + " " + 100.0f + " " + (0.1 + 0.2) + " " + 1e21 + " " + (char) (\'a\' + 1) + -7 / 2 + -7 % 3);',
        "Map<Character, Integer> m = new TreeMap<>(); for (char c : line.toCharArray()) m.merge(c, 1, Integer::sum); System.out.println(m.size() + \" \" + m.get('e'));",
        "PriorityQueue<Long> q = new PriorityQueue<>(Comparator.reverseOrder()); for (long x : xs) q.add(x); StringBuilder s = new StringBuilder(); while (!q.isEmpty()) s.append(q.poll()).append(' '); System.out.println(s);",
        'try { System.out.println(xs[99]); } catch (ArrayIndexOutOfBoundsException e) { System.out.println(e.getMessage()); } finally { System.out.println("finally"); }',
        'try { Object o = "x"; Integer i = (Integer) o; } catch (ClassCastException e) { System.out.println("cast"); }',
        'java.nio.file.Path p = java.nio.file.Path.of("own.txt"); java.nio.file.Files.writeString(p, line.repeat(3)); System.out.println(java.nio.file.Files.readString(p).length() + " " + java.nio.file.Files.size(p));',
        "Thread[] ts = new Thread[4]; java.util.concurrent.atomic.AtomicInteger n = new java.util.concurrent.atomic.AtomicInteger(); for (int i = 0; i < 4; i++) { int k = i; ts[i] = new Thread(() -> n.addAndGet(k * k)); ts[i].start(); } for (Thread t : ts) t.join(); System.out.println(n);",
        "java.util.concurrent.ExecutorService e = java.util.concurrent.Executors.newFixedThreadPool(3); System.out.println(e.submit(() -> 42).get()); e.shutdown();",
        'System.out.println(IntStream.rangeClosed(1, 20).boxed().filter(i -> i % 3 == 0).map(String::valueOf).collect(Collectors.joining(",", "[", "]")));',
        'System.out.println(new BigInteger("123456789012345678901234567890").pow(3).mod(BigInteger.valueOf(97)) + " " + new BigDecimal("1").divide(new BigDecimal("7"), 20, RoundingMode.HALF_UP));',
        'System.err.println("to errors"); System.out.print("written "); System.out.flush(); System.out.println(args.length);',
        'System.out.println(new Random(5).nextInt(1000) + " " + new Random(5).nextDouble() + " " + "touchstone".hashCode() + " " + Objects.hash(1, 2));',
        'record P(int a, String b) {} System.out.println(new P(1, "z") + " " + new P(1, "z").equals(new P(1, "z")));',
        'var text = """\n            two\n              lines"""; System.out.println(text + switch (xs.length) { case 5 -> "five"; default -> "other"; });',
        'Deque<Integer> d = new ArrayDeque<>(List.of(1, 2, 3)); d.push(0); d.addLast(9); System.out.println(d + " " + d.peekFirst() + Collections.max(d));',
        'System.out.println(down(9000) + " " + fib(40));',
        'System.out.println(String.join("-", "a b c".split(" ")) + " " + "x".compareTo("y") + String.format("%s", Optional.of(3)) + "a".equals("a"));',
        'Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("at the end")));',
        'System.out.println(java.util.regex.Pattern.compile("([\\\\d.]+)").matcher(line).results().map(r -> r.group(1)).toList());',
        'int[][] grid = new int[300][300]; for (int[] r : grid) Arrays.fill(r, 1); System.out.println(Arrays.stream(grid).flatMapToInt(Arrays::stream).sum() + " " + Long.MAX_VALUE + Integer.toBinaryString(10));',
        "long t = System.nanoTime(); Thread.sleep(10); System.out.println(System.nanoTime() - t >= 10_000_000L);",
        'for (int i = 0; i < 2000; i++) System.out.print(i + (i % 50 == 0 ? "\\n" : " ")); System.out.println();',
    ],
}
ENDINGS = {
    "python": ["", "print('done')", "exit()", "import sys\nsys.exit(0)", "import sys\nsys.exit(3)", "raise SystemExit", "raise ValueError('own')",
               "import os, sys\nsys.stdout.flush(); os._exit(5)", "quit(0)", "assert xs == 0, 'no'", "print(end='no newline')", "import sys\nsys.stdout.close()"],
    "javascript": ["", "console.log('done');", "process.exit(0);", "process.exitCode = 3;", "throw new Error('own');", "Promise.reject(new Error('own'));"],
    "cpp": ["", "return 0;", "cout << \"no newline\";", "exit(3);", "return 7;", "fflush(stdout); abort();", "throw 1;", "cout.flush(); quick_exit(2);", "cout << flush; raise(SIGSEGV);"],
    "java": ["", "System.out.println(\"done\");", "System.exit(0);", "System.exit(3);", "if (args.length == 0) throw new IllegalStateException(\"own\");", "if (args.length == 0) return;"],
}  # fmt: skip
WHOLE = {
    "python": "{read}\n{parts}\n{end}\n",
    "javascript": "{read}\n{parts}\n{end}\n",
    "cpp": "#include <bits/stdc++.h>\n#include <sys/wait.h>\n#include <unistd.h>\nusing namespace std;\nint main() {{\n{read}\n{parts}\n{end}\n}}\n",
    "java": "import java.io.*;\nimport java.math.*;\nimport java.util.*;\nimport java.util.stream.*;\n\npublic class Main {{\n"
    "    static int down(int k) {{ return k == 0 ? 0 : 1 + down(k - 1); }}\n    static long fib(int k) {{ long a = 0, b = 1; for (; k > 0; k--) {{ long c = a + b; a = b; b = c; }} return a; }}\n"
    "    public static void main(String[] args) throws Exception {{\n{read}\n{parts}\n{end}\n    }}\n}}\n",
}
SCOPE = {"python": "{part}", "javascript": "{{ {part} }}", "cpp": "{{ {part} }}", "java": "{{ {part} }}"}


def programs(language: str, count: int) -> list[str]:
    """So many different ones; every part is in at least one."""
    chance = random.Random(f"{language} {count}")
    made: dict[str, None] = {}
    parts = list(PARTS[language])
    while len(made) < count:
        chosen = [parts.pop() for _ in range(3) if parts] + chance.sample(PARTS[language], 2)
        scoped = "\n".join(SCOPE[language].format(part=part) for part in dict.fromkeys(chosen))
        read, end = chance.choice(READS[language]), chance.choice(ENDINGS[language])
        made[WHOLE[language].format(read=read, parts=scoped, end=end)] = None
    return list(made)

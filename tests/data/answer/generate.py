"""Writes cases.jsonl: labelled pairs of reference and answer, from the tables below and from perturbations of them.

    python tests/data/answer/generate.py

Each line: {"category", "gold", "completion", "label", "options"?, "reference"?}. Labels follow from mathematics or from the
default policy of docs/answer.md, never from what a grader says. A table line is `gold ;; answer ;; answer …`.
"""
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

EQUAL: dict[str, str] = {
    "numbers": r"""
42 ;; 42.0 ;; 42. ;; +42 ;; \mathbf{42} ;; \text{42} ;; **42** ;; $42$ ;; ４２ ;; forty-two
-3 ;; -3.0 ;; −3 ;; -\,3 ;; -{3}
0.5 ;; .5 ;; 0.50 ;; \frac12 ;; 1/2 ;; ½ ;; \dfrac{1}{2} ;; \tfrac12 ;; \frac{2}{4} ;; \frac{0.5}{1}
\frac{5}{6} ;; 5/6 ;; \cfrac{5}{6} ;; \frac56 ;; \frac{10}{12} ;; {5}/{6}
-\frac{7}{3} ;; \frac{-7}{3} ;; \frac{7}{-3} ;; -7/3 ;; -2\frac{1}{3} ;; -2 1/3
\frac{3}{2} ;; 1\frac{1}{2} ;; 1 1/2 ;; 1\frac12 ;; 1.5 ;; 1½ ;; 3/2
1234 ;; 1,234 ;; 1\,234 ;; 1{,}234 ;; 1,\!234 ;; 1 234 ;; 1234.00
2500000 ;; 2,500,000 ;; 2.5\times10^6 ;; 2.5e6 ;; 2.5 million ;; 2.5 \cdot 10^{6}
0.0023 ;; 2.3e-3 ;; 2.3\times 10^{-3} ;; 2.3E-3 ;; 2.3 × 10⁻³
1.6\times10^{-19} ;; 1.6e-19 ;; 1.60\times 10^{-19} ;; 16\times10^{-20}
\frac{1}{3} ;; 0.\overline{3} ;; 0.\bar{3} ;; 0.333333 ;; 0.33333
\frac{7}{12} ;; 0.58\overline{3} ;; 0.583333
\frac{8}{3} ;; 2.6667 ;; 2.66667 ;; 2\frac23
10000000000 ;; 10^{10} ;; 1e10
1024 ;; 1,024
""",
    "irrational": r"""
7\pi ;; 7 \pi ;; 7π ;; 7\cdot\pi ;; \pi\cdot 7 ;; 21.99115 ;; 7*pi
\sqrt{2} ;; √2 ;; \sqrt2 ;; 2^{1/2} ;; \frac{2}{\sqrt 2} ;; 1.41421356 ;; sqrt(2)
2\sqrt{2} ;; \sqrt{8} ;; 2√2 ;; \frac{4}{\sqrt{2}} ;; 2*sqrt(2)
\frac{\sqrt{3}}{2} ;; \sqrt{3}/2 ;; \frac{3}{2\sqrt3} ;; \sqrt{\frac{3}{4}} ;; \frac12\sqrt3 ;; \sin 60^\circ
\sqrt{2}+\sqrt{3} ;; \sqrt{5+2\sqrt{6}} ;; \sqrt3+\sqrt2
\frac{1+\sqrt5}{2} ;; \frac12+\frac{\sqrt5}{2} ;; \frac{2}{\sqrt5-1} ;; 1.6180339887
\sqrt[3]{2} ;; 2^{1/3} ;; 2^{\frac13} ;; ∛2
\ln 2 ;; \frac{\ln 4}{2} ;; \log_e 2 ;; -\ln\frac12 ;; \ln(2)
\log_2 3 ;; \frac{\ln 3}{\ln 2} ;; \log_{2}{3}
e^2 ;; e^{2} ;; \exp(2) ;; e\cdot e ;; 7.3890561
\frac{\pi}{6} ;; \arcsin\frac12 ;; \sin^{-1}(1/2) ;; 30^\circ ;; \arctan\frac{1}{\sqrt 3}
3-2i ;; -2i+3 ;; 3 - 2 i ;; \frac{13}{3+2i}
\frac{1}{2}+\frac{\sqrt3}{2}i ;; e^{i\pi/3} ;; \cos\frac\pi3+i\sin\frac\pi3 ;; \frac{1+i\sqrt3}{2}
""",
    "algebra": r"""
x^2-1 ;; (x-1)(x+1) ;; x²-1 ;; -1+x^2 ;; x^{2}-1 ;; x*x-1
2x+1 ;; 1+2x ;; 2 x + 1 ;; y=2x+1 ;; f(x)=2x+1 ;; 2\left(x+\frac12\right)
\frac{x+2}{7} ;; \frac{x}{7}+\frac27 ;; (x+2)/7 ;; \frac17(x+2)
\frac{n(n+1)}{2} ;; \frac{n^2+n}{2} ;; \binom{n+1}{2} ;; \frac12 n^2+\frac12 n
\frac{1}{x+1}+\frac{1}{x-1} ;; \frac{2x}{x^2-1} ;; \frac{2x}{(x-1)(x+1)}
\sec^2 y ;; 1+\tan^2 y ;; \frac{1}{\cos^2 y} ;; \sec^2(y)
\sin 2x ;; 2\sin x\cos x ;; 2\cos(x)\sin(x)
e^{2x} ;; (e^x)^2 ;; e^x\cdot e^x ;; \exp(2x)
2^{n+1}-1 ;; 2\cdot 2^n-1 ;; 2^n+2^n-1
|x| ;; \lvert x\rvert ;; \left|x\right| ;; \sqrt{x^2}
\frac{a^2-b^2}{a-b} ;; a+b ;; b+a
x^{-1} ;; \frac1x ;; 1/x
3x^2y ;; 3yx^2 ;; 3 y x^{2} ;; 3x^2\cdot y
\pi r^2 ;; r^2\pi ;; \pi r²
4\pi^2 ;; (2\pi)^2 ;; \pi^2\cdot 4
\alpha+\beta ;; \beta+\alpha ;; α+β
x_1+x_2 ;; x_2+x_{1} ;; x_{1} + x_{2}
""",
    "equations": r"""
5 ;; x=5 ;; x = 5 ;; n=5.0 ;; =5 ;; \text{Area}=5 ;; 5=x
x=5 ;; 5 ;; x=\frac{10}{2} ;; 5=x
y=2x+1 ;; 2x+1 ;; 2x-y+1=0 ;; y-1=2x ;; 2y=4x+2 ;; y = 1+2x
x^2+y^2=1 ;; y^2+x^2-1=0 ;; 1=x^2+y^2 ;; 3x^2+3y^2=3
f(x)=x^2+1 ;; x^2+1 ;; f(x)=1+x^2 ;; y=x^2+1
2x+3y=6 ;; 4x+6y=12 ;; 3y=6-2x
\frac12 ;; x=\frac{1}{2}=0.5 ;; p = 0.5
x=1,y=2 ;; y=2, x=1 ;; (1,2) ;; (x,y)=(1,2) ;; x=1 \text{ and } y=2
""",
    "sets": r"""
\{1,2,3\} ;; \{3,2,1\} ;; 1,2,3 ;; \{1, 2, 3\} ;; \left\{1,2,3\right\} ;; \{1,1,2,3\} ;; 3, 1, 2
1,2 ;; 2, 1 ;; 1 \text{ and } 2 ;; x=1 \text{ or } x=2 ;; x=1, x=2 ;; 1、2 ;; \{1,2\} ;; 1; 2 ;; x\in\{1,2\}
1\pm\sqrt2 ;; 1+\sqrt2, 1-\sqrt2 ;; 1-\sqrt{2},1+\sqrt{2} ;; x=1\pm\sqrt2 ;; \{1-\sqrt2,1+\sqrt2\}
\pm 3 ;; 3,-3 ;; -3, 3 ;; x=\pm3 ;; ±3
\{5\} ;; 5 ;; x=5
\emptyset ;; \varnothing ;; no solution ;; \text{no real solutions} ;; \{\} ;; 无解 ;; ∅
(2,3),(4,5) ;; (4,5),(2,3) ;; (2,3) \text{ and } (4,5) ;; \{(2,3),(4,5)\}
100,200 ;; 100, 200 ;; 200, 100 ;; 100 and 200
""",
    "tuples": r"""
(1,2) ;; (1, 2) ;; \left(1,2\right) ;; (1.0,\frac42) ;; x=1,y=2 ;; (x,y)=(1,2) ;; 1, 2 ;; \langle 1,2\rangle
(1,4.5) ;; (1,\frac92) ;; \left(1,\frac{9}{2}\right) ;; (1, 4\frac12)
\left(\frac12,\sqrt3\right) ;; (0.5,\sqrt{3}) ;; (\tfrac{1}{2}, 3^{1/2})
(1,2,3) ;; (1, 2, 3) ;; [1,2,3] ;; (1,2,\sqrt9)
(3,\frac\pi2) ;; \left(3,\frac{\pi}{2}\right) ;; (3, \pi/2)
""",
    "intervals": r"""
(3,\infty) ;; x>3 ;; (3, +\infty) ;; 3<x ;; \left(3,\infty\right) ;; x\in(3,\infty) ;; \{x|x>3\} ;; (3,∞)
[1,2) ;; 1\le x<2 ;; 1 ≤ x < 2 ;; x\in[1,2) ;; 2>x\geq1
(-\infty,1)\cup(3,\infty) ;; x<1\text{ or }x>3 ;; (3,\infty)\cup(-\infty,1) ;; x<1, x>3 ;; x\in(-\infty,1)\cup(3,\infty)
(-\infty,3)\cup(3,\infty) ;; \mathbb{R}\setminus\{3\} ;; x\ne3 ;; x \neq 3
(-\infty,\infty) ;; \mathbb{R} ;; \text{all real numbers} ;; x\in\mathbb R ;; ℝ
[0,1] ;; 0\le x\le1 ;; \left[0,1\right] ;; [0,\frac12]\cup[\frac12,1]
\left[-\frac{1}{2},\sqrt2\right] ;; [-0.5,\sqrt{2}] ;; -\frac12\leq x\leq\sqrt2
2x+3y<6 ;; 4x+6y<12 ;; 6>2x+3y
""",
    "matrices": r"""
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{bmatrix}1&2\\3&4\end{bmatrix} ;; \begin{pmatrix} 1 & 2 \\ 3 & \frac82 \end{pmatrix} ;; \left(\begin{array}{cc}1&2\\3&4\end{array}\right) ;; \begin{matrix}1&2\\3&4\end{matrix}
\begin{pmatrix}-7\\\frac12\end{pmatrix} ;; \begin{bmatrix}-7\\0.5\end{bmatrix} ;; \begin{pmatrix}-7\\1/2\\\end{pmatrix}
\begin{pmatrix}x&0\\0&x\end{pmatrix} ;; \begin{pmatrix}x & 0 \\ 0 & x \end{pmatrix}
""",
    "units": r"""
10\text{ cm}^2 ;; 10 cm^2 ;; 10\,\mathrm{cm}^2 ;; 10 ;; 10 square centimeters ;; 10cm² ;; 10\text{ square cm}
5\text{ cm} ;; 5 ;; 5 cm ;; 0.05\text{ m} ;; 50 mm ;; 5\ \text{centimeters}
74 ;; 74° ;; 74^\circ ;; 74^{\circ} ;; 74 degrees ;; \angle ABC=74^\circ
60\text{ mph} ;; 60 miles per hour ;; 60 ;; 60\text{ miles/hour}
9.8\text{ m/s}^2 ;; 9.8 m/s^2 ;; 9.8\,\mathrm{m/s^2} ;; 9.8
18 ;; \$18 ;; $18 ;; 18 dollars ;; \$18.00 ;; 18 apples ;; 18 people in total ;; 18\text{ students}
\$5.50 ;; 5.5 ;; 5.50 dollars ;; \$5.5
\frac34\text{ mile} ;; \frac{3}{4} ;; 0.75 ;; 0.75 miles
2 h ;; 2 ;; 2 hours ;; 120 minutes
""",
    "percent": r"""
50\% ;; 50 ;; 50% ;; \frac12 ;; 0.5 ;; 50 percent ;; 50.0\%
12.5\% ;; 12.5 ;; 0.125 ;; \frac18 ;; 12.5 %
0.05 ;; 5\% ;; 5%
""",
    "bases": r"""
101_2 ;; 101_{2} ;; 101 ;; 101_{\text{two}} ;; 0101_2
2F_{16} ;; 2F_{16}
340_5 ;; 340_{5} ;; 340_\text{five}
26 ;; 26_{10}
""",
    "text": r"""
\text{even} ;; even ;; Even ;; \text{Even}. ;; **even** ;; \textbf{even}
\text{Evelyn} ;; Evelyn ;; evelyn. ;; \mathrm{Evelyn}
True ;; true ;; Yes ;; yes. ;; \text{True} ;; 是 ;; 正确 ;; correct
No ;; false ;; no ;; 否 ;; \text{False} ;; \text{No}.
\text{Monday} ;; monday ;; Monday.
2:30 p.m. ;; 2:30 pm ;; 2:30 PM ;; 2:30\text{ p.m.}
does not exist ;; DNE ;; undefined ;; \text{does not exist}
\infty ;; infinity ;; ∞ ;; +\infty
-\infty ;; -∞ ;; negative infinity
the blue whale ;; blue whale ;; The Blue Whale.
""",
    "letters": r"""
A ;; (A) ;; \text{(A)} ;; \textbf{(A)}\ 12 ;; A. ;; (A) 12 ;; \text{A} ;; A) the first
(C) ;; C ;; \text{C} ;; \mathrm{(C)}
""",
    "unicode and Chinese": r"""
\frac{\sqrt{2}}{2} ;; √2/2 ;; \sqrt{2}/2 ;; (√2)/2
x^2 ;; x² ;; x^{2}
3 ;; ３ ;; 3。 ;; 3个 ;; 3 元
\frac{1}{4} ;; ¼ ;; 1⁄4 ;; １／４
1,2 ;; 1，2 ;; 1、2 ;; 1和2 ;; 1或2
x\ge 2 ;; x≥2 ;; x⩾2 ;; [2,+∞)
6\times 10^3 ;; 6×10³ ;; 6000
""",
    "named values": r"""
x=3, y=-2 ;; (3,-2) ;; 3, -2 ;; y=-2, x=3 ;; (x,y)=(3,-2) ;; x=3 \text{ and } y=-2
a=2,b=5;a=7,b=1 ;; (2,5),(7,1) ;; a=7,b=1 \text{ or } a=2,b=5 ;; (7,1),(2,5)
\frac{AB}{CD}=\frac{2}{\sqrt5} ;; \frac{2}{\sqrt5} ;; \frac{2\sqrt5}{5}
|PQ|=4 ;; 4 ;; PQ=4
a_7=13 ;; 13 ;; a_{7}=13
2x+6y-5=0 ;; y=-\frac13x+\frac56 ;; 2x+6y=5
0<f(x)<2 ;; (0,2) ;; f(x)\in(0,2)
2\le|z|\le 5 ;; [-5,-2]\cup[2,5] ;; 2\leq |z| \leq 5
|x|<3 ;; -3<x<3 ;; (-3,3)
(3k,5k), k\in\mathbb{Z} ;; (3n,5n), n\in\mathbb{Z} ;; (3k,5k)
""",
    "systems": r"""
\begin{cases}x=1\\y=2\end{cases} ;; (1,2) ;; x=1,y=2
\begin{cases}a+b=\frac12\\a-b=1\end{cases} ;; \begin{cases}a-b=1\\a+b=0.5\end{cases}
\begin{cases}x&x>0\\0&x\le0\end{cases} ;; \begin{cases}x & x>0 \\ 0 & x\leq 0\end{cases}
""",
    "spelling": r"""
12000500 ;; 12,\! 000,\! 500 ;; 12,\!000,\!500
2.75 ;; 2,75
\frac25 ;; \\frac{2}{5} ;; \\dfrac25
125\text{ miles} ;; 125\textnormal{ miles} ;; 125 \textbf{ miles}
35\% ;; 35 pct ;; 35\,\mathrm{percent}
odd ;; \text{odd} ;; \mathrm{odd}
20:34 ;; 20:34:00 ;; 8:34 p.m. ;; 08:34 \text{ PM}
\text{(B) } 7 ;; B ;; (B) ;; (B) 7
\text{A, C} ;; A and C ;; A, C ;; C, A ;; \text{A and C}
ACD ;; A, C, D ;; A, C and D
33\frac13\% ;; \frac13 ;; \frac{100}{3}\%
30\text{ m/s} ;; 30\frac{m}{s} ;; 30\,ms^{-1} ;; 108\text{ km/h}
30\pi ;; 94.2478 ;; 94.247
\frac{1}{\sqrt[3]{x}^2} ;; x^{-2/3} ;; \frac1{x^{2/3}}
""",
    "golds not worked out": r"""
2^{10} ;; 1024 ;; 2^{10}
5! ;; 120 ;; 5!
\binom{5}{2} ;; 10 ;; \binom52
2^3\cdot 3 ;; 24 ;; 3\cdot2^3
3:2 ;; 3 : 2 ;; \frac32 ;; 6:4
""",
}

DIFFERENT: dict[str, str] = {
    "hacks": r"""
\frac12 ;; \int_0^1 x\,dx ;; \sum_{k=1}^{\infty}\frac{1}{3^k} ;; \lim_{x\to0}\frac{x}{2x} ;; \frac14+\frac14
83810205 ;; 12345\times6789 ;; 12345\cdot 6789 ;; 12345*6789
1024 ;; 2^{10} ;; 4^5 ;; 2^{10}=2^{10}
120 ;; 5! ;; 5\cdot4\cdot3\cdot2\cdot1 ;; \binom{10}{3}
10 ;; 4+6 ;; 4\cdot 2+2 ;; \det\begin{pmatrix}4&2\\1&3\end{pmatrix} ;; 110\bmod 20 ;; \gcd(20,30) ;; \begin{vmatrix}4&2\\1&3\end{vmatrix}
1.6\times10^{-19} ;; 6.6\times10^{-34} ;; 0 ;; 1.6\times10^{-18} ;; 1.7\times10^{-19}
0 ;; 10^{-60}\pi ;; 10^{-9} ;; 1e-30
x^2+1=0 ;; 1=2 ;; 0=0 ;; x=x
5 ;; 3=5 ;; 2+2=5 ;; x=y=5=6 ;; 5\% ;; 101_2 ;; 5x ;; 5i ;; 5\pi ;; \ne 5 ;; not 5 ;; 5 or 6 ;; 5, 6 ;; 5 or so ;; \pm5 ;; x>5 ;; x \ge 5
5\text{ cm} ;; 5\text{ m} ;; 5\text{ kg} ;; 5 inches ;; 5\text{ cm}^2
101_2 ;; 101_3 ;; 5 ;; 101_{10}
(1,2) ;; \{1,2\} ;; \{2,1\} ;; (2,1) ;; 2,1
7\pi ;; 7 ;; \pi ;; 7\pi r ;; 7\pi i
100000 ;; 99999.7 ;; 100000.3 ;; 99999
\text{even} ;; \text{odd} ;; not even ;; even or odd ;; neither
""",
    "near misses": r"""
\frac13 ;; 0.33 ;; 0.333 ;; 0.3 ;; \frac{1}{3.1} ;; 0.33334
\pi ;; 3.14 ;; 3.1416 + 1 ;; \frac{22}{7} ;; 3.15159
3.14 ;; \pi ;; 3.15 ;; 3.141
\sqrt2 ;; 1.41 ;; -\sqrt2 ;; 2 ;; \sqrt{2.1} ;; \sqrt[3]{2}
2 ;; \frac{1+\sqrt5}{2} ;; \sqrt2 ;; -2 ;; 2.0001 ;; 20 ;; 0.2
x^2-1 ;; (x-1)^2 ;; x^2+1 ;; 1-x^2 ;; y^2-1 ;; (x-1)(x+1)(x+2) ;; x^2-1.0001
\sqrt{x^2} ;; x ;; -x ;; x^2
2\ln x ;; \ln(x^2)+1 ;; \ln(2x) ;; 2\ln y
\sin 2x ;; 2\sin x ;; \sin x^2 ;; 2\sin x\cos y
e^{2x} ;; e^{x^2} ;; 2e^x ;; e^2x
[1,2) ;; [1,2] ;; (1,2) ;; (1,2] ;; [1,3) ;; 1<x<2
x>3 ;; x\ge3 ;; x<3 ;; (3,4) ;; [3,\infty) ;; 3
\{1,2,3\} ;; \{1,2\} ;; \{1,2,4\} ;; 1,2 ;; (1,2,3,4) ;; \{1,2,3,4\}
(1,4.5) ;; (4.5,1) ;; (1,4) ;; (1,4.5,0) ;; [1,4.5)
\begin{pmatrix}1&2\\3&4\end{pmatrix} ;; \begin{pmatrix}1&3\\2&4\end{pmatrix} ;; \begin{pmatrix}1&2\end{pmatrix} ;; 1,2,3,4
y=2x+1 ;; y=2x-1 ;; y=x+1 ;; 2x+1=0 ;; x=2y+1
x=5 ;; y=5 ;; x=-5 ;; x\ne5
3-2i ;; 3+2i ;; -3+2i ;; 3-2 ;; 2-3i
\frac{a}{b} ;; \frac{b}{a} ;; ab ;; a-b
50\% ;; 0.05 ;; 5 ;; 500\% ;; 5\%
\$5 ;; 5\text{ cents} ;; 50 ;; \$6 ;; 5\text{ euros}
\infty ;; -\infty ;; 1000000 ;; 0
\emptyset ;; 0 ;; \{0\} ;; \text{all real numbers}
True ;; False ;; no ;; 否 ;; 0
A ;; B ;; (B) ;; \text{(B)} 12 ;; (C) A ;; AB
340_5 ;; 341_5 ;; 340_6 ;; 95
2:30 p.m. ;; 2:30 a.m. ;; 3:30 p.m. ;; 14
2x+3y<6 ;; 2x+3y>6 ;; 2x+3y\le6 ;; -2x-3y<-6 ;; 2x+3y=6
1,2 ;; 1 ;; 2 ;; 1,3 ;; -1,-2 ;; 1,2,2.5
\log_2 3 ;; \log_3 2 ;; \log_2 9 ;; \ln 3
(a+5)(b+2) ;; (+5)(b+2) ;; (a+5)(b-2)
\int_0^1 f(x)\,dx ;; \int_0^2 f(x)\,dx ;; \int_0^1 g(x)\,dx
12 ;; 1 2 ;; 1\ 2 ;; 1|2
E ;; \mathrm{E}*2 ;; 2E ;; E or B ;; (E) or (B) ;; E, B
x^2+4=0 ;; 3x=3x ;; x=x ;; x^2=4 ;; 0
\frac{AB}{CD}=2 ;; \frac{CD}{AB}=2 ;; \frac12
x=3, y=-2 ;; (-2,3) ;; x=-2, y=3 ;; x=3
a=2,b=5;a=7,b=1 ;; (2,5),(1,7) ;; 2,5,7,1 ;; (2,5)
2\le|z|\le 5 ;; [2,5] ;; 2<|z|<5
8:34 p.m. ;; 8:34 a.m. ;; 8:35 p.m. ;; 9:34
ACD ;; A, C ;; A, C, E ;; A, B, C, D
12,15 ;; 12.15
(3k,5k), k\in\mathbb{Z} ;; (5n,3n), n\in\mathbb{Z}
5 ;; __import__('os').system('echo 5') ;; exec("print(5)")
1 ;; 1\sqrt{19} ;; \sin^2x+\cos^2y ;; x ;; \frac{x}{y}
""",
}

# (category, gold, whole completion, label, options, rest of the reference)
WHOLE: list[tuple[str, Any, str, int, dict[str, Any], dict[str, Any]]] = [
    ("extraction", "7", "<think>maybe \\boxed{8}</think>It is \\boxed{7}.", 1, {}, {}),
    ("extraction", "7", "<think>maybe \\boxed{7}</think>I cannot say.", 0, {}, {}),
    ("extraction", "7", "<think>it is \\boxed{7}", 0, {}, {}),
    ("extraction", "7", "The answer is not 7", 0, {}, {}),
    ("extraction", "7", "The answer isn't 7.", 0, {}, {}),
    ("extraction", "7", "The answer is definitely not \\boxed{7}.", 0, {}, {}),
    ("extraction", "7", "\\boxed{7} is wrong.", 0, {}, {}),
    ("extraction", "1", "\\boxed{1} or \\boxed{2}", 0, {}, {}),
    ("extraction", "2", "\\boxed{1} or \\boxed{2}", 0, {}, {}),
    ("extraction", "2", "\\boxed{1}, \\boxed{2}, \\boxed{3}", 0, {}, {}),
    ("extraction", "1,2", "\\boxed{1} and \\boxed{2}", 1, {}, {}),
    ("extraction", "2", "\\boxed{1} or \\boxed{2}", 1, {"one_final_answer": False}, {}),
    ("extraction", "5", "Step 1 gives \\boxed{3}. With that we find at the end \\boxed{5}.", 1, {}, {}),
    ("extraction", "5", "Step 1 gives \\boxed{3}. At the end \\boxed{5}.", 0, {"boxes": "all_agree"}, {}),
    ("extraction", "5", "First \\boxed{5}, as said, finally \\boxed{5}.", 1, {"boxes": "all_agree"}, {}),
    ("extraction", "5/6", "<think>x</think><answer>5/6</answer>", 1, {}, {}),
    ("extraction", "5/6", "<think>x</think><answer>The answer is \\boxed{\\frac56}</answer>", 1, {}, {}),
    ("extraction", "5", "<answer>So the result is 5.</answer>", 1, {}, {}),
    ("extraction", "5", "<answer>6</answer> though \\boxed{5}", 0, {}, {}),
    ("extraction", "2", "<answer>1</answer> <answer>2</answer>", 0, {}, {}),
    ("extraction", "18", "She makes 9 * 2 = $18 a day.\n#### 18", 1, {}, {}),
    ("extraction", "18", "16 - 3 = 13\nA: 18", 1, {}, {}),
    ("extraction", "18", "16 - 3 = 13\nA: 13", 0, {}, {}),
    ("extraction", "1/2", "Therefore the final answer is $\\frac{1}{2}$. I hope it is correct.", 1, {}, {}),
    ("extraction", "\\frac{1}{2}", "$\\frac{1}{2}$", 1, {}, {}),
    ("extraction", "\\frac{1}{2}", "\\frac{1}{2}", 1, {}, {}),
    ("extraction", "42", "42", 1, {}, {}),
    ("extraction", "42", "So in total we have 42", 1, {}, {}),
    ("extraction", "42", "It could be 41 or 42", 0, {}, {}),
    ("extraction", "42", "The answer is either 41 or 42.", 0, {}, {}),
    ("extraction", "42", "\\boxed{4", 0, {}, {}),
    ("extraction", "42", "\\boxed{42", 0, {}, {}),
    ("extraction", "42", "", 0, {}, {}),
    ("extraction", "5", "\\boxed 5", 1, {}, {}),
    ("extraction", "5", "\\fbox{5}", 1, {}, {}),
    ("extraction", "\\{1,2\\}", "\\boxed{\\{1,2\\}}", 1, {}, {}),
    ("extraction", "5", "$x = \\boxed{5}$", 1, {}, {}),
    ("extraction", "答案", "答案是：答案", 1, {"kind": "text"}, {}),
    ("extraction", "12", "所以答案是12。", 1, {}, {}),
    ("extraction", "12", "**Answer:** 12", 1, {}, {}),
    ("extraction", "12", "**Final Answer:** $12$", 1, {}, {}),
    ("extraction", "12", 'Here: {"answer": 12}', 1, {"extract": "json:answer"}, {}),
    ("extraction", "12", '```json\n{"result": {"value": "12"}}\n```', 1, {"extract": ["json:result.value"]}, {}),
    ("extraction", "12", "\\boxed{12}<|im_end|>", 1, {}, {}),
    ("extraction", "12", "The box is \\boxed{12}, but the tag is missing", 0, {"extract": "answer_tag"}, {}),
    ("extraction", "34", "Final Answer: The largest $n$ is 34.", 1, {}, {}),
    ("extraction", "34", "Final Answer: The largest $n$ is not 34.", 0, {}, {}),
    (
        "extraction",
        "9",
        "So the rest is \\boxed{4}. Final Answer: The final answer is $9$. I hope it is correct.",
        1,
        {},
        {},
    ),
    (
        "extraction",
        "4",
        "So the rest is \\boxed{4}. Final Answer: The final answer is $9$. I hope it is correct.",
        0,
        {},
        {},
    ),
    ("extraction", "(1,2), (6,2)", "$$\\boxed{(1, 2)} \\quad \\text{and} \\quad \\boxed{(6, 2)}$$", 1, {}, {}),
    ("extraction", "a=1, b=4", "$$\\boxed{a = 1} \\quad \\text{and} \\quad \\boxed{b = 4}$$", 1, {}, {}),
    ("extraction", "12", "Hence $d = \\frac{90}{n}$, and there are 12 such sequences.", 1, {}, {}),
    ("extraction", "5", "<answer>__import__('os').system('echo 5')</answer>", 0, {}, {}),
    ("extraction", "5", "<answer>1 2 3 4 5</answer>", 0, {}, {}),
    ("extraction", "5", "<answer>maybe 4 or 5</answer>", 0, {}, {}),
    ("extraction", "7", "We get $x^2=49$ with $x>0$, so the solution is $\\boxed{7}$ cm.", 1, {}, {}),
    ("extraction", "We add them.\nSo it is $\\boxed{28\\%}$ in all.", "\\boxed{28\\%}", 1, {}, {}),
    ("choice", "B", "The answer is (B).", 1, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>b</answer>", 1, {"kind": "choice"}, {}),
    ("choice", "B", "\\boxed{\\text{B}}", 1, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>Option B</answer>", 1, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>B. Paris</answer>", 1, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>C</answer>", 0, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>A or B</answer>", 0, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>ABCD</answer>", 0, {"kind": "choice"}, {}),
    ("choice", "A", "<answer>A dog</answer>", 0, {"kind": "choice"}, {}),
    ("choice", "B", "<answer>Paris</answer>", 1, {"kind": "choice"}, {"choices": {"A": "Rome", "B": "Paris"}}),
    ("choice", "Paris", "<answer>(B)</answer>", 1, {"kind": "choice"}, {"choices": ["Rome", "Paris"]}),
    ("choice", "B", "<answer>(B) Rome</answer>", 0, {"kind": "choice"}, {"choices": ["Rome", "Paris"]}),
    ("choice", "B", "<answer>(B) Paris</answer>", 1, {"kind": "choice"}, {"choices": ["Rome", "Paris"]}),
    ("choice", "A, C", "<answer>C and A</answer>", 1, {"kind": "choice"}, {}),
    ("choice", "A, C", "<answer>A</answer>", 0, {"kind": "choice"}, {}),
    ("choice", "B", "答案是B", 1, {"kind": "choice"}, {}),
    ("exact", "hello world", "<answer>hello  world</answer>", 1, {"kind": "exact"}, {}),
    ("exact", "hello world", "<answer>Hello world</answer>", 0, {"kind": "exact"}, {}),
    ("exact", "hello world", "<answer>Hello world</answer>", 1, {"kind": "exact", "case": "ignore"}, {}),
    ("exact", "hello world", "<answer>hello word</answer>", 0, {"kind": "exact"}, {}),
    ("text", "Mount Everest", "<answer>the mount everest.</answer>", 1, {"kind": "text"}, {}),
    ("text", "Mount Everest", "<answer>K2</answer>", 0, {"kind": "text"}, {}),
    ("text", "USA", "<answer>United States</answer>", 1, {"kind": "text", "aliases": {"USA": ["United States"]}}, {}),
    ("text", "USA", "<answer>America</answer>", 1, {"kind": "text"}, {"aliases": ["America"]}),
    ("text", "USA", "<answer>usa</answer>", 0, {"kind": "text", "case": "match"}, {}),
    ("list", [1, 2, 3], "<answer>1, 2, 3</answer>", 1, {"kind": "list"}, {}),
    ("list", [1, 2, 3], "<answer>[1, 2, 3]</answer>", 1, {"kind": "list"}, {}),
    ("list", [1, 2, 3], "<answer>3, 2, 1</answer>", 0, {"kind": "list"}, {}),
    ("set", [1, 2, 3], "<answer>3, 2, 1</answer>", 1, {"kind": "set"}, {}),
    ("set", [1, 2, 3], "<answer>{1, 2}</answer>", 0, {"kind": "set"}, {}),
    ("set", ["red", "blue"], "<answer>blue, red</answer>", 1, {"kind": "set"}, {}),
    ("regex", "[a-z]+\\d{2}", "<answer>abc12</answer>", 1, {"kind": "regex"}, {}),
    ("regex", "[a-z]+\\d{2}", "<answer>abc123</answer>", 0, {"kind": "regex"}, {}),
    ("json", {"type": "object", "required": ["a"]}, '<answer>{"a": 1}</answer>', 1, {"kind": "json"}, {}),
    ("json", {"type": "object", "required": ["a"]}, '<answer>{"b": 1}</answer>', 0, {"kind": "json"}, {}),
    ("json", {"type": "object", "required": ["a"]}, '```json\n{"a": 1}\n```', 1, {"kind": "json"}, {}),
    ("json", {"type": "integer"}, "<answer>not json</answer>", 0, {"kind": "json"}, {}),
    ("date", "2024-03-05", "<answer>March 5, 2024</answer>", 1, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>5 March 2024</answer>", 1, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>2024年3月5日</answer>", 1, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>03/05/2024</answer>", 1, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>March 6, 2024</answer>", 0, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>March 2024</answer>", 0, {"kind": "date"}, {}),
    ("date", "2024-03-05", "<answer>5</answer>", 0, {"kind": "date"}, {}),
    ("unit", "5 km", "<answer>5000 m</answer>", 1, {"kind": "unit"}, {}),
    ("unit", "5 km", "<answer>5 km</answer>", 1, {"kind": "unit"}, {}),
    ("unit", "5 km", "<answer>5</answer>", 0, {"kind": "unit"}, {}),
    ("unit", "5 km", "<answer>5 kg</answer>", 0, {"kind": "unit"}, {}),
    ("unit", "36 km/h", "<answer>10 m/s</answer>", 1, {"kind": "unit"}, {}),
    ("number", "3.14", "<answer>3.15</answer>", 1, {"kind": "number", "tolerance": {"relative": 0.01}}, {}),
    ("number", "3.14", "<answer>3.2</answer>", 0, {"kind": "number", "tolerance": {"relative": 0.01}}, {}),
    ("number", "1.6e-19", "<answer>6.6e-34</answer>", 0, {"kind": "number", "tolerance": {"relative": 0.01}}, {}),
    ("number", "100", "<answer>100.4</answer>", 1, {"kind": "number", "tolerance": {"absolute": 0.5}}, {}),
    ("number", "3.14159", "<answer>3.142</answer>", 1, {"kind": "number", "tolerance": {"significant": 4}}, {}),
    ("number", "3.14159", "<answer>3.143</answer>", 0, {"kind": "number", "tolerance": {"significant": 4}}, {}),
    ("policy", "10 cm", "\\boxed{10}", 0, {"units": "require"}, {}),
    ("policy", "10 cm", "\\boxed{10 cm}", 1, {"units": "require"}, {}),
    ("policy", "10 cm", "\\boxed{0.1 m}", 0, {"units": "require"}, {}),
    ("policy", "10 cm", "\\boxed{0.1 m}", 1, {"units": "convert"}, {}),
    ("policy", "1,2", "\\boxed{2,1}", 0, {"order": "strict"}, {}),
    ("policy", "(1,2)", "\\boxed{(2,1)}", 1, {"order": "any"}, {}),
    ("policy", "50\\%", "\\boxed{50}", 0, {"percent": "value"}, {}),
    ("policy", "5", "\\boxed{5\\%}", 1, {"percent": "ignore"}, {}),
    ("policy", "101_2", "\\boxed{5}", 1, {"base": "value"}, {}),
    ("policy", "101", "\\boxed{101_2}", 1, {"base": 2}, {}),
    ("policy", "101", "\\boxed{101_3}", 0, {"base": 2}, {}),
    ("policy", "1024", "\\boxed{2^{10}}", 1, {"form": "any"}, {}),
    ("policy", "\\frac12", "\\boxed{\\frac24}", 0, {"form": "reduced"}, {}),
    ("policy", "\\frac12", "\\boxed{\\frac12}", 1, {"form": "reduced"}, {}),
    ("policy", "(x-1)(x+1)", "\\boxed{x^2-1}", 0, {"form": "factored"}, {}),
    ("policy", "(x-1)(x+1)", "\\boxed{(x+1)(x-1)}", 1, {"form": "factored"}, {}),
    ("policy", "x^2-1", "\\boxed{(x-1)(x+1)}", 0, {"form": "expanded"}, {}),
    ("policy", "x^2-1", "\\boxed{-1+x^2}", 1, {"form": "expanded"}, {}),
    ("policy", "B", "\\boxed{(B) Paris}", 1, {}, {"kind": "choice", "choices": ["Rome", "Paris"]}),
    ("policy", "1024", "\\boxed{2^{10}}", 1, {}, {"policy": {"form": "any"}}),
]


def rows(table: str) -> Iterator[list[str]]:
    for line in table.strip().splitlines():
        yield [cell.strip() for cell in line.split(";;")]


def boxed(answer: str) -> str:
    return f"We work it out.\n\nThe final answer is $\\boxed{{{answer}}}$."


def digit_changed(text: str) -> str | None:
    """The last digit raised by one."""
    for index in range(len(text) - 1, -1, -1):
        if text[index].isdigit():
            return text[:index] + str((int(text[index]) + 1) % 10) + text[index + 1 :]
    return None


def perturbed() -> Iterator[dict[str, Any]]:
    """Wrong by construction: a digit changed, the sign changed, the items reversed, another problem's answer."""
    by_category = {name: [cells[0] for cells in rows(table)] for name, table in EQUAL.items()}
    changed_digit = ("numbers", "irrational", "sets", "tuples", "intervals", "matrices", "units", "percent", "bases")
    for category in changed_digit:
        for gold in by_category[category]:
            other = digit_changed(gold)
            # In these the last digit is not free to change: a repeated or an infinite value comes out the same.
            if other and other != gold:
                yield {"category": "digit changed", "gold": gold, "completion": boxed(other), "label": 0}
    for category in ("numbers", "irrational", "units", "percent"):
        for gold in by_category[category]:
            other = gold[1:] if gold.startswith("-") else f"-({gold})" if "+" in gold else f"-{gold}"
            yield {"category": "sign changed", "gold": gold, "completion": boxed(other), "label": 0}
    for category, golds in by_category.items():
        for gold, other in pairwise(golds):
            if category != "equations":  # neighbours there say the same in other ways
                completion = boxed(other)
                yield {"category": "another problem's answer", "gold": gold, "completion": completion, "label": 0}
        if category == "tuples":
            for gold in golds:
                items = gold.replace("\\left(", "(").replace("\\right)", ")")[1:-1].split(",")
                other = f"({','.join(reversed(items))})"
                yield {"category": "order changed", "gold": gold, "completion": boxed(other), "label": 0}
    for gold in ("5\\text{ cm}", "12\\text{ inches}", "3\\text{ kg}", "60\\text{ mph}", "2\\text{ hours}", "\\$7"):
        number = "".join(char for char in gold if char.isdigit())
        yield {"category": "unit changed", "gold": gold, "completion": boxed(f"{number}\\text{{ liters}}"), "label": 0}


def cases() -> Iterator[dict[str, Any]]:
    for label, tables in ((1, EQUAL), (0, DIFFERENT)):
        for category, table in tables.items():
            for gold, *answers in rows(table):
                if label:
                    yield {"category": category, "gold": gold, "completion": boxed(gold), "label": 1}
                for answer in answers:
                    yield {"category": category, "gold": gold, "completion": boxed(answer), "label": label}
    for category, gold, completion, label, options, reference in WHOLE:
        case = {"category": category, "gold": gold, "completion": completion, "label": label}
        yield case | ({"options": options} if options else {}) | ({"reference": reference} if reference else {})
    yield from perturbed()


if __name__ == "__main__":
    lines = [json.dumps(case, ensure_ascii=False) for case in cases()]
    (HERE / "cases.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    print(len(lines), "cases")

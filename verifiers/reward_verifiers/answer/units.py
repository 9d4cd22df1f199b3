"""Units as answers write them: one spelling for each, products and powers of them, and conversion by pint.

    "square inches" ──▶ "inch^2"      "km/h", "kilometers per hour" ──▶ "kilometer hour^-1"

Completions never reach pint's own parser: only names from the table below do.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

# pint's name: spellings
_TABLE = """
meter: m meter meters metre metres 米|centimeter: cm centimeter centimeters centimetre centimetres cms 厘米
millimeter: mm millimeter millimeters millimetre millimetres 毫米
kilometer: km kms kilometer kilometers kilometre kilometres 千米 公里|decimeter: dm decimeter decimeters 分米
micrometer: µm μm um micrometer micrometers micron microns|nanometer: nm nanometer nanometers|inch: in inch inches
foot: ft foot feet|yard: yd yds yard yards|mile: mi mile miles|gram: g gram grams 克
kilogram: kg kgs kilogram kilograms 千克 公斤|milligram: mg milligram milligrams|pound: lb lbs pound pounds
ounce: oz ounce ounces|metric_ton: tonne tonnes|ton: ton tons|second: s sec secs second seconds 秒
minute: min mins minute minutes 分钟|hour: h hr hrs hour hours 小时|day: day days 天|week: week weeks 周|month: month months
year: yr yrs year years 年|millisecond: ms millisecond milliseconds|liter: L l liter liters litre litres 升
milliliter: mL ml milliliter milliliters 毫升|gallon: gal gallon gallons|quart: quart quarts|pint: pint pints
cup: cup cups|newton: N newton newtons|joule: J joule joules|kilojoule: kJ kilojoule kilojoules|watt: W watt watts
kilowatt: kW kilowatt kilowatts|pascal: Pa pascal pascals|kilopascal: kPa kilopascal kilopascals|atmosphere: atm
volt: V volt volts|ampere: A amp amps ampere amperes|ohm: ohm ohms Ω|coulomb: C coulomb coulombs|hertz: Hz hertz
kilohertz: kHz|megahertz: MHz|kelvin: K kelvin kelvins|degree_Celsius: °C ℃ celsius|degree_Fahrenheit: °F ℉ fahrenheit
mole: mol mole moles mols|electron_volt: eV|degree: ° degree degrees deg 度|radian: rad rads radian radians
bit: bit bits|byte: byte bytes|mile/hour: mph|kilometer/hour: kph kmh|liter/minute: lpm|revolution/minute: rpm
dollar: $ ＄ dollar dollars usd USD buck bucks 美元|cent: ¢ cent cents|euro: € euro euros EUR|yuan: ¥ 元 yuan RMB CNY
pound_sterling: £ GBP|rupee: ₹ rupee rupees Rs
"""
SPELLINGS = {
    spelling: name
    for entry in _TABLE.replace("\n", "|").split("|")
    if ":" in entry
    for name, _, spellings in [entry.partition(":")]
    for spelling in spellings.split()
}
SINGLE_LETTERS = frozenset(spelling for spelling in SPELLINGS if len(spelling) == 1 and spelling.isascii())
_POWERS = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3, "平方": 2, "立方": 3}
_MONEY = {"dollar": Fraction(1), "cent": Fraction(1, 100)}
_PER_SECOND = re.compile(r"\bms(?=\^\{?-)")
_PIECE = re.compile(
    r"\^\{?(-?\d{1,6})(?!\d)\}?|\*\*(-?\d{1,6})(?!\d)|([/*·])|\bper\b|([^\W\d_]+\.?|[°$＄€£¥₹¢℃℉µ][A-Za-z]*)|(.)", re.S
)


def known(word: str) -> str | None:
    """The name of the unit that a word spells, or None."""
    return SPELLINGS.get(word) or SPELLINGS.get(word.rstrip(".")) or SPELLINGS.get(word.lower().rstrip("."))


@lru_cache(maxsize=4096)
def spelled(text: str) -> str | None:
    """One spelling of a unit, e.g. "kilometer hour^-1"; None when `text` is not made of known units alone.

    >>> spelled("sq. ft"), spelled("m/s^2"), spelled("apples")
    ('foot^2', 'meter second^-2', None)
    """
    if len(text) > 60:
        return None
    text = _PER_SECOND.sub("m s", text).replace("\\cdot", "*").replace("square", "square ").replace("cubic", "cubic ")
    powers: dict[str, int] = {}
    sign, pending, last = 1, 1, ""
    for match in _PIECE.finditer(text):
        power, power2, operator, word, other = match.groups()
        if power or power2:
            if not last:
                return None
            powers[last] += (int(power or power2) - 1) * (1 if powers[last] > 0 else -1)
        elif operator in ("*", "·"):
            continue
        elif operator == "/" or match.group() == "per":
            sign = -1
        elif word:
            if word.lower() in _POWERS or word in _POWERS:
                factor = _POWERS.get(word.lower(), _POWERS.get(word, 1))
                if word.lower() in ("squared", "cubed") and last:
                    powers[last] *= factor
                else:
                    pending = factor
                continue
            name = known(word)
            if name is None:
                for prefix in ("平方", "立方"):
                    if word.startswith(prefix) and known(word[2:]):
                        name, pending = known(word[2:]), _POWERS[prefix]
            if name is None:
                return None
            top, _, under = name.partition("/")
            powers[top] = powers.get(top, 0) + sign * pending
            if under:
                powers[under] = powers.get(under, 0) - 1
            last, pending = top, 1
        elif other is not None and not other.isspace() and other not in "{}.":
            return None
    named = [f"{name}^{power}" if power != 1 else name for name, power in sorted(powers.items()) if power]
    return " ".join(named) or None


@cache
def registry() -> Any:
    """pint's unit registry, made on first use."""
    import pint

    return pint.UnitRegistry(cache_folder=None)


@lru_cache(maxsize=1024)
def factor(source: str, target: str) -> Fraction | None:
    """What a value in `source` is multiplied by to be in `target`; both as `spelled` writes them. None: not convertible.

    >>> factor("meter", "centimeter")
    Fraction(100, 1)
    """
    if source == target:
        return Fraction(1)
    if source in _MONEY and target in _MONEY:
        return _MONEY[source] / _MONEY[target]
    import pint

    units = registry()
    try:
        unity = units.Quantity(Fraction(1), _pint_unit(source)) / units.Quantity(Fraction(1), _pint_unit(target))
        ratio = unity.to_base_units()
        if not ratio.dimensionless or "degree_" in source + target:
            return None
        return Fraction(ratio.magnitude).limit_denominator(10**12)
    except (pint.errors.PintError, ValueError, TypeError, ArithmeticError):
        return None


def _pint_unit(spelling: str) -> Any:
    units = registry()
    made = units.Unit("")
    for piece in spelling.split():
        name, _, power = piece.partition("^")
        made *= getattr(units, name) ** int(power or 1)
    return made

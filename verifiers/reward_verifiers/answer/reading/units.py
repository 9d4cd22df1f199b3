"""Units as answers write them: one spelling for each, products and powers of them, and conversion by pint.

    "square inches" ──▶ "inch^2"      "km/h", "kilometers per hour" ──▶ "kilometer hour^-1"
    "cars per hour" ──▶ "#car hour^-1", where #car is a counted thing and no unit of pint's

pint is asked for single words alone, never for a text: prefixes and plurals are its own, and a word that it does not know is
no unit. Money and a few spellings are defined below.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from reward_verifiers.answer.reading import words

# pint's name: spellings that pint does not know, or reads as another unit
_TABLE = """
meter: 米|centimeter: cms 厘米|millimeter: 毫米|kilometer: kms 千米 公里|decimeter: 分米|micrometer: um|inch: in in.
foot: ft.
mile: mi|gram: 克|kilogram: kgs kilo kilos 千克 公斤|pound: lbs lb|metric_ton: tonne tonnes 吨|ton: ton tons
second: sec secs s 秒
minute: min mins 分钟 分|hour: hr hrs h 小时 时|day: 天|week: wk wks 周|month: 月|year: yr yrs 年|liter: L l 升
milliliter: mL ml 毫升
ohm: Ω \\Omega|kiloohm: kilohm kilohms|megaohm: megohm megohms
ampere: A amp amps|degree_Celsius: °C ℃ celsius centigrade|degree_Fahrenheit: °F ℉ fahrenheit
mole: mol mols|degree: ° deg 度|radian: rad rads|mile hour^-1: mph|kilometer hour^-1: kph kmh kmph
mile gallon^-1: mpg|liter minute^-1: lpm|revolution minute^-1: rpm
astronomical_unit: AU au|kelvin: K|light_year: ly|calorie: cal
degree_Celsius: degC
dollar: $ ＄ dollar dollars usd USD buck bucks 美元 美金|cent: ¢ cent cents|euro: € euro euros EUR
euro_cent: eurocent eurocents
yuan: 元 yuan RMB CNY|yen_sign: ¥|yen: yen JPY|pound_sterling: £ GBP quid|penny: pence
rupee: ₹ rupee rupees Rs Rs. INR|won: ₩ won KRW
ruble: ₽ ruble rubles rouble roubles RUB|franc: franc francs CHF|peso: peso pesos|real: reais|krona: kronor
shekel: ₪ shekel shekels|jiao: 角 毛
hour: heure heures stunde stunden hora horas час часа часов 時間|minute: minuten minutos minuti минут минуты
second: seconde secondes segundo segundos secondi sekunde sekunden секунд секунды
day: jour jours tage tagen día días dias giorni день дня дней|week: semaine semaines woche wochen semana semanas
week: settimane недель недели|month: mois monate meses mesi месяцев|year: ans année années jahr jahre años anni лет года
meter: mètre mètres metros metri метров|kilometer: kilomètre kilomètres kilómetros chilometri quilômetros км километров
centimeter: centimètre centimètres centímetros centimetri zentimeter см|gram: gramme grammes gramos gramm грамм
kilogram: kilogramme kilogrammes kilogramos chilogrammi кг килограммов|liter: litros litri литров
"""
SPELLINGS = {
    spelling: name
    for entry in _TABLE.replace("\n", "|").split("|")
    if ":" in entry
    for name, _, spellings in [entry.partition(":")]
    for spelling in spellings.split()
}
_COMMON = frozenset(
    (
        "mm cm dm km ft yd mi mg kg lb lbs oz ms min hr hrs sec mL ml dL cL kL gal qt pt kJ MJ kW MW GW kV mV mA Pa "
        "kPa MPa Hz kHz MHz GHz eV mol mph kph rad deg in hp kN MN mW nm um mins yr yrs cc rpm usd kWh MWh mph bar atm "
        "dB lm lx kcal cal nF pF mF μm µm"
    ).split()
)
"""Two letters and more that are a unit after a number, when they stand in a formula without \\text."""
SINGLE_LETTERS = frozenset("mgshLlNJWVKACFT")
_NO_UNITS = frozenset(
    (
        "point points hand hands line lines link links chain chains rod rods stick sticks turn turns count "
        "counts sheet sheets "
        "drop drops pole poles league leagues cable cables bag bags peck pecks quire quires bundle bundles "
        "square squares pair "
        "score number numbers unit units particle particles cycle cycles refrigeration percent permille ppm "
        "a c e k G u q h_bar "
        "cube cubes dozen gross board boards toise scruple scruples slug slugs barn barns jute word words byte_ crinal "
        "conventional color pica picas didot course courses line_ grade grades mark marks sign signs circle "
        "circles pixel pixels dot "
        "dots css_pixel strike strikes bushel_ section sections township townships arpent ream reams stere "
        "noggin shot shots jigger "
        "th st nd rd fifth fifths quarter "
        "quarters hundredweight "
        "nat nats minim minims tex den denier mil mils hundred thousand million billion ton_ month_ second_ "
        "pieze stone_ be me at "
        "am are as an has dr or of to us we it is on by if my so no do go he up pm Pm PM AM fg gg in_ minute_ and per"
    ).split()
)
"""Words that pint holds for units, and answers mostly do not."""
_POWERS = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "cu": 3, "squared": 2, "cubed": 3, "平方": 2, "立方": 3}
_PER_SECOND = re.compile(r"\bms(?=\^\{?-)")
_PIECE = re.compile(
    r"\^\{?(-?\d{1,4})(?!\d)\}?|\*\*(-?\d{1,4})(?!\d)|([/*·])|\bper\b"
    r"|([^\W\d_]+(?:[-_][^\W\d_]+)?\.?|[°$＄€£¥₹¢℃℉µ₩₽₪][A-Za-z]*)|(.)",
    re.S,
)
_TWO_WORDS = re.compile(
    r"\b(electron|light|nautical|metric|fluid|troy|short|long|astronomical|horse)[ -]"
    r"(volt|year|mile|ton|tonne|ounce|unit|power)s?\b",
    re.I,
)
_PRESSURE = re.compile(r"\b(?:pounds?|lbs?)(?:[ -]force)? per sq(?:uare|\.)? {0,2}in(?:ch)?\b", re.I)
"""Pounds of force, not of mass."""
_DEGREES = re.compile(r"\bdeg(?:ree)?s?\.?\s?(c|f)(?:elsius|entigrade|ahrenheit)?\b", re.I)
MAX_WORD = 24


@cache
def registry() -> Any:
    """pint's unit registry with exact factors, made on first use, with money beside it."""
    import pint

    units: Any = pint.UnitRegistry(cache_folder=None, non_int_type=Fraction, on_redefinition="ignore")
    units.define("acre = 43560 * foot ** 2 = _ = acres")  # the international one; pint's is of the US survey
    units.define("millimeter_Hg = 101325 / 760 * pascal = mmHg = mm_Hg")
    for name in (
        "dollar",
        "euro",
        "yuan",
        "yen",
        "yen_sign",
        "pound_sterling",
        "rupee",
        "won",
        "ruble",
        "franc",
        "peso",
        "real",
        "krona",
        "shekel",
    ):
        units.define(f"{name} = [money_{name}]")
    units.define("cent = dollar / 100")
    units.define("euro_cent = euro / 100")
    units.define("penny = pound_sterling / 100")
    units.define("jiao = yuan / 10")
    return units


@lru_cache(maxsize=4096)
def unit_name(word: str) -> str | None:
    """The name of the unit that a word spells, or None.

    >>> unit_name("kN"), unit_name("hrs"), unit_name("acres"), unit_name("apples")
    ('kilonewton', 'hour', 'acre', None)
    """
    for spelling in (word, word.rstrip("."), word.lower().rstrip(".")):
        if spelling in SPELLINGS:
            return SPELLINGS[spelling]
        if not spelling or len(spelling) > MAX_WORD or spelling in _NO_UNITS or not spelling.isalpha():
            continue
        name = _pint_name(spelling)
        if name:
            return name
    return None


def _pint_name(word: str) -> str | None:
    try:
        candidates = registry().parse_unit_name(word)
    except Exception:  # of pint's own making: the word is no unit
        return None
    if not candidates:
        return None
    prefix, name, _ = candidates[0]
    if prefix and not is_common(word) and (word in words.FUNCTION_WORDS or word in words.ADJECTIVES):
        return None  # "has" and "rare" are powers of ten of something
    if (
        prefix
        and len(word) > 3
        and not word.lower().startswith(prefix)
        and (word.lower() in words.NOUNS or len(word) > 5)
    ):
        return None  # "cars" is no centi-are, "mminutes" no milliminute
    return f"{prefix}{name}"


def is_common(word: str) -> bool:
    """Whether letters in a formula are a unit after a number."""
    return word in _COMMON


_UNDER = re.compile(r"/\s?\((?![^()]*\bper\b)([^()/]{1,40})\)$")
"""J/(g K); what stands under J/(g/K) is a quotient of its own, which is not read."""


@lru_cache(maxsize=4096)
def spelled(text: str, things: bool = False) -> str | None:
    """One spelling of a unit; None when `text` is not made of units alone. With `things`, counted things are units too.

    >>> spelled("sq. ft"), spelled("m/s^2"), spelled("apples"), spelled("cars per hour", things=True)
    ('foot^2', 'meter second^-2', None, '#car hour^-1')
    """
    if len(text) > 80:
        return None
    text = _UNDER.sub(r"/\1", text)
    text = _PER_SECOND.sub("m s", text).replace("\\cdot", "*").replace("square", "square ").replace("cubic", "cubic ")
    text = _TWO_WORDS.sub(_one_word, _PRESSURE.sub("psi", text))
    text = _DEGREES.sub(lambda m: "°" + m[1].upper(), text.replace("square d", "squared"))
    powers: dict[str, int] = {}
    sign, pending, last = 1, 1, ""
    slashes = under = 0
    for match in _PIECE.finditer(text):
        power, power2, operator, word, other = match.groups()
        if power or power2:
            if not last or pending != 1:
                return None
            powers[last] += (int(power or power2) - 1) * (1 if powers[last] > 0 else -1)
            last = ""
        elif operator in ("*", "·"):
            continue
        elif operator == "/" or match.group() == "per":
            sign, slashes = -1, slashes + 1  # J/g/K and J/g·K are J/(g K)
        elif word:
            if word.lower() in _POWERS:
                if word.lower() in ("squared", "cubed"):
                    if not last:
                        return None
                    powers[last] *= _POWERS[word.lower()]
                    last = ""
                else:
                    pending = _POWERS[word.lower()]
                continue
            under += sign < 0
            name = _named(word, things)
            if name is None and word[:2] in ("平方", "立方"):
                name, pending = unit_name(word[2:]), _POWERS[word[:2]]
            if name is None:
                return None
            for factor_name in name.split():
                bare, _, power = factor_name.partition("^")
                powers[bare] = powers.get(bare, 0) + sign * pending * int(power or 1)
            last, pending = name.split()[0].partition("^")[0], 1
        elif other is not None and not other.isspace() and other not in "{}.":
            return None
    if pending != 1 or (slashes > 1 and under != slashes):  # J/g·K/s may be either
        return None
    named = [f"{name}^{power}" if power != 1 else name for name, power in sorted(powers.items()) if power]
    return " ".join(named) or None


def _one_word(match: re.Match[str]) -> str:
    """ "electron volts" is one unit of two words."""
    first, second = match[1].lower(), match[2].lower()
    joined = first + second if first in ("electron", "horse") else f"{first}_{second.removesuffix('ne')}"
    return joined if joined in _UNDERSCORED or unit_name(joined) else match.group()


_UNDERSCORED = frozenset(
    {
        "light_year",
        "nautical_mile",
        "metric_ton",
        "fluid_ounce",
        "troy_ounce",
        "short_ton",
        "long_ton",
        "astronomical_unit",
    }
)


def _named(word: str, things: bool) -> str | None:
    name = word if word in _UNDERSCORED else unit_name(word)
    if name is None and things:
        stem = words.stem(word)
        return f"#{stem}" if stem else None
    return name


@lru_cache(maxsize=4096)
def factor(source: str, target: str) -> Fraction | None:
    """What a value in `source` is multiplied by to be in `target`; both as `spelled` writes them. None: not convertible.

    >>> factor("meter", "centimeter")
    Fraction(100, 1)
    """
    if source == target:
        return Fraction(1)
    if not same_things(source, target):
        return None
    import pint

    units = registry()
    try:
        ratio = units.Quantity(Fraction(1), _pint_unit(source)) / units.Quantity(Fraction(1), _pint_unit(target))
        ratio = ratio.to_base_units()
        if not ratio.dimensionless or "degree_" in source + target:
            return None
        return Fraction(ratio.magnitude).limit_denominator(10**18)
    except (pint.errors.PintError, ValueError, TypeError, ArithmeticError, AttributeError):
        return None


def things_of(unit: str) -> tuple[str, ...]:
    """The counted things in a unit, with their powers."""
    return tuple(piece for piece in unit.split() if piece[0] == "#")


def same_things(first: str, second: str) -> bool:
    """The same things are counted; an adjective that one side leaves out is not held against it."""
    ours, theirs = things_of(first), things_of(second)
    return len(ours) == len(theirs) and all(map(_same_thing, ours, theirs))


def _same_thing(first: str, second: str) -> bool:
    (noun, _, kind), (other, _, other_kind) = first.partition(":"), second.partition(":")
    if kind and other_kind and kind != other_kind:
        return False
    return noun == other or words.is_generic(noun[1:]) or words.is_generic(other[1:])


MOLAR = "liter^-1 mole"
"""What chemists write as M."""

TEMPERATURES = frozenset({"degree_Celsius", "degree_Fahrenheit", "kelvin"})
_SAME_MONEY = ({"yen_sign", "yen"}, {"yen_sign", "yuan"}, {"pound", "pound_sterling"})


def is_same_money(first: str, second: str) -> bool:
    """A sign that two currencies share, and pounds of either kind."""
    return {first, second} in _SAME_MONEY


def temperature(value: Fraction, source: str, target: str) -> Fraction | None:
    """A temperature on another scale."""
    if source not in TEMPERATURES or target not in TEMPERATURES:
        return None
    return Fraction(registry().Quantity(value, source).to(target).magnitude).limit_denominator(10**18)


def _pint_unit(spelling: str) -> Any:
    units = registry()
    product = units.Unit("")
    for piece in spelling.split():
        name, _, power = piece.partition("^")
        if name[0] != "#":
            product *= getattr(units, name) ** int(power or 1)
    return product

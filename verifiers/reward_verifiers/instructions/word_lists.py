"""Words that the checks look up."""

from __future__ import annotations


def _list(text: str) -> list[str]:
    return text.split()


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _set("mr mrs ms dr prof gen col capt cpt lt maj sgt sen rep gov st rev hon messrs mt vs")
"""Abbreviations that a name follows: they never end a sentence."""

ABBREVIATIONS = TITLES | _set(
    "inc corp co cos ltd llc bros jr sr ave blvd rd dept est approx fig figs vol no nos pp p eds ed al jan feb"
    " mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thurs fri e.g i.e etc a.m p.m u.s u.k u.n"
    " u.s.a e.u d.c ph.d m.d b.a m.a b.s a.d b.c cf ca viz ariz calif colo conn fla ga ill kan ky mass mich"
    " minn okla ore pa tenn va vt wash wis ft mg kg km lb lbs oz yr yrs hr hrs min sec max avg ext tel adm"
)
"""Words that a full stop shortens."""

STOP_WORDS = _set(
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers"
    " herself it its itself they them their theirs themselves what which who whom this that these those am is"
    " are was were be been being have has had having do does did doing a an the and but if or because as until"
    " while of at by for with about against between into through during before after above below to from up"
    " down in out on off over under again further then once here there when where why how all any both each few"
    " more most other some such no nor not only own same so than too very s t can will just don should now d ll"
    " m o re ve y ain aren couldn didn doesn hadn hasn haven isn ma mightn mustn needn shan shouldn wasn weren"
    " won wouldn"
)
"""Function words of English, as the ratio of stop words counts them."""

STARTERS = STOP_WORDS | _set(
    "however although though since despite even indeed instead many meanwhile moreover nevertheless nor"
    " similarly thus yet according also another first second third finally one two let please still today"
    " tomorrow next it's that's he's she's i'm we're they're you're there's what's don't can't would could may"
    " might must remember perhaps maybe therefore additionally furthermore hence without within among across"
    " along every everyone nothing something someone"
)
"""Words that often begin a sentence: with a capital letter, they begin one after an abbreviation, too."""

CONJUNCTIONS = _set("and but for nor or so yet")

PRONOUNS = _set(
    "i me we us you he him she her it they them my mine our ours your yours his hers its their theirs myself"
    " ourselves yourself yourselves himself herself itself themselves this that these those who whom whose"
    " which what whoever whomever whatever whichever anybody anyone anything everybody everyone everything"
    " nobody nothing somebody someone something each either neither both all some any none"
)

NAMES = _set(
    "Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia"
    " Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett"
    " Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher Penelope Thomas Nora Andrew Aria"
    " Joseph Claire Ryan Stella Jonathan"
)
"""The fifty names that IFBench's prompt lists."""

CAPITALS = _list(
    "Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam"
    " Warsaw London Brussels Prague Luxembourg Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana"
    " Zagreb"
)
"""Capitals of Europe north of 45 degrees, from north to south, as IFBench has them."""

FILLER = _set(
    "idk n another dunno ok okay sure well hmm um uh er lol haha blah bla yada foo bar baz qux asdf qwerty asdfgh xxx"
    " todo tbd placeholder text word words sentence sentences paragraph paragraphs content filler dummy sample"
    " example test testing goes something anything whatever stuff thing things know dont sorry cannot help"
    " answer answers response reply respond request question prompt instruction instructions constraint"
    " constraints understand please thank thanks na nan null none undefined tba etc like yes yeah yep got it's"
    " don't can't i'm really think say said happy assist 不知道 我 不 知道 好的 不会 抱歉 わかりません わから"
    " ません 分かりません sais pas je ne weiß nicht ich no sé lo siento не знаю я"
)
"""Words that say nothing by themselves, beside the function words."""

LOREM = _set(
    "lorem ipsum dolor sit amet consectetur adipiscing adipisicing elit sed eiusmod tempor incididunt ut labore"
    " et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea"
    " commodo consequat duis aute irure reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur"
    " excepteur sint occaecat cupidatat non proident sunt culpa qui officia deserunt mollit anim id est laborum"
    " vestibulum pellentesque curabitur vivamus maecenas phasellus mauris nullam donec aenean praesent"
    " suspendisse vehicula"
)
"""Of the printer's dummy text."""

"""What a prompt asks for, as far as the guard has to know it: one word, a mark, a verdict, a dialogue, a repetition.

A policy cannot write its prompt, so a rule of the guard may step back by it. Every function is one linear pass.
"""

from __future__ import annotations

import re

_NUMBER = r"(?:\d{1,6}|ten|twenty|thirty|fifty|(?:a |one )?(?:hundred|thousand|dozen)|several|many)"

_ONE_WORD = re.compile(
    r"\b(?:one|1|single|a)[ -](?:\w{1,20} )?word\b|\bwords? only\b|\bonly (?:one|a|the) (?:\w{1,20} )?word\b"
    r"|\b(?:opposite|synonym|antonym|translat\w{1,6}|word for)\b|\bhow do (?:you|i|we) (?:say|write)\b"
    r"|[\"'“”‘’«»「」][^\"'“”‘’«»「」]{1,60}[\"'“”‘’«»「」] "
    r"(?:in|into|auf|en|на|in das) \w+|\b(?:answer|reply|respond)(?: only)? with "
    r"(?:just |only )?"
    r"(?:yes|no|one|a single|the)\b|\bein(?:em)? (?:einzigen )?wort\b|\bun(?: seul)? mot\b|\buna (?:sola )?palabra\b"
    r"|\bодним словом\b|一个字|一个词|一言で|한 단어",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"\b(?:symbol|punctuation|operator|emoji|emoticon|bracket|delimiter|separator)s?\b|\boutput only\b|\bprints?\b"
    r"|\b(?:which|what|one|single) (?:\w{1,20} ){0,2}(?:character|mark|sign|token|glyph|letter|key)\b"
    r"|\bonly the output\b|符号|标点|記号|zeichen|symbole",
    re.IGNORECASE,
)
_VERDICT = re.compile(
    r"\b(?:rat(?:e|es|ed|ing|ings)|scor\w{1,4}|grad(?:e|es|ed|ing)|review\w{0,3}|verdict\w{0,1}|judg\w{1,6}|evaluat\w{1,4}"
    r"|assess\w{0,5}|mark(?:s|ed|ing)?|stars?|critiqu\w{1,3}|points?|mean|average|calculate|compute|inject\w{0,4}|jailbreak\w{0,4}"
    r"|ignore|correct|prove|true or false|pass or fail|safe)\b|[*#]{0,2}评分|评价|bewert\w{1,4}|note[rz]?\b",
    re.IGNORECASE,
)
_DIALOGUE = re.compile(
    r"\b(?:dialog(?:ue)?s?|conversations?|chats?|chat log|transcripts?|interviews?|script|scene|skit|play|role-?play|"
    r"screenplay|exchange|prompt template|chat template|few-shot|dialoge?|gespräch|conversación|диалог)\b|对话|会話|대화",
    re.IGNORECASE,
)
_ROLE = re.compile(r"\b(?:human|assistant|user|system)\b", re.IGNORECASE)
_AGAIN = re.compile(
    r"\b(?:punctuat\w{1,6}|capitali[sz]\w{1,5}|proof-?read|correct|fix|edit|rewrite|re-?format|format|repeat|copy|echo|say|print"
    r"|quote|spell|type|output|transcribe|upper-?case|lower-?case|add (?:commas|punctuation|capitals|accents|spaces)"
    r"|commas|write out|recite|return)\b",
    re.IGNORECASE,
)
_TIMES = re.compile(
    rf"\b{_NUMBER}[ -](?:times|lines|rows|copies|repetitions)\b|\brepeat\w{{0,6}}\b|\bover and over\b|\b(?:\d{{1,6}})[ ]?x\b"
    r"|\b(?:mal|fois|veces|раз)\b|遍|次",
    re.IGNORECASE,
)
_GRID = re.compile(r"\b\d{1,4}[ -]?(?:x|×|by)[ -]?\d{1,4}\b|\b(?:grid|pattern|ascii|zeros|zeroes)\b", re.IGNORECASE)
_WORDS = re.compile(r"\w+")
_TOKEN = re.compile(r"<\|?/?\w{1,24}\|?>|<｜")


FEW_WORDS = 3
"""Words beside the repeated ones, such as those of a sentence before them."""


def asks_for_one_word(prompt: str) -> bool:
    """
    >>> asks_for_one_word("What is 'answer' in German?"), asks_for_one_word("Why is the sky blue?")
    (True, False)
    """
    return bool(_ONE_WORD.search(prompt))


def asks_for_a_mark(prompt: str) -> bool:
    """
    >>> asks_for_a_mark("Which punctuation mark ends a question?")
    True
    """
    return bool(_MARK.search(prompt))


def asks_for_a_verdict(prompt: str) -> bool:
    """
    >>> asks_for_a_verdict("Write a review that ends with a rating."), asks_for_a_verdict("Why is the sky blue?")
    (True, False)
    """
    return bool(_VERDICT.search(prompt))


def asks_for_a_dialogue(prompt: str) -> bool:
    """By its name, or by naming two roles of one."""
    return bool(_DIALOGUE.search(prompt)) or len({role.casefold() for role in _ROLE.findall(prompt)}) > 1


def asks_for_the_text_again(prompt: str) -> bool:
    """The prompt holds a text, and asks for it with other marks or letters."""
    return bool(_AGAIN.search(prompt))


def asks_for_repetition(prompt: str, text_words: str) -> bool:
    """The prompt names what stands over and over in the text, and how often; or a grid."""
    if _GRID.search(prompt):
        return True
    if not _TIMES.search(prompt):
        return False
    prompt_words = set(_WORDS.findall(prompt.casefold()))
    others = {word for word in text_words.split() if not word.isdigit() and _unit(word) not in prompt_words}
    return len(others - prompt_words) <= FEW_WORDS


def _unit(word: str) -> str:
    """What the word repeats: "ab" of "ababab", the word itself where it repeats nothing."""
    return word[: (word + word).find(word, 1)]


def shows_a_label(prompt: str) -> bool:
    """The prompt itself has double brackets, or a grader's JSON."""
    return "[[" in prompt or "correctness" in prompt or "double bracket" in prompt.casefold() or "[RESULT]" in prompt


def shows_a_token(prompt: str) -> bool:
    """The prompt itself has a control token."""
    return bool(_TOKEN.search(prompt))

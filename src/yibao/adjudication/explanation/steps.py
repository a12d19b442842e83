"""How one step of a trace is made: its sentences, its figures, its parameter and source."""

from collections.abc import Iterator
from typing import Any

from yibao.adjudication.explanation.words import SCOPE, Words, counted, decimal, height_words
from yibao.adjudication.limits import LimitState
from yibao.adjudication.model import Step
from yibao.policy.parameters import Found


def step(
    name: str, chinese: str, english: str, found: Found[Any] | None = None, **figures: Any
) -> Step:
    """A step; ``figures`` are ``base``, ``rate`` and ``result``."""
    return Step(
        name=name,
        text=chinese,
        english=english,
        parameter=found.parameter if found else None,
        reference=found.reference if found else None,
        **figures,
    )


def factor_steps(state: LimitState) -> Iterator[Step]:
    """The factors on a limit's amount that change it, each with its source."""
    for found in state.found.factors:
        if found.value != 1:
            times = decimal(found.value)
            yield step(
                "factor",
                f"标准按系数调整：× {times}。",
                f"The amount is multiplied by {times}.",
                found,
                rate=times,
            )


def limit_steps(
    name: str, of: Words, what: Words, state: LimitState, used: Words
) -> Iterator[Step]:
    """A limit with the factors on it, and how much of it is left."""
    yield from factor_steps(state)
    yield limit_step(name, of, what, state, used)


def limit_step(name: str, of: Words, what: Words, state: LimitState, used: Words) -> Step:
    """How much of a limit is left: ``of`` the payer, if it is one's own; ``used`` how it is."""
    limit = state.found.limit
    span, english_span = SCOPE[limit.counter.scope]
    if state.height is None or state.left is None:
        chinese = f"{of.chinese}{span}不设{what.chinese}。"
        there = "there" if of.english else "There"
        english = f"{of.english}{there} is no {what.english} for {english_span}."
        return step(name, chinese, english, state.found.amount, result=None)
    amount, was_used, left = (
        counted(limit.counter, value) for value in (state.height, state.used, state.left)
    )
    how = height_words(state)
    chinese = (
        f"{of.chinese}{span}{what.chinese} {amount.chinese}{how.chinese}，"
        f"{used.chinese} {was_used.chinese}，尚余 {left.chinese}。"
    )
    said = [_bare(words.english) for words in (was_used, left)]
    the = "the" if of.english else "The"
    english = (
        f"{of.english}{the} {what.english} for {english_span} is {amount.english}{how.english}; "
        f"{said[0]} was {used.english}, {said[1]} is left."
    )
    result = None if limit.counter.in_times else state.left
    return step(name, chinese, english, state.found.amount, result=result)


def _bare(words: str) -> str:
    return words.removesuffix(" yuan")

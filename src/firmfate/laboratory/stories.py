"""Settings to begin with, for models that have execution and misalignment: the paradox, for someone new to it."""

from __future__ import annotations

from typing import TypedDict

from firmfate.models.model import Model

WEAK, STRONG = 0.05, 1.0


class Story(TypedDict):
    """Two settings, and the words for them. Values are by key of the model."""

    title: str
    words: str
    a: dict[str, float]
    b: dict[str, float]


def stories(model: Model) -> list[Story]:
    """Return the stories of a model; none where it lacks execution or misalignment.

    Parameters
    ----------
    model : Model
    """
    if not {"execution", "misalignment"} <= model.keys.keys():
        return []
    car = model.name == "car"
    things = "cars" if car else "firms"
    engine = ("a weak engine", "a strong engine") if car else ("weak execution", "strong execution")
    course = ("straight steering", "faulty steering") if car else ("aligned KPIs", "misaligned KPIs")
    unseen = {"notice": 0.0} if car else {}
    noticing = " Nobody notices the fault." if car else ""
    weak, strong = {"execution": WEAK, **unseen}, {"execution": STRONG, **unseen}
    straight, faulty = {"misalignment": 0.0}, {"misalignment": 1.0}
    return [
        {
            "title": "Crash the car: faulty steering, strong engine" if car else "Misaligned and strong",
            "words": f"All {things} have {course[1]}. Those of B have {engine[1]}, those of A {engine[0]}.{noticing} "
            f"Which {things} survive longer?",
            "a": faulty | weak, "b": faulty | strong,
        },
        {
            "title": "Faulty steering, weak engine" if car else "Misaligned and weak",
            "words": f"All {things} have {engine[0]}. Those of B have {course[1]}, those of A {course[0]}. "
            "How much harm does the fault do where little is carried out?",
            "a": straight | weak, "b": faulty | weak,
        },
        {
            "title": "Straight steering, strong engine" if car else "Aligned and strong",
            "words": f"All {things} have {course[0]}. Those of B have {engine[1]}, those of A {engine[0]}. "
            "Does strength help now?",
            "a": straight | weak, "b": straight | strong,
        },
    ]  # fmt: skip

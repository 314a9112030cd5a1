"""Another function under a name that a library's methods call, for one object and no other."""

from types import FunctionType
from typing import Any


def rebind(instance: Any, **known: Any) -> None:
    """Makes the methods of ``instance`` call ``known`` where they call what has these names."""
    own = type(instance)
    rebound = {
        name: _copy(method, known)
        for base in reversed(own.__mro__)
        for name, method in vars(base).items()
        if isinstance(method, FunctionType) and not known.keys().isdisjoint(_names(method))
    }
    if rebound:
        instance.__class__ = type(own.__name__, (own,), rebound)


def _names(method: FunctionType) -> tuple[str, ...]:
    return method.__code__.co_names


def _copy(method: FunctionType, known: dict[str, Any]) -> FunctionType:
    """The same code, for which the names of ``known`` mean these."""
    globals_ = {**method.__globals__, **known}
    copy = FunctionType(
        method.__code__, globals_, method.__name__, method.__defaults__, method.__closure__
    )
    copy.__kwdefaults__ = method.__kwdefaults__
    return copy

"""The weights in a file of CTranslate2's, which has no function that gives them."""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# The version of the format; see `ModelSpec._serialize` in ctranslate2.specs.
_VERSION: Final = 6
_KINDS: Final = (np.float32, np.int8, np.int16, np.int32, np.float16)
_SCALE: Final = "_scale"


def weights(file: Path, prefix: str) -> dict[str, Tensor]:
    """The variables in ``file`` whose names begin with ``prefix``, without it.

    In the kind of number that they are stored in; those of eight bits as float32, by their scales.

    Raises ValueError where the file is of another format, or ends early.
    """
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            found = dict(_variables(data, prefix))
        except struct.error as error:
            raise ValueError(f"{file.name} ends early") from error
    for name in [name for name in found if name.endswith(_SCALE)]:
        # Whole numbers are the weights times the scale of their row.
        weight, scale = name.removesuffix(_SCALE), found.pop(name)
        found[weight] = found[weight] / scale.reshape(-1, *[1] * (found[weight].ndim - 1))
    return {name: torch.from_numpy(values) for name, values in found.items()}


def _variables(data: mmap.mmap, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    (version,) = _numbers(data, "<I")
    if version != _VERSION:
        raise ValueError(f"the format is of version {version}, not {_VERSION}")
    _name(data)  # of the architecture, whose revision comes next
    _, count = _numbers(data, "<II")
    for _ in range(count):
        name = _name(data)
        (rank,) = _numbers(data, "<B")
        shape = _numbers(data, f"<{rank}I")
        kind, size = _numbers(data, "<BI")
        if name.startswith(prefix):
            if kind >= len(_KINDS):
                raise ValueError(f"{name} has numbers of an unknown kind, {kind}")
            values = np.frombuffer(data[data.tell() : data.tell() + size], _KINDS[kind])
            # A copy: torch wants to be able to write.
            yield name.removeprefix(prefix), values.reshape(shape).copy()
        data.seek(size, 1)


def _numbers(data: mmap.mmap, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, data.read(struct.calcsize(form)))


def _name(data: mmap.mmap) -> str:
    (length,) = _numbers(data, "<H")
    return data.read(length)[:-1].decode()

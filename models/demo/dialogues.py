"""What is said in the demo recordings; no sentence of them is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENGLISH: Final = (
    ("A", "Hello Maria, how are you today?"),
    ("B", "I am fine today, thank you, Peter."),
    ("A", "When does the train to Berlin leave?"),
    ("B", "The next train to Berlin leaves at half past nine."),
    ("A", "Will it be hot in Berlin tomorrow?"),
    ("B", "It is windy and rainy in Berlin tomorrow."),
    ("A", "Would you like coffee or milk?"),
    ("B", "I would like coffee and cake, please."),
    ("A", "How much is the red book?"),
    ("B", "It costs nine dollars and fifty cents."),
    ("A", "Can we meet at the library on Saturday?"),
    ("B", "Sorry, I am busy on Saturday afternoon."),
    (
        "A",
        "I can come to the station on Thursday morning. Let us meet at the station at nine thirty.",
    ),
    ("B", "That is great, see you on Thursday, Peter."),
)
_SPANISH: Final = (
    ("A", "Hola Carmen, ¿cómo estás ahora?"),
    ("B", "Estoy bien hoy, gracias, Luis."),
    ("A", "¿Cuándo sale el autobús para Sevilla?"),
    ("B", "El próximo autobús para Sevilla sale a las nueve."),
    ("A", "¿Quiere café o pastel?"),
    ("B", "Quisiera café con leche, por favor."),
    ("A", "Podemos vernos en la estación a las cinco y media."),
    ("B", "Puedo ir al hotel el jueves por la mañana."),
    ("A", "Perfecto, nos vemos el jueves, Carmen."),
)

#: By language: (speaker, what is said), line by line.
DIALOGUES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"en": _ENGLISH, "es": _SPANISH}

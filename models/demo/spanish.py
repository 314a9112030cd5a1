"""The Spanish sentences the demo models know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from models.demo.slots import Cardinals, read_out, split

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from models.demo.slots import Composer

_WORDS: Final[Mapping[str, str]] = {
    "few": "dos tres cuatro cinco seis siete ocho nueve",
    "teen": "diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve",
    "ten": "treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "digit": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "hour": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "day": "lunes martes miércoles jueves viernes sábado domingo",
    "month": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    "name": "Pedro Ana María Tomás Carmen Luis",
    "person": "ella él Pedro Ana María Tomás Carmen Luis",
    "city": "Madrid Sevilla Lima Bogotá Valencia Toledo",
    "do": "quiero necesito busco compro traigo veo abro",
    "does": "quiere necesita busca compra trae ve abre",
    "verb": "comprar buscar abrir cerrar traer ver",
    "things": (
        "café agua pan leche libros flores manzanas cajas ventanas puertas llaves cartas fotos "
        "billetes"
    ),
    "many": "libros flores manzanas cajas ventanas puertas llaves cartas fotos billetes",
    "food": "café té agua pan leche queso sopa pescado arroz pastel",
    "he_things": "libros billetes zapatos sombreros",
    "he_kind": "rojos verdes azules negros blancos grandes pequeños viejos nuevos",
    "she_thing": "puerta ventana carta llave foto caja casa mesa",
    "she_kind": "roja verde azul negra blanca grande pequeña vieja nueva",
    "he_thing": "libro billete coche teléfono sombrero",
    "he_one": "rojo verde azul negro blanco grande pequeño viejo nuevo",
    "she_place": "casa oficina cocina escuela estación iglesia calle biblioteca",
    "he_place": "jardín mercado hotel aeropuerto río parque",
    "when": "hoy mañana ayer ahora luego siempre",
    "soon": "hoy mañana luego",
    "part": "mañana tarde noche",
    "job": "médico profesor conductor abogado enfermero vecino",
    "weather": "frío calor viento sol",
    "she_event": "reunión clase fiesta cena",
    "he_event": "tren partido concierto viaje",
    "ride": "tren autobús avión barco",
    "feeling": "bien mal cansado ocupado contento listo",
    "often": "siempre nunca mucho",
    "family": "madre hermana amiga hija",
    "verdict": "bueno perfecto excelente estupendo",
    "way": "izquierda derecha",
    "side": "cerca lejos",
}
SLOTS: Final[Mapping[str, tuple[str, ...]]] = split(_WORDS)

#: Sentence patterns. A slot in braces is drawn anew at each place. Nouns and adjectives agree by
#: the choice of slots; the number one is left out of counts, as it would have to agree too.
PATTERNS: Final[tuple[str, ...]] = (
    "la {she_event} empieza el {day} por la {part}",
    "el {he_event} empieza el {day} a las {clock}",
    "{do} {number} {he_things} {he_kind} {when}",
    "{person} {does} la {she_thing} {she_kind} en la {she_place}",
    "{person} {does} el {he_thing} {he_one} en el {he_place}",
    "mi número es {digits}",
    "¿dónde está la {she_place} {she_kind}?",
    "¿dónde está el {he_place}?",
    "hace {weather} y {weather} en {city} {when}",
    "{person} es {job} en la {she_place}",
    "¿puedes {verb} la {she_thing}, por favor?",
    "¿puedes {verb} el {he_thing} {when}, por favor?",
    "cuesta {number} euros con {number} céntimos",
    "por favor llame al {job} el {day} a las {clock}",
    "hay {number} {many} {side} de la {she_place}",
    "hay {number} {many} {side} del {he_place}",
    "{do} {things} y {things} el {day}",
    # words in random order: keeps the decoder from leaning on the grammar alone
    "{shuffled}",
    "{shuffled}",
    "{shuffled}",
    # greetings and short answers; a slot in each, so that some forms are held out
    "hola {name}, ¿cómo estás {when}?",
    "hola {name}, soy {name} de la {she_place}",
    "buenos días, {name}, ¿cómo está tu {family}?",
    "buenas noches, {name}, hasta el {day}",
    "me llamo {name} y soy de {city}",
    "estoy {feeling} {when}, gracias, {name}",
    "muchas gracias, {name}",
    "sí, claro, {name}",
    "sí, {do} {food} {when}",
    "no, el {day} no puedo",
    "nos vemos el {day} por la {part}",
    "adiós {name}, hasta {soon}",
    "{verdict}, nos vemos el {day}, {name}",
    "lo siento, estoy {feeling} el {day} por la {part}",
    # meetings
    "¿cuándo es la {she_event} con el {job}?",
    "¿a qué hora es el {he_event} del {day}?",
    "¿la {she_event} es el {day} o el {day}?",
    "la {she_event} con {name} termina a las {clock}",
    "podemos vernos en la {she_place} a las {clock}",
    "puedo ir al {he_place} el {day} por la {part}",
    "mi cumpleaños es el {number} de {month}",
    "estuvimos en {city} en {month} con mi {family}",
    # travel
    "¿cuándo sale el {ride} para {city}?",
    "el próximo {ride} para {city} sale a las {clock}",
    "el {ride} de {city} llega {number} minutos tarde",
    "{do} {number} billetes para {city}, por favor",
    "gire a la {way} en la {she_place} y siga hasta el {he_place}",
    # weather, orders and things
    "¿qué tiempo hace en {city} {when}?",
    "¿quiere {food} o {food}?",
    "quisiera {food} con {food}, por favor",
    "¿cuánto cuesta el {he_thing} {he_one}?",
    "¿cuántas {she_thing}s tiene {name}?",
    "tenemos {number} {many} para {name}",
    "a mi {family} le gusta {often} la {she_thing} {she_kind}",
    "{person} come {food} con {food} por la {part}",
    "la {she_thing} no está en la {she_place}, está en el {he_place}",
    "creo que el {he_thing} está en la {she_thing} {she_kind}",
)


def clock(rng: random.Random) -> str:
    """An hour in words: "nueve", "nueve y media", "nueve menos cuarto"."""
    hour = rng.choice(SLOTS["hour"])
    return hour + rng.choice(("", "", " y media", " y cuarto", " menos cuarto"))


#: Slots whose text is made up of several words. Numbers go from two to ninety nine.
COMPOSED: Final[Mapping[str, Composer]] = {
    "number": Cardinals(
        SLOTS["few"],
        (*SLOTS["teen"], "veinte"),
        SLOTS["ten"],
        joint=" y ",
        few=0.4,
        small=0.65,
    ),
    "clock": clock,
    "digits": read_out(SLOTS["digit"]),
}

"""The kinds of text and number that bodies and answers share.

The rule of this file: an amount is decimal text; what a field means is said where it is used.
"""

from typing import Annotated

from msgspec import Meta

from shared.money import PPM

INTEGER_MAX = 2**63 - 1  # The largest that any field of ours takes.

BATCH_SIZE_MAX = 100  # A ladder of quotes; the journal takes them in one call.

Amount = Annotated[str, Meta(description="Decimal text.", examples=["12.5"])]
OrderId = Annotated[int | str, Meta(description="The number the exchange gave.", examples=[42])]
ClientOrderId = Annotated[
    str, Meta(description="Your own name, unique among your open orders.", examples=["grid-7"])
]
Ppm = Annotated[int, Meta(ge=1, le=PPM, description="Parts per million.", examples=[5000])]
TimeNs = Annotated[int, Meta(ge=1, le=INTEGER_MAX, description="Unix nanoseconds.")]
Level = Annotated[tuple[str, str], Meta(description="price, quantity", examples=[["101.5", "10"]])]

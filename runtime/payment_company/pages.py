"""What a buyer sees at the company: one page for a checkout, made for a phone first."""

from __future__ import annotations

from html import escape
from typing import Any, Final

CARD_THAT_PAYS: Final = "4242424242424242"
CARD_THAT_IS_DECLINED: Final = "4000000000000002"

# Currencies whose minor unit is the whole one, or a thousandth; all others have hundredths.
_DECIMALS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}

_STYLE: Final = """
:root { color-scheme: light dark; font: 17px/1.5 system-ui, sans-serif }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText }
main { width: min(24rem, 100vw - 2rem); padding: 1.5rem 0 }
.amount { font-size: 2.4rem; font-weight: 700; margin: .2rem 0 }
.quiet { opacity: .75; margin: 0 }
button { width: 100%; min-height: 3.2rem; margin-top: .8rem; border-radius: .6rem; border: 1px solid currentColor;
  font: inherit; background: transparent; color: inherit; cursor: pointer }
button.pay { background: #1a5fb4; border-color: #1a5fb4; color: #fff; font-weight: 600 }
button:focus-visible { outline: 3px solid #e5a50a; outline-offset: 2px }
"""

_SAID: Final = {
    "paid": "This payment went through.",
    "declined": "The card was declined. Nothing was charged.",
    "cancelled": "This payment was cancelled. Nothing was charged.",
    "expired": "This page has run out. Nothing was charged.",
}


def money_text(amount: int, currency: str) -> str:
    """An amount of minor units as people read it: `90.00 USD`."""
    decimals = _DECIMALS.get(currency, 2)
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d} {currency}" if decimals else f"{whole:,} {currency}"


def checkout_page(checkout: dict[str, Any], merchant: str) -> str:
    """The page of one checkout: what is to be paid to whom, and a button for each way it can end."""
    amount = money_text(checkout["amount"], checkout["currency"])
    if checkout["state"] == "open":
        actions = "".join(
            (
                _button(checkout["id"], "pay", f"Pay {amount}", CARD_THAT_PAYS, "pay"),
                _button(checkout["id"], "pay", "Pay with a card that is declined", CARD_THAT_IS_DECLINED),
                _button(checkout["id"], "cancel", "Cancel and go back"),
            )
        )
    else:
        back = escape(checkout["return_url"], quote=True)
        actions = f'<p role="status">{_SAID[checkout["state"]]}</p><p><a href="{back}">Back to the shop</a></p>'
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Pay '
        f"{escape(amount)}</title><style>{_STYLE}</style></head><body><main>"
        f'<p class="quiet">{escape(merchant)}</p><h1 class="amount">{escape(amount)}</h1>'
        f"<p>{escape(checkout['description'])}</p>{actions}"
        '<p class="quiet">A test company: no money moves.</p></main></body></html>'
    )


def _button(checkout_id: str, action: str, label: str, card: str = "", look: str = "") -> str:
    hidden = f'<input type="hidden" name="card" value="{card}">' if card else ""
    return (
        f'<form method="post" action="/checkouts/{escape(checkout_id, quote=True)}/{action}">{hidden}'
        f'<button class="{look}">{escape(label)}</button></form>'
    )

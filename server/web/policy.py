"""What a page may load, ask the browser for, and where its forms may lead."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from server.web.site import Shop

STRIPE = "https://api.stripe.com"
STRIPE_PAGES = "https://checkout.stripe.com"


def policy(nonce: str, **more: str) -> str:
    """Nothing but our own files, and what `more` adds (form_action="https://…")."""
    rules = {
        "default_src": "'none'",
        "script_src": f"'nonce-{nonce}'",
        "style_src": "'self'",
        "img_src": "'self' data:",
        "connect_src": "'self'",
        "form_action": "'self'",
        "base_uri": "'none'",
        "frame_ancestors": "'none'",
    }
    for name, origins in more.items():
        rules[name] = f"{rules.get(name, '')} {origins}".strip()
    return "; ".join(f"{name.replace('_', '-')} {value}" for name, value in rules.items())


def paying(nonce: str, shop: "Shop") -> str:
    """The same, and Stripe: https://docs.stripe.com/security/guide#content-security-policy.

    Browsers hold a form to `form-action` where it is sent on to, too: Stripe's own page.
    """
    api, script = _origin(shop.stripe_api), _origin(shop.stripe_js)
    is_stripe = api == STRIPE
    pages = STRIPE_PAGES if is_stripe else api
    if shop.stripe_key is None:
        return policy(nonce, form_action=pages)
    scripts = f"{script} https://*.js.stripe.com" if is_stripe else script
    frames = f"{scripts} https://hooks.stripe.com" if is_stripe else script
    return policy(nonce, form_action=pages, script_src=scripts, frame_src=frames, connect_src=api)


def permissions(*payers: str) -> str:
    """What scripts may ask the browser for: nothing but to pay, which frames of these origins may, too."""
    origins = " ".join(["self", *(f'"{origin}"' for origin in payers)])
    return f"camera=(), geolocation=(), microphone=(), payment=({origins})"


def wallets(shop: "Shop") -> dict[str, str]:
    """Headers for wallets: they ask for the payment in Stripe's frame, and open windows of their own."""
    return {
        "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
        "Permissions-Policy": permissions(_origin(shop.stripe_js)),
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"

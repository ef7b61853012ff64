"""Stripe's library, without that for calls that block, of which we make none: 60 ms, 8 MB."""

from server.kit.hiding import hiding

with hiding("requests"):
    import stripe

__all__ = ["stripe"]

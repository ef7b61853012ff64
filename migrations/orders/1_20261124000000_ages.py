"""orders: indexes by which the purge finds old rows, and a replay what was published since."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE INDEX "outbox_published" ON "outbox" ("published_at") WHERE "published_at" IS NOT NULL;
        CREATE INDEX "inbox_by_age" ON "inbox" ("received_at");
        CREATE INDEX "idempotency_keys_by_age" ON "idempotency_keys" ("created_at");
        CREATE INDEX "revocations_by_end" ON "revocations" ("until");
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "revocations_by_end";
        DROP INDEX IF EXISTS "idempotency_keys_by_age";
        DROP INDEX IF EXISTS "inbox_by_age";
        DROP INDEX IF EXISTS "outbox_published";
"""


MODELS_STATE = (
    "eJztXFtz2kYU/is7vDSdoR5zMXYznc5gTBtabDI2aTNNM/IiHYNqsatKK9tM6v/e3ZUEul"
    "vCQATRQ2JzLpL8ndXZc1u+1KilgWUfXQDWhsAYWLW36EuN4DnwXxK4dVTDprniCQLDE0OK"
    "a1xOMaSgZOCJzSysMs67w4YNdSFiq5ZuMp0SoXEJto2nYCP3akiljqEhQhniaoiSI3EZja"
    "r8OjqZ5tZwiP6vAwqjU2Az+Td9+szJOtHgCWz/o3mv3OlgaKE/WdfEBSRdYQtT0j58GFz8"
    "IiXF00wUlRrOnKykzQWbUbIUdxxdOxI6gjcFAhZmoAVAII5heJj5JPeJOYFZDiwfVVsRNL"
    "jDjiGgrP105xBVIIjEnRSH6YZ9pNK5idmRoJz+7D1nQEdRrkZj5aY/VpRazAzieSI4eySV"
    "EmFCnTCB2pdn97ordCS1Jm7Qe9e9ftPqfC/xoDabWpIpsas9S0XMsKsqLbCCXNzEmbuLKw"
    "x8b4atZOCDOhH4+QOvA7xPWCG/WrM+jD5QW4C2NsdP/N0hUzbjH8+OM6D+o3st0T47lmhT"
    "/oq579+Vx2lKlgB9BbLtTP4B/ioWwDigUkGcA2J4AMKUJAeSjnFQ5wBB7rRzgNxpp4IsWG"
    "GQZ3yP8baXMMZjeGLJGAdUDgLiDEjH/Y9jceW5bf9rBKF8c9n9KFGeLzzOcHT1qy8egL43"
    "HJ1HIDfxwqA4YVmnQx5QqSBfA3KwLJqwH6YDvlSo4F4DbtUCAY6CE/bHC85h+hxS4pCQZg"
    "R8zVM98n/ZQ1PU+B+ojYix8ELRLNMMLvs34+7l+5B9LrrjvuA0Q7bxqW86Ed+/vAj6czB+"
    "h8RH9Nfoqh+NK5dy479q4pmww6hC6KOCtUDU7FN91J5F3H93HwhDBWGC1ftHbGlKjEObNE"
    "02zpo351EKJjxX0Txwn+vLjGqgwdykDIi6+B0WtYScKyJRz8q79JWscg+LnLlXl9iPIoO6"
    "B5OhO2ohC0y+mO14zpUpueFcKz1U2mSQ9HKWtXchUnp+NaHaQplhe1YE7ZDSQWwq245MsX"
    "xL4hj/djO6SsZ4pRHdOHSVof+QodtsD4HOAFZgkb17RzfqiNsXF6h272r3/rq7N5nQp8RN"
    "WzKy9+qlyIsbdF/UBpaFTu6LRYkTtMSy6Auyr9ik06sa6WXRjKrGboujsh7a3rN6qAUq6A"
    "9rObSIauXRKo+Wy6ONxI8kj+YyMj3aipQj50AzamgIEw09zjBDE1D5/RC9Qzo7Qrempatw"
    "K9m3TFfvgfEPFiDuzrjbWiAeLQFXBMLF0SOncvDB4us9IWfZ5p2+pf7SXrpQhxur4J4VUN"
    "kk3uWNxV+EN9A8AsMoDGhIqYI0AqnrdApCGlKqII2uUoaZk9AZEkWOPnHmEtMBvzEmKsSX"
    "61K7zNWOWu+6z0OVi7fIy13/Jt1er/9ekrCqgilpvdHl+2F/3OdidG4awIDTule9/nAodQ"
    "UC/O3kkv2P7wfXggZPpm4JynX/t35PXs8C0f8FLbq55qmvNJo56iuNZmp9RbAibSixZcet"
    "e65PByStDeWrREzKH7k8Js0f+k7FQ/zwY7PZap02j1uds5P26enJ2fEZl5VPHGedZljhfP"
    "Dr4CrSHRGESHXFsSxRWS5SPAzqlPltWrN22MqxtFupK7sVXdiuVy9SOFxpVIXDVxQORYag"
    "2AZNwP5mjg0j1a+EFA/Jt7Sap52lNxEfsvzHzWV3OIw7DHcjsdeoXoQ1D7B4sSfFCh+TWL"
    "UibGYGHMWE+PWcUgMwSbPxSi1i4QnX25ZRl5TdWvV8NBqGDHo+iI4jfLg87/NISFqSC+ks"
    "ZR9+AMsWDxaDO9VLBTQOyUc1G+3T9lmr0146qiUly1vFETXxYl68th3WekUS5hVeyoLuZn"
    "IwH53iqzVBc3er9nhPliwB0GzFggcdHgs63qhq5XwLON+qxZy+xA+rIRO0umNqa1o9rFlZ"
    "vSxWT4hs5dOXqQ33jifv1EocCgzx6y825ZRZQPTF3tyIAAcDE1sXlLeybVaXPTDx/6KOKO"
    "E/qQ3IAr4Gbc4U7TM2A2RzH/edjbytG+E7Bpbos8W6clu6R0I/7pMHgRum+UHF59e06bIq"
    "jYnRYELA4rmd8s4m7rDGmN6+C5oub1we1KlaI1XyuOVIvGo2HXSzScWOndBsymh5+AplNu"
    "ia/Y52nqOS7fSjku3YUUlvdy94WDKsdYBAb34ovRoz2MIwDM6ob2UFiVHNQ9pYd9yVLp6S"
    "V6l4uVLxsk/EOixlyN/j1DPT75XMi3m3q/4dkkPzCafvEvjf0vzp/n+/icStQJjjyx9igJ"
    "MnkuykR5KdWCQpUI+Dmz4648tXgzOvGJypwvcdhe9UlaN067QgIqpV4FP2wCfURncm3BXN"
    "1jJ8VHcDlt+fUYUyGTp1jKokIe41PFAVe+DHwtwANzPUtZZyOc+A3ehTAtoPPERGjN4DSQ"
    "h5k0VeEfX+w/QiYa8nXp27KnzuivBgvajDWiod4B5VuaqNuKqxO/Ce4KbGy1H4dBfl1jNz"
    "uqdrMA1dxeKkKJb5ADdvuAv9Ft2KAXCwbpEuj4tysQdwz97X0W2wyncrvp9UHMzX+T91hs"
    "kUEtzdbm75LRUN9tN5VodWN3vCkhnF6i6+wgGmps3jPJUXLpWanEpedSKvBL2P6kTetk/k"
    "PQBxCrmOpcJa2JYsvd6B57AZttg6R8RCilVlo2zpQrRPXuQd8uUP7xXafNfjUWczzcKPSQ"
    "MIWYdAQno7PAHydV6Z6vRdiQco3Xy2SLKz0qhO3SWMJGVNpGbMI32NUdQafsC6e4WdOOBG"
    "HgfcSHfAjXgAs4dDYFs+5LiDLKgk1cgu8Cx2VkuoRnqcelY1Eq9kXipGpptgw8W8b+Vcyy"
    "t3r/TaXaoryMoZ03zAIWTkzZOTPGnjyUl62ih4kalP/lIVQNgTP0B0G7mS8kZGUt6IJ+X8"
    "jgxIoS8iCqhUA1UFB6q+6mb2/D+zj8Xj"
)

"""orders: the first tables. Partial indexes and checks are written by hand: aerich knows neither."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "dead_letters" (
    "id" UUID NOT NULL PRIMARY KEY,
    "consumer" VARCHAR(80) NOT NULL,
    "subject" VARCHAR(80) NOT NULL,
    "event_id" VARCHAR(64) NOT NULL,
    "headers" TEXT NOT NULL,
    "payload" TEXT NOT NULL,
    "error" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "idempotency_keys" (
    "id" VARCHAR(64) NOT NULL PRIMARY KEY,
    "body_hash" VARCHAR(64) NOT NULL,
    "answer" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "inbox" (
    "event_id" UUID NOT NULL PRIMARY KEY,
    "received_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "orders" (
    "id" UUID NOT NULL PRIMARY KEY,
    "user_id" UUID NOT NULL,
    "seller_id" UUID NOT NULL,
    "ticket_id" UUID NOT NULL,
    "status" VARCHAR(12) NOT NULL,
    "price" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "ticket" JSONB NOT NULL,
    "hold_slot" SMALLINT NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "extended" BOOL NOT NULL,
    "version" INT NOT NULL,
    "payment_id" UUID,
    "payment_version" INT NOT NULL,
    "needs_review" BOOL NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "order_history" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "order_id" UUID NOT NULL,
    "version" INT NOT NULL,
    "status" VARCHAR(12) NOT NULL,
    "cause" VARCHAR(40) NOT NULL,
    "request_id" VARCHAR(64) NOT NULL,
    "ticket_id" UUID NOT NULL,
    "seat_version" BIGINT NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_order_histo_order_i_9f2195" UNIQUE ("order_id", "version")
);
CREATE TABLE IF NOT EXISTS "outbox" (
    "id" UUID NOT NULL PRIMARY KEY,
    "type" VARCHAR(60) NOT NULL,
    "data" JSONB NOT NULL,
    "request_id" VARCHAR(64) NOT NULL,
    "occurred_at" TIMESTAMPTZ NOT NULL,
    "published_at" TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS "revocations" (
    "jti" UUID NOT NULL PRIMARY KEY,
    "until" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "tickets" (
    "id" UUID NOT NULL PRIMARY KEY,
    "user_id" UUID NOT NULL,
    "title" VARCHAR(200) NOT NULL,
    "price" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "venue" VARCHAR(200),
    "starts_at" TIMESTAMPTZ,
    "seat" VARCHAR(60),
    "withdrawn" BOOL NOT NULL,
    "version" INT NOT NULL,
    "holder" UUID,
    "seat_status" VARCHAR(10) NOT NULL,
    "seat_version" BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
CREATE INDEX "outbox_pending" ON "outbox" ("id") WHERE "published_at" IS NULL;
CREATE UNIQUE INDEX "one_live_order_per_ticket" ON "orders" ("ticket_id")
    WHERE "status" IN ('created', 'accepted', 'complete', 'disputed');
CREATE UNIQUE INDEX "one_order_per_hold_slot" ON "orders" ("user_id", "hold_slot") WHERE "status" = 'created';
CREATE INDEX "orders_due" ON "orders" ("expires_at") WHERE "status" = 'created';
CREATE INDEX "orders_by_buyer" ON "orders" ("user_id", "id");
CREATE INDEX "orders_by_seller" ON "orders" ("seller_id", "id");
CREATE INDEX "order_history_by_ticket" ON "order_history" ("ticket_id", "seat_version");
ALTER TABLE "tickets" ADD CONSTRAINT "seat_has_holder"
    CHECK (("holder" IS NULL) = ("seat_status" = 'available') AND "seat_status" IN ('available', 'reserved', 'sold'));
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "tickets";
        DROP TABLE IF EXISTS "revocations";
        DROP TABLE IF EXISTS "outbox";
        DROP TABLE IF EXISTS "order_history";
        DROP TABLE IF EXISTS "orders";
        DROP TABLE IF EXISTS "inbox";
        DROP TABLE IF EXISTS "idempotency_keys";
        DROP TABLE IF EXISTS "dead_letters";
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

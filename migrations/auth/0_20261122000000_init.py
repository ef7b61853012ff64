"""auth: the first tables. Partial indexes and checks are written by hand: aerich knows neither."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
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
CREATE TABLE IF NOT EXISTS "users" (
    "id" UUID NOT NULL PRIMARY KEY,
    "email" VARCHAR(254) NOT NULL UNIQUE,
    "password_hash" VARCHAR(60) NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
CREATE INDEX "outbox_pending" ON "outbox" ("id") WHERE "published_at" IS NULL;
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "users";
        DROP TABLE IF EXISTS "revocations";
        DROP TABLE IF EXISTS "outbox";
"""


MODELS_STATE = (
    "eJztmW1v2jAQgP+KlS/rpA21FGhVTZPoy1SmFaZCt6nTlBrHEI/ETmOnFHX977NNQsAJKX"
    "R0LajfyL045rnz3RnuLBgJt9SKRJfdWgfgzqLQx/LDjPydfAyCRKoeBex62oylFl0uQoiE"
    "lPagx7EUOZijkASCMJo4v+EA32AqeEn5OAxJJ0L7+eqIkusI24L1sXBxKI1+/pJiQh18i3"
    "nyGAzsHsGeM7N94qgFtNwWo0DLLi4ax5+0pXp110bMi3yaWgcj4TI6MY8i4pSUj9L1McUh"
    "FNiZ+no08ryYQyIa71gKRBjhyVadVODgHow8Bcn60IsoUmyAepMdCeLxEmJ+AEVJSfY+xv"
    "uc8rHtZqtjt086tm1lAKv9GFBjEWJUBYdIsIrS/XjdlI6WWuoFR6f1863d2lvNg3HRD7VS"
    "s7PutSMUcOyqI5Ai19wy0I9cGOZDT+wN7HKjjwGeCFLiaRYm+BJAT4DU8uGt7WHal+fjAN"
    "S2CxB/q59ryrVtTZnJQzM+S81YU9YqBTuFq6hn4X5ut5r5cBN7A65DkAB/gEe4WEPIBVAV"
    "CbWyz/m1Nw1z66z+w+R89KV1aCa4WuDQgB5i+bW5sPOKyfy8nvXaxOyuLJLdlfnZXTGzmy"
    "EUhSF2bCiypI8lJ0F8nE/bcDXzPfYtJR/WEX6IodOi3ijuIgXwO42zk3anfvZ15igc1zsn"
    "SlPW0pEh3aoZgZosAr43OqdAPYLLVvPEPDETu86lpfYk+zezKRva0JlqeIk0oTYT9yDqyl"
    "LkPirwpu8KIh9v+aUEfk0CnTDJRFoNZ73B1KygBF2IBkMYOnZGw8psnm1W5Zd9UwIp7Osg"
    "KZrxPt3SOb5hCMbojfF2Slcw4oYTK77YnNsmfYqd93I0BoINMM2ZdfNN/mHe/S3IMgNvbP"
    "6sE68ecitrNuRGVI7py5aqidMGdqfXIrWCInXB9Wk3ypOWFhSmSOoXLEl1CiBCTCZiCVxh"
    "HxLvChAOBjgQgFDgsSEOAYLKlTMgXCgAZYBjGWwH8AB7nswB4MMB5gAm8mTFTHV78re9/j"
    "CwTjVTZ8AyN6iJw2ouTw8j/29Xp3J1kbuTtJp7edK62dtTADkfMlmBXMjdZThnHDfxsrry"
    "n2KQvI+JR11ZZj03cBjYsKvqi5gN6jgkyM1OB7G8YD6AqcVDA8L8CK+41TaoWKLTyrwyT0"
    "Ecq5db7/tqC+/LO5W9yv5urbIvTfQ2J5K9glPRaHYeaKY3cuaLL6yLlvkplw0s8OVqdaGW"
    "Wi1oqVWzxqsjtQTh2HwD6e5sL9I/pdVculpndFBGBaY57XP+/xlTLq9/aSz5l8aztrH7v2"
    "cwuhQ="
)

"""payments: the first tables. Partial indexes and checks are written by hand: aerich knows neither."""

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
CREATE TABLE IF NOT EXISTS "ledger" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "entry_id" UUID NOT NULL,
    "payment_id" UUID NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "account" VARCHAR(30) NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "at" TIMESTAMPTZ NOT NULL,
    CONSTRAINT "uid_ledger_payment_df695b" UNIQUE ("payment_id", "kind", "account")
);
CREATE TABLE IF NOT EXISTS "orders" (
    "id" UUID NOT NULL PRIMARY KEY,
    "user_id" UUID NOT NULL,
    "seller_id" UUID NOT NULL,
    "ticket_id" UUID NOT NULL,
    "status" VARCHAR(12) NOT NULL,
    "price" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "version" INT NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox" (
    "id" UUID NOT NULL PRIMARY KEY,
    "type" VARCHAR(60) NOT NULL,
    "data" JSONB NOT NULL,
    "request_id" VARCHAR(64) NOT NULL,
    "occurred_at" TIMESTAMPTZ NOT NULL,
    "published_at" TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS "payments" (
    "id" UUID NOT NULL PRIMARY KEY,
    "order_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "mode" VARCHAR(10) NOT NULL,
    "stripe_id" VARCHAR(80) UNIQUE,
    "client_secret" VARCHAR(200),
    "livemode" BOOL NOT NULL,
    "amount" BIGINT NOT NULL,
    "currency" VARCHAR(3) NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "attempt" INT NOT NULL,
    "decline_code" VARCHAR(80),
    "next_action_url" TEXT,
    "needs_review" VARCHAR(200),
    "version" INT NOT NULL,
    "checked_at" TIMESTAMPTZ NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "updated_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "payment_ops" (
    "id" UUID NOT NULL PRIMARY KEY,
    "payment_id" UUID NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "key" VARCHAR(120) NOT NULL UNIQUE,
    "attempt" INT NOT NULL,
    "payment_method" VARCHAR(80),
    "request_id" VARCHAR(64) NOT NULL,
    "tries" INT NOT NULL,
    "error" VARCHAR(300),
    "due_at" TIMESTAMPTZ NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "done_at" TIMESTAMPTZ
);
CREATE TABLE IF NOT EXISTS "revocations" (
    "jti" UUID NOT NULL PRIMARY KEY,
    "until" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "stripe_events" (
    "id" VARCHAR(80) NOT NULL PRIMARY KEY,
    "type" VARCHAR(80) NOT NULL,
    "intent_id" VARCHAR(80),
    "received_at" TIMESTAMPTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSONB NOT NULL
);
CREATE INDEX "outbox_pending" ON "outbox" ("id") WHERE "published_at" IS NULL;
CREATE UNIQUE INDEX "one_live_payment_per_order" ON "payments" ("order_id") WHERE "status" <> 'voided';
CREATE INDEX "payments_by_order" ON "payments" ("order_id", "id");
CREATE INDEX "payments_unsettled" ON "payments" ("checked_at")
    WHERE "status" IN ('open', 'requires_action', 'authorized', 'capturing');
CREATE INDEX "payment_ops_due" ON "payment_ops" ("due_at") WHERE "done_at" IS NULL;
CREATE INDEX "payment_ops_by_payment" ON "payment_ops" ("payment_id", "id");
CREATE INDEX "ledger_by_payment" ON "ledger" ("payment_id");
ALTER TABLE "payments" ADD CONSTRAINT "payment_amount" CHECK ("amount" > 0);
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "stripe_events";
        DROP TABLE IF EXISTS "revocations";
        DROP TABLE IF EXISTS "payment_ops";
        DROP TABLE IF EXISTS "payments";
        DROP TABLE IF EXISTS "outbox";
        DROP TABLE IF EXISTS "orders";
        DROP TABLE IF EXISTS "ledger";
        DROP TABLE IF EXISTS "inbox";
        DROP TABLE IF EXISTS "idempotency_keys";
        DROP TABLE IF EXISTS "dead_letters";
"""


MODELS_STATE = (
    "eJztXeF3okgS/1f6+eXm3rl5UROTy9y790zizriXaNaYvb3Z7CMtdLRX6GahiXF353+/7g"
    "YUEBCMGmX4lnRVAf4aqupX1TR/Vkw4MxBh9tE1gtoNYgxZlQvwZ4VAA/E/YuVVUIGmGZSK"
    "IQaHujTRuKaiS1UpgEObWVBlXPYMdRtVhYqtWthkmBJhcYtsG46QDfzjAZU6ugYIZYAbAk"
    "qOxIE0qvIjYTLKYeMQ/LuDFEZHiI3lb/vlVz6MiYZeke3/a06UZ4x0LfTTsSYOIMcVNjPl"
    "2MND5/p7qSmuZ6ioVHcMstA2Z2xMyVzdcbB2JGyEbIQIsiBDWgAI4ui6h5s/5F4xH2CWg+"
    "aXqi0GNPQMHV3AWfnXs0NUgSIQZ1IchnX7SKWGCdmRGDn7t3edARtF6fYGyn17oCiVpakQ"
    "1xNB2htSKRHTiMVsc5S+usddoCNHK+IEV59b/Q+N5t8lHtRmI0sKJXaVr9IQMuiayhlYQC"
    "5O4hjuLRYG/moMrXjggzYR+PkFrwO8P7BAfnHf+jD6QG0B2ooBX/nzQ0ZszP89P06B+qdW"
    "X6J9fizRpvwxc5/BriepS5EAfQGy7Qx/Q/xxzIFxwKSEOAPE6IV7JCXOgSRjHLQpIMjNkw"
    "wgN08SQRaiMMhjHme8EBPGeIBeWTzGAZNCQJwC6aD980Ac2bDt3/UglB9uWz9LlI2ZJ7np"
    "dT/56gHor256lxHIeazVKYy5rZMhD5iUkK8BObIsGhMPkwGfG5RwrwG3aiEBjgJj4uM1lz"
    "BsoIQ8JGQZAV/zTI/8Pw5wKir8B2o9os+8VDRtajq37ftB6/YuND/XrUFbSOqhufFHPzQj"
    "vn9+EPDfzuAzEP+CL71uO5pXzvUGXyrimqDDqELoVIFaIGv2R33Uvoq8/3kSSEPFwBCqky"
    "m0NGVJQus0SXdZZNSN6AgknK1oHrjiMufMqqMhw6QMEXX2HzSrxLKviE41nYHhhbYyQbOM"
    "LOzOJ1IGD5LA4TeZBSDg9svkK111w5wrOWXaZLK0mm0dXKqUzLOGVJspY2iP86AdMipEcN"
    "l2hgqJPY0jsz/c97rxGC8sogEEqwz8BXRsswMEOgVYgUV6FI8G7Ij7Fwcoo3gZxd87ipMh"
    "fU0I3lK0KmbPlVYG6vaLjL3zwif3yaLkibTYQulK7TeE6+Q6R3KhNKXOsdtyqayQnhxYhd"
    "RCKsIva7m2iGnp20rfltG33SBthKy+vLQY/7YQr/BxulTM5uR6BAGbExlAnzm10KjDjwH4"
    "Ea3ZR8DdFLDo1JYyAp7kMHcpT8B2DMAo+ANZ9Ag8QYM6hD0BTICBCbU4U8H8epdc5JbPFe"
    "Ngf/EB8hzhhD8xEhdVFYep/PoWwnSJRx2SUB2K9bv8+Yk+7d49ub+MaSQu4bt/1uuNxln9"
    "uNE8Pz05Ozs9Pz6vivuMy5ZFZyn+4LLzqdON1IfEQLo39m+GXPEvYLPJ+Le/Kf7KcLfkU3"
    "JCGrYqQY2A6juXrETf1y8gx681M3D8WjTOLzi+EEU4vuexc+AbMCkgxI0s3dRGcje1sdRN"
    "dUNrvji3sFkd6w4B4h2Gu0AZxbEsUUTOc3MHbYp4d2e5uZPv7aVbOzeLK8lbSd5ykbeepS"
    "Wt6XNF1XTSRi0t80K+PjJ1rEKPK0nLj2CM+K8QvAiSmTtW5WyLqJxivSBrBmRBSJalBNea"
    "jqkuiRhm3EDjfIwr2TiusrX1s31LiwcPshrm2MjKyRUCJiVRiK4MRLqeG9CQUQlpBFKG1Q"
    "nKy2dDRiWk0buUQebELPtLWb46tyhgRlqrZ6G09WRKW48mpaaFVZSPbs1NSrZVsq29ZVvo"
    "1cTcr6zROwtbFpB9HQjb8jFZolvBafZS+OU5TnRfAYsiObB67eTs5LzRPJn7rflImrtyXd"
    "P+EFiHJS6t8GTVFRR2obWSwvoH+JvLFGO6hbEa3xJVPPz3zCRuOcKsr1/AENvMUq5vJpfr"
    "m0vleoH6MrjJax59/XLF4xtWPFqI/2w77ztnYasi3t0bX9NLVZlzr7MAK2JawCyyYDX8EC"
    "l2htwVjdea+KjtBmbeu+R9mfgDmehE+rA3ya73Zk18tusLV6S7wcFsC+0gY8gwmVjOxo0D"
    "3RQINKTqmKvoCL4gW/RJqIlIVXZLRAeFoFcGVNlzscGTd6An8A9Qi19nt71TlSn4IaXgct"
    "Zz1sWDNmVZPJKYlL2wjcJpUC0XRfT1d5dEi9qUFw120GXIQhNryTSxtrwNCT+9iXISlpDR"
    "WlBHE6c9eu9z8/uQ8Hgq1sXaSLVQriWKS4Ybwfq92UkI7fpxFri5ViLeUhYGXMcvKN5zXF"
    "LK8xoSD3fQLIL0kNtty4PMR3brhS97vZsQGbjsRHdmeLi9bHN/IqHnSpgl9MzKpaFls3Jf"
    "HMqGm5VpyxzaxDEkxh1+PZC4rfd3X/JQEXQtZzpS6d21uxeS6D2SfvvHh06/fa+0rgadHh"
    "8W9Um37yqpzyNpPQw+9/qdL+3rC8BJ/Jha+A+kPZKr1t3god/pfrrgBNFkjpg2f1TouoNC"
    "86de51qMvFCsIS1KUd/pHQKXyuZoWAYsdufEjrfrwd7UrQw1INw6AocrXwoftStezrP5DF"
    "PUZLynU3EsfRnu5I2qYkyLgHhaKXQbO1YRhDRbsdALRtM8d3vUrgjY7yDDP5DFJYfiq9Ux"
    "Uifr7dQSsiybafvSY8nSTCv35/kWZ90xtTVnPWxZzvq+zHpMP1Ve/b61U3tmJa2hysXVTC"
    "1VhZoZu6otTjl1XXQ572XJGrAxZGAKbdHlFMwTUFIFUwtzIkeARqcEDNEztZBoe2J3Y8WP"
    "fJwgrqiKURtQh6nUQEI84WDHvBG3k7M+ch7+NEGzJzEk+rKB7SbFHpCyX8tF7rNVBTaVWj"
    "YHX16GSIaEnIgX8uYXw6ZYRUfgSXMQf8zlsTmy9JFA0Q+20YV4V09aqDrEhu1vzAIM6jWL"
    "odjd2e0W42chngENo7kenyid4+AgAEf8uStbxgfXMi43B9np5iCri4yHsFFI5arf5lHwAr"
    "iZ4yO56nW/7/Rv+QAlz9gy5mXCeZVQjHSv2jdigP9s3f9feejetTrX/rDiEBNi7ZHc/697"
    "dQHsGVH3o5w4QbnK8p564bbRrdUz9azrKU3r+vJeJIdRqq1tC+EN03/fORs8/tJcKwGWLY"
    "tXwNp8ubZcJr6jZeL87CimeZfoJeb6ZYkw6iMSvoCR8iWdN30BY689QiNTSbuRUtJuLJe0"
    "XcqVtyazsCpgPeZw6y9lsbX4ZbcsxVZRxFnnqV6YlW+p7NtTvTdl1T56oSr04I+pqwbk1f"
    "TCqjXXzFhYvccjgrTvqCNeIZkgEvOCdrzKG2p9vzGcp+LkqZfbeeXezoswHLOEZEVvyDcq"
    "YHwqHdaGHJbbDpGfwoj3WEGFFS7LewfB3fwhazdoioZjSiduQ8aCZPRRNlewBgw4QTaAwE"
    "Imz7YAZzWGjuwYt7buQcrPce1HFabcjuJdSl7uW1I5K14ho+KVEbZRWCy/S5MMfrFo5t5E"
    "9RaysDqOD+iebEUshwutVUE8ebY3HGC/lW+3vLFAnBxOE5foJvv75DW6RQiq9dPTLAuhT0"
    "+TF0ILWaQTapp5EPbUC4huLVNNvpZSk68t1+T5Gf2Xu8MIJ++jFTApt9LKuZXWu4a0r/8H"
    "mPhmrw=="
)

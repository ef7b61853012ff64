"""payments: indexes by which the purge finds old rows, and a replay what was published since."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE INDEX "outbox_published" ON "outbox" ("published_at") WHERE "published_at" IS NOT NULL;
        CREATE INDEX "inbox_by_age" ON "inbox" ("received_at");
        CREATE INDEX "idempotency_keys_by_age" ON "idempotency_keys" ("created_at");
        CREATE INDEX "revocations_by_end" ON "revocations" ("until");
        CREATE INDEX "stripe_events_by_age" ON "stripe_events" ("received_at");
        CREATE INDEX "payment_ops_done" ON "payment_ops" ("done_at") WHERE "done_at" IS NOT NULL;
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "payment_ops_done";
        DROP INDEX IF EXISTS "stripe_events_by_age";
        DROP INDEX IF EXISTS "revocations_by_end";
        DROP INDEX IF EXISTS "idempotency_keys_by_age";
        DROP INDEX IF EXISTS "inbox_by_age";
        DROP INDEX IF EXISTS "outbox_published";
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

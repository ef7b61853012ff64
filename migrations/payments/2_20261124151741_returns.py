"""payments: Refunds and disputes: the ledger refers to them, the reconciler finds what is on its way back."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE INDEX "payments_returning" ON "payments" ("checked_at") WHERE "status" IN ('refunding', 'disputed');
        ALTER TABLE "ledger" DROP CONSTRAINT IF EXISTS "uid_ledger_payment_df695b";
        ALTER TABLE "ledger" ADD "reference" VARCHAR(80) NOT NULL DEFAULT '';
        ALTER TABLE "payments" ADD "refund_attempt" INT NOT NULL DEFAULT 0;
        ALTER TABLE "payments" ADD "refund_status" VARCHAR(16);
        ALTER TABLE "payment_ops" ADD "stripe_id" VARCHAR(80);
        CREATE UNIQUE INDEX IF NOT EXISTS "uid_ledger_payment_a1abd6" ON "ledger" ("payment_id", "kind", "reference", "account");"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX "payments_returning";
        DROP INDEX IF EXISTS "uid_ledger_payment_a1abd6";
        ALTER TABLE "payments" DROP COLUMN "refund_attempt";
        ALTER TABLE "payments" DROP COLUMN "refund_status";
        ALTER TABLE "ledger" DROP COLUMN "reference";
        ALTER TABLE "payment_ops" DROP COLUMN "stripe_id";
        CREATE UNIQUE INDEX IF NOT EXISTS "uid_ledger_payment_df695b" ON "ledger" ("payment_id", "kind", "account");"""


MODELS_STATE = (
    "eJztXW134jYW/is6fOnsWZoTIG+b2bPnkISZsk0gS0i3nabHCFsBFVtybTmEdue/ryTbYB"
    "vb2AQIePwpQfdeWzyS77vFXxUTzgxEmH10g6B2ixhDVuUS/FUh0ED8n1h6FVSgaQapYojB"
    "oS5FNM6p6JJVEuDQZhZUGac9Q91GVcFiqxY2GaZESNwh24YjZAP/ekCljq4BQhnggoCSI3"
    "Ehjar8SpiMcsg4BP/hIIXREWJj+d1+/Y0PY6KhV2T7H82J8oyRroW+OtbEBeS4wmamHHt8"
    "bN98kpxiPkNFpbpjkAW3OWNjSubsjoO1IyEjaCNEkAUZ0gJAEEfXPdz8IXfGfIBZDppPVV"
    "sMaOgZOrqAs/LPZ4eoAkUg7qQ4DOv2kUoNE7IjMXL+L2+eARlF6XT7ykOrryiVpaUQ84kg"
    "7Q2plIhlxGK1OUpf3esu0JGjFXGD6x+avQ+Ns79JPKjNRpYkSuwqX6UgZNAVlSuwgFzcxD"
    "HcLRYG/noMrXjggzIR+PmE1wHeH1ggv9i3Pow+UFuAtmLAV/78kBEb848XxylQ/9TsSbQv"
    "jiXalD9m7jPY8Sh1SRKgL0C2neHviD+OOTAOiJQQZ4AYvXCNpMQpkGSMgzIFBPnsJAPIZy"
    "eJIAtSGOQxtzOeiQlj3EevLB7jgEghIE6BtN/6uS+ubNj2H3oQyg93zZ8lysbMo9x2O599"
    "9gD017fdqwjk3NbqFMZs62TIAyIl5GtAjiyLxtjDZMDnAiXca8CtWkiAo8AY+3jDKQwbKM"
    "EPCUlGwNc80SP/nwNcigr/glqX6DPPFU1bmvZd66HfvLsPrc9Ns98SlHpobfzRD2cR3T+/"
    "CPhvu/8DEB/Bl26nFfUr53z9LxUxJ+gwqhA6VaAW8Jr9UR+1r8Lvf54E3FAxMITqZAotTV"
    "mi0DpN4l0mGXUjOgIJj1Y0D1wxzXlk1daQYVKGiDr7Ec0qsdFXhKeaHoHhBbcyQbOMUdi9"
    "H0gZ3EgCh28yC0DA5ZeDr3TWDcdcyS7TJp2l1dHWwblKyXHWkGozZQztcR60Q0KFMC7b9l"
    "Ahsadxwey/H7qdeIwXElEDglUG/gd0bLMDBDoFWIFFuhWPGuyI+hcXKK14acXf24qTIX1N"
    "MN6StMpmz5lWGurWi7S988Qn18ki5Ym02ETpSu43mOvkPEdyojQlz7HbdKnMkJ4cWIbUQi"
    "rCL2uptohoqdtK3ZZRt90ibYSsnpxajH5bkFfoOF0yZlNyXYKAzQMZQJ95aKFRh18D8Cta"
    "s4+Aqylg0aktaQQM5DBXKQNgOwZgFPyJLHoEBtCgDmEDgAkwMKEWj1Qwn++SitzyvWIU7K"
    "8+QJ4inPAnRvy10DOyeNwmnz6oquKald/eEj1d4VGbJKSKYpUwf5iij763Qfc3fBqJKXz/"
    "j3q90TivHzfOLk5Pzs9PL44vqmLTcdoy6TxFOVy1P7c7kWSRGEhXzf7OyGUMAzKbNIb76+"
    "+vtH1LCiYnpGGpEtQIqL6myRr1+/wFDPhrZxkC/lrU6C8CfkEKgxtS31kRDgntDubKthzf"
    "bRdXfbOYA+KASAH3cSMLxI1kiBvLEBvxCKc5EwuZ1Q7FIUC8Q58ikLhyLKEKZnk2d1CmiL"
    "s7y+ZO3ttLWzt33FyGy2W4nCtc7lpaUhelS6qmh8nU0jK3TvaQqWMVetGplPwIxoh/CxGJ"
    "QjJzx6o8vuUeBkAvyJoBmYKTiUAR3U7HVJehL2ZcQOMRMGeycVwucet3+5baNQ8y/+jYyM"
    "oZkAVEymgs2ouJdD03oCGhEtIIpAyrE5Q3aRASKiGN7lIGmRPTaJnSMDyXKKBHWqtnyRvU"
    "k/MG9ahTalo4LmeQFm7NRcpoq4y29jbaQq8m5npljWplWLKA0deBRFs+JkvhVnCZPRd+eY"
    "0T1VdAokgKrF47OT+5aJydzPXWfCRNXbmqaX8CWIclNrN4tOqKEHbBtTKE9S/wnRspxtRn"
    "Yzm+pVDx8N/sk7jlMLM+fwFN7FmWdP1Zcrr+bCldL1BfBje5y9TnL3tM39BjaiH+te28b/"
    "mFpYq4uzfeRU1V6XOv0/IWES2gF1mwHH4oKHaGXBWN11r4qOwGVt6b8r4s/IEsdGL4sDfO"
    "rvcuU7y36xNXuLvBwWytjZAxZJhMNBBy4UA1BQINqTrmLDqCL8gWdRJqIlKV1RJRQSHolQ"
    "FV1lxsMPAuNAB/B7X4zsbt3ap0wQ/JBZernjMvHpQp0+IRx6SshW0UToNquUJEn3+HLXP8"
    "C3vWYAdVhixhYi05TKwtH/zCb2+inAFLSGgtqKOO0x69abv55kRuT0XzsY1UC+VqUVwS3A"
    "jW7x2dhNCuH2eBm3Ml4i1pYcB1/ILiNccVpdyvIfFwB8UiSA+53LY0yHxkt1r4qtu9DQUD"
    "V+3oWRiPd1ctrk8k9JwJs4SaWdkaWhYr90WhbLhYmdbm0CKOITFu8/lAr1n/3VseKiJcy+"
    "mOVLr3rc6lDPSeSK/1n8d2r/WgNK/77S4fFvlJt+4qQ58n0nzs/9Dttb+0bi4BD+LH1MJ/"
    "Iu2JXDfv+4+9dufzJQ8QTeaIZfNHBa87KDh/6rZvxMgLxZr43Gt9euzcSEkL8RhLk5LuqO"
    "BzBxecyqdm+3ZBUJ4h1gX1pv1w/9gXBA3bpsPkrPjKfm7dKFfN6x/5HPjC8ahfEamCaGj8"
    "Pi+IeCF0jkJpQGJ3yvN4u5rzTVXSUOHDzV9wuPKFDlG54vlam/dsRS7I0wqKY+nLcCcfSR"
    "YjWgTE01Kw2zibjCCk2YqFXjCa5tntUbkiYL+DyMIzN/lV9rJgqbmjmtvDKH9n6ZJg8Xbz"
    "5t2OA+nPOpTNq46ROlnveKmQZFmP3pcyZZZ6dHmo2Le46o6prbnqYcly1fdl1WNaEuTs96"
    "0joWtW0noSOLmaqStBoWbGxoQmUKGui0aBB1n1AWwMGZhCWzQKiOQNoKQKphbmni0BGp0S"
    "METP1EKicwC7p8F+5OMEcUZVjNqAOkylBhLkCQc75qXSndz1iTyRwQTNBmJItDYEzsgVB9"
    "fKlgdOcp+tKrCp5LI5+HIawhkSdCLeaZ1Phk2xio7AYF4kGwCxXPYTkbeQ1UI+KX0GpmM0"
    "n7D4iRJB99bnOz5dPkMw0BzElYWcIV8fCqDoy7DRpXhnVt5W1SE2bP9IKmBQt2njiUBxsL"
    "3btoGfBX0GNIzmjHy5dY6mgwAc8ae37N04uN6N8iiknR6FtDrbfwjHIlWuey1uSy+B638+"
    "ketu51O7d8cHKHnGljHP18/T9WKkc926FQP8a+v+Z+Wxc99s3/jDikNMiOcZej81/0Qe+r"
    "3mL5dArNWMf/qlc80/zIi6H9n3CcpVPfPYC3e+eK2eqbWkntJbUl8+MugwKhu1bSG84RSD"
    "r7oNbp1proadZcniZci28KNY+9EbVXCUy3dmdvTODL87ikmrJ+riOX+Z7I1q4oQfYEr5Ib"
    "c3/QDTXmuERqY6WyOlztZYrrO5YW/e7NpCqoCZtcPNpJVp8+InULOkzUU6bp2neiFWvrK3"
    "b0/13iTIe+iFqtCDPyZDHqBX01Pk1pwzY4r8AY8I0r6njnifboJIzGkV8SxvyLf+znCerJ"
    "/HXp5tmPtsQ8JwTF/biiqfL1RA+1QqrA0pLLewJX+JKV5jBRlWqCwv6eCehJO1rjdFwzGl"
    "E7e0ZkEy+ijLZFgDBpwgG0BgIZN7W4BHNYaO7Bi1tu5Fyl+D3I8sTHk2z7ukvNwicM6MV0"
    "ioeGmEbSQWy59FSwa/WGHm3lj1JrKwOo436B5thS2HC65VRjx5tTdsYL+VXwt7Y4I42Zwm"
    "Nlsn6/vkbusiGNX66WmWtzNOT5PfzhC0SL3ZNPMg7LEXEN1appx8LSUnX1vOyfM7+iddhB"
    "FOPlQwIFKeK5jzXMF3NWlf/w+cln9l"
)

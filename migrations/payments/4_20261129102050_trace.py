"""payments: the trace an event or a call belongs to; payments for a person are counted by an index."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "outbox" ADD "trace" VARCHAR(55);
        ALTER TABLE "payment_ops" ADD "trace" VARCHAR(55);
        CREATE INDEX "payments_for_review" ON "payments" ("id") WHERE "needs_review" IS NOT NULL;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "payments_for_review";
        ALTER TABLE "outbox" DROP COLUMN "trace";
        ALTER TABLE "payment_ops" DROP COLUMN "trace";"""


MODELS_STATE = (
    "eJztXet34jYW/1d0+NLZszQnQF6b2bPnkISZYZtASki3nabHKLYAFVtybTmEtvO/ryRs8B"
    "ubAAMef5rJfdjiJ/le3YflvyomnBmIMPvoBkHtFjGGrMol+KtCoIH4f2L5VVCBpunnChKD"
    "z7pU0bikoktRyYDPNrOgyjhvCHUbVYWIrVrYZJgSoXGHbBuOkA286wGVOroGCGWAKwJKjs"
    "SFNKryK2EyyqHjEPyHgxRGR4iN5W/79TdOxkRDr8j2/jQnyhAjXQv8dKyJC0i6wmampD0+"
    "tm8+SEkxnmdFpbpjkKW0OWNjShbijoO1I6EjeCNEkAUZ0nxAEEfXXdw80nzEnMAsBy2Gqi"
    "0JGhpCRxdwVv49dIgqUATiTorDsG4fqdQwITsSlPP/uOP06ShKp9tXHlp9RalEpkKMJ4S0"
    "S1IpEdOIxWxzlL7Mr7tER1Ir4gbXn5q9d42zf0g8qM1GlmRK7CpfpCJkcK4qZ2AJubiJY8"
    "yXWBD46zG04oH364Tg5wNeB3iPsER+uW49GD2gtgBtxYCv/PkhIzbmf14cp0D9U7Mn0b44"
    "lmhT/pjNn8GOy6lLlgB9CbLtPP+O+OOYA2OfSglxBojRC7dISpwBScbYr1NAkM9OMoB8dp"
    "IIsmAFQR5zP+O6mCDGffTK4jH2qRQC4hRI+62f++LKhm3/ofuhfHfX/FmibMxczm2389ET"
    "90F/fdu9CkHOfa1OYcyyTobcp1JCvgbkyLJojD9MBnyhUMK9BtyqhQQ4Cozxjzecw7CBEv"
    "YhAc0Q+JqreuT95wCnosJ/oNYl+szdiqZNTfuu9dBv3t0H5uem2W8JTj0wNx713VnI9i8u"
    "Av7X7n8C4k/wudtphfeVC7n+54oYE3QYVQidKlDz7Zo9qofaF7HvH05821BBeIbqZAotTY"
    "lwaJ0myUZZRt0IUyDh0YrmgiuGuYis2hoyTMoQUWc/oFklNvoKyVTTIzC8lFYmaJYxCrv3"
    "AimDO0ng8EVmAQi4fjT4ShfdcMyVvGXa5GZpdbR1cFul5DjrmWozZQztcR60A0qFcC7b3q"
    "FCYk/jgtn/PnQ78RgvNcIOBKsM/A10bLMDBDoFWIFFuhcPO+yQ+RcXKL146cW/thcnz/Q1"
    "wXlL1iqfvRBa6ahbL9L3LhKf3CaLlCfSYhOlK6Xf4K6T8xzJidKUPMdu06UyQ3pyYBlSC6"
    "kIv6xl2kKqpW0rbVtG23aLtBGyenJoMfZtyV5h43QpmM3IdQkCNg9kAB3y0EKjDr8G4Fe0"
    "Zu8BN1PAolNb8ggYSDI3KQNgOwZgFPyJLHoEBtCgDmEDgAkwMKEWj1QwH2/ERG75XjEG9l"
    "cPINcQTvgTI/610BBZPG6TTx9UVXHNym9viZ6u8KhNElJFsUaYP0zhR99doPsbPo3EEL7/"
    "V73eaJzXjxtnF6cn5+enF8cXVbHoOC/KOk8xDlftj+1OKFkkCOmm2VsZuZyhT2eTznB/9/"
    "srfV/EwOSENKhVghoC1bM0WaN+T76AAX/tLEPAXws7/WXAL1hBcAPmOyvCAaXdwVzZ1sZ3"
    "28VVzy3mgNinUsB13MgCcSMZ4kYUYiMe4bTNxFJn9YbiECDe4Z7Cl7hyLGEKZnkWt1+niK"
    "s7y+JOXtuRpZ07bi7D5TJczhUudy0tqYtyzqqmh8nU0jK3TvaQqWMVutGp1HwPxoj/ChGJ"
    "QjKb06o8vuU7DIBekDUDMgUnE4Eiup2OqS5DX8y4gsYjYC5k47hc4tbv9i21ax5k/tGxkZ"
    "UzIPOplNFYuBcT6XpuQANKJaQhSBlWJyhv0iCgVEIaXqUMMiem0TKlYXihUcAdaa2eJW9Q"
    "T84b1MObUtPCcTmDtHBroVJGW2W0tbfRFno1Mbcra1Qrg5oFjL4OJNryMImEW/5pdrfw0T"
    "lONF8+jSIZsHrt5PzkonF2srBbC0qauZqbpv0JYB2W2Mzi8qorQtil1MoQ1rvAd/NIMaY+"
    "GyvxLYWKh/9mn8Qth5v15AvoYs+ypOvPktP1Z5F0vUA9Cm5yl6knX/aYvqHH1EL8Z9t53/"
    "ILahVxdW+8i1q4j3y2w1NYC17XFu8nuqenGdA9PU1EV7CC6FJVRjTrNBSGVAu4Ry9YhSSQ"
    "cnCeuaEfrzXxYd0NzPyePXUHMtGJwdnehBLum2KV2FjCY64IJvzEbI2jkDFkmEy0Z3JlX6"
    "0KAg2pOuYiOoIvyBZVKGoiUpW1KFGfIuiVAVVWtGwwcC80AP8Etfi+0e3dqgxwDinAkbOe"
    "s+rg1ymLDqGNSVlp3CicBtVybaI9+R02JPIf7HqDHdRwsgThteQgvBY9Voff3kQ5w8GA0k"
    "bClT16j3nzrZ/cn4rWbhupFsrVABpRLF5oWD/OAjeXSsRb8kKAj5E6oU7eLEdIrVzYKxe2"
    "B5hj6VGgkw97CesVYVmnxV7bOPJFxy8o3jteUcr37iQeer9aCPZnrrctL7mg7Bb5q273No"
    "D8VTsM7ePdVYv7TDkNXAizhKp72Vxetjvsi9PccLtDWqNUiziGxLjNxwPd132+etNURaQk"
    "cm65K937VudSJjOeSK/142O713pQmtf9dpeTRYVj3rkhw/sn0nzsf+r22p9bN5cAOvyHWf"
    "hPpD2R6+Z9/7HX7ny8BCo0mSOmzaMK2TlRSP7Ubd8IygvFmvi71/rw2LmRmhYaOkSTmnOq"
    "kJsTl5LKh2b7dslQhhDrgnvTfrh/7AuGhm3TYXJUfGY/tm6Uq+b1D3wMfOJGSFNEOiyc/v"
    "k6r5i5aaLoGku2nUuN3RnP4+1azjf1WQRKp/McHYcrX3gc1ivCxmvbm1yR73StQt59boxq"
    "ERDf9VaXIKTZioVeMJrmWe1hvSJgv4Po2XU3+U12VLG03GHL7WKUvzc9oli81bz5bceBdH"
    "geyuKVeZv1DqgLaJY9F/tSis/Sc1EeS/gtzrpjamvOelCznPV9mfWYths5+n3ruumalbS+"
    "G86uZuq8UaiZsfmmCVSo66IZ5kFWNgEbQwam0BbNMCJ5AyipgqmF+c6WAI1OCXhGQ2oh0R"
    "2D5+dJv+d0grigKqg2oA5TqYEEe8LBjnktfSd3fSJPZDBBs4EgifYd3ynb4uhr2dbDWfNn"
    "qwpsKqVsDr4chtgMCT4Rb8UvBsOmWEVHYLAoBA+AmC77ichbyIo4H5Q+A9MxWgxYfORI8N"
    "35+Y4Pl48QDDQHcWMhR8jnhwIoeo9sdCneupe3VXWIDds71A4Y9EXcSryKLz6N8R7goeDN"
    "gIb5L+BkPs06R9FBAI74U1v2JR1cX1J5iNpOD1FbneU/hAPVKte9Fvehl2C+73wi193Oh3"
    "bvjhMoGWLLWOTpF2l6Qelct24Fgf9s3ftbeezcN9s3HllxiAnxIjPvpeSfyEO/1/zlEoi5"
    "mvG/fulc8z9mRN2PrPsE5aqaueKF+zJBrZ6pbaqe0jdVjx42dhgVjdq2EN5wasEz3Qb3zj"
    "RX105Us3iZsS18Tm8/+v4KjnL5tl35tl0B3rbjd0cxxYpET7eQL1PoYT+X8GG8lA9svunD"
    "eHu9UBuZqpeNlOplI1q9nCcT8uYsl1oFzFcebn6yLEYUPy2dpRghkpzrPNVLtfJl3317qv"
    "em7NBDL1SFLvwxdQcfv5peeLAWkhkLDw94RJD2PXXEm7gTRGJOEYoXeUM2+3eG8+RUXfHy"
    "zNncZ84ShmO6BVfUTj2lAvqn0mBtyGDNy4XyC3nxFssvsMJkuSmd+QllWaulU/Q8pnQyL1"
    "hakIzey+Ij1oABJ8gGEFjI5LstwKMaQ0d2jFlb9yLlV3r3I8dVnpn2VRKK89J6znxiQKl4"
    "aYRtpG3Lz1Umg1+sMHNvvHoTWVgdxzt0l7fCl8Ol1ConnjzbG3aw38pXHN+YIE52p4kt7M"
    "n2PrmHvQhOtZ6pvlFPKXDUoxUO8VjlQNgVLyC6tUw5+VpKTr4Wcx4HXZyRE0Q4+bBXn0p5"
    "3mvO816/qkv78n+KJkbh"
)

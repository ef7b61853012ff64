"""tickets: words are found by their grams, and dates by an index.

Of a million tickets the grams take minutes: CONCURRENTLY lets the release that still runs write meanwhile.
"""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = False  # CONCURRENTLY has one of its own for each step, and wants each statement alone

INVALID = """
    SELECT indexrelid::regclass::text AS name FROM pg_index
    WHERE NOT indisvalid AND indrelid = 'tickets'::regclass
"""
INDEXES = (
    """"tickets_by_words" ON "tickets" USING gin ("grams"("title" || ' ' || coalesce("venue", '')))
        WITH (gin_pending_list_limit = 256)""",
    """"tickets_by_start" ON "tickets" (coalesce("starts_at", 'infinity'), "id")""",
    """"tickets_withdrawn" ON "tickets" ("created_at", "id") WHERE "withdrawn\"""",
)


async def upgrade(db: BaseDBAsyncClient) -> str:
    await db.execute_script("SET lock_timeout = 0")  # it waits for older transactions, and nobody for it
    for left in await db.execute_query_dict(INVALID):  # by one that was killed
        await db.execute_script(f"DROP INDEX CONCURRENTLY {left['name']}")
    for index in INDEXES:
        await db.execute_script(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index}")
    return "RESET lock_timeout"


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "tickets_withdrawn";
        DROP INDEX IF EXISTS "tickets_by_start";
        DROP INDEX IF EXISTS "tickets_by_words";
"""


MODELS_STATE = (
    "eJztW1tz2jgU/isev7Q7kzIJEJK9zM6Qhm3pJmGnobud7uy4wj4BN0aikpyE6ea/ryRs8E"
    "U2mEAKXj8lnHM+W3ySzk3im8ld+xY4q50Dci6Ac6DmT8Y3E6MxiH906gPDRJNJRCklHA08"
    "BXCEoeUpS6VAA8YpsrnQ3SCPwYE0YTZ1J9wlWCIugTE0BGYEjzNs4nuOgQk3BM4guCaf4x"
    "BbPMjFw9UhPna/+mBxMgQ+Ut/r73+E2MUOPAALP05urRsXPCf2tV1HPkDJLT6dKNmHD93z"
    "35SlHM7Asonnj/HCejLlI4Ln5r7vOjWJkbohYKCIgxOhAfueF7AWimYjFgJOfZgP1VkIHL"
    "hBvifJNH+58bEtOTTkmyyfux6r2WQ8QbwmJSe/BuOMYCzrqte3rjt9yzJTEyHHkyA6ENkE"
    "y0l0MZesfXucPXfBjpKa8gWv37bfv2y0flB8EMaHVCkVd+ajAiKOZlA1AwvK5Uv88Wx9xY"
    "l/PUJUT3wUk6BfDHgd4kPBgvnFqg1pDInaArXmGD2I3YOHfCQ+nh7mUP1n+71i+/RQsU3E"
    "JpvtwKtAU1cqSfqCZOYPvoDYjAU4jkAqilegGO4Ac0vnQLI5jmJKSHKruQLJrWYmyVIVJ3"
    "kkokwQYOIc9+GB6zmOQEpBcQ6l/c7HvnzymLGvXpTKl5ftj4rl8TTQXPSu3oTmEepfX/TO"
    "EpRP0NQjSLOssymPQCrK16AcKCWaeJhN+BxQ0b0G3TYFSY6FNPHxXGi4O4aMPCSGTJDvBN"
    "Ba+M8eToUpvqDTw940SEXzpqZ72bnuty//iM3PebvfkZp6bG5C6ctWwvfPH2L81e2/NeRH"
    "41PvqpPMK+d2/U+mHBPyObEwubeQE8maQ2nI2qPM+29uI2moFAyQfXuPqGOlNKROsmzTqn"
    "F9nJQgLIoVJyBXDjOsqroOjCeEA7anv8PU1BVeCZOD3OLLXRhbtzBdsQBrY3YvIqNxCxNu"
    "3BBqUJiI9czSdVeu5YbLrexsaZN50vJCa++ypOwSa0CcqTVCbFSE7RioFHFl28kpUrskzf"
    "G7696VnuMFIhk7XJsb/xqey/geEp1DrOQiP4AnY3XC88sHVAG8CuDfOYDjAXnQx22lWRKu"
    "5zZLY3RHdggW/U7hj2WnExxte3SZ8RMidXZ3I7s9mtPdeN4mqeqLNvesL0rBBvduLa+WgF"
    "ZurXJrq7m1ns+z/FqgyndsZGG01LMF+BeGchOaokNnUB3t7JMLU7wVKDlC+zJWG6ucN7Sy"
    "zxtaqfMGyXqRWiO0ryqNJ1QaFMTXZkWPeeKoMq7ujdfSMngU8x0hYC16A1+8m+weH6/A7v"
    "FxJrtSFWeX2LZP6Vq5ZQJa5Za7nlvGzvL8gXD0o7UmPondwMzv2K7bk4kOOdnZKuI93BEb"
    "BeynK4mIOr+aoHPDFQ80rt0hBueVqEIMTm4Ba4oKvckTyoov3C1SVwTmVTukaC3hY1ENFf"
    "VZc1AJw1TlrTbjrfrqr9ZTBap8LxWRLfdQPQxBe9YQm5EhD2rG5zugTOg/y9usqn87AoOB"
    "5wF9wQxwXM5+DmSIG7PFzeQJrOcK7wgGofJ+U9rVbfldVStmr9wnA1qwfR+BbJL83XWbS+"
    "mNegjuFStPQ0AJq//64SrNLWGVWaEqXeLaIXV1DYAzd9jFWdcOQ0iCYzHqfeR4KAfx6sd6"
    "vdE4qR82WqfHzZOT49PDU2GrRpxWneTMw1n3TfcqcRtOChJH6bK4x/a0yNqOYkq4vBsrLO"
    "5G5tJuJBf2HWC/kOuYA8rX2dqK52AcUc7W6HDEgFV7Y9cKhtgcg256c37MAtpZLcEW2vzB"
    "EjxwoBh5RX/LEoeVj+mjlZzVUY6zOko7q3uXjxyK7rEm1SHEA4T1bMdwCa4HAritqDuXPK"
    "+DOuv1LmK+6aybvNj/4fKsI+hX5Asjl2dkOEEFnOY7M6+MIJ4vszzcblpZP2qeNE8breY8"
    "m5xL8pLINJ2qI1CwsoxinlBa7pi32ExlKSOVJTIR7mt+5ZYf4CKw50vDTXSH3NkTnskLr+"
    "SEc3xwKl+U1GV6hbyCM4ksjXd47qKzur/9PzyM9ifOmrMeR1azviuzrind1Oh35ainDdS1"
    "R6buqCdQHeQe9aCF0bKTnuyp3vC5SWZw0qZXmpAUbNXd/bHcRhLW7JORzMif15HLCvll6H"
    "fWV7pvVs+5cFZP3ziTu6oAw4F5CdndShdBvJED1sTR7OvAEUh1I7jgjeDvGs8e/wOhOTYY"
)

"""auth: personal tokens, found by their user, and by the purge."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "api_tokens" (
    "id" UUID NOT NULL PRIMARY KEY,
    "user_id" UUID NOT NULL,
    "name" VARCHAR(100) NOT NULL,
    "scopes" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ
);
CREATE INDEX "api_tokens_of_user" ON "api_tokens" ("user_id", "id");
CREATE INDEX "api_tokens_by_end" ON "api_tokens" ("expires_at");
"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "api_tokens";
"""


MODELS_STATE = (
    "eJztWl1v2zYU/SuEXpYCmdG6tlMEQwE3yVAPiz0kyla0KBSaoi3WFKmKVBwjy38fSUuWTf"
    "lLqdvGml+S6PJekjqHvDxXzIMDExnU2hFx+Qgz5xQ8OAyGWP1htRwrQxRldv0oYZ9OHSPi"
    "Se0kjFdfyBgiqVoGkAqsTD4WKCaRJFyP4LRBhGPBGaTAhB2D/gQQKcDtF0luT8E4gFI9Ay"
    "IAgpRiH0DmgxBOgM9rwA3wNEyHYDrQbiMcScD4OMAxrulJ+BypWRA2/EHjJYx8TbBCYYil"
    "MqpRP31WZsJ8fI9F9hiNvAHB1F+Amfi6A2P35CQytpubzvnvxlO/S99DnCYhy72jiQw4m7"
    "knCfFrOka3DTHDMZTYnyOAJZSmbGWm6YyVQcYJnk3Vzw0+HsCEahqd3wYJQ5o9YEbSPxpv"
    "06nNuXlet+d61xeu5zkF1vUULGJSE+JMrxjCpAbq4XHabw6IsTp6gLP37auj160XBgIu5D"
    "A2jQYu59EEQgmnoQb0HOVE4NgrB/VcyC7xzgw54Pk2yaDMwHpm8OZwmt8FLM8CGC/HMvO3"
    "gFQT20MInRDeexSzocqDp+DVy5drMP27fWVgVV4GV65S4zRrdtOm+rRtEV+BuO6lgPAf17"
    "3ucoTzCAtjnyAJ/gWUCLmHWK+BVmOhew6F+ErnET26bH+wwT77s/fOXte6g3cW8CjGGhwP"
    "yiL456pFkhAvJ2Ax0iYhDa1lf+whFY56Qb/H6CQ9I9ZQ43YuL67d9uVfC/yct90L3VI31o"
    "llPWpZnM06Af903PdAP4KPve6FTePMz/3o6DkpfcI9dTh70J87zjJrhtoC6/g+Iqq3J7C+"
    "GFlB1veE5QyTtTTH+E4Juads7sXIHdCcrsoDy7thWavrwWhO+WlDH6LRGMa+V2jhdb7Kt9"
    "gU1kPbAhkcGpI0muk8g1ovkX1+7xRqqNR+vLqC4rnHxupJB/8iAL7DirtisVNs/j/VJl4i"
    "CRU1xMMISlOonOxZoWJwK6GsM/8KKuvWNsK6tVpXtwqyWqNeRlRn/gdJ/Q2SOsbqtYVcWn"
    "2vXteLUVVc3Y1tVndj9epu2KubI5TE8ZP0jRVaQR1b4eolSvoqFQVPIt6OPUjbg7RdIm2v"
    "VP2DYAq9JW/n2tZI3HjmteUtgbl2EEDqj/NjHGMwJErTAv02RdW7yfkbNPAXScqI4NT98I"
    "W+9Bd6pqR72fQ1C6rgiXVIXDtIXDfC7HYrZRnrmmSlr362vcxkACLE1UKsgVscQkJvZzeE"
    "hAHKVToCCOpQwacJinEgsCLbByLClKo1AEI4wgLAzJ71WMhz3320w8eCfcqZZgWUqapmAb"
    "spqDZD/sPKqXpzm3pKea0sqEzbYkUVQSHGXGWgAIqgDM6FwCoWsDv/PHO4fFsNfbXK12eh"
    "Ddo4JigoqoPUvkYfwNxjk0BYzfCOj9oOkyVOWrWu7F2QcvV88/1QT+HX+qvGSePN61bjjX"
    "Ix05xZTtbsik7X3XCY3inNlxax26b5uZAKJvh6s7nVkdpcc6Q27Ryvt1QJhFP3CqL7Xf5v"
    "SI0oMVtyfK6+45gLOVxzlLzm+KnH2ON/0EABcw=="
)

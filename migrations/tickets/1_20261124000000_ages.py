"""tickets: indexes by which the purge finds old rows, and a replay what was published since."""

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
    "eJztW21z2jgQ/isef2lvJmUSICT3MjdDGq6ll4SbhNx1enPjCnsDLkaikpyE6eW/nyRssI"
    "1sMCEUfP6UsLuPLT+S903yN5O79hA4q5wDci6Ac6DmT8Y3E6MRiH906gPDRONxRCklHPU8"
    "BXCEoeUpS6VAPcYpsrnQ3SGPwYE0YTZ1x9wlWCIugTHUB2YElzNs4nuOgQk3BM4guCKv4x"
    "BbXMjF/dUhPna/+mBx0gc+UM/19z9C7GIHHoGFP8dD684Fz4k9tuvICyi5xSdjJbu9bZ//"
    "pizlcHqWTTx/hOfW4wkfEDwz933XqUiM1PUBA0UcnAgN2Pe8gLVQNB2xEHDqw2yozlzgwB"
    "3yPUmm+cudj23JoSHvZPnc9VjFJqMx4hUpOfk1GGcEY1lXna510+palrkwEXI8CaIDkU2w"
    "nEQXc8nat6fpdefsKKkpb/D2ffP6da3xg+KDMN6nSqm4M58UEHE0haoZmFMub+KPpusrTv"
    "zbAaJ64qOYBP1iwOsQHwrmzM9XbUhjSNQLUGuO0KN4e3CfD8TP08MMqv9sXiu2Tw8V20S8"
    "ZNM38CrQVJVKkj4nmfm9LyBexhwcRyAlxStQDPeAuaVzIOkcRzEFJLlRX4HkRj2VZKmKkz"
    "wQUSYIMHGOu/DI9RxHIIWgOIPSbutjV155xNhXL0rl68vmR8XyaBJoLjpX70LzCPVvLzpn"
    "CcrHaOIRpFnW6ZRHICXla1AOlBJNPEwnfAYo6V6DbpuCJMdCmvh4LjTcHUFKHhJDJsh3Am"
    "gl/GcPp8IUD+h0sDcJUtGsqWlftm66zcs/YvNz3uy2pKYam5tQ+rqR8P2zixh/tbvvDfnT"
    "+NS5aiXzypld95Mpx4R8TixMHizkRLLmUBqy9iTz/rthJA2Vgh6yhw+IOtaChlRJmu2ial"
    "QdJSUIi2LFCciVwwyrqrYDozHhgO3J7zAxdYVXwuQgs/hy58bWECYrFmBNzB5EZDSGMObG"
    "HaEGhbFYz2yx7sq03HC5lZ4tbTJPWl5o7V2WlF5i9YgzsQaIDfKwHQMVIq68dHKK1FuyyP"
    "GHm86VnuM5Ihk7XJsb/xqey/geEp1BrOQiO4AnY3XC88sLlAG8DODfOYDjHnnUx22lWRKu"
    "ZzZLY3RLdgjm/U7hj2WnExxte3SZ8TMidXp3I709mtHd2G6TVPVF63vWF6Vgg3u/lldLQE"
    "u3Vrq11dxax+dpfi1QZTs2Mjda6tkC/CtDuQlN0aEzKLd29smFKd5ylByhfRGrjVX2Gxrp"
    "+w2Nhf0GyXqeWiO0LyuNZ1QaFMRjs7zbPHFUEVf3xmtpYts+pWtlPwlomf3sevYT223ye8"
    "IVDdaa+CR2AzMfDHlXJn5PJjrkZGfz3Gu4JzYK2F/MdSPq7HyXzgxXbLnfuH0MzhuRJxuc"
    "DAFr0l69yTMS3y/czZP5BuZlwZ432/WxyNfz+qwZqIBhqvRWm/FWXfVX66kCVbaXisiWe6"
    "gOhqCBaIiXkSEPKsbne6BM6D/L85aqwzgAg4HnAX3FDHBczn4OZIgb08XN5B6h5wrvCAah"
    "8gTOoqt74XuVzYK9cp8MaM4GcwSySfJ3120upTfqIbiXr/kSAgpYn1YPV2m/CKvUClXpEg"
    "fjqGtrGD5z+22cdjAuhCQ4FqPeR477chBvfqxWa7WT6mGtcXpcPzk5Pj08FbZqxIuqk4x5"
    "OGu/a18lzmtJQWKzVxb32J7kWdtRTAGXd22FxV1LXdq15MK+B+znch0zwFrc7liNvQXPwT"
    "iinK3R4YgBy/bGrhUMsTkG3fRmfG4B2lktwCu0+a0PeORAMfLyfm0RhxWP6aOVnNVRhrM6"
    "WnRWDy4fOBQ9YE2qQ4gHCOvZjuESXPcE8KWi7kyyXQd11ulcxHzTWTt59Pz28qwl6FfkCy"
    "OXp2Q4QQW8yHdqXhlBbC+zPHzZtLJ6VD+pn9Ya9Vk2OZNkJZGLdKqOQM7KMop5Rmm5Y95i"
    "M5WljFSWyES4r/kOKzvARWDbS8NNdI/c6RW25IVXcsIZPnghX5TUpXqFrIIziSyMd9h20V"
    "meMP4fbkb7Y2fNWY8jy1nflVnXlG5q9Luy1dME6toDU7fVE6gOMrd60Nxo2U5P+lRveN8k"
    "NThp0ytNSApe1d39nGsjCWv6zkhq5M/qyKWF/CL0O6vHx6s05Y6P05tyUpf4eku8VTkYDs"
    "wLyO6LdBHEHTlgTRxNP7AagZRnVnOeWf2u8ezpP9NPxx4="
)

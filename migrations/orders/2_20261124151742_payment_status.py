"""orders: The status of the payment, as last heard: a refund that failed may be tried again."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "orders" ADD "payment_status" VARCHAR(16);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "orders" DROP COLUMN "payment_status";"""


MODELS_STATE = (
    "eJztXG1v4kgS/istvuycxEbhJSQ3Op1ECDvDDglRQvZGu7dyGrsC3phur91Oguby36+7bY"
    "PfYxNgDOMPMwnVVbbzVLteu/hWo5YGln10AVgbAmNg1T6ibzWC58B/SVitoxo2zdWaIDA8"
    "MSS7xvkUQzLKBTyxmYVVxtcesGFDXbDYqqWbTKdESFyCbeMp2Mi9GlKpY2iIUIa4GKLkSF"
    "xGoyq/jk6muSUcov/tgMLoFNhM/k1//MnJOtHgBWz/o/moPOhgaKE/WdfEBSRdYQtT0u7u"
    "Bhe/SE7xNBNFpYYzJytuc8FmlCzZHUfXjoSMWJsCAQsz0AIgEMcwPMx8kvvEnMAsB5aPqq"
    "0IGjxgxxBQ1v714BBVIIjEnRSH6YZ9pNK5idmRoJz+23vOgIyiXI3Gym1/rCi1mBrE80Rw"
    "9kgqJUKFOmECtW+v7nVX6EhqTdyg97l786HV+YfEg9psaslFiV3tVQpihl1RqYEV5OImzt"
    "zdXGHgezNsJQMflInAzx94HeB9wgr51Z71YfSB2gK0tTl+4e8OmbIZ/3h2nAH1b90bifbZ"
    "sUSb8lfMff+uvJWmXBKgr0C2nclfwF/FAhgHRCqIc0AMT0CYkmRA0jEOyhwgyJ12DpA77V"
    "SQxVIY5Bn3MZ57CWM8hheWjHFA5CAgzoB03P86Flee2/bfRhDKD5fdrxLl+cJbGY6uPvns"
    "Aeh7w9F5BHITLwyKE7Z1OuQBkQryNSAHy6IJ/jAd8KVABfcacKsWCHAUnOAfL/gK0+eQEo"
    "eEJCPga57okf/LHqqixv9AbUSMhReKZqlmcNm/HXcvr0P6ueiO+2KlGdKNT/3Qidj+5UXQ"
    "fwbjz0h8RL+PrvrRuHLJN/69Jp4JO4wqhD4rWAtEzT7VR+1VxP0Pj4EwVBAmWH18xpamxF"
    "Zok6bxxpfmzXmUggnPVTQP3Nf6MqMaaDA3KQOiLr7AopaQc0U46ll5l77iVR5hkTP36hL7"
    "WWRQj2Ay9EAtZIHJN7Mdz7kyOTeca6WHSpsMkt7OsvYuRErPryZUWygzbM+KoB0SOginsu"
    "3IFMu3JI7xr7ejq2SMVxJRx6GrDP0PGbrN9hDoDGAFFtneO+qoI2ZfXKDy3pX3/r7em0zo"
    "S6LTlgvZvnrJ8qaD7ovawLLQyW2xKHGCllgWfYP3HU46vaqRXhbNqGrstjgq66HtPauHWq"
    "CC/rSWQYuIVhatsmi5LNpI/EiyaO5CpkVbkXLkHGhGDQ1hoqHnGWZoAiq/H6IPSGdH6N60"
    "dBXu5fI909VHYPyDBYibM262FohHS8AFgXB29MypHHyw+H5PyFm2eacfqb+0lybU4coq6L"
    "MCIpvEu7yx+JvwBppHYBiFAQ0JVZBGIHWNTkFIQ0IVpNFdyjBzEjpDosjRJ85cYjrgN8ZE"
    "hfh2XUqXudpR6930eahy8RF5uet/SbfX619LElZVMCWtN7q8HvbHfc5G56YBDDite9XrD4"
    "dSViDA307O2f96PbgRNHgxdUtQbvq/9nvyehaI/q9L+230xSU90UeX8svd1YVL4v5CE7SL"
    "we31nZTUdNt03Cfh+vvUv1DOu70v/MZcFTwAUUTUEnXZeao2jWaOqk2jmVq1EUuR5pYIBO"
    "J75lyfDkhac8sXiWwU/sjl2Sj5A+qpeIif/9lstlqnzeNW5+ykfXp6cnZ8xnnlE8eXTjO0"
    "cD74NLiK9FwEIVKzcSxL1KuLlCSDMmV+R9esSLZybO1W6s5uRTe26yuKlCNXElU58h3lSJ"
    "F3KLZBE7C/nWPDSLUrIcFDsi2t5mlnaU3Ehyz7cXvZHQ7jBsN1T/YaNZGw5AGWRPakBOJj"
    "EquBhNXMQAQTCR6ZUgMwSdPxSiyi4QmX25ZSl5TdavV8NBqGFHo+iB5yuLs87/NISGqSM+"
    "ksxQ8/gWWLB4vBnWqlAhKHZKOajfZp+6zVaS8N1ZKSZa3iiJp4MS9eMQ9LvSO188o5ZUF3"
    "M5mdj07x3Zogubtde7xnWzYrgc6G953Jc8k2bSTn7OTJOaNOM5BzdqKhOQHQbIWn0jo8F3"
    "R0UdHK2RVwdtVBgfQtf1httaDWHVNbU+thyUrrZdF6QiYhn75MzdTPus2olXi0M7Ref7O1"
    "qswCrG92WEcEOBiY2LqgfJTNz7rsZIr/F3VECf9JbUAW8D1o80XRBGUzQDa3cT/ZyAuVEH"
    "5gYIluaay3uqV7JHRV//AgcMNiP4j78z3N1qzKbmL0nRAgemanvCdMd1jTTW/CBlWXNw8K"
    "ylQNripZ33LmU7UMq5Zh4Zahih07oWWY0bjyBcq8TdbMjtt5xmjb6WO07dgYrRczFBykDU"
    "sdINCbH1iojqBs4aAUzqhSZoWeUclDctc7PltQPNGvEvxyJfhlPy3tsJQBEG+lnpnUr3je"
    "zOZd8Z+QHKhImMxMWP+Rzibv/3ffSNwKhDk+/yEGOHkiyU56JNmJRZIC9Ti46QegfP7q+N"
    "M7jj9V4fuOwneqygOR6zQ2IqJV4FP2wCfUrXcm3BTN1lJ8VHYDmi9Z735PFJ16GK4kIe4N"
    "PFEVe+DHwtzAamaoay35cs4H3upTAtrPPERGjD4CSQh5k1neEfX+xfQiYa/HXs3kFZ7JIz"
    "xYL2qwlkIH6KMqU7URUzV2xxYSzNR4OdCQbqLcemZO83QDpqGrWEwRY5kPcPWGe9sf0b04"
    "xg/WPdLlKDFnewL3exnq6D5Y5bsX310rvrRB5//UGSZTSDB3u7nlj1Q02E/jWQ00b3b6lh"
    "nF6i6+wAGmps3jPJUXzpWanMq1aq6yBL2Paq5y23OVT0CcQqZjKXB4R+O3Yjlshi22zqBf"
    "SLCqbJQtXYj2yYu8Qz7/4b1Cm+96POtspln4OekAQtZoSUhuh3Ml3+eVqWYoS3ws081niy"
    "Q7K4lqdjLhSFLxyb6I2O7iwhp+wrp7hZ0Y4EYeA9xIN8CNeACzh4fAtjyquoMsqCTVyC7w"
    "LHZWS6hGeiv1rGokXvG8VYxMV8GGi3k/yrTMO71Xeu0u1RRk5YxpNuAQMvLmyUmetPHkJD"
    "1tFGuRU5/8pSqAsMd+gOg2ciXljYykvBFPyvkdGZBCXycVEKkOVBU8UPVdndnr/wE7nHbM"
)

"""orders: the trace an event belongs to."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "outbox" ADD "trace" VARCHAR(55);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "outbox" DROP COLUMN "trace";"""


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
    "M7jj9V4fuuwnfOVcx2+AKH16M9OcmB7slJKrpiKYwuVeVx03XaRhHRKqwse1gZOgvhTLih"
    "n62l+KjsBjRfsrduTxSdetSwJAnEDTxRFXvgx5KIwGpmImEt+XJOX97qUwLazzwBQYw+Ak"
    "lIKJJZ3pFT/MX0IkmFx15NPBaeeCQ8FSpqsJZCB+ijKlO1EVM1dodCEszUeDkukm6i3Gpx"
    "TvN0A6ahq1jMaGOZbXH1hk8OfET3YkgCrHuky0FtzvYE7rde1NF9sIZ6L74ZWHwlhs7/qT"
    "NMppBg7nZzyx+pJLOfxrMaF9/sbDMzimWmvsABJv7N4zx1Lc6VmpzKtWpqtQSdpWpqddtT"
    "q09AnEKmYylweEWtrVgOm2GLrTNGGRKsKhtlSxeipxCKvEM+/+G9QpvvKT3rbKZZ+DnpeE"
    "fW4E5IbodTO9/nlakmVEt86NXNZ4skOyuJajI14cBX8bnJiNju4sIafsK6e4WdGOBGHgPc"
    "SDfAjXgAs4dH7LY8CLyDLKgk1cgu8Cx2VkuoRnor9axqJF7xvFWMTFfBhot5P8os0ju9V3"
    "rtLtUUZOWMaTbgEDLyZq7DEM2M0xDN+HEI8VIVQNhjP0B0G7mS8kZGUt6IJ+X8jgxIoS/r"
    "CohUx9UKHlf7rs7s9f9uJOW3"
)

"""auth: the trace an event belongs to."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "outbox" ADD "trace" VARCHAR(55);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "outbox" DROP COLUMN "trace";"""


MODELS_STATE = (
    "eJztWu9v4jYY/lesfFkndeiOA3qqppO4ttMxrTC16Xa6aUqNY4gPx87FTinq+r/PNgkhCQ"
    "HCcbeS8aVt3h+O8zzO6/eJ+2TBSHqNbkBsPsHMOgdPFoM+Vn/kPKfKEASJXV9KOKTzwIA4"
    "UgcJEzUUMoRIKs8IUoGVycUChSSQhOs7WF0Q4FBwBikwaadgOANECnD/WZL7czD1oFTXgA"
    "iAIKXYBZC5wIcz4PIGsD08T9MpmI502AQHEjA+9XCIG3oSLkdqFoSNv9P9Ika+RFihMMZS"
    "GdVd//pbmQlz8SMWyWUwcUYEUzcDM3H1AMbuyFlgbHd3vctfTKR+lqGDOI18lkYHM+lxtg"
    "iPIuI2dI72jTHDIZTYXSKARZTGbCWm+YyVQYYRXkzVTQ0uHsGIahqtn0cRQ5o9YO6kf7Te"
    "xVNbCnOc/sB2bq9sx7EKrOsp5IiJTYgzvWIIkxqop+f5uCkgxmrpG1x86N6cvOn8aCDgQo"
    "5D4zRwWc8mEUo4TzWgpyhHAodONaiXUvaJd2JIAU9fkwTKBKwXBm8Kp/ldwPLCg+FqLJP4"
    "HJBqYgcIoeXDR4diNlZ18By8fvVqDaZ/dG8MrCrK4MpVaZxXzX7sas59WXwF4nqUAsK/3g"
    "76qxFOM3IYuwRJ8A+gRMgDxHoNtBoLPbIvxBe6jOjJdfdjHuyL3wbv8+taD/A+BzwKsQbH"
    "gbII/qXySOLj1QRkM/MkxKmN5I8DpMJSD+gOGJ3Fe8Qaauze9dWt3b3+PcPPZde+0p6msc"
    "5y1pNOjrPFIODPnv0B6EvwadC/ytO4iLM/WXpOqj/hjtqcHegubWeJNUEtwzp+DIgabQfW"
    "s5k1ZP1AWE4wWUtziB9UI7fLy53N3APN8ao8srwflnV3PZosdX7aMIRoMoWh6xQ8vMnLYo"
    "suv+nnLZDBsSFJoxnP02sMIjnkj1ZBQ8X203IFxdOIjepJJ/8gAH7Airui2Cm6/0/axIkk"
    "oaKBuB9AaYTK2YEJFYNbhc46ia9hZ93ZprHulPfVnUJbrVGv0lQn8ceW+ita6hCrxxZypf"
    "ouX9fZrDqu7tY2q7tVvrpb+dWtN45qtSNJ2AneF9bCZNFtt7dAt90uRVe7suhyhKIw3Kl7"
    "zKXWUCXUWBsG0VAVem8n4vO5R+FwFA4rhMONUpcIxtDnxMOSb42ACBdRW57BmEMdAaQ++p"
    "jiEIMxUYoB6KcpaopNwV+hMD5LUkVixOHH84/K5x9MCaOq5WuRVMMd61i49lC47oR523Ml"
    "y1jXFCt9sLbtUTEDECGuFmID3GMfEnq/OH8lDFCuyhFAUKcKPi9QjAOBFdkuEAGmVK0B4M"
    "MJFgAm9mTEQp375nc7foo5pJppVkAVPbVI2I9c3Qz5d5NTzfY2alVFlQoq48sqqgAKMeWq"
    "AnlQeFVwLiTW8fPA3j9+HY82y6Gvl3x9Eb1BF4cEecXuILav6Q9gGrGpQShneM9bbY/JCj"
    "utWlf5tyDm6uXW+7Gewk/N162z1ts3ndZbFWKmubCcrXkren17w2b6oHq+WMRuW+aXUmpY"
    "4JtbfaJsrvlG2Sx+pNSvVAWE4/AaovtN/itL3VFitmL7LD9BWko5HiJVPET6T7ex538BJR"
    "9wXg=="
)

"""payments: The hosted page of a payment in mode `checkout`."""

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE "payments" ADD "checkout_url" TEXT;
        ALTER TABLE "payments" ADD "checkout_id" VARCHAR(80) UNIQUE;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "uid_payments_checkou_c784aa";
        ALTER TABLE "payments" DROP COLUMN "checkout_url";
        ALTER TABLE "payments" DROP COLUMN "checkout_id";"""


MODELS_STATE = (
    "eJztXW134jYW/is6fOnsWZoTIG+b2bPnkISZsk0gS0i3nabHKLYAFVtybTmEdue/ryTbYB"
    "vb2AQIePwpQfdeW34k3zddyX9VTDgzEGH20Q2C2i1iDFmVS/BXhUAD8X9i6VVQgaYZpIom"
    "Bp91KaJxTkWXrJIAn21mQZVx2hDqNqoKFlu1sMkwJULiDtk2HCEb+NcDKnV0DRDKABcElB"
    "yJC2lU5VfCZJRDxiH4DwcpjI4QG8tn+/U33oyJhl6R7f80J8oQI10LPTrWxAVku8Jmpmx7"
    "fGzffJKcoj/Pikp1xyALbnPGxpTM2R0Ha0dCRtBGiCALMqQFgCCOrnu4+U1uj3kDsxw076"
    "q2aNDQEDq6gLPyz6FDVIEiEHdSHIZ1+0ilhgnZkWg5/5fXz4CMonS6feWh1VeUytJQiP5E"
    "kPaaVErEMGIx2hylr+51F+jI1oq4wfUPzd6HxtnfJB7UZiNLEiV2la9SEDLoisoRWEAubu"
    "IY7hQLA389hlY88EGZCPy8w+sA7zcskF/MWx9GH6gtQFsx4Ct/f8iIjfnPi+MUqH9q9iTa"
    "F8cSbcpfM/cd7HiUuiQJ0Bcg287z74i/jjkwDoiUEGeAGL1wjaTEKZBkjIMyBQT57CQDyG"
    "cniSALUhjkMbcznokJY9xHrywe44BIISBOgbTf+rkvrmzY9h96EMoPd82fJcrGzKPcdjuf"
    "ffYA9Ne33asI5NzW6hTGTOtkyAMiJeRrQI4si8bYw2TA5wIl3GvArVpIgKPAGPt4wykMGy"
    "jBDwlJRsDXPNEj/58DHIoKf0CtS/SZ54qmDU37rvXQb97dh8bnptlvCUo9NDZ+64eziO6f"
    "XwT8t93/AYif4Eu304r6lXO+/peK6BN0GFUInSpQC3jNfquP2lfh9w8nATdUNDxDdTKFlq"
    "YsUWidJvEuk4y6EW2BhEcrmgeu6OY8smpryDApQ0Sd/YhmldjoK8JTTY/A8IJbmaBZxijs"
    "3g+kDG4kgcMnmQUg4PLLwVc664ZjrmSXaZPO0upo6+BcpeQ465lqM2UM7XEetENChTAu2/"
    "ZQIbGnccHsvx+6nXiMFxJRA4JVBv4HdGyzAwQ6BViBRboVjxrsiPoXFyiteGnF39uKk2f6"
    "mmC8JWmVzZ4zrTTUrRdpe+eJT66TRcoTabGJ0pXcbzDXyXmO5ERpSp5jt+lSmSE9ObAMqY"
    "VUhF/WUm0R0VK3lboto267RdoIWT3ZtRj9tiCv0HG6ZMym5LoEAZsHMoAOeWihUYdfA/Ar"
    "WrOPgKspYNGpLWkEDGQzVykDYDsGYBT8iSx6BAbQoA5hA4AJMDChFo9UMO/vkorc8r1iFO"
    "yvPkCeIpzwN0b8tdAQWTxuk28fVFVxzcpvb4mervCoTRJSRbFKmL9M0Vffm6D7Gz6NRBe+"
    "/0e93mic148bZxenJ+fnpxfHF1Ux6ThtmXSeohyu2p/bnUiySDSkq2Z/ZuQyhgGZTRrD/f"
    "X3V9q+JQWTE9KwVAlqBFRf02SN+n3+Agb8tbMMAX8tavQXAb8ghcENqe+sCIeEdgdzZVuO"
    "77YXV32zmAPigEgB53EjC8SNZIgbyxAb8QinORMLmdUOxSFAvEOfIpC4ciyhCmZ5JndQpo"
    "izO8vkTp7bS1M7d9xchstluJwrXO5aWlIVpUuqpofJ1NIyl072kKljFXrRqZT8CMaIP4WI"
    "RCGZuW1VHt9yDwOgF2TNgEzByUSgiG6nY6rL0BczLqDxCJgz2Tgul7j1u31L5ZoHmX90bG"
    "TlDMgCImU0Fq3FRLqeG9CQUAlpBFKG1QnKmzQICZWQRmcpg8yJKbRMKRieSxTQI63Vs+QN"
    "6sl5g3rUKTUtHJczSAu35iJltFVGW3sbbaFXE3O9ssZqZViygNHXgURbPiZL4VZwmD0Xfn"
    "mME9VXQKJICqxeOzk/uWicncz11rwlTV25qml/AliHJRazeLTqihB2wbUyhPUv8J0bKcas"
    "z8ZyfEuh4uHv7JO45TCzPn8BTexZlnT9WXK6/mwpXS9QXwY3ucrU5y9rTN9QY2oh/th23l"
    "1+Yakizu6NV1FTVfrc65S8RUQL6EUWLIcfCoqdZ66KxmsNfFR2AyPvdXlfBv5ABjoxfNgb"
    "Z9fbyxTv7frEFe5usDFbaSNkDBkmEwWEXDiwmgKBhlQdcxYdwRdki3USaiJSlaslYgWFoF"
    "cGVLnmYoOBd6EB+DuoxVc2bu9WpQt+SC64HPWcefGgTJkWjzgm5VrYRuE0qJYrRPT5d1gy"
    "xx/YswY7WGXIEibWksPE2vLBL/z2JsoZsISE1oI66jjt0U7bzRcncnsqio9tpFooV4niku"
    "BGsH7v6CSEdv04C9ycKxFvSYsAPkbqhDp54/CIWDmxV05sHzDH0peBTj6OJCpXhGmdFntt"
    "41ASHb+geOt4RSn33Uk89EGxCOzPXG5bVnLeslvkr7rd2xDyV+0otI93Vy1uM+UwcCbMEt"
    "aFy/LnckF+X4zmhhfk00p5WsQxJMZt3h/obUh597KeikhJ5HS5K937VudSJjOeSK/1n8d2"
    "r/WgNK/77S5vFjl4t7ZAhvdPpPnY/6Hba39p3VwC6PAHs/CfSHsi1837/mOv3fl8CVRoMk"
    "cMm98qeN1GwflTt30jWl4o1sTvXuvTY+dGSlpo6BBNSrqtgs9tXHAqn5rt2wVBGUKsC+pN"
    "++H+sS8IGrZNh8le8ZH93LpRrprXP/I+8IEbIU0R6bBo+ud9NkF5aaLlOZasOxcSu1Oex9"
    "vVnG+qBAgt7rk5Og5XvvA4KlcEx2vbTq7Id3paIa+fGyNaBMR37eoShDRbsdALRtM8sz0q"
    "VwTsdxA9e+Ymv8peFiw1d1Rzexjlr55eEizebN6823EgNYiHMnll3ma9I9RCkmXNxb4sxW"
    "epuSgPzvsWR90xtTVHPSxZjvq+jHpM2Y3s/b5V3XTNSlrdDSdXM1XeKNTMWHzTBCrUdVEM"
    "8yBXNgEbQwam0BbFMCJ5AyipgqmFuWdLgEanBDyjIbWQqI7B7onHH3k7QZxRFa02oA5TqY"
    "EEecLBjtk4vZO7PpEnMpig2UA0ifKdwDnQ4nBmWdbDSe67VQU2lVw2B192QzhDgk7Evu15"
    "Z9gUq+gIDOYLwQMghst+IvIWckWcd0qfgekYzTssPsMj6N74fMe7y3sIBpqDuLKQPeTjQw"
    "EUtUc2uhT7wuVtVR1iw/aPXQMGfRG3EpvFxccbPgI8FLQZ0DB/At7Mh1nnKDoIwBF/a8u6"
    "pIOrSyqP+drpMV+rs/yHcORX5brX4jb0Erh+5xO57nY+tXt3vIGSIbaMeZ5+nqYXLZ3r1q"
    "1o4I+t+7+Vx859s33jNysOMSGeZ+b9lPwTeej3mr9cAjFWM/7rl841/zEj6n5k3Sco16qZ"
    "x164s/Nr9UxlU/WUuqn68nFYh7GiUdsWwhtOLfiq2+DWmeaq2lmWLF5mbAsffNuPur+Co1"
    "zuB9vRfjB+dxSTTk/UxXP+Mskb1cQJHxdL+Ujhmz4uttcaoZFpfa2Rsr7WWF5fc8PdvFm1"
    "hVQBM2qHm0Er0+XFT5xmSZeLNNw6b/VCrNyOum9v9d4kxnvoharQgz8mMx6gV9NT49acM2"
    "Nq/AGPCNK+p47YKzpBJOYklniWN+Rbf2c4T9bPYy/P7cx9bidhOKaebcXqni9UQPtUKqwN"
    "KSx3QUt+ZSxeYwUZVqgsL+ngnvKUdT1vip7HlE7cJTULktFHuTyGNWDACbIBBBYyubcFeF"
    "Rj6MiOUWvrXqT80ul+ZGHKc6feJeXlLv7mzHiFhIqXRthGYrH85F8y+MUKM/fGqjeRhdVx"
    "vEH3aCtsOVxwrTLiyaO9YQP7rXwJ740J4mRzmlhknazvk6usi2BU66enWXZlnJ4m78oQtM"
    "h6s2nmQdhjLyC6tUw5+VpKTr4Wc2IEnZ/iEkY4+cDMgEh5ZmbOMzPf1aR9/T+QpGj8"
)

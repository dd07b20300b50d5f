"""What the gateway is compared with: a FastAPI application whose routes do nothing, for those who
show an access token. `python -m rialto.load.floor PORT PUBLIC_KEY_FILE` serves it.

The rule of this file: it is written as the framework's own pages teach it; nothing is checked,
counted or kept but the token, which `/empty` verifies with each request and `/bare` takes for good.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.claims import AUDIENCE
from shared.tokens import ALGORITHM, ISSUER, parse_public_keys


def empty_app(key: Ed25519PublicKey) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    bearer = HTTPBearer()

    async def claims_of(
        credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
    ) -> dict[str, Any]:
        try:
            return jwt.decode(
                credentials.credentials,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
            )
        except jwt.PyJWTError as error:
            raise HTTPException(401) from error

    @app.post("/empty")
    async def empty(claims: Annotated[dict[str, Any], Depends(claims_of)]) -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/bare")
    async def bare(
        credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
    ) -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Serve it until killed."""
    port, key_file = int(sys.argv[1]), Path(sys.argv[2])
    [key] = parse_public_keys(key_file.read_bytes()).values()
    uvicorn.run(
        empty_app(key),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()

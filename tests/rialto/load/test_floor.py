"""The application that the gateway is compared with asks for a token, and does nothing."""

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.identity.tokens import TokenIssuer
from rialto.load.floor import empty_app
from shared.claims import ADMIN_AUDIENCE, AUDIENCE


async def test_it_answers_who_shows_a_token_and_nobody_else() -> None:
    key = Ed25519PrivateKey.generate()
    app = empty_app(key.public_key())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://floor") as client:

        async def status(signer: Ed25519PrivateKey, audience: str) -> int:
            issuer = TokenIssuer(signer, lifetime_s=60)
            token = issuer.issue(
                user_id=1, account_id=2, role="trader", audience=audience, session_id="s"
            )
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.post("/empty", headers=headers)).status_code

        assert await status(key, AUDIENCE) == 200
        assert await status(key, ADMIN_AUDIENCE) == 401
        assert await status(Ed25519PrivateKey.generate(), AUDIENCE) == 401
        for path in ("/empty", "/bare"):
            assert (await client.post(path)).status_code in (401, 403)
        headers = {"Authorization": "Bearer whatever"}
        assert (await client.post("/bare", headers=headers)).status_code == 200

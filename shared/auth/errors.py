"""Why a token or a sign-in is not accepted."""


class TokenInvalid(Exception):
    """The token was not signed by us, was changed, or was made for another purpose."""


class TokenExpired(TokenInvalid):
    """The token was ours, and its time is over."""


class TokenRevoked(TokenInvalid):
    """The token was ours, and what it speaks of ended before its time was over."""


class AccessRefused(Exception):
    """An authorizer's 401. API Gateway knows it by its text alone, which therefore never differs."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")

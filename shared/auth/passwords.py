"""Password hashes by argon2id; the library is imported only where a password is looked at (20 ms)."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# RFC 9106's second recommended option, for memory-constrained environments such as a small Lambda function.
MEMORY_KIB = 65_536
PASSES = 3
LANES = 4


@lru_cache(maxsize=1)
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")


def hash_password(password: str) -> str:
    """The salted hash to store, which names its own parameters."""
    return _hasher().hash(password)


def verify_password(stored_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; without a hash the work is done all the same and the answer is False.

    So the time of an answer does not tell whether an e-mail address has an account.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(stored_hash or _nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored_hash is not None


def needs_rehash(stored_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's and should be made anew at this sign-in."""
    return _hasher().check_needs_rehash(stored_hash)

"""Ways in, on both databases: what is taken is taken once, what is revoked stays so, what is a person's goes with them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import delete, func, select

from bridge.domain.account import ABSOLUTE, IDLE, Account, Role, Scope
from bridge.domain.sign_in import MAX_LOGINS, ApiToken, Invite, Login, OneTime, Purpose
from storage import tables
from storage.database import Database

from .samples import NOW
from .test_accounts import account


def login(user: Account, minutes: int = 0) -> Login:
    """A sign-in."""
    at = NOW + timedelta(minutes=minutes)
    return Login(str(uuid4()), user.id, "password", "Firefox", at, at, at + ABSOLUTE)


async def person(database: Database) -> Account:
    """Somebody stored."""
    made = account(Role.OPERATOR, f"{uuid4().hex}@example.org", name="Ada")
    async with database.begin() as tx:
        await tx.add_account(made)
    return made


async def test_sign_ins(database: Database):
    """A4: found by its hash with its person, touched, taken back alone or with all others."""
    user = await person(database)
    first, second = login(user), login(user, 1)
    async with database.begin() as tx:
        await tx.add_login(first, "one")
        await tx.add_login(second, "two")
    async with database.begin() as tx:
        assert (first, user) == await tx.login("one")
        assert await tx.login("three") is None
        await tx.touch_login(first.id, NOW + timedelta(hours=1))
        assert [first.id, second.id] == [each.id for each in await tx.logins(user.id)]
        assert 1 == await tx.revoke_logins(user.id, now=NOW, but=first.id)
        assert 0 == await tx.revoke_logins(user.id, now=NOW, only=second.id)
        assert 0 == await tx.revoke_logins(str(uuid4()), now=NOW)
        found = [(await tx.login(name))[0].works(NOW + timedelta(hours=2)) for name in ("one", "two")]
    assert found == [True, False]


async def test_how_long_a_sign_in_works():
    """ASVS: the first of idle, absolute and stored end."""
    made = login(account())
    assert made.works(NOW + IDLE - timedelta(seconds=1))
    assert not made.works(NOW + IDLE)
    used = replace(made, seen_at=NOW + ABSOLUTE)
    assert used.works(NOW + ABSOLUTE - timedelta(seconds=1))
    assert not used.works(NOW + ABSOLUTE)
    assert not replace(made, expires_at=NOW).works(NOW)


async def test_a_person_has_only_so_many_sign_ins(database: Database):
    """The newest stay; those that are over go at the next one."""
    user = await person(database)
    async with database.begin() as tx:
        for n in range(MAX_LOGINS + 3):
            await tx.add_login(login(user, n), f"hash {n}")
        assert MAX_LOGINS == len(await tx.logins(user.id))
        assert await tx.login("hash 2") is None
        late = login(user, 60 * 24 * 31)
        await tx.add_login(late, "late")
        assert [late] == await tx.logins(user.id)


async def test_passwords_identities_and_tokens(database: Database):
    """R-160: one password, many identities each of one person, tokens with scopes."""
    user, other = await person(database), await person(database)
    token = ApiToken(str(uuid4()), user.id, "script", "pk_abcde", frozenset({Scope.READ}), NOW, NOW + timedelta(days=1))
    async with database.begin() as tx:
        assert await tx.password(user.id) is None
        await tx.set_password(user.id, "hash one")
        await tx.set_password(user.id, "hash two")
        assert ("hash two", 1) == (await tx.password(user.id), await tx.passwords())
        await tx.set_password(user.id, None)
        assert 0 == await tx.passwords()
        assert await tx.add_identity("https://id.example", "1", user.id)
        assert not await tx.add_identity("https://id.example", "1", other.id)
        assert await tx.add_identity("https://id.example", "2", other.id)
        assert user == await tx.account_of("https://id.example", "1")
        assert await tx.account_of("https://else.example", "1") is None
        assert [("https://id.example", "2")] == await tx.identities(other.id)
        await tx.add_api_token(token, "token hash")
        assert (token, user) == await tx.api_token("token hash")
        await tx.touch_api_token(token.id, NOW)
        assert NOW == (await tx.api_tokens(user.id))[0].used_at
        assert 0 == await tx.revoke_api_tokens(other.id, now=NOW, only=token.id)
        assert 1 == await tx.revoke_api_tokens(user.id, now=NOW)
        found = await tx.api_token("token hash")
    assert found is not None
    assert not found[0].works(NOW)


async def test_a_token_and_a_place_are_taken_once(database: Database):
    """R-135: of twenty at once, one; a token for another purpose, an old and a revoked one do nothing."""
    user = await person(database)
    invite = Invite(str(uuid4()), "beta", Role.REVIEWER, user.id, NOW, NOW + timedelta(days=1), 1)
    offer = OneTime(Purpose.LINK, NOW, NOW + timedelta(minutes=10), user_id=user.id, browser_hash="b")
    async with database.begin() as tx:
        await tx.add_invite(invite, "code")
        await tx.add_one_time(offer, "token")

    async def take() -> tuple[bool, bool]:
        async with database.begin() as tx:
            return await tx.take_invite("code", now=NOW) is not None, await tx.take_one_time(
                "token", Purpose.LINK, now=NOW
            ) == offer

    taken = await asyncio.gather(*(take() for _ in range(20)))
    assert [1, 1] == [sum(each) for each in zip(*taken, strict=True)]
    async with database.begin() as tx:
        assert [replace(invite, taken=1)] == await tx.invites()
        await tx.add_one_time(offer, "second")
        assert await tx.take_one_time("second", Purpose.RESET, now=NOW) is None
        assert await tx.take_one_time("second", Purpose.LINK, now=offer.expires_at) is None
        await tx.add_one_time(offer, "third")
        assert await tx.one_time("second", Purpose.LINK, now=NOW) is None, "a newer letter ends the older one"
        assert offer == await tx.one_time("third", Purpose.LINK, now=NOW)
        other = replace(invite, id=str(uuid4()), places=5)
        await tx.add_invite(other, "other")
        assert await tx.revoke_invite(other.id, now=NOW)
        assert not await tx.revoke_invite(other.id, now=NOW)
        assert await tx.take_invite("other", now=NOW) is None


async def test_a_persons_ways_in_go_with_them(database: Database):
    """P2: nothing that could let somebody in outlives the account; what was done stays noted."""
    user = await person(database)
    async with database.begin() as tx:
        await tx.add_login(login(user), "hash")
        await tx.set_password(user.id, "hash")
        await tx.add_identity("issuer", "subject", user.id)
        await tx.add_api_token(ApiToken(str(uuid4()), user.id, "", "pk_", frozenset(), NOW), "hash")
        await tx.add_one_time(OneTime(Purpose.RESET, NOW, NOW + timedelta(hours=1), user_id=user.id), "hash")
        await tx.audit(user.id, "account.sign-in", user.id)
    async with database.begin() as tx:
        await tx.connection.execute(delete(tables.users).where(tables.users.c.id == user.id))
        for table in (tables.logins, tables.passwords, tables.identities, tables.api_tokens, tables.one_time_tokens):
            assert 0 == await tx.connection.scalar(select(func.count()).select_from(table)), table.name
        assert 1 == len(await tx.audit_trail(actor_id=user.id))

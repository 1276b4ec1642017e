"""People and the audit log, on both databases."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from bridge.domain.account import INCLUDES, Account, Person, Role, Scope
from bridge.domain.session import SessionStatus
from bridge.errors import Conflict, NotFound
from bridge.usecases import people
from bridge.usecases.access import get_session_for
from storage.database import Database

from .samples import NOW, stored


def account(role: Role = Role.CANDIDATE, email: str = "", **changes: Any) -> Account:
    """A person."""
    return replace(Account(id=str(uuid4()), role=role, created_at=NOW, email=email), **changes)


async def test_a_person_comes_back(database: Database):
    """R-160: id, address, name and role; the address in one spelling, found in any."""
    made = account(Role.REVIEWER, " Ada@Example.ORG ", name="Ada")
    async with database.begin() as tx:
        await tx.add_account(made)

    async with database.begin() as tx:
        known = await tx.account_by_email("ADA@example.org")
        assert known == replace(made, email="ada@example.org") == await tx.account(made.id, for_update=True)
        assert [known] == await tx.accounts()
        changed = replace(known, role=Role.OPERATOR, name="A.", disabled_at=NOW)
        await tx.save_account(changed)
        assert changed == await tx.account(made.id)
        assert None is await tx.account(str(uuid4())) is await tx.account("none") is await tx.account_by_email("")


async def test_an_address_is_one_account(database: Database):
    """R-160: the same address in another spelling is taken; many may have none."""
    async with database.begin() as tx:
        await tx.add_account(account(email="ada@example.org"))
        await tx.add_account(account())
        await tx.add_account(account())
    with pytest.raises(Conflict, match="address"):
        async with database.begin() as tx:
            await tx.add_account(account(email="ADA@example.org"))
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await tx.save_account(account())


async def test_the_single_user_may_do_everything(database: Database):
    """Contract §4: in `single` mode the one user works the operator's pages too."""
    async with database.begin() as tx:
        single = await tx.account(await tx.single_user())
    assert single is not None
    assert all(Person(single).may(role) for role in Role)


async def test_what_a_role_opens():
    """C-37: who works here may practise; operators and reviewers are apart; a token without `staff` opens nothing of a role's."""
    opened = {role: {needed for needed in Role if Person(account(role)).may(needed)} for role in Role}
    assert opened == INCLUDES
    assert Role.REVIEWER not in opened[Role.OPERATOR]
    narrow = Person(account(Role.ADMIN), scopes=frozenset({Scope.READ, Scope.WRITE}))
    assert {Role.CANDIDATE} == {needed for needed in Role if narrow.may(needed)}
    assert Person(account(Role.OPERATOR), scopes=frozenset(Scope)).may(Role.OPERATOR)


async def test_the_audit_log(database: Database):
    """A17: newest first, by subject or by person, page by page."""
    ada = str(uuid4())
    async with database.begin() as tx:
        await tx.audit(ada, "calls.look", "one")
        await tx.audit(ada, "calls.end", "two", {"after": 3})
        await tx.audit(None, "account.role", "one")

    async with database.read() as tx:
        rows = await tx.audit_trail()
        assert ["account.role", "calls.end", "calls.look"] == [row.action for row in rows]
        assert (ada, "two", {"after": 3}) == (rows[1].actor_id, rows[1].subject, rows[1].detail)
        assert [rows[0], rows[2]] == await tx.audit_trail(subject="one")
        assert rows[1:] == await tx.audit_trail(actor_id=ada)
        assert [rows[2]] == await tx.audit_trail(before=rows[1].id, limit=5)
        assert [rows[0]] == await tx.audit_trail(limit=1)


async def test_the_last_admin_who_can_come_in_stays(database: Database):
    """C-37: the one user of `single` mode is an admin too, but nobody can sign in as them, so they do not count."""
    async with database.begin() as tx:
        await tx.single_user()
    first = await people.add(database, "first@example.org", Role.ADMIN, "hash", NOW)
    with pytest.raises(Conflict, match="last admin"):
        await people.set_role(database, None, first.id, Role.CANDIDATE, NOW)
    await people.add(database, "second@example.org", Role.ADMIN, None, NOW)

    assert Role.CANDIDATE is (await people.set_role(database, None, first.id, Role.CANDIDATE, NOW)).role


async def test_a_visit_is_noted_or_does_not_happen(database: Database):
    """A17: whoever reaches another's interview by a role leaves a line; who has no such role finds nothing and leaves none."""
    made = await stored(database)
    operator, candidate = account(Role.OPERATOR), account()

    async with database.begin() as tx:
        assert made == await get_session_for(tx, Person(operator), made.id, role=Role.OPERATOR, action="calls.look")
    for person, role in ((candidate, Role.OPERATOR), (operator, Role.REVIEWER)):
        with pytest.raises(NotFound):
            async with database.begin() as tx:
                await get_session_for(tx, Person(person), made.id, role=role, action="calls.look")
    async with database.begin() as tx:
        await tx.save_session(replace(made, status=SessionStatus.DELETED))
    with pytest.raises(NotFound):
        async with database.begin() as tx:
            await get_session_for(tx, Person(operator), made.id, role=Role.OPERATOR, action="calls.look")

    async with database.read() as tx:
        trail = await tx.audit_trail()
    assert [(operator.id, "calls.look", made.id)] == [(row.actor_id, row.action, row.subject) for row in trail]

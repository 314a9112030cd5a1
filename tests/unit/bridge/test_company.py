"""Who runs beside whom, and who has to be alone."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.tasks.company import Company


def test_company_is_had_by_both() -> None:
    company = Company()
    assert company.admits("a", alone=False)
    assert not company.had("a")
    assert company.admits("b", alone=False)
    company.left("b")
    assert company.had("a")
    assert not company.had("b")  # it is over
    company.left("a")
    assert company.admits("c", alone=False)
    assert not company.had("c")


def test_one_that_is_to_be_alone_waits_and_lets_no_other_in() -> None:
    company = Company()
    assert company.admits("a", alone=False)
    assert not company.admits("alone", alone=True)
    assert not company.admits("b", alone=False)
    assert not company.admits("also alone", alone=True)
    company.left("a")
    assert not company.admits("b", alone=False)
    assert company.admits("alone", alone=True)
    assert company.admits("alone", alone=True)
    assert not company.admits("b", alone=False)
    assert not company.had("alone")
    company.left("alone")
    assert company.admits("also alone", alone=True)
    company.left("also alone")
    assert company.admits("b", alone=False)


def test_one_that_gives_up_waiting_blocks_nobody() -> None:
    company = Company()
    assert company.admits("a", alone=False)
    assert not company.admits("alone", alone=True)
    company.left("alone")
    assert company.admits("b", alone=False)


def test_those_under_way_share_the_models() -> None:
    company = Company()
    shares = []
    for name in "abcd":
        company.admits(name, alone=False)
        shares.append(company.share)
    assert shares == [1, 1 / 2, 1 / 3, 1 / 4]
    company.left("a")
    assert company.share == 1 / 3


STEPS = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans(), st.booleans()), max_size=60)


@given(STEPS)
def test_nobody_is_beside_one_that_is_alone(steps: list[tuple[str, bool, bool]]) -> None:
    company = Company()
    under_way: dict[str, bool] = {}
    for name, alone, leaves in steps:
        if leaves:
            company.left(name)
            under_way.pop(name, None)
        elif name not in under_way and company.admits(name, alone=alone):
            under_way[name] = alone
        assert len(under_way) == 1 or not any(under_way.values())
    for name in "abcde":
        company.left(name)
    assert company.admits("last", alone=True)

"""What the containers logged while a test failed is part of its report."""

import time
from collections.abc import Generator

import pytest

from tests.support.containers import running

_started: pytest.StashKey[float] = pytest.StashKey()


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[_started] = time.time()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failed test's report what the containers logged since it began."""
    report = yield
    if report.failed:
        for broker in running():
            logged = broker.logs(tail=60, since=item.stash.get(_started, None))
            if logged.strip():
                report.sections.append((f"log of {broker.name}", logged))
    return report

"""The CA is replaced while requests, pictures and their subscriptions go on."""

import pytest

from tests.support.pinger import Pinger
from tests.support.platform import EXAMPLES, Account, Platform, make
from tests.support.uploader import Uploader

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(2400)]
PICTURES = [EXAMPLES / name for name in ("volvo-ec220e.jpg", "jcb-3cx.jpg")]


@pytest.mark.parametrize("what", ["ca", "edge", "old-ca"])
def test_each_step_goes_unnoticed(platform: Platform, alice: Account, what: str) -> None:
    """Each step's clients read ca.crt anew, as those of a user do that were handed the new one."""
    with Pinger(platform, alice) as pinger, Uploader(alice, PICTURES) as uploader:
        uploader.goes_on()
        make("rotate", platform, f"ARGS=-e certificate={what}")
        uploader.goes_on()
    assert uploader.failures == []
    assert pinger.failures == []
    assert min(pinger.answered.values()) > 20, pinger.answered

"""What tests say where an image is not here: made here by one command, or pulled."""

import pytest

from tests.support import containers


class Engine:
    """An engine without images that pulls, or does not."""

    def __init__(self, pulls: bool) -> None:
        self.pulls = pulls
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, *arguments: str, check: bool = True) -> str:
        self.asked.append(arguments)
        if arguments[0] == "pull" and not self.pulls:
            raise RuntimeError("manifest unknown")
        return ""


@pytest.fixture
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(request.param)
    monkeypatch.setattr(containers, "docker", made)
    return made


@pytest.mark.parametrize("engine", [True], indirect=True)
def test_a_public_image_is_pulled(engine: Engine) -> None:
    containers.have("docker.io/library/rabbitmq:4.0.5")
    assert engine.asked[-1] == ("pull", "--quiet", "docker.io/library/rabbitmq:4.0.5")


@pytest.mark.parametrize("engine", [False], indirect=True)
def test_one_that_cannot_be_pulled_is_said(engine: Engine) -> None:
    with pytest.raises(pytest.fail.Exception, match="cannot be pulled: manifest unknown"):
        containers.have("docker.io/library/rabbitmq:4.0.5")


@pytest.mark.parametrize("engine", [True], indirect=True)
def test_one_that_is_made_here_is_not_asked_for_elsewhere(engine: Engine) -> None:
    with pytest.raises(pytest.fail.Exception, match="run `make supply`"):
        containers.have("trackunit.local/rabbitmq:4.0.5-0123456789ab")
    assert [one[0] for one in engine.asked] == ["image"]

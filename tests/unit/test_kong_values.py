"""What Kong's chart is given: one assertion for each thing that was wrong with a real Kong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.door import DIGEST, Rendered, render


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return render(tmp_path_factory.mktemp("door"))


@pytest.fixture(scope="module")
def env(rendered: Rendered) -> dict[str, str]:
    found: dict[str, str] = rendered.kong["env"]
    return found


def test_only_the_door_listens(rendered: Rendered, env: dict[str, str]) -> None:
    values = rendered.kong
    assert env["admin_gui_listen"] == "off"
    assert values["proxy"]["http"]["enabled"] is False
    assert values["proxy"]["tls"]["containerPort"] == 8443
    # Not enabled, the chart binds the Admin API to loopback, where the controller finds it.
    closed = ("admin", "manager", "portal", "portalapi", "cluster")
    assert [values[name]["enabled"] for name in closed] == [False] * len(closed)


def test_no_request_line_reaches_an_error_log(env: dict[str, str]) -> None:
    assert env["log_level"] == "crit"
    assert env["proxy_error_log"] == env["admin_error_log"] == "/dev/stderr"
    # Warnings are kept where there is no request.
    assert env["nginx_main_error_log"] == env["nginx_http_error_log"] == "/dev/stderr warn"


def test_the_access_log_has_the_format_that_hides_the_query(
    rendered: Rendered, env: dict[str, str]
) -> None:
    assert env["proxy_access_log"] == "/dev/stdout front_door"
    assert "log_format front_door" in rendered.files["kong"]["http.conf"]


def test_nobody_is_told_who_uses_this(rendered: Rendered, env: dict[str, str]) -> None:
    assert env["anonymous_reports"] == "off"
    assert rendered.kong["ingressController"]["env"]["anonymous_reports"] == "false"
    assert env["headers"] == env["headers_upstream"] == "off"


def test_nginx_includes_what_is_mounted(rendered: Rendered, env: dict[str, str]) -> None:
    (mount,) = rendered.kong["extraConfigMaps"]
    for place in ("http", "proxy", "location"):
        folder, _, name = env[f"nginx_{place}_include"].rpartition("/")
        assert folder == mount["mountPath"]
        assert name in rendered.files["kong"]
    assert rendered.kong["podAnnotations"]["checksum/front-door"] == "of-the-test"


def test_a_pod_drains_before_it_is_killed(rendered: Rendered, env: dict[str, str]) -> None:
    (shell, flag, script) = rendered.kong["lifecycle"]["preStop"]["exec"]["command"]
    assert (shell, flag) == ("sh", "-c")
    assert script.startswith("touch /tmp/front-door-draining && exec kong quit ")
    begin = rendered.kong["lifecycle"]["postStart"]["exec"]["command"]
    assert begin == ["rm", "-f", "/tmp/front-door-draining"]
    assert "/tmp/front-door-draining" in rendered.files["kong"]["server.conf"]
    options = dict(part.removeprefix("--").split("=") for part in script.split() if "=" in part)
    wait, timeout = int(options["wait"]), int(options["timeout"])
    drain = int(env["nginx_main_worker_shutdown_timeout"].removesuffix("s"))
    assert wait > 0
    assert drain < timeout
    assert wait + timeout < rendered.kong["terminationGracePeriodSeconds"]


def test_the_controller_waits_for_kong(rendered: Rendered) -> None:
    env = rendered.kong["ingressController"]["env"]
    assert int(env["kong_admin_init_retries"]) >= 60


@pytest.mark.parametrize(
    ("kong", "controller", "semvers"),
    [
        # As the catalog has them, and without a digest.
        (
            f"docker.io/library/kong:3.9.3@{DIGEST}",
            "docker.io/kong/kic:3.4.20",
            ("3.9.3", "3.4.20"),
        ),
        # From a registry with a port, and without a tag.
        (f"127.0.0.1:5001/docker.io/kong:3.9.3@{DIGEST}", f"r:5000/kic@{DIGEST}", ("3.9.3", "3.4")),
    ],
)
def test_image_references_of_every_form(
    tmp_path: Path, kong: str, controller: str, semvers: tuple[str, str]
) -> None:
    images = {"kong": kong, "kong-ingress-controller": controller, "traefik": kong}
    values = render(tmp_path, supply_images=images).kong
    found = (values["image"], values["ingressController"]["image"])
    assert tuple(image["unifiedRepoTag"] for image in found) == (kong, controller)
    assert tuple(image["effectiveSemver"] for image in found) == semvers

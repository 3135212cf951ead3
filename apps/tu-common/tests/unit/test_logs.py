import io
import json
import logging

import pytest

from tu_common import logs


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("svc-test", "INFO", stream)
    return stream


def test_a_line_is_json_with_correlation_id_and_extras(stream: io.StringIO) -> None:
    with logs.correlation("c-1"):
        logging.getLogger("x").info("seen %s", "it", extra={"objectKey": "images/ä"})
    line = json.loads(stream.getvalue())
    assert line["message"] == "seen it"
    assert line["service"] == "svc-test"
    assert line["correlationId"] == "c-1"
    assert line["objectKey"] == "images/ä"


def test_outside_there_is_no_correlation_id(stream: io.StringIO) -> None:
    with logs.correlation("c-1"):
        pass
    logging.getLogger("x").info("seen")
    assert "correlationId" not in json.loads(stream.getvalue())


def test_a_traceback_stays_on_its_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert len(stream.getvalue().splitlines()) == 1
    assert "two\nlines" in json.loads(stream.getvalue())["exception"]

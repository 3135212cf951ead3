"""What tests of several parts of the repository share."""

import importlib.util
import sys
from pathlib import Path

CLIENT_SOURCE = Path(__file__).parents[2] / "apps" / "client-console" / "src"

# The client is used from its source, also where a script of this package runs without pytest.
if importlib.util.find_spec("client_console") is None:
    sys.path.append(str(CLIENT_SOURCE))

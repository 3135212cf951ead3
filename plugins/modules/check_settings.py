"""Documentation of the action `trackunit.platform.check_settings`, for ansible-doc."""

DOCUMENTATION = r"""
module: check_settings
short_description: Refuses settings that cannot work, all at once
version_added: 0.1.0
author: The Trackunit platform maintainers
description:
  - Holds the variables of the play against the schema of the settings
    (C(roles/settings/files/schema)), against rules across settings, and in two cases against this
    machine - the kubeconfig of an existing cluster, and a port that another program listens on.
  - Fails with one sentence for each setting that is wrong. It names the setting, says what is wrong
    and gives an example. The values of secrets are not shown.
  - A variable whose name is nearly that of a setting, or of a role's variable, is refused too,
    unless another variable uses it or C(settings_own_names) lists it.
  - It is an action. It runs on the controller, needs the Python library C(jsonschema) there, and
    changes nothing.
options:
  services:
    description: Names of the services, each of which has settings of its own.
    type: list
    elements: str
    required: true
  secrets:
    description: The names that C(credentials_given) may have.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check the settings
  trackunit.platform.check_settings:
    services: [graph-gateway]
    secrets: [correlation-key]
"""

RETURN = r"""
msg:
  description: What is wrong.
  type: str
  returned: failure
"""

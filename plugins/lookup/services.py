"""Lookup `trackunit.platform.services`: what each service is."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.trackunit.platform.plugins.plugin_utils import services

DOCUMENTATION = r"""
name: services
short_description: What each service is, from its role
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Reads the description of each service in roles/<role>/vars/main.yml and adds what its
    connections bring (network flows and secrets, from the table in role C(service)).
  - Everything that the platform makes for a service follows from this. A description with a mistake
    is refused with a sentence.
options:
  _terms:
    description: Names of services.
    type: list
    elements: str
    required: true
  connections:
    description: Further connections beside those of role C(service), in the same form.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the port of the gateway
  ansible.builtin.debug:
    msg: "{{ lookup('trackunit.platform.services', ['graph-gateway'])['graph-gateway'].port }}"
"""

RETURN = r"""
_value:
  description:
    - By the services' names. Each has C(name), C(role), C(port), C(connections), C(flows) (with
      C(from), C(to), C(why)), C(secrets) (by environment variable), C(settings) (environment
      variable to the name of a setting of the platform), C(drain_seconds), C(termination_seconds).
  type: dict
"""


class LookupModule(LookupBase):  # type: ignore[misc]
    """Ansible's interface to `plugin_utils.services`."""

    def run(
        self, terms: list[Any], variables: dict[str, Any] | None = None, **options: Any
    ) -> list[Any]:
        self.set_options(var_options=variables, direct=options)
        names = [name for term in terms for name in ([term] if isinstance(term, str) else term)]
        try:
            return [services.described(names, self.get_option("connections"))]
        except services.ServiceError as error:
            raise AnsibleLookupError(str(error)) from None

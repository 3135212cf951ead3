#!/usr/bin/python
"""What the action of this name takes and returns; the action does the work, on the controller."""

DOCUMENTATION = r"""
module: supply
short_description: Names or makes the platform's parts
version_added: 0.1.0
author: The Trackunit platform maintainers (@trackunit)
description:
  - Asks the builder in C(supply/) what every image, chart and program is called, or lets it make
    what is missing. Shows each line of a build as it comes.
  - Runs on the controller, where the caches and the Docker engine are.
  - The facts tell roles image references and paths, never where a part came from.
options:
  state:
    description: C(resolved) names every part and makes nothing; C(built) makes what is missing.
    type: str
    choices: [resolved, built]
    default: resolved
  source:
    description: Where third-party parts come from; C(auto) asks and decides part by part.
    type: str
    choices: [auto, registry, packages]
    default: auto
  parts:
    description: Names of the parts to make; all that are used when empty.
    type: list
    elements: str
    default: []
  leave_out:
    description: Names of parts that the settings do not use.
    type: list
    elements: str
    default: []
  ask_again:
    description: Whether to forget what registries and other hosts answered earlier.
    type: bool
    default: false
  keep:
    description: Whether to decide as it was decided before, however long ago; nothing that is
      missing stops the play then.
    type: bool
    default: false
  image_registry:
    description: Where images made here are pushed to; empty for a cluster that is given them.
    type: str
    default: ""
  image_mirror:
    description: A registry with copies of the public images, each under its public host's name.
    type: str
    default: ""
  download_mirror:
    description: URL of a web server with copies of charts and files.
    type: str
    default: ""
  pins_file:
    description: A file of digests for such copies.
    type: str
    default: ""
  cache_dir:
    description: Folder for builds and downloads.
    type: path
    required: true
attributes:
  check_mode:
    description: Says how many parts would be made.
    support: full
"""

EXAMPLES = r"""
- name: Make Kafka's image
  trackunit.platform.supply:
    state: built
    parts: [kafka]
    cache_dir: "{{ platform_cache_dir }}"
"""

RETURN = r"""
made:
  description: Number of parts that were made, or would be in check mode.
  type: int
  returned: always
ansible_facts:
  description: Facts C(supply_images), C(supply_binaries), C(supply_charts) and others, by part.
  type: dict
  returned: always
"""

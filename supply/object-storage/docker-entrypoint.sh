#!/bin/sh
# Arguments go to the gateway as they are; without any, the variables of the upstream image say
# what is served, so that one chart fits both images.
set -eu
if [ "$#" -gt 0 ]; then
  exec versitygw "$@"
fi
# shellcheck disable=SC2086 # VGW_BACKEND_ARGS is a list
exec versitygw "${VGW_BACKEND:?is not set: posix}" ${VGW_BACKEND_ARGS:?is not set: a directory, such as /mnt/data}

#!/bin/sh
# Test a model on a board of a lab: labgrid reserves it and gives its power, tinygen talks to it over rfc2217://.
#   labgrid-test.sh PLACE BOARD MODEL
# labgrid brings a pyserial of its own, so it lives in an environment of its own:
#   python3 -m venv ~/labgrid && ~/labgrid/bin/pip install labgrid
# The board runs the tester's firmware already: `tinygen test --port /dev/ttyUSB0`, once, where it is connected.
set -eu
place=$1 board=$2 model=$3
labgrid=${LABGRID:-$HOME/labgrid/bin/labgrid-client}

"$labgrid" -p "$place" acquire
trap '"$labgrid" -p "$place" release' EXIT
"$labgrid" -p "$place" power cycle || echo "no power switch at $place: going on without" >&2
# `show` prints the resource that the exporter made of the serial port, with the host and port of its ser2net
address=$("$labgrid" -p "$place" show | python3 -c '
import re, sys
text = sys.stdin.read()
host = re.search(r".host.: .([^\x27\"]+).", text)
port = re.search(r".port.: (\d+)", text)
if not host or not port:
    sys.exit("the place has no serial port that is exported")
print(f"{host[1]}:{port[1]}")')
tinygen test --board "$board" --port "rfc2217://$address" "$model"

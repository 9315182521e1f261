# SPDX-License-Identifier: Apache-2.0
"""Every time budget (seconds) and size bound (bytes, pieces) of the service, and the sums that must hold."""

# --- What was promised -------------------------------------------------------------------------------------------
# From a request's last byte to its answer, time in any queue included.
ANSWER_SECONDS = 12.0
# A request must have arrived whole within this, and its answer be taken within this.
CLIENT_SECONDS = 10.0
# A POST that creates a workflow costs money, and is never sent with less than this to hear the answer.
START_NEEDS_SECONDS = 4.0
# What the gate may look for before it decides.
LOOK_SECONDS = 2.0

# --- How it is kept ----------------------------------------------------------------------------------------------
# All that a request does, but for waiting until it begins and sending its answer.
REQUEST_SECONDS = 11.0
# One call of Kratos' admin API; and one operation of Jumio's, the token included.
KRATOS_SECONDS = 3.0
JUMIO_SECONDS = 5.5
# A connection that is not there after this never will be.
CONNECT_SECONDS = 2.0
# How long a call may wait for its place among those in flight to the same peer, before it is refused. It comes on top
# of the seconds of Kratos' calls, and counts for the request's.
PLACE_SECONDS = 4.0
# `sync`, `reverify`: no request waits for them.
COMMAND_JUMIO_SECONDS = 15.0
# One operation of Valkey's, a place among the connections to it included.
COORDINATION_SECONDS = 0.25
# Nobody else starts a workflow for a person for so long, should whoever does be killed.
STARTING_SECONDS = 30.0
# Where a policy orders a start from within the gate; Kratos waits 30 s for its hook.
OFFER_SECONDS = 8.5

# The three stages of a start: read from Kratos, start at Jumio, note in Kratos.
assert KRATOS_SECONDS + START_NEEDS_SECONDS + KRATOS_SECONDS <= REQUEST_SECONDS < ANSWER_SECONDS
# Valkey may be slow at each of the four questions before the POST, and at each of the three things that it is told when
# the time is over.
_ASKED, _TOLD = 4 * COORDINATION_SECONDS, 3 * COORDINATION_SECONDS
assert KRATOS_SECONDS + _ASKED + START_NEEDS_SECONDS + KRATOS_SECONDS <= REQUEST_SECONDS
assert REQUEST_SECONDS + _TOLD < ANSWER_SECONDS
# Whoever starts is known to for as long as it takes until what was paid for is remembered.
assert PLACE_SECONDS + KRATOS_SECONDS + COMMAND_JUMIO_SECONDS + _ASKED < STARTING_SECONDS
assert REQUEST_SECONDS < STARTING_SECONDS
assert LOOK_SECONDS + OFFER_SECONDS <= REQUEST_SECONDS

# --- Sizes -------------------------------------------------------------------------------------------------------
MAX_BODY_BYTES = 1 << 20
MAX_ANSWER_BYTES = 1 << 20
# All of a request that is read: its head and the framing of its chunks too. What is thrown away after the answer is
# bounded by the request's time alone.
MAX_REQUEST_BYTES = 2 << 20
# So much memory the bodies of each of three kinds share while they arrive: those that come with a secret and are longer
# than this, and of all others the short and the long ones.
SHORT_BODY_BYTES = 64 << 10
ARRIVING_BODIES_BYTES = 16 << 20
# Calls in flight to one peer from one process, unless set otherwise.
KRATOS_MAX_IN_FLIGHT = 100
JUMIO_MAX_IN_FLIGHT = 500
# Connections to Valkey from one process, and one answer of it. An operation takes a fraction of a millisecond.
VALKEY_CONNECTIONS = 10
VALKEY_ANSWER_BYTES = 128 << 10
# Connections to one process. So many below it, each new one costs the one that has been idle for longest.
MAX_CONNECTIONS = 4096
SPARE_CONNECTIONS = 64
# Log lines that wait for a reader; what comes on top is lost, and counted.
LOG_BACKLOG_BYTES = 4 << 20

"""A demo world and a simulated hospital: what a stranger needs to try the platform at once.

The world is filled through the services of registry and ledger; the hospital speaks HTTP through
``yibao.client`` like anyone else. Every person and institution here is invented.
"""

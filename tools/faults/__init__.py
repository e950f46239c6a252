"""A load generator and checker: what is acknowledged is kept and streamed exactly once.

`python -m tools.faults SCENARIO` runs a real server under load while its surroundings fail, and
reports what was lost, doubled or out of order. `scenarios` has the faults, `load` the writers,
`producers` those that use the ingest endpoint, `subscriber` the subscribers and `checker` the
verdict; `tampering` is for the test of the checker.
"""

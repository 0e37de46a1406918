"""High availability for real: PostgreSQL with automatic failover, homeport nodes over it, and a death in a storm.

`python -m failover` (`make failover`) starts etcd, Patroni, HAProxy and homeport on loopback addresses, one for each
machine that an operator would have, and kills machines while devices register. Afterwards every registration that a
device was told of must be there, once. `configuration/` holds the files that operators copy
(docs/how-to/run-highly-available.md). Knows homeport from outside, but for the packets and tokens of its devices.
"""

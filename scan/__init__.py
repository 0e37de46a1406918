"""TLS as strangers see it: testssl.sh and sslyze against a homeport of its own, and what is made of their findings.

`python -m scan` (`make scan`) starts the server, runs both on its three ports at once, writes their reports to
`results/` and fails on what is not accepted in `findings.py`. Knows homeport from outside only.
"""

"""The sandbox: untrusted programs against tests, isolated, fast, and judged from outside."""

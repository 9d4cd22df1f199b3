"""The store of scored groups: an append-only folder of SQLite files, and what is asked of it.

    Scorer ──▶ writer (a bounded queue, one thread) ──▶ segments, the oldest out ──▶ reader ──▶ queries ──▶ the page
    scored files ──▶ one segment that is thrown away ───────────────────────────────────┘

It holds what a reply shows, and neither references nor keys. Reading needs no gateway, and works while one writes.
"""

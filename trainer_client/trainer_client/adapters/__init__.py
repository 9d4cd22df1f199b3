"""Touchstone's rewards in the shape that each trainer asks for. No module here imports its trainer when it loads.

    a trainer's call ─▶ rows, single: what it sent, as trainer_client.dialect reads it ─▶ the client
    its reward       ◀─ siblings, alone: its own word for "no verdict"                 ◀────┘

settings: TOUCHSTONE_* of the environment, one client a process.

Which module serves which trainer, and with what flags: docs/trainers.
"""

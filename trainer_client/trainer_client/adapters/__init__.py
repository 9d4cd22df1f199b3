"""Touchstone's rewards in the shape that each trainer asks for. No module here imports its trainer when it loads.

    a trainer's call ─▶ dialect: what it sent, as Group or Sample ─▶ the client ─▶ its own word for "no verdict"
                             settings: TOUCHSTONE_* of the environment, one client a process

Which module serves which trainer, and with what flags: docs/trainers.
"""

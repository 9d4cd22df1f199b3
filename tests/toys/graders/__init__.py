"""Graders with one fault each, of kinds that public reports describe, and sound ones: what `touchstone audit` is held to.

answers, programs, documents, judges    the graders: (completion, reference, prompt) → score
fresh                                    a second set, written before the audit ran on it
verifier                                 a verifier that calls one of them by name
table                                    for each: its data, its cause, and the families that must be found
"""

"""`touchstone audit`: attack a configured domain before training.

items ──▶ control ──▶ attempts ──▶ scorer: POST /score ──▶ findings ──▶ report
          (the reference must be paid)   (wrong by construction, or by a second library)

values, frames                     what an answer is worth, and how a completion presents it
policies                           attempts that know no reference
negatives, programs, calls, documents, judges    attempts made from an item's own reference, one module a kind
stability, search, shortest        the same request again; combinations of attempts; the shortest paid text
"""

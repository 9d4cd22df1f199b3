"""Drop-in endpoints for trainers that speak their own dialect: `/compat/*`.

openrlhf.py  slime.py  nemo_gym.py        a dialect each: its wire, its clients' patience, its word for no verdict
     └──────────┼──────────┘
front.py     what their routes share
normal.py    what peers send ──▶ the contract's shape, in one place
groups.py    who is whose sibling, when samples come one by one
answers.py   the sample's answer, before its client's time is out
numbers.py   a result under names that are the same for every sample
"""

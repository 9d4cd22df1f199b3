"""Drop-in endpoints for trainers that speak their own dialect: `/compat/*`.

openrlhf.py  slime.py  nemo_gym.py   a dialect each: its wire, how long its clients wait, its word for no verdict
     └──────────┼──────────┘         (nemo_gym stands on responses.py and aggregate.py)
endpoint.py  what their routes share
samples.py   what trainers send, as trainer_client.dialect reads it, in the gateway's types
answers.py   the sample's answer, before its client's time is out
numbers.py   a result under names that are the same for every sample
"""

"""What trainers send, and what stands for no verdict: the one place for both. It needs the standard library alone.

labels.py       a data set's label            ──▶ the contract's reference
messages.py     chat messages of any maker    ──▶ role, text and reasoning
end_tokens.py   … <|im_end|> at a text's end  ──▶ removed
prefill.py      a prompt that ends in <think> ──▶ the completion's prefix; prompt + response ──▶ the response
sample.py       all of these, for one sample

grouping.py     which samples are siblings, and when a group is settled
imputation.py   the number for a sample without a verdict, for trainers that need a number
waiting.py      how a thread or an event loop waits for a group

openrlhf.py     the shape of OpenRLHF's rewards
reflection.py   R1's reflective words

The adapters, the gateway's trainer endpoints, the verifiers and the trainer's log import it. Prompts and labels come from
the data set. Completions are hostile, so every function is linear in its text.
"""

"""How good a policy is, from verdicts of the gateway.

estimators   pass@1, pass@k, cons@k of one problem's attempts; numbers in, numbers out
summary      attempts of many problems -> one table, by difficulty too
sampling     a policy's attempts: sampled by an engine, judged by the gateway
rating       solved problems of known rating -> a Codeforces-style rating
"""
